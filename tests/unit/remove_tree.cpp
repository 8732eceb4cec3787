#include "remove_tree.hpp"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>

#include "helpers.hpp"
#include "support/scratch.hpp"
#include "tempfile/file.hpp"

namespace tempfile::test {
namespace {

file open_directory(const std::filesystem::path& path) {
    return file(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

removal_report empty(const std::filesystem::path& path) {
    removal_report report;
    const file root = open_directory(path);
    empty_directory(root.native_handle(), path.string(), report);
    return report;
}

void expect_emptied(const scratch& dir) {
    const removal_report report = empty(dir.path());
    EXPECT_EQ(report.failed, 0U) << (report.failed != 0 ? report.failures.front()->what + report.failures.front()->path
                                                        : "");
    EXPECT_TRUE(dir.empty());
}

TEST(remove_tree, the_root_itself_stays) {
    const scratch dir;
    expect_emptied(dir);
    EXPECT_TRUE(stands(dir.path()));
}

TEST(remove_tree, every_kind_of_entry) {
    const scratch dir;
    const scratch elsewhere;
    write_file(elsewhere / "canary", "alive");
    write_file(dir / "file", "x");
    std::filesystem::create_directories(dir / "one/two/three");
    std::filesystem::create_symlink(elsewhere / "canary", dir / "link");
    std::filesystem::create_directory_symlink(elsewhere.path(), dir / "one/link");
    std::filesystem::create_symlink("nowhere", dir / "dangling");
    std::filesystem::create_symlink("loop", dir / "loop");
    std::filesystem::create_hard_link(elsewhere / "canary", dir / "hard");
    ASSERT_EQ(::mkfifo((dir / "one/two/fifo").c_str(), 0600), 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::strncpy(address.sun_path, (dir / "socket").c_str(), sizeof address.sun_path - 1);
    const file socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(socket.native_handle(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    expect_emptied(dir);
    EXPECT_EQ(contents(elsewhere / "canary"), "alive");
}

TEST(remove_tree, odd_names) {
    const scratch dir;
    for (const std::string& name : {std::string("..."), std::string(".hidden"), std::string(" "), std::string("-rf"),
                                    std::string("new\nline"), std::string("\xff\xfe"), std::string(255, 'n')}) {
        std::filesystem::create_directory(dir / name);
        write_file(dir / name / name, "x");
    }
    expect_emptied(dir);
}

TEST(remove_tree, T21_large_directories) {
    const scratch dir;
    for (int i = 0; i < 5000; ++i) {
        write_file(dir / ("a file with a rather long name, number " + std::to_string(i)), "");
    }
    for (int i = 0; i < 500; ++i) {
        std::filesystem::create_directory(dir / ("d" + std::to_string(i)));
        write_file(dir / ("d" + std::to_string(i)) / "f", "");
    }
    expect_emptied(dir);
}

TEST(remove_tree, T22_deep_trees_with_few_descriptors) {
    const scratch dir;
    constexpr int depth = 3000;
    file here = open_directory(dir.path());
    for (int i = 0; i < depth; ++i) {
        ASSERT_EQ(::mkdirat(here.native_handle(), "d", 0700), 0);
        ASSERT_GE(file(::openat(here.native_handle(), "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)).native_handle(), 0);
        here = file(::openat(here.native_handle(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    here.close();
    int open = 0;
    int most = 0;
    using open_call = replace_call<&sys::calls::open_directory>;
    using close_call = replace_call<&sys::calls::close>;
    const open_call opens([&](sys::handle at, const char* name, sys::handle& made) {
        const sys::error e = open_call::real(at, name, made);
        open += e == 0 ? 1 : 0;
        most = std::max(most, open);
        return e;
    });
    const close_call closes([&](sys::handle h) {
        --open;
        return close_call::real(h);
    });
    const file root = open_directory(dir.path());
    removal_report report;
    empty_directory(root.native_handle(), dir.path().string(), report);
    EXPECT_EQ(report.failed, 0U);
    EXPECT_TRUE(dir.empty());
    EXPECT_LE(most, 8);
    EXPECT_EQ(open, 0) << "every descriptor was closed";
}

// Where the file system does not tell what an entry is, it is found out.
TEST(remove_tree, entries_of_unknown_kind) {
    const scratch dir;
    std::filesystem::create_directories(dir / "one/two");
    write_file(dir / "one/two/file", "x");
    const scratch outside;
    write_file(outside / "canary", "stays");
    std::filesystem::create_directory_symlink(outside.path(), dir / "one/link");
    using call = replace_call<&sys::calls::list>;
    const call silent([](sys::handle h, void* buffer, std::size_t& used) {
        const sys::error e = call::real(h, buffer, used);
        for (std::size_t at = 0; e == 0 && at < used;) {
            auto* entry = reinterpret_cast<dirent64*>(static_cast<char*>(buffer) + at);
            entry->d_type = DT_UNKNOWN;
            at += entry->d_reclen;
        }
        return e;
    });
    expect_emptied(dir);
    EXPECT_TRUE(std::filesystem::exists(outside / "canary"));
}

// --- Failures ---

using remove_file_call = replace_call<&sys::calls::remove_file>;

TEST(remove_tree, failures_are_kept_up_to_a_number_and_counted_beyond) {
    const scratch dir;
    for (int i = 0; i < 40; ++i) {
        write_file(dir / std::to_string(i), "");
    }
    const remove_file_call refusing([](auto&&...) { return EPERM; });
    const removal_report report = empty(dir.path());
    EXPECT_EQ(report.failed, 40U) << "each is reported once";
    EXPECT_EQ(report.failures.size(), removal_report::kept);
    for (const problem& p : report.failures) {
        EXPECT_EQ(p.code().value(), EPERM);
        EXPECT_EQ(std::filesystem::path(p->path).parent_path(), dir.path());
    }
}

TEST(remove_tree, a_failure_does_not_stop_the_rest_and_its_parents_are_not_blamed) {
    const scratch dir;
    std::filesystem::create_directories(dir / "a/b/c/d/e/f/g");
    write_file(dir / "a/b/c/d/e/f/stubborn", "");
    write_file(dir / "a/b/other", "");
    write_file(dir / "z", "");
    const remove_file_call refusing([](sys::handle at, const char* name) {
        return std::string_view(name) == "stubborn" ? EPERM : remove_file_call::real(at, name);
    });
    const removal_report report = empty(dir.path());
    ASSERT_EQ(report.failed, 1U);
    EXPECT_EQ(report.failures.front()->path, (dir / "a/b/c/d/e/f/stubborn").string());
    EXPECT_FALSE(stands(dir / "z"));
    EXPECT_FALSE(stands(dir / "a/b/other"));
    EXPECT_FALSE(stands(dir / "a/b/c/d/e/f/g"));
}

TEST(remove_tree, a_directory_that_cannot_be_listed_or_entered_is_reported) {
    const scratch dir;
    std::filesystem::create_directories(dir / "sub/x");
    write_file(dir / "other", "");
    {
        const replace_call<&sys::calls::open_directory> full([](auto&&...) { return EMFILE; });
        const removal_report report = empty(dir.path());
        ASSERT_EQ(report.failed, 1U);
        EXPECT_EQ(report.failures.front().code(), std::errc::too_many_files_open);
        EXPECT_EQ(report.failures.front()->path, (dir / "sub").string());
    }
    EXPECT_FALSE(stands(dir / "other"));
    {
        const replace_call<&sys::calls::list> broken([](auto&&...) { return EIO; });
        const removal_report report = empty(dir.path());
        ASSERT_EQ(report.failed, 1U);
        EXPECT_EQ(report.failures.front().code(), std::errc::io_error);
    }
    expect_emptied(dir);
}

TEST(remove_tree, what_vanishes_meanwhile_is_no_error) {
    const scratch dir;
    std::filesystem::create_directories(dir / "sub/x");
    write_file(dir / "file", "");
    const remove_file_call faster([](sys::handle at, const char* name) {
        remove_file_call::real(at, name);
        return ENOENT;
    });
    using rmdir_call = replace_call<&sys::calls::remove_directory>;
    const rmdir_call faster_too([](sys::handle at, const char* name) {
        const sys::error e = rmdir_call::real(at, name);
        return e == 0 ? ENOENT : e;
    });
    expect_emptied(dir);
}

// --- Modes in the way ---

// Runs f as somebody whom modes stop, in a child process.
template <class F>
void as_nobody(F f) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can become another user";
    }
    const pid_t child = ::fork();
    if (child == 0) {
        const bool changed = ::setgid(65534) == 0 && ::setuid(65534) == 0;
        ::_exit(changed && f() ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(remove_tree, modes_of_our_own_directories_are_repaired) {
    as_nobody([] {
        const scratch dir;
        for (const auto mode : {0000U, 0100U, 0400U, 0500U, 0600U}) {
            const auto sub = dir / std::to_string(mode);
            std::filesystem::create_directories(sub / "deeper");
            write_file(sub / "file", "x");
            write_file(sub / "deeper/file", "x");
            ::chmod((sub / "deeper").c_str(), mode);
            ::chmod(sub.c_str(), mode);
        }
        const file root = open_directory(dir.path());
        ::chmod(dir.path().c_str(), 0);
        removal_report report;
        empty_directory(root.native_handle(), dir.path().string(), report);
        ::chmod(dir.path().c_str(), 0700);
        return report.failed == 0 && dir.empty();
    });
}

TEST(remove_tree, modes_of_strangers_directories_are_left_alone) {
    const scratch dir;
    ::chmod(dir.path().c_str(), 0777);
    std::filesystem::create_directories(dir / "strangers/sub");
    ::chmod((dir / "strangers").c_str(), 0755);
    as_nobody([&] {
        const removal_report report = empty(dir.path());
        return report.failed != 0 && report.failures.front().code().value() == EACCES;
    });
    EXPECT_EQ(permissions_of(dir / "strangers"), 0755U);
    EXPECT_TRUE(stands(dir / "strangers/sub"));
}

TEST(remove_tree, T3_an_unreadable_directory_of_somebody_else_is_not_even_tried_to_be_changed) {
    const scratch dir;
    std::filesystem::create_directories(dir / "sub/x");
    const replace_call<&sys::calls::open_directory> unreadable([](auto&&...) { return EACCES; });
    const replace_call<&sys::calls::effective_user> somebody([] { return std::uint64_t{12345}; });
    const count_calls<&sys::calls::set_path_permissions> changes;
    const removal_report report = empty(dir.path());
    ASSERT_EQ(report.failed, 1U);
    EXPECT_EQ(report.failures.front().code().value(), EACCES);
    EXPECT_EQ(changes.count(), 0);
}

TEST(remove_tree, T3_no_mode_behind_a_link_is_changed) {
    const scratch dir;
    write_file(dir / "canary", "x");
    ::chmod((dir / "canary").c_str(), 0444);
    std::filesystem::create_directories(dir / "tree");
    std::filesystem::create_symlink(dir / "canary", dir / "tree/link");
    EXPECT_EQ(empty(dir / "tree").failed, 0U);
    EXPECT_EQ(permissions_of(dir / "canary"), 0444U);
}

}  // namespace
}  // namespace tempfile::test
