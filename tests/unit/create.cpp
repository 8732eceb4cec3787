// The ladders and the tries, for everything that makes something.

#include "create.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "creators.hpp"
#include "helpers.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

using create_unnamed_call = replace_call<&sys::calls::create_unnamed>;

place in(const std::string& dir) {
    return {.dir = dir, .prefix = "tmp", .suffix = ""};
}

std::error_code make_unnamed(const scratch& dir, file& made) {
    return create_unnamed(in(dir.path().string()), false, made).code();
}

// --- Unnamed files ---

TEST(create, T9_five_answers_mean_that_there_are_no_unnamed_files_here) {
    for (const int answer : {ENOENT, EISDIR, EOPNOTSUPP, EINVAL, ENOSYS}) {
        const scratch dir;
        const create_unnamed_call none([&](auto&&...) { return answer; });
        const count_calls<&sys::calls::create_file> named;
        const count_calls<&sys::calls::remove_file> unnamed;
        file f;
        EXPECT_FALSE(make_unnamed(dir, f)) << std::strerror(answer);
        EXPECT_EQ(named.count(), 1);
        EXPECT_EQ(unnamed.count(), 1);
        EXPECT_TRUE(dir.empty()) << "the name is taken away at once";
        f.write("works");
        EXPECT_EQ(contents(f.native_handle()), "works");
    }
}

// ENOENT is also the answer where there is no directory: no registry is made there for a name that cannot be either.
TEST(create, where_the_directory_is_missing_no_name_is_tried) {
    const scratch dir;
    const count_calls<&sys::calls::create_file> named;
    file f;
    EXPECT_EQ(create_unnamed(in((dir.path() / "missing").string()), false, f).code().value(), ENOENT);
    EXPECT_EQ(named.count(), 0);
    EXPECT_TRUE(f.closed());
}

TEST(create, T9_no_other_answer_falls_back) {
    for (const int answer : {EACCES, EPERM, ENOSPC, EDQUOT, EROFS, ENOTDIR, ELOOP, EMFILE, ENFILE, ENAMETOOLONG, EIO,
                             ENOMEM, EEXIST, EBUSY, EOVERFLOW, ETXTBSY}) {
        const scratch dir;
        const create_unnamed_call refusing([&](auto&&...) { return answer; });
        const count_calls<&sys::calls::create_file> named;
        file f;
        EXPECT_EQ(make_unnamed(dir, f).value(), answer) << std::strerror(answer);
        EXPECT_EQ(named.count(), 0) << std::strerror(answer);
        EXPECT_TRUE(f.closed());
    }
}

TEST(create, T9_the_answer_is_never_kept) {
    const scratch dir;
    file f;
    {
        const create_unnamed_call none([](auto&&...) { return EOPNOTSUPP; });
        EXPECT_FALSE(make_unnamed(dir, f));
    }
    const count_calls<&sys::calls::create_unnamed> asked;
    const count_calls<&sys::calls::create_file> named;
    EXPECT_FALSE(make_unnamed(dir, f));
    EXPECT_EQ(asked.count(), 1);
    EXPECT_EQ(named.count(), 0);
}

TEST(create, T8_a_fallback_that_cannot_make_a_name_says_why) {
    const scratch dir;
    const create_unnamed_call none([](auto&&...) { return EOPNOTSUPP; });
    const replace_call<&sys::calls::create_file> full([](auto&&...) { return ENOSPC; });
    file f;
    EXPECT_EQ(make_unnamed(dir, f).value(), ENOSPC);
    EXPECT_TRUE(f.closed());
}

TEST(create, T8_a_fallback_that_cannot_take_the_name_away_closes_and_says_so) {
    const scratch dir;
    const create_unnamed_call none([](auto&&...) { return EOPNOTSUPP; });
    const replace_call<&sys::calls::remove_file> refusing([](auto&&...) { return EACCES; });
    const count_calls<&sys::calls::close> closes;
    file f;
    EXPECT_EQ(make_unnamed(dir, f).value(), EACCES);
    EXPECT_TRUE(f.closed());
    EXPECT_EQ(closes.count(), 1);
}

