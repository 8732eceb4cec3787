#include "tempfile/named_temporary_file.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "helpers.hpp"
#include "support/scratch.hpp"
#include "tempfile/location.hpp"
#include "values.hpp"

namespace tempfile::test {
namespace {

using remove_file_call = replace_call<&sys::calls::remove_file>;

class named_test : public testing::Test {
protected:
    named_temporary_file make(delete_when deletion = delete_when::closed) {
        return named_temporary_file({.dir = dir.path(), .deletion = deletion});
    }

    scratch dir;
};

// --- The name ---

TEST_F(named_test, the_path_is_absolute_and_others_can_open_it) {
    named_temporary_file report({.prefix = "report-", .suffix = ".csv", .dir = dir.path()});
    EXPECT_EQ(report.path().parent_path(), dir.path());
    EXPECT_TRUE(report.path().filename().string().starts_with("report-"));
    EXPECT_EQ(report.path().extension(), ".csv");
    report << "a,b\n" << 1 << ',' << 2 << '\n';
    EXPECT_EQ(contents(report.path()), "") << "not before it is flushed";
    report.flush();
    EXPECT_EQ(contents(report.path()), "a,b\n1,2\n");
}

TEST_F(named_test, nobody_else_gets_in) {
    const file_mode_mask all_allowed(0);
    const auto fp = make();
    EXPECT_EQ(permissions_of(fp.path()), 0600U);
    EXPECT_EQ(::fcntl(fp.native_handle(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(named_test, without_options_it_is_in_gettempdir_and_called_tmp_something) {
    const named_temporary_file fp;
    EXPECT_EQ(fp.path().parent_path(), gettempdir());
    EXPECT_TRUE(fp.path().filename().string().starts_with("tmp"));
}

TEST_F(named_test, the_path_stays_known_after_close) {
    auto fp = make();
    const auto path = fp.path();
    fp.close();
    EXPECT_EQ(fp.path(), path);
    const auto other = std::move(fp);
    EXPECT_EQ(other.path(), path);
    EXPECT_TRUE(fp.path().empty());  // NOLINT(bugprone-use-after-move)
}

TEST_F(named_test, T1_a_change_of_the_working_directory_does_not_matter) {
    std::filesystem::create_directories(dir / "here/sub");
    std::filesystem::create_directories(dir / "there/sub");
    const working_directory here(dir / "here");
    {
        const named_temporary_file fp({.dir = "sub"});
        EXPECT_TRUE(fp.path().is_absolute());
        const working_directory there(dir / "there");
        write_file(dir / "there/sub" / fp.path().filename(), "somebody's");
    }
    EXPECT_TRUE(std::filesystem::is_empty(dir / "here/sub"));
    EXPECT_FALSE(std::filesystem::is_empty(dir / "there/sub")) << "what stands there is not ours";
}

// --- When it is removed ---

TEST_F(named_test, delete_when_closed_removes_by_close) {
    auto fp = make();
    EXPECT_TRUE(stands(fp.path()));
    fp.close();
    EXPECT_TRUE(dir.empty());
    fp.close();
}

TEST_F(named_test, delete_when_closed_removes_by_the_destructor) {
    { const auto fp = make(); }
    EXPECT_TRUE(dir.empty());
}

TEST_F(named_test, delete_when_destroyed_can_be_closed_and_opened_again_by_name) {
    {
        auto fp = make(delete_when::destroyed);
        fp << "text";
        fp.close();
        EXPECT_EQ(contents(fp.path()), "text");
    }
    EXPECT_TRUE(dir.empty());
}

TEST_F(named_test, delete_never_leaves_it_to_the_caller) {
    std::filesystem::path path;
    {
        auto fp = make(delete_when::never);
        path = fp.path();
        fp << "text";
    }
    EXPECT_EQ(contents(path), "text") << "the destructor writes out what stays";
    {
        auto fp = make(delete_when::never);
        path = fp.path();
        fp << "text";
        fp.close();
    }
    EXPECT_EQ(contents(path), "text");
}

TEST_F(named_test, keep_cancels_the_deletion_and_the_file_stays_usable) {
    for (const auto deletion : {delete_when::closed, delete_when::destroyed, delete_when::never}) {
        std::filesystem::path kept;
        {
            auto fp = make(deletion);
            fp << "one ";
            kept = fp.keep();
            EXPECT_EQ(kept, fp.path());
            EXPECT_FALSE(fp.closed());
            fp << "two";
            fp.cleanup();
            EXPECT_FALSE(fp.closed()) << "there is nothing to clean up after keep()";
        }
        EXPECT_EQ(contents(kept), "one two") << "the destructor writes out what stays";
    }
}

TEST_F(named_test, keep_then_close) {
    auto fp = make();
    fp << "text";
    const auto kept = fp.keep();
    fp.close();
    EXPECT_EQ(contents(kept), "text");
}

TEST_F(named_test, cleanup_removes_whatever_deletion_says) {
    for (const auto deletion : {delete_when::closed, delete_when::destroyed, delete_when::never}) {
        auto fp = make(deletion);
        fp << "text";
        fp.cleanup();
        EXPECT_TRUE(fp.closed()) << static_cast<int>(deletion);
        EXPECT_FALSE(stands(fp.path())) << static_cast<int>(deletion);
        fp.cleanup();
        std::error_code ec = std::make_error_code(std::errc::io_error);
        fp.cleanup(ec);
        EXPECT_FALSE(ec);
    }
}

TEST_F(named_test, use_after_cleanup_is_an_error) {
    for (const auto newline : {newlines::raw, newlines::crlf}) {
        named_temporary_file fp({.dir = dir.path(), .newline = newline});
        fp << "a\nb\n";
        fp.seek(0);
        EXPECT_EQ(fp.readline(), "a\n");
        fp.cleanup();
        expect_refusal(fp);
    }
}

TEST_F(named_test, cleanup_after_close) {
    auto fp = make(delete_when::destroyed);
    fp.close();
    EXPECT_TRUE(stands(fp.path()));
    fp.cleanup();
    EXPECT_FALSE(stands(fp.path()));
}

TEST_F(named_test, S9_what_an_editor_put_there_by_rename_is_removed_too) {
    for (const auto deletion : {delete_when::closed, delete_when::destroyed}) {
        {
            const auto fp = make(deletion);
            write_file(dir / "editor", "new text");
            std::filesystem::rename(dir / "editor", fp.path());
            EXPECT_EQ(contents(fp.path()), "new text");
        }
        EXPECT_TRUE(dir.empty());
    }
}

TEST_F(named_test, S9_a_link_put_there_is_removed_and_not_followed) {
    const scratch elsewhere;
    write_file(elsewhere / "canary", "alive");
    auto fp = make();
    std::filesystem::remove(fp.path());
    std::filesystem::create_symlink(elsewhere / "canary", fp.path());
    fp.close();
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(contents(elsewhere / "canary"), "alive");
}

TEST_F(named_test, a_name_that_is_gone_already_is_no_error) {
    auto closed = make();
    std::filesystem::remove(closed.path());
    closed.close();
    auto cleaned = make();
    std::filesystem::remove(cleaned.path());
    cleaned.cleanup();
    EXPECT_TRUE(cleaned.closed());
}

// --- Errors ---

TEST_F(named_test, T12_when_the_name_cannot_be_removed_close_reports_and_can_be_repeated) {
    auto fp = make();
    fp << "text";
    {
        const remove_file_call refusing([](auto&&...) { return EACCES; });
        EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::permission_denied);
        EXPECT_THROW(fp.close(), std::filesystem::filesystem_error);
        std::error_code ec;
        fp.close(ec);
        EXPECT_EQ(ec, std::errc::permission_denied);
        EXPECT_FALSE(fp.closed());
    }
    EXPECT_TRUE(stands(fp.path())) << "still owned";
    fp.close();
    EXPECT_TRUE(fp.closed());
    EXPECT_TRUE(dir.empty());
}

TEST_F(named_test, T12_after_a_failed_close_the_destructor_still_removes) {
    {
        auto fp = make();
        const remove_file_call refusing([](auto&&...) { return EACCES; });  // gone before fp is
        EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::permission_denied);
    }
    EXPECT_TRUE(dir.empty());
}

TEST_F(named_test, T12_cleanup_that_fails_can_be_repeated) {
    auto fp = make();
    fp << "text";
    {
        const remove_file_call refusing([](auto&&...) { return EACCES; });
        std::error_code ec;
        fp.cleanup(ec);
        EXPECT_EQ(ec, std::errc::permission_denied);
        try {
            fp.cleanup();
            ADD_FAILURE() << "no error";
        } catch (const std::filesystem::filesystem_error& e) {
            EXPECT_EQ(e.path1(), fp.path());
            EXPECT_EQ(e.code(), std::errc::permission_denied);
        }
    }
    EXPECT_TRUE(stands(fp.path()));
    fp.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_F(named_test, T12_a_full_disk_at_close_keeps_everything) {
    auto fp = make();
    fp << "0123456789";
    nearly_full_disk disk(4);
    EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::no_space_on_device);
    EXPECT_FALSE(fp.closed());
    EXPECT_TRUE(stands(fp.path())) << "nothing was given up";
    const auto kept = fp.keep();
    disk.add_room(100);
    fp.close();
    EXPECT_EQ(contents(kept), "0123456789");
}

TEST_F(named_test, T20_an_error_of_close_does_not_leave_the_name_and_is_reported_once) {
    const replace_call<&sys::calls::close> failing([](sys::handle h) {
        replace_call<&sys::calls::close>::real(h);
        return EIO;
    });
    auto closed = make();
    EXPECT_EQ(thrown([&] { closed.close(); }), std::errc::io_error);
    EXPECT_TRUE(closed.closed());
    EXPECT_TRUE(dir.empty());
    closed.close();
    closed.cleanup();

    auto cleaned = make();
    std::error_code ec;
    cleaned.cleanup(ec);
    EXPECT_EQ(ec, std::errc::io_error);
    EXPECT_TRUE(dir.empty());
    cleaned.cleanup(ec);
    EXPECT_FALSE(ec);
}

TEST_F(named_test, T25_what_the_destructor_cannot_report_close_reports) {
    auto fp = make(delete_when::never);
    fp << "text";
    {
        const nearly_full_disk disk;
        EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::no_space_on_device);
    }
    fp.close();
    EXPECT_EQ(contents(fp.path()), "text");
}

TEST_F(named_test, error_code_form_leaves_a_closed_object_without_a_name) {
    std::error_code ec;
    named_temporary_file fp({.dir = dir / "missing"}, ec);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
    EXPECT_TRUE(fp.closed());
    EXPECT_TRUE(fp.path().empty());
    EXPECT_TRUE(fp.keep().empty());
    fp.cleanup();
    expect_refusal(fp);
}

// --- What is written ---

TEST_F(named_test, what_is_about_to_vanish_is_not_written) {
    const count_calls<&sys::calls::pwrite> writes;
    {
        auto fp = make();
        fp << "for nobody";
    }
    {
        auto fp = make(delete_when::destroyed);
        fp << "for nobody";
    }
    {
        auto fp = make();
        fp << "for nobody";
        fp = named_temporary_file();
    }
    {
        auto fp = make();
        fp << "for nobody";
        fp.cleanup();
    }
    EXPECT_EQ(writes.count(), 0);
    EXPECT_TRUE(dir.empty());
}

TEST_F(named_test, creating_writing_closing_and_deleting_is_one_call_each) {
    { const auto first = make(); }  // of a process, which is looked at
    const count_calls<&sys::calls::create_file> creates;
    const count_calls<&sys::calls::pwrite> writes;
    const count_calls<&sys::calls::remove_file> removals;
    const count_calls<&sys::calls::close> closes;
    const count_calls<&sys::calls::stat> looks;
    const count_calls<&sys::calls::stat_at> path_looks;
    const count_calls<&sys::calls::seek> seeks;
    auto fp = make();
    fp << sample(100);
    fp.close();
    EXPECT_EQ(creates.count(), 1);
    EXPECT_EQ(writes.count(), 1);
    EXPECT_EQ(removals.count(), 1);
    EXPECT_EQ(closes.count(), 1);
    EXPECT_EQ(looks.count() + path_looks.count() + seeks.count(), 0);
}

// --- Values ---

TEST_F(named_test, T18_the_name_moves_along) {
    auto a = make();
    const auto first = a.path();
    auto& same = a;
    a = std::move(same);
    a.swap(same);
    EXPECT_EQ(a.path(), first);
    EXPECT_TRUE(stands(first)) << "self-move must not delete";

    auto b = make();
    const auto second = b.path();
    swap(a, b);
    EXPECT_EQ(a.path(), second);
    EXPECT_EQ(b.path(), first);

    a = std::move(b);
    EXPECT_EQ(a.path(), first);
    EXPECT_FALSE(stands(second)) << "move-assignment removes what was there";
    EXPECT_TRUE(stands(first));

    { const auto last = std::move(a); }
    EXPECT_TRUE(dir.empty());
    EXPECT_TRUE(a.keep().empty());  // NOLINT(bugprone-use-after-move)
    a.cleanup();
}

TEST_F(named_test, T18_intentions_are_swapped_too) {
    std::filesystem::path kept;
    {
        auto a = make(delete_when::never);
        kept = a.path();
        auto b = make();
        swap(a, b);
        a.close();
        EXPECT_FALSE(stands(a.path()));
        b.close();
        EXPECT_TRUE(stands(b.path()));
    }
    EXPECT_TRUE(stands(kept));
}

// --- Fork ---

TEST_F(named_test, T5_in_a_forked_child_nothing_is_deleted) {
    auto fp = make();
    const pid_t child = ::fork();
    if (child == 0) {
        std::error_code ec;
        fp.cleanup(ec);
        const bool refused = ec.value() == EPERM;
        fp.close();
        { const auto destroyed = std::move(fp); }
        ::_exit(refused ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << "cleanup() in a child is EPERM";
    EXPECT_TRUE(stands(fp.path()));
}

}  // namespace
}  // namespace tempfile::test
