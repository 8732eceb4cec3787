#include "tempfile/temporary_directory.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <stdexcept>
#include <type_traits>

#include "helpers.hpp"
#include "support/scratch.hpp"
#include "tempfile/location.hpp"

namespace tempfile::test {
namespace {

static_assert(std::is_nothrow_move_constructible_v<temporary_directory> &&
              std::is_nothrow_move_assignable_v<temporary_directory> &&
              std::is_nothrow_swappable_v<temporary_directory>);
static_assert(!std::is_copy_constructible_v<temporary_directory> && !std::is_copy_assignable_v<temporary_directory>);

class directory_test : public testing::Test {
protected:
    temporary_directory make(delete_when deletion = delete_when::destroyed) {
        return temporary_directory({.dir = dir.path(), .deletion = deletion});
    }

    scratch dir;
};

void fill(const std::filesystem::path& path) {
    std::filesystem::create_directories(path / "a/b/c");
    write_file(path / "a/b/c/deep", "x");
    write_file(path / "top", "x");
}

// --- What it is ---

TEST_F(directory_test, it_is_private_and_empty) {
    const file_mode_mask all_allowed(0);
    const temporary_directory made({.prefix = "build-", .suffix = ".d", .dir = dir.path()});
    EXPECT_TRUE(made.path().is_absolute());
    EXPECT_EQ(made.path().parent_path(), dir.path());
    const std::string name = made.path().filename().string();
    EXPECT_TRUE(name.starts_with("build-") && name.ends_with(".d")) << name;
    EXPECT_EQ(permissions_of(made.path()), 0700U);
    EXPECT_TRUE(std::filesystem::is_empty(made.path()));
}

TEST_F(directory_test, S2_one_call_makes_it_with_its_final_mode) {
    std::ignore = make();  // the first of a process is looked at
    const count_calls<&sys::calls::create_directory> creates;
    const count_calls<&sys::calls::set_permissions> changes;
    const count_calls<&sys::calls::open_directory> opens;
    const count_calls<&sys::calls::remove_directory> removals;
    const count_calls<&sys::calls::close> closes;
    { const auto made = make(); }
    EXPECT_EQ(creates.count(), 1);
    EXPECT_EQ(opens.count(), 1);
    EXPECT_EQ(removals.count(), 1);
    EXPECT_EQ(closes.count(), 1);
    EXPECT_EQ(changes.count(), 0);
}

TEST_F(directory_test, without_options_it_is_in_gettempdir_and_called_tmp_something) {
    const temporary_directory made;
    EXPECT_EQ(made.path().parent_path(), gettempdir());
    EXPECT_TRUE(made.path().filename().string().starts_with("tmp"));
}

TEST_F(directory_test, a_slash_makes_paths_inside) {
    const auto made = make();
    write_file(made / "a.txt", "hello");
    EXPECT_EQ(contents(made.path() / "a.txt"), "hello");
    EXPECT_EQ(made / "sub/b", made.path() / "sub" / "b");
}

TEST_F(directory_test, it_holds_its_descriptor) {
    auto made = make();
    const int handle = made.native_handle();
    struct stat held {};
    struct stat named {};
    ASSERT_EQ(::fstat(handle, &held), 0);
    ASSERT_EQ(::lstat(made.path().c_str(), &named), 0);
    EXPECT_EQ(held.st_ino, named.st_ino);
    EXPECT_EQ(::fcntl(handle, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    const int inside = ::openat(handle, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    EXPECT_GE(inside, 0);
    ::close(inside);
    made.cleanup();
    EXPECT_EQ(made.native_handle(), -1);
    EXPECT_FALSE(is_open(handle));
}

// --- When it is removed ---

TEST_F(directory_test, the_destructor_removes_everything) {
    for (const auto deletion : {delete_when::destroyed, delete_when::closed}) {
        {
            const auto made = make(deletion);
            fill(made.path());
        }
        EXPECT_TRUE(dir.empty());
    }
}

TEST_F(directory_test, a_link_in_it_is_not_followed) {
    const scratch outside;
    write_file(outside / "canary", "stays");
    {
        const auto made = make();
        std::filesystem::create_directory_symlink(outside.path(), made / "link");
    }
    EXPECT_TRUE(dir.empty());
    EXPECT_TRUE(stands(outside / "canary"));
}

TEST_F(directory_test, delete_never_leaves_it_to_the_caller) {
    std::filesystem::path path;
    {
        const auto made = make(delete_when::never);
        path = made.path();
    }
    EXPECT_TRUE(stands(path));
}

TEST_F(directory_test, keep_cancels_the_deletion) {
    std::filesystem::path kept;
    {
        auto made = make();
        fill(made.path());
        kept = made.keep();
        EXPECT_EQ(kept, made.path());
        EXPECT_EQ(made.native_handle(), -1);
        made.cleanup();
        EXPECT_TRUE(stands(kept)) << "there is nothing to clean up after keep()";
    }
    EXPECT_TRUE(stands(kept / "a/b/c/deep"));
}

TEST_F(directory_test, cleanup_removes_everything_whatever_deletion_says_and_twice_is_harmless) {
    for (const auto deletion : {delete_when::destroyed, delete_when::closed, delete_when::never}) {
        auto made = make(deletion);
        fill(made.path());
        const auto path = made.path();
        made.cleanup();
        EXPECT_FALSE(stands(path));
        EXPECT_EQ(made.path(), path) << "the path stays known";
        made.cleanup();
        std::error_code ec = std::make_error_code(std::errc::io_error);
        made.cleanup(ec);
        EXPECT_FALSE(ec);
    }
}

TEST_F(directory_test, what_is_made_again_under_its_name_after_cleanup_is_not_ours) {
    std::filesystem::path path;
    {
        auto made = make();
        path = made.path();
        made.cleanup();
        std::filesystem::create_directory(path);
    }
    EXPECT_TRUE(stands(path));
}

TEST_F(directory_test, one_that_is_gone_already_is_no_error) {
    auto made = make();
    std::filesystem::remove(made.path());
    made.cleanup();
    { const auto destroyed = make(); }
    EXPECT_TRUE(dir.empty());
}

TEST_F(directory_test, T1_a_change_of_the_working_directory_does_not_matter) {
    std::filesystem::create_directories(dir / "here/sub");
    std::filesystem::create_directories(dir / "there/sub");
    const working_directory here(dir / "here");
    {
        const temporary_directory made({.dir = "sub"});
        EXPECT_TRUE(made.path().is_absolute());
        fill(made.path());
        const working_directory there(dir / "there");
        std::filesystem::create_directory(dir / "there/sub" / made.path().filename());
    }
    EXPECT_TRUE(std::filesystem::is_empty(dir / "here/sub"));
    EXPECT_FALSE(std::filesystem::is_empty(dir / "there/sub")) << "what stands there is not ours";
}

// --- When the name leads elsewhere ---

TEST_F(directory_test, S4_moved_away_it_is_not_touched) {
    auto made = make();
    fill(made.path());
    std::filesystem::rename(made.path(), dir / "moved");
    made.cleanup();
    EXPECT_TRUE(stands(dir / "moved/a/b/c/deep"));
}

TEST_F(directory_test, S4_neither_it_nor_what_replaced_it_is_touched) {
    auto made = make();
    fill(made.path());
    std::filesystem::rename(made.path(), dir / "moved");
    fill(made.path());
    EXPECT_EQ(thrown([&] { made.cleanup(); }).value(), ESTALE);
    std::error_code ec;
    made.cleanup(ec);
    EXPECT_EQ(ec.value(), ESTALE);
    { const auto destroyed = std::move(made); }
    EXPECT_TRUE(stands(dir / "moved/a/b/c/deep"));
    EXPECT_EQ(dir.names().size(), 2U);
}

TEST_F(directory_test, S4_an_empty_directory_at_its_name_goes_and_what_was_moved_away_is_not_emptied) {
    auto made = make();
    fill(made.path());
    std::filesystem::rename(made.path(), dir / "moved");
    std::filesystem::create_directory(made.path());
    made.cleanup();
    EXPECT_FALSE(stands(made.path())) << "the name is ours";
    EXPECT_TRUE(stands(dir / "moved/a/b/c/deep"));
}

TEST_F(directory_test, S4_a_link_or_a_file_that_replaced_it_is_not_touched) {
    const scratch elsewhere;
    fill(elsewhere / "canary");
    auto linked = make();
    std::filesystem::rename(linked.path(), dir / "moved");
    std::filesystem::create_directory_symlink(elsewhere / "canary", linked.path());
    EXPECT_EQ(thrown([&] { linked.cleanup(); }).value(), ESTALE);
    EXPECT_TRUE(stands(linked.path()));
    EXPECT_TRUE(stands(elsewhere / "canary/a/b/c/deep"));

    auto filed = make();
    std::filesystem::remove(filed.path());
    write_file(filed.path(), "somebody's");
    EXPECT_EQ(thrown([&] { filed.cleanup(); }).value(), ESTALE);
    EXPECT_EQ(contents(filed.path()), "somebody's");
}

TEST_F(directory_test, T2_a_link_inside_is_removed_and_not_followed) {
    const scratch elsewhere;
    fill(elsewhere / "canary");
    auto made = make();
    std::filesystem::create_directory_symlink(elsewhere / "canary", made / "link");
    std::filesystem::create_hard_link(elsewhere / "canary/top", made / "hard");
    made.cleanup();
    EXPECT_TRUE(dir.empty());
    EXPECT_TRUE(stands(elsewhere / "canary/a/b/c/deep"));
    EXPECT_EQ(contents(elsewhere / "canary/top"), "x");
}

// --- Errors ---

using remove_file_call = replace_call<&sys::calls::remove_file>;

// Refuses to remove entries whose names begin so.
remove_file_call refuse(const std::string& prefix) {
    return remove_file_call([prefix](sys::handle at, const char* name) {
        return std::string_view(name).starts_with(prefix) ? EPERM : remove_file_call::real(at, name);
    });
}

TEST_F(directory_test, T12_an_error_does_not_stop_the_rest_and_can_be_repeated) {
    auto made = make();
    fill(made.path());
    write_file(made / "stubborn", "x");
    {
        const auto stubborn = refuse("stubborn");
        try {
            made.cleanup();
            ADD_FAILURE() << "no error";
        } catch (const std::filesystem::filesystem_error& e) {
            EXPECT_EQ(e.code(), std::errc::operation_not_permitted);
            EXPECT_EQ(e.path1(), made / "stubborn");
        }
        EXPECT_FALSE(stands(made / "a"));
        EXPECT_FALSE(stands(made / "top"));
    }
    EXPECT_TRUE(stands(made / "stubborn"));
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_F(directory_test, T25_the_message_counts_what_could_not_be_removed) {
    auto made = make();
    std::filesystem::create_directories(made / "sub");
    for (int i = 0; i < 30; ++i) {
        write_file(made / "sub" / ("stubborn" + std::to_string(i)), "x");
    }
    const auto stubborn = refuse("stubborn");
    const std::string message = message_of([&] { made.cleanup(); });
    EXPECT_TRUE(mentions(message, "cannot remove")) << message;
    EXPECT_TRUE(mentions(message, "(and 29 more)")) << message;
    EXPECT_TRUE(mentions(message, (made / "sub/stubborn").string())) << message;
}

TEST_F(directory_test, cleanup_reports_what_was_removed_and_what_was_not) {
    auto made = make();
    fill(made.path());
    write_file(made / "stubborn", "x");
    removal_report left;
    {
        const auto stubborn = refuse("stubborn");
        try {
            made.cleanup();
            ADD_FAILURE() << "no error";
        } catch (const removal_error& e) {
            left = e.report();
        }
        std::error_code ec;
        EXPECT_EQ(made.cleanup(ec).failed, 1U);
        EXPECT_TRUE(ec);
    }
    EXPECT_FALSE(left.complete);
    EXPECT_GT(left.entries, 0U);
    ASSERT_EQ(left.failures.size(), 1U);
    EXPECT_EQ(left.failures.front().path, made / "stubborn");
    const removal_report rest = made.cleanup();
    EXPECT_EQ(rest.entries, 2U);
    EXPECT_TRUE(rest.complete);
    EXPECT_EQ(made.cleanup().entries, 0U) << "a second time there is nothing to be done";
}

TEST_F(directory_test, ignore_cleanup_errors_removes_what_can_be_removed_and_does_not_complain) {
    temporary_directory made({.dir = dir.path(), .ignore_cleanup_errors = true});
    fill(made.path());
    write_file(made / "stubborn", "x");
    {
        const auto stubborn = refuse("stubborn");
        EXPECT_NO_THROW(made.cleanup());
        std::error_code ec = std::make_error_code(std::errc::io_error);
        made.cleanup(ec);
        EXPECT_FALSE(ec);
    }
    EXPECT_TRUE(stands(made / "stubborn"));
    EXPECT_FALSE(stands(made / "a"));
    made.cleanup();
    EXPECT_TRUE(dir.empty()) << "what could not be removed was still owned";
}

void fill_with_many(const std::filesystem::path& path) {
    for (int n = 0; n < 1000; ++n) {
        write_file(path / std::to_string(n), "x");
    }
}

TEST_F(directory_test, cleanup_that_is_stopped_still_owns_the_rest) {
    auto made = make();
    fill_with_many(made.path());
    const auto stop = [](const removal_progress&) { return false; };
    std::error_code ec;
    const removal_report first = made.cleanup(stop, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_FALSE(first.complete);
    EXPECT_LT(first.entries, 1000U);
    EXPECT_TRUE(made.still_there());
    try {
        made.cleanup(stop);
        ADD_FAILURE() << "no error";
    } catch (const removal_error& e) {
        EXPECT_EQ(e.code(), std::errc::operation_canceled);
        EXPECT_FALSE(e.report().complete);
    }
    EXPECT_TRUE(made.still_there());
    removal_progress last{};
    const removal_report rest = made.cleanup([&](const removal_progress& now) {
        last.entries = now.entries;
        return true;
    });
    EXPECT_TRUE(rest.complete);
    EXPECT_EQ(last.entries, rest.entries);
    EXPECT_TRUE(dir.empty());
}

TEST_F(directory_test, the_destructor_removes_what_a_cleanup_left_that_was_stopped) {
    {
        temporary_directory made({.dir = dir.path(), .ignore_cleanup_errors = true});
        fill_with_many(made.path());
        EXPECT_FALSE(made.cleanup([](const removal_progress&) { return false; }).complete) << "no error, but told";
        EXPECT_TRUE(made.still_there());
    }
    EXPECT_TRUE(dir.empty());
}

TEST_F(directory_test, what_progress_throws_reaches_the_caller_of_cleanup) {
    auto made = make();
    fill_with_many(made.path());
    EXPECT_THROW(made.cleanup([](const removal_progress&) -> bool { throw std::out_of_range("enough"); }),
                 std::out_of_range);
    EXPECT_TRUE(made.still_there());
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_F(directory_test, a_directory_that_cannot_itself_be_removed_is_an_error) {
    auto made = make();
    using call = replace_call<&sys::calls::remove_directory>;
    {
        const call busy([](auto&&...) { return EBUSY; });
        EXPECT_EQ(thrown([&] { made.cleanup(); }).value(), EBUSY);
    }
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_F(directory_test, one_that_somebody_keeps_filling_ends_with_an_error) {
    auto made = make();
    int n = 0;
    using call = replace_call<&sys::calls::remove_directory>;
    {
        const call filled_again([&](sys::handle at, const char* name) {
            if (at == sys::working_directory) {
                write_file(made / ("again" + std::to_string(n++)), "x");
            }
            return call::real(at, name);
        });
        EXPECT_EQ(thrown([&] { made.cleanup(); }), std::errc::directory_not_empty);
    }
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_F(directory_test, error_code_form_owns_nothing_when_it_fails) {
    std::error_code ec;
    temporary_directory made({.dir = dir / "missing"}, ec);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
    EXPECT_TRUE(made.path().empty());
    EXPECT_EQ(made.native_handle(), -1);
    EXPECT_TRUE(made.keep().empty());
    made.cleanup();
    const temporary_directory good({.dir = dir.path()}, ec);
    EXPECT_FALSE(ec);
    EXPECT_TRUE(stands(good.path()));
}

// --- Values ---

TEST_F(directory_test, T18_values) {
    auto a = make();
    const auto first = a.path();
    auto& same = a;
    a = std::move(same);
    a.swap(same);
    swap(a, same);
    EXPECT_TRUE(stands(first)) << "self-move must not delete";
    EXPECT_TRUE(is_open(a.native_handle()));

    auto b = make(delete_when::never);
    const auto second = b.path();
    swap(a, b);
    EXPECT_EQ(a.path(), second);
    EXPECT_EQ(b.path(), first);

    a = make();
    EXPECT_TRUE(stands(second)) << "delete_when::never went along with swap, and holds for move-assignment";
    const auto third = a.path();
    const int handle = a.native_handle();
    a = std::move(b);
    EXPECT_FALSE(stands(third)) << "move-assignment removes what was there";
    EXPECT_FALSE(is_open(handle));
    EXPECT_EQ(a.path(), first);
    EXPECT_TRUE(b.path().empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(b.native_handle(), -1);
    b.cleanup();
    EXPECT_TRUE(b.keep().empty());
    { const auto last = std::move(a); }
    EXPECT_FALSE(stands(first));
}

// --- Fork ---

TEST_F(directory_test, T5_in_a_forked_child_nothing_is_deleted) {
    auto made = make();
    fill(made.path());
    const pid_t child = ::fork();
    if (child == 0) {
        std::error_code ec;
        made.cleanup(ec);
        { const auto destroyed = std::move(made); }
        ::_exit(ec.value() == EPERM ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "cleanup() in a child is EPERM";
    EXPECT_TRUE(stands(made / "a/b/c/deep"));
}

}  // namespace
}  // namespace tempfile::test