TEST(create, T8_appending_is_kept_on_every_rung) {
    const scratch dir;
    for (const int answer : {0, EISDIR}) {
        const create_unnamed_call rung([&](const char* at, bool append, sys::handle& made) {
            return answer != 0 ? answer : create_unnamed_call::real(at, append, made);
        });
        file f;
        EXPECT_FALSE(create_unnamed(in(dir.path().string()), true, f).code());
        EXPECT_NE(::fcntl(f.native_handle(), F_GETFL) & O_APPEND, 0);
        EXPECT_EQ(::fcntl(f.native_handle(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
        EXPECT_FALSE(create_unnamed(in(dir.path().string()), false, f).code());
        EXPECT_EQ(::fcntl(f.native_handle(), F_GETFL) & O_APPEND, 0);
    }
}

TEST(create, T10_an_unnamed_file_has_mode_0600_on_every_rung) {
    const scratch dir;
    const file_mode_mask all_allowed(0);
    file f;
    EXPECT_FALSE(make_unnamed(dir, f));
    EXPECT_EQ(permissions_of(f.native_handle()), 0600U);
    const create_unnamed_call none([](auto&&...) { return EISDIR; });
    EXPECT_FALSE(make_unnamed(dir, f));
    EXPECT_EQ(permissions_of(f.native_handle()), 0600U);
}

// --- Modes whatever the umask ---

void expect_exact_modes(const scratch& dir) {
    const std::string where = dir.path().string();
    file f;
    EXPECT_FALSE(create_unnamed(in(where), false, f).code());
    EXPECT_EQ(permissions_of(f.native_handle()), 0600U);
    std::string path;
    EXPECT_FALSE(create_named(in(where), false, f, path).code());
    EXPECT_EQ(permissions_of(f.native_handle()), 0600U);
    EXPECT_FALSE(create_directory(in(where), path, f).code());
    EXPECT_EQ(permissions_of(f.native_handle()), 0700U);
    EXPECT_FALSE(create_directory(in(where), path).code());
    EXPECT_EQ(permissions_of(std::filesystem::path(path)), 0700U);
}

// Runs the check in a process of its own, since the library looks at what the umask does when it makes its first file.
template <class Check>
void in_new_process(Check check) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            check();
            std::exit(testing::Test::HasFailure() ? 1 : 0);
        },
        testing::ExitedWithCode(0), "");
}

TEST(create, T11_modes_are_exact_under_any_umask) {
    for (const mode_t mask : {0U, 022U, 077U, 0777U, 0277U, 0177U}) {
        SCOPED_TRACE("umask " + std::to_string(mask));
        in_new_process([&] {
            const scratch dir;
            const file_mode_mask changed(mask);
            expect_exact_modes(dir);
        });
    }
}

TEST(create, T11_modes_are_exact_also_when_the_umask_changes) {
    const scratch dir;
    for (const mode_t mask : {022U, 077U, 0U, 027U}) {
        const file_mode_mask changed(mask);
        SCOPED_TRACE("umask " + std::to_string(mask));
        expect_exact_modes(dir);
    }
}

// --- Names ---

// Random numbers that everybody can foresee: the n-th name is made of n.
class foreseeable_names {
public:
    static std::string name(std::uint64_t n) {
        std::string text(13, '?');
        for (char& c : text) {
            c = "0123456789abcdefghijklmnopqrstuv"[n % 32];
            n /= 32;
        }
        return "tmp" + text;
    }

private:
    std::uint64_t next_ = 0;
    replace_call<&sys::calls::random> counting_{[this](void* into, std::size_t bytes) {
        for (std::size_t at = 0; at < bytes; at += sizeof next_, ++next_) {
            std::memcpy(static_cast<char*>(into) + at, &next_, sizeof next_);
        }
        return 0;
    }};
};

// The paths that were tried, by whatever call.
class tried_paths {
public:
    std::vector<std::string> all;

private:
    replace_call<&sys::calls::create_file> files_{[this](const char* path, bool append, sys::handle& made) {
        all.emplace_back(path);
        return replace_call<&sys::calls::create_file>::real(path, append, made);
    }};
    replace_call<&sys::calls::create_directory> directories_{[this](const char* path) {
        all.emplace_back(path);
        return replace_call<&sys::calls::create_directory>::real(path);
    }};
    replace_call<&sys::calls::stat_at> looks_{[this](sys::handle at, const char* name, sys::metadata& out) {
        all.emplace_back(name);
        return replace_call<&sys::calls::stat_at>::real(at, name, out);
    }};
};

TEST(create, S1_planted_names_are_never_used_and_the_next_is_taken) {
    const scratch elsewhere;
    write_file(elsewhere / "canary", "alive");
    std::filesystem::create_directory(elsewhere / "canaries");
    const create_unnamed_call old_kernel([](auto&&...) { return EISDIR; });
    for (const creator& c : all_creators()) {
        const scratch dir;
        const foreseeable_names names;
        std::filesystem::create_symlink(elsewhere / "canary", dir / names.name(0));
        std::filesystem::create_symlink(elsewhere / "nowhere", dir / names.name(1));
        std::filesystem::create_symlink(elsewhere / "canaries", dir / names.name(2));
        write_file(dir / names.name(3), "somebody's");
        std::filesystem::create_directory(dir / names.name(4));
        std::filesystem::create_hard_link(elsewhere / "canary", dir / names.name(5));
        ASSERT_EQ(::mkfifo((dir / names.name(6)).c_str(), 0600), 0);
        tried_paths tried;
        std::thread([&] { c.make({.dir = dir.path()}); }).join();
        std::vector<std::string> wanted;
        for (std::uint64_t n = 0; n <= 7; ++n) {
            wanted.push_back((dir / names.name(n)).string());
        }
        EXPECT_EQ(tried.all, wanted) << c.name;
        for (std::uint64_t n = 0; n <= 6; ++n) {
            EXPECT_TRUE(stands(dir / names.name(n))) << c.name << n;
        }
        EXPECT_EQ(contents(dir / names.name(3)), "somebody's") << c.name;
        EXPECT_EQ(contents(elsewhere / "canary"), "alive") << c.name;
        EXPECT_FALSE(stands(elsewhere / "nowhere")) << c.name << " made a file through a link";
        EXPECT_TRUE(std::filesystem::is_empty(elsewhere / "canaries")) << c.name;
    }
}

TEST(create, T28_when_every_name_exists_it_gives_up_after_tmp_max_tries) {
    const scratch dir;
    int tries = 0;
    const auto exists = [&](auto&&...) { return ++tries, EEXIST; };
    const create_unnamed_call old_kernel([](auto&&...) { return EISDIR; });
    const replace_call<&sys::calls::create_file> no_file(exists);
    const replace_call<&sys::calls::create_directory> no_directory(exists);
    const replace_call<&sys::calls::stat_at> all_stand([&](auto&&...) { return ++tries, 0; });
    for (const creator& c : all_creators()) {
        tries = 0;
        EXPECT_EQ(thrown([&] { c.make({.dir = dir.path()}); }), std::errc::file_exists) << c.name;
        EXPECT_EQ(tries, tmp_max) << c.name;
        tries = 0;
        std::error_code ec;
        c.make_quietly({.dir = dir.path()}, ec);
        EXPECT_EQ(ec, std::errc::file_exists) << c.name;
        EXPECT_EQ(tries, tmp_max) << c.name;
    }
}

// --- What cannot be finished is undone ---

TEST(create, what_cannot_be_looked_at_is_closed_and_removed) {
    in_new_process([] {
        const scratch dir;
        const replace_call<&sys::calls::stat> broken([](auto&&...) { return EIO; });
        const count_calls<&sys::calls::close> closes;
        const std::string where = dir.path().string();
        file f;
        std::string path;
        EXPECT_EQ(create_unnamed(in(where), false, f).code().value(), EIO);
        EXPECT_EQ(create_named(in(where), false, f, path).code().value(), EIO);
        EXPECT_EQ(create_directory(in(where), path, f).code().value(), EIO);
        EXPECT_TRUE(f.closed());
        EXPECT_EQ(closes.count(), 3);
        EXPECT_TRUE(dir.empty());
    });
}

TEST(create, a_directory_that_cannot_be_opened_is_removed) {
    const scratch dir;
    for (const int answer : {EMFILE, ENFILE, EIO}) {
        const replace_call<&sys::calls::open_directory> refusing([&](auto&&...) { return answer; });
        file f;
        std::string path;
        EXPECT_EQ(create_directory(in(dir.path().string()), path, f).code().value(), answer);
        EXPECT_TRUE(dir.empty());
    }
}

// --- Where it cannot be ---

TEST(create, every_creator_says_which_directory_is_wrong) {
    const scratch dir;
    write_file(dir / "file", "");
    std::filesystem::create_symlink(dir / "missing", dir / "dangling");
    std::filesystem::create_symlink("loop", dir / "loop");
    const std::vector<std::pair<std::filesystem::path, int>> wrong{{dir / "missing", ENOENT},
                                                                   {dir / "file", ENOTDIR},
                                                                   {dir / "dangling", ENOENT},
                                                                   {dir / "loop", ELOOP},
                                                                   {dir / std::string(300, 'd'), ENAMETOOLONG}};
    for (const creator& c : all_creators()) {
        for (const auto& [where, code] : wrong) {
            if (std::string_view(c.name) == "mktemp" && code == ENOENT) {
                continue;  // nothing stands at a name in a directory that is not there
            }
            try {
                c.make({.dir = where});
                ADD_FAILURE() << c.name << " in " << where;
            } catch (const std::filesystem::filesystem_error& e) {
                EXPECT_EQ(e.code().value(), code) << c.name << " in " << where;
                EXPECT_EQ(e.path1(), where) << c.name;
            }
            std::error_code ec;
            c.make_quietly({.dir = where}, ec);
            EXPECT_EQ(ec.value(), code) << c.name << " in " << where;
        }
    }
}

TEST(create, advice_says_what_to_do_where_we_know) {
    EXPECT_TRUE(mentions(std::string(advice(ENOSPC)), "free some space"));
    EXPECT_TRUE(mentions(std::string(advice(EDQUOT)), "remove something"));
    EXPECT_TRUE(mentions(std::string(advice(EROFS)), "name another directory"));
    EXPECT_TRUE(mentions(std::string(advice(ENOENT)), "make the directory, or name one"));
    EXPECT_TRUE(mentions(std::string(advice(ENOTDIR)), "name a directory"));
    EXPECT_TRUE(mentions(std::string(advice(ELOOP)), "can be reached"));
    EXPECT_TRUE(mentions(std::string(advice(EACCES)), "may write to"));
    EXPECT_TRUE(mentions(std::string(advice(EMFILE)), "ulimit -n"));
    EXPECT_TRUE(mentions(std::string(advice(ENFILE)), "close some"));
    EXPECT_TRUE(mentions(std::string(advice(ENAMETOOLONG)), "shorten"));
    EXPECT_TRUE(mentions(std::string(advice(EEXIST)), "every name that was tried is taken"));
    EXPECT_EQ(advice(EIO), "");
}

TEST(create, T1_relative_directories_mean_the_working_directory_of_now) {
    const scratch dir;
    std::filesystem::create_directories(dir / "sub");
    const working_directory there(dir.path());
    const auto made = mkstemp({.dir = "sub"});
    EXPECT_EQ(made.path.parent_path(), dir / "sub");
    EXPECT_TRUE(stands(made.path));
    EXPECT_EQ(mkdtemp({.dir = "."}).parent_path(), dir.path());
    EXPECT_TRUE(mkdtemp({.dir = "sub/../sub"}).is_absolute());
}

TEST(create, a_relative_directory_without_a_working_directory_is_a_filesystem_error) {
    const replace_call<&sys::calls::current_directory> gone([](auto&&...) { return ENOENT; });
    for (const creator& c : all_creators()) {
        EXPECT_THROW(c.make({.dir = "sub"}), std::filesystem::filesystem_error) << c.name;
        std::error_code ec;
        c.make_quietly({.dir = "sub"}, ec);
        EXPECT_EQ(ec.value(), ENOENT) << c.name;
    }
}

TEST(create, a_working_directory_with_a_long_name_is_no_obstacle) {
    const scratch dir;
    std::filesystem::path deep = dir.path();
    for (int i = 0; i < 10; ++i) {
        deep /= std::string(200, 'd');
    }
    std::filesystem::create_directories(deep);
    const working_directory there(deep);
    EXPECT_EQ(mkstemp({.dir = "."}).path.parent_path(), deep);
}

}  // namespace
}  // namespace tempfile::test
