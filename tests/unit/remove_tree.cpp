#include "remove_tree.hpp"

#include <dirent.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "helpers.hpp"
#include "signal_safe_removal.hpp"
#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/in_memory.hpp"
#include "support/scratch.hpp"
#include "tempfile/file.hpp"

namespace tempfile::test {
namespace {

file open_directory(const std::filesystem::path& path) {
    return file(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

removal_report empty(sys::handle root, const std::filesystem::path& path) {
    std::error_code ec;
    return remove_tree(root, path, {.contents_only = true}, ec);
}

removal_report empty(const std::filesystem::path& path) {
    return empty(open_directory(path).native_handle(), path);
}

void expect_emptied(const scratch& dir) {
    const removal_report report = empty(dir.path());
    EXPECT_EQ(report.failed, 0U) << (report.failed != 0 ? report.failures.front().path : "");
    EXPECT_TRUE(report.complete);
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
    const scratch dir(in_memory());
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
    const scratch dir(in_memory());
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
    using path_call = replace_call<&sys::calls::open_path>;
    using close_call = replace_call<&sys::calls::close>;
    const auto counted = [&](sys::error e) {
        open += e == 0 ? 1 : 0;
        most = std::max(most, open);
        return e;
    };
    const open_call opens(
        [&](sys::handle at, const char* name, sys::handle& made) { return counted(open_call::real(at, name, made)); });
    const path_call paths(
        [&](sys::handle at, const char* name, sys::handle& made) { return counted(path_call::real(at, name, made)); });
    const close_call closes([&](sys::handle h) {
        --open;
        return close_call::real(h);
    });
    const file root = open_directory(dir.path());
    const removal_report report = empty(root.native_handle(), dir.path());
    EXPECT_EQ(report.failed, 0U);
    EXPECT_TRUE(dir.empty());
    EXPECT_LE(most, 8);
    EXPECT_EQ(open, 0) << "every descriptor was closed";
}

TEST(remove_tree, T22_by_its_path_a_tree_takes_ten_descriptors) {
    const scratch dir;
    std::filesystem::path deep = dir / "tree";
    for (int i = 0; i < 20; ++i) {
        deep /= "d";
        std::filesystem::create_directories(deep / "e/f");
    }
    const std::size_t before = open_descriptors().size();
    std::size_t most = 0;
    {
        const every_call watch([&](std::string_view) {
            most = std::max(most, open_descriptors().size() - before);
            return 0;
        });
        EXPECT_TRUE(remove_tree(dir / "tree", {.threads = 1}).complete);
    }
    EXPECT_LE(most, 10U);
    EXPECT_GE(most, 6U);
    EXPECT_EQ(open_descriptors().size(), before);
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

// --- What it says ---

TEST(remove_tree, the_report_counts_what_is_gone) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub");
    write_file(dir / "tree/a", "12345");
    write_file(dir / "tree/sub/b", "678");
    std::filesystem::create_symlink("a", dir / "tree/link");
    const removal_report report = remove_tree(dir / "tree", {.count_bytes = true});
    EXPECT_EQ(report.entries, 5U);
    EXPECT_EQ(report.bytes, 8U);
    EXPECT_EQ(report.failed, 0U);
    EXPECT_TRUE(report.failures.empty());
    EXPECT_TRUE(report.complete);
    EXPECT_GT(report.took.count(), 0);
    EXPECT_TRUE(dir.empty());
}

TEST(remove_tree, bytes_go_with_the_last_name_of_a_file) {
    const scratch dir;
    std::filesystem::create_directory(dir / "tree");
    write_file(dir / "outside", "stays");
    std::filesystem::create_hard_link(dir / "outside", dir / "tree/outside");
    write_file(dir / "tree/one", "123");
    std::filesystem::create_hard_link(dir / "tree/one", dir / "tree/two");
    EXPECT_EQ(remove_tree(dir / "tree", {.count_bytes = true}).bytes, 3U);
}

TEST(remove_tree, bytes_are_not_looked_at_unless_asked_for) {
    const scratch dir;
    std::filesystem::create_directory(dir / "tree");
    write_file(dir / "tree/a", "12345");
    EXPECT_EQ(remove_tree(dir / "tree").bytes, 0U);
}

TEST(remove_tree, what_stands_nowhere_is_no_error) {
    const scratch dir;
    write_file(dir / "file", "x");
    for (const char* name : {"missing", "missing/sub", "file/sub"}) {
        const removal_report report = remove_tree(dir / name);
        EXPECT_EQ(report.entries, 0U);
        EXPECT_TRUE(report.complete);
    }
    EXPECT_TRUE(stands(dir / "file"));
}

TEST(remove_tree, a_file_or_a_link_is_removed_as_what_it_is) {
    const scratch dir;
    std::filesystem::create_directory(dir / "target");
    write_file(dir / "target/canary", "alive");
    write_file(dir / "file", "123");
    std::filesystem::create_directory_symlink("target", dir / "link");
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(remove_tree(dir / "file", {.count_bytes = true}).bytes, 3U);
    EXPECT_EQ(remove_tree(dir / "link").entries, 1U);
    EXPECT_EQ(remove_tree(dir / "fifo").entries, 1U);
    EXPECT_EQ(dir.names(), std::vector<std::string>{"target"});
    EXPECT_TRUE(stands(dir / "target/canary"));
}

TEST(remove_tree, a_slash_at_the_end_means_a_directory) {
    const scratch dir;
    std::filesystem::create_directories(dir / "target/sub");
    write_file(dir / "file", "x");
    std::filesystem::create_directory_symlink("target", dir / "link");
    for (const char* name : {"file/", "link/"}) {
        std::error_code ec;
        const removal_report report = remove_tree(dir / name, {}, ec);
        EXPECT_EQ(ec, std::errc::not_a_directory) << name;
        EXPECT_EQ(report.failed, 1U);
        EXPECT_FALSE(report.complete);
    }
    EXPECT_TRUE(stands(dir / "file"));
    EXPECT_TRUE(stands(dir / "target/sub"));
    const std::string path = (dir / "target//").string();
    {
        using remove_directory_call = replace_call<&sys::calls::remove_directory>;
        const remove_directory_call refusing([](sys::handle at, const char* name) {
            return std::string_view(name) == "sub" ? EPERM : remove_directory_call::real(at, name);
        });
        std::error_code ec;
        const removal_report report = remove_tree(path, {}, ec);
        ASSERT_EQ(report.failures.size(), 1U);
        EXPECT_EQ(report.failures.front().path.native(), (dir / "target/sub").native());
    }
    EXPECT_EQ(remove_tree(path).entries, 2U);
}

TEST(remove_tree, contents_only_leaves_the_directory_as_it_was) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub");
    write_file(dir / "tree/file", "x");
    ::chmod((dir / "tree").c_str(), 0750);
    EXPECT_EQ(remove_tree(dir / "tree", {.contents_only = true}).entries, 2U);
    EXPECT_TRUE(std::filesystem::is_empty(dir / "tree"));
    EXPECT_EQ(permissions_of(dir / "tree"), 0750U);
    write_file(dir / "file", "x");
    std::error_code ec;
    remove_tree(dir / "file", {.contents_only = true}, ec);
    EXPECT_EQ(ec, std::errc::not_a_directory);
    EXPECT_TRUE(stands(dir / "file"));
}

TEST(remove_tree, a_relative_path_is_relative_to_the_working_directory_of_the_call) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub");
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(dir.path());
    using call = replace_call<&sys::calls::list>;
    const call elsewhere([](sys::handle h, void* buffer, std::size_t& used) {
        std::filesystem::current_path("/");
        return call::real(h, buffer, used);
    });
    EXPECT_EQ(remove_tree("tree").entries, 2U);
    std::filesystem::current_path(before);
    EXPECT_TRUE(dir.empty());
}

// --- From an open directory ---

TEST(remove_tree, the_directory_that_a_handle_holds) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub");
    const file held = open_directory(dir / "tree");
    EXPECT_EQ(remove_tree(held.native_handle(), dir / "tree").entries, 2U);
    EXPECT_TRUE(dir.empty());
    EXPECT_FALSE(held.closed());
}

TEST(remove_tree, T2_a_name_that_leads_to_something_else_than_the_handle_holds) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub");
    const file held = open_directory(dir / "tree");
    std::filesystem::rename(dir / "tree", dir / "moved");
    std::filesystem::create_directories(dir / "tree/other");
    try {
        remove_tree(held.native_handle(), dir / "tree");
        ADD_FAILURE() << "no error";
    } catch (const removal_error& e) {
        EXPECT_EQ(e.code().value(), ESTALE);
        EXPECT_EQ(e.path1(), dir / "tree");
        EXPECT_EQ(e.report().entries, 0U);
    }
    EXPECT_TRUE(stands(dir / "moved/sub"));
    EXPECT_TRUE(stands(dir / "tree/other"));
    std::filesystem::remove(dir / "tree/other");
    std::error_code ec;
    EXPECT_EQ(remove_tree(held.native_handle(), dir / "tree", {}, ec).entries, 0U);
    EXPECT_EQ(ec.value(), ESTALE);
    EXPECT_TRUE(stands(dir / "tree")) << "an empty one is a stranger too";
}

TEST(remove_tree, a_handle_of_something_else) {
    const scratch dir;
    write_file(dir / "file", "x");
    const file held(::open((dir / "file").c_str(), O_RDONLY | O_CLOEXEC));
    std::error_code ec;
    remove_tree(held.native_handle(), dir / "file", {}, ec);
    EXPECT_EQ(ec, std::errc::not_a_directory);
    remove_tree(-1, dir / "file", {}, ec);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
    EXPECT_TRUE(stands(dir / "file"));
}

// --- What is refused ---

void expect_refused(const std::filesystem::path& path) {
    std::error_code ec;
    const removal_report report = remove_tree(path, {}, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument) << path;
    EXPECT_EQ(report.entries, 0U);
    EXPECT_FALSE(report.complete);
    try {
        remove_tree(path);
        ADD_FAILURE() << path;
    } catch (const std::invalid_argument& e) {
        EXPECT_EQ("tempfile: " + report.refusal, e.what());
    }
}

TEST(remove_tree, S5_paths_that_nobody_means) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub");
    std::filesystem::create_directory_symlink("/", dir / "root");
    for (const std::string& path :
         {std::string(), std::string("/"), std::string("///"), (dir / ".").string(), (dir / "tree/./").string(),
          (dir / "tree/sub/..").string(), (dir / "tree/..//").string(), dir.path().string() + '\0' + "x"}) {
        expect_refused(path);
    }
    EXPECT_TRUE(stands(dir / "tree/sub"));
}

TEST(remove_tree, S5_from_a_descriptor_the_same_paths_are_refused) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub");
    const file held = open_directory(dir / "tree");
    for (const std::string& path : {std::string(), (dir / "tree/.").string(), (dir / "tree/sub/..").string(),
                                    (dir / "tree").string() + '\0' + "x"}) {
        EXPECT_THROW(remove_tree(held.native_handle(), path), std::invalid_argument) << path;
    }
    EXPECT_TRUE(stands(dir / "tree/sub"));
    EXPECT_EQ(remove_tree(held.native_handle(), "", {.contents_only = true}).entries, 1U);
}

TEST(remove_tree, S5_the_working_directory_and_what_it_is_in) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/sub/here");
    std::filesystem::create_directories(dir / "tree/other");
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(dir / "tree/sub");
    for (const auto& path : {dir / "tree/sub", dir / "tree", dir / "tree/other/../../tree"}) {
        expect_refused(path);
    }
    const file held = open_directory(dir / "tree");
    EXPECT_THROW(remove_tree(held.native_handle(), "whatever", {.contents_only = true}), std::invalid_argument);
    EXPECT_EQ(remove_tree("here").entries, 1U);
    EXPECT_EQ(remove_tree("../other").entries, 1U);
    std::filesystem::current_path(before);
    EXPECT_EQ(remove_tree(dir / "tree").entries, 2U);
}

using open_path_call = replace_call<&sys::calls::open_path>;

// As on a server that is gone, or when descriptors are short.
open_path_call without_working_directory(sys::error e) {
    return open_path_call([=](sys::handle at, const char* name, sys::handle& made) {
        const std::string_view what = name;
        return what == "." || what == ".." ? e : open_path_call::real(at, name, made);
    });
}

TEST(remove_tree, S5_a_working_directory_that_cannot_be_opened_is_told_by_its_name) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree/here");
    std::filesystem::create_directories(dir / "other");
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(dir / "tree/here");
    for (const sys::error e : {ENOTCONN, EMFILE}) {
        const open_path_call failing = without_working_directory(e);
        expect_refused(dir / "tree");
        std::filesystem::create_directory(dir / "other/sub");
        EXPECT_EQ(remove_tree(dir / "other/sub").entries, 1U);
    }
    std::filesystem::current_path(before);
}

TEST(remove_tree, where_the_working_directory_cannot_be_told_that_is_what_failed) {
    const scratch dir;
    std::filesystem::create_directories(dir / "tree");
    const open_path_call failing = without_working_directory(EMFILE);
    const replace_call<&sys::calls::current_directory> nameless([](auto&&...) { return ERANGE; });
    std::error_code ec;
    const removal_report report = remove_tree(dir / "tree", {}, ec);
    EXPECT_EQ(ec.value(), EMFILE);
    EXPECT_TRUE(!report.complete && report.failed == 1 && report.refusal.empty());
    ASSERT_EQ(report.failures.size(), 1U);
    EXPECT_EQ(report.failures.front().path, dir / "tree");
    EXPECT_EQ(report.failures.front().error.value(), EMFILE);
    EXPECT_THROW(remove_tree(dir / "tree"), removal_error);
    EXPECT_TRUE(stands(dir / "tree"));
}

TEST(remove_tree, whichever_call_fails_what_is_still_there_has_a_failure_in_the_report) {
    const scratch dir(in_memory());
    for (const sys::error error : {EIO, EMFILE, EACCES}) {
        for (int n = 1, calls = n; calls >= n; ++n) {
            std::filesystem::create_directories(dir / "tree/a/b/c/d/e/f");
            write_file(dir / "tree/a/b/file", "x");
            write_file(dir / "tree/top", "x");
            std::error_code ec;
            removal_report report;
            {
                calls = 0;
                const every_call nth_fails([&](std::string_view) { return ++calls == n ? error : 0; });
                report = remove_tree(dir / "tree", {.count_bytes = true, .threads = 1, .patience = {}}, ec);
            }
            const bool is_left = stands(dir / "tree");
            EXPECT_EQ(is_left, bool(ec)) << "call " << n << ": " << ec.message();
            EXPECT_EQ(report.complete, !is_left) << "call " << n;
            EXPECT_EQ(report.failed != 0, is_left) << "call " << n;
            EXPECT_EQ(report.failures.empty(), !is_left) << "call " << n;
        }
    }
}

TEST(remove_tree, S5_the_root_directory_by_another_name) {
    const file root = open_directory("/");
    EXPECT_THROW(remove_tree(root.native_handle(), "/somewhere", {.contents_only = true}), std::invalid_argument);
}

// --- Being told, and being stopped ---

void fill(const std::filesystem::path& dir, int files) {
    std::filesystem::create_directories(dir);
    for (int i = 0; i < files; ++i) {
        write_file(dir / std::to_string(i), "");
    }
}

TEST(remove_tree, progress_is_told_as_it_goes_and_at_the_end) {
    const scratch dir;
    fill(dir / "tree/sub", 500);
    std::uint64_t last = 0;
    int calls = 0;
    std::set<std::string> paths;
    remove_tree(dir / "tree", {.progress = [&](const removal_progress& p) {
                    EXPECT_GE(p.entries, last);
                    EXPECT_LE(p.entries, last + 64);
                    last = p.entries;
                    paths.emplace(p.path);
                    ++calls;
                    return true;
                }});
    EXPECT_EQ(last, 502U);
    EXPECT_GE(calls, 8);
    EXPECT_EQ(paths, (std::set<std::string>{(dir / "tree").string(), (dir / "tree/sub").string()}));
}

TEST(remove_tree, progress_can_stop_it) {
    const scratch dir;
    fill(dir / "tree/sub", 500);
    const auto at_200 = [](const removal_progress& p) { return p.entries < 200; };
    std::error_code ec;
    const removal_report report = remove_tree(dir / "tree", {.progress = at_200}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_FALSE(report.complete);
    EXPECT_EQ(report.failed, 0U);
    EXPECT_GE(report.entries, 200U);
    EXPECT_LT(report.entries, 300U);
    try {
        remove_tree(dir / "tree", {.progress = [](const removal_progress&) { return false; }});
        ADD_FAILURE() << "no error";
    } catch (const removal_error& e) {
        EXPECT_EQ(e.code(), std::errc::operation_canceled);
        EXPECT_EQ(e.path1(), dir / "tree");
        EXPECT_GT(e.report().entries, 50U);
        EXPECT_LE(e.report().entries, 64U);
    }
    EXPECT_TRUE(remove_tree(dir / "tree", {.progress =
                                               [](const removal_progress& p) {
                                                   return std::filesystem::exists(
                                                       p.path);  // false at the end, when all is gone
                                               }})
                    .complete);
}

TEST(remove_tree, progress_can_stop_it_where_nothing_can_be_removed) {
    const scratch dir;
    fill(dir / "tree/sub", 500);
    const replace_call<&sys::calls::remove_file> refusing([](auto...) { return EPERM; });
    int calls = 0;
    std::error_code ec;
    const removal_report report =
        remove_tree(dir / "tree", {.threads = 1, .progress = [&](const removal_progress&) { return ++calls < 3; }}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_EQ(calls, 3);
    EXPECT_GE(report.failed, 100U);
    EXPECT_LE(report.failed, 3U * 64);
}

TEST(remove_tree, progress_can_stop_it_on_a_long_way_down) {
    const scratch dir(in_memory());
    std::filesystem::path deep = dir / "tree";
    for (int i = 0; i < 300; ++i) {
        deep /= "d";
    }
    std::filesystem::create_directories(deep);
    write_file(deep / "file", "x");
    std::error_code ec;
    const auto stop = [](const removal_progress&) { return false; };
    EXPECT_EQ(remove_tree(dir / "tree", {.progress = stop}, ec).entries, 0U);
    EXPECT_EQ(ec, std::errc::operation_canceled);
}

TEST(remove_tree, what_progress_throws_reaches_the_caller) {
    const scratch dir;
    fill(dir / "tree/sub", 100);
    const auto thrower = [](const removal_progress&) -> bool { throw std::runtime_error("enough"); };
    EXPECT_THROW(remove_tree(dir / "tree", {.progress = thrower}), std::runtime_error);
    EXPECT_TRUE(stands(dir / "tree"));
}

TEST(remove_tree, the_time_is_up) {
    const scratch dir;
    fill(dir / "tree/sub", 500);
    std::uint64_t now = 1;
    const replace_call<&sys::calls::steady_clock> clock([&] { return now += 1'000'000; });  // a millisecond a look
    std::error_code ec;
    const removal_report report = remove_tree(dir / "tree", {.at_most = std::chrono::milliseconds(5)}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_FALSE(report.complete);
    EXPECT_GT(report.entries, 0U);
    EXPECT_LT(report.entries, 500U);
}

// As files of many gigabytes are, which nobody can make here.
TEST(remove_tree, where_each_takes_long_it_is_asked_and_stopped_all_the_same) {
    const scratch dir;
    fill(dir / "tree", 30);
    const replace_call<&sys::calls::remove_file> slow([&](sys::handle at, const char* name) {
        sys::call.pause(30'000'000);
        return replace_call<&sys::calls::remove_file>::real(at, name);
    });
    std::error_code ec;
    int asked = 0;
    const auto count = [&](const removal_progress&) { return ++asked < 5; };
    EXPECT_LE(remove_tree(dir / "tree", {.threads = 1, .progress = count}, ec).entries, 5U);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_LE(remove_tree(dir / "tree", {.threads = 1, .at_most = std::chrono::milliseconds(100)}, ec).entries, 5U);
    EXPECT_EQ(ec, std::errc::operation_canceled);
}

// --- Perseverance ---

using remove_directory_call = replace_call<&sys::calls::remove_directory>;

// Waits for nothing, and remembers for how long.
class pauses {
public:
    [[nodiscard]] std::uint64_t total() const { return total_; }
    [[nodiscard]] int count() const { return count_; }
    std::function<void()> meanwhile = [] {};

private:
    std::uint64_t total_ = 0;
    int count_ = 0;
    replace_call<&sys::calls::pause> call_{[this](std::uint64_t nanoseconds) {
        total_ += nanoseconds;
        ++count_;
        meanwhile();
    }};
};

TEST(remove_tree, what_is_busy_is_tried_again_until_it_is_not) {
    const scratch dir;
    fill(dir / "tree/sub", 3);
    pauses waited;
    const replace_call<&sys::calls::remove_file> busy([&](sys::handle at, const char* name) {
        const bool refuses = std::string_view(name) == "1" && waited.count() < 4;
        return refuses ? EBUSY : replace_call<&sys::calls::remove_file>::real(at, name);
    });
    const remove_directory_call busy_too([&](sys::handle at, const char* name) {
        const bool refuses = std::string_view(name) == "sub" && waited.count() < 6;
        return refuses ? EBUSY : remove_directory_call::real(at, name);
    });
    const removal_report report = remove_tree(dir / "tree");
    EXPECT_TRUE(report.complete);
    EXPECT_EQ(waited.count(), 6);
    EXPECT_EQ(waited.total(), 63'000'000U) << "1, 2, 4, 8, 16, 32 milliseconds";
    EXPECT_TRUE(dir.empty());
}

TEST(remove_tree, what_stays_busy_is_reported_once_when_patience_is_over) {
    const scratch dir;
    fill(dir / "tree/sub", 30);
    pauses waited;
    const replace_call<&sys::calls::remove_file> busy([&](auto...) { return EBUSY; });
    std::error_code ec;
    const removal_report report = remove_tree(dir / "tree", {.patience = std::chrono::milliseconds(100)}, ec);
    EXPECT_EQ(ec.value(), EBUSY);
    EXPECT_EQ(report.failed, 30U);
    EXPECT_EQ(waited.total(), 100'000'000U) << "altogether, not for each";
}

TEST(remove_tree, a_busy_file_by_its_own_path_has_all_the_patience) {
    const scratch dir;
    write_file(dir / "file", "x");
    for (const bool stays : {true, false}) {
        pauses waited;
        const replace_call<&sys::calls::remove_file> busy([&](sys::handle at, const char* name) {
            return stays || waited.count() < 120 ? EBUSY : replace_call<&sys::calls::remove_file>::real(at, name);
        });
        std::error_code ec;
        const removal_report report = remove_tree(dir / "file", {.patience = std::chrono::seconds(20)}, ec);
        EXPECT_EQ(ec.value(), stays ? EBUSY : 0);
        EXPECT_EQ(report.failed, stays ? 1U : 0U);
        EXPECT_EQ(waited.total() == 20'000'000'000U, stays);
    }
    EXPECT_TRUE(dir.empty());
}

TEST(remove_tree, what_is_busy_does_not_hold_up_the_rest) {
    const scratch dir;
    for (const char* sub : {"a", "b", "c"}) {
        fill(dir / "tree" / sub, 3);
    }
    const replace_call<&sys::calls::remove_file> busy([](sys::handle at, const char* name) {
        return std::string_view(name) == "1" ? EBUSY : replace_call<&sys::calls::remove_file>::real(at, name);
    });
    pauses waited;
    waited.meanwhile = [&] {
        using list = std::filesystem::recursive_directory_iterator;
        EXPECT_EQ(std::distance(list(dir / "tree"), {}), 6) << "three files, and the directories that they are in";
    };
    std::error_code ec;
    EXPECT_EQ(remove_tree(dir / "tree", {.threads = 1}, ec).failed, 3U);
    EXPECT_GT(waited.count(), 1);
}

// There are more of them than are told apart from others when a directory is listed again.
TEST(remove_tree, thousands_of_failures_are_counted_once_also_beside_something_busy) {
    const scratch dir(in_memory());
    fill(dir / "tree/sub", 5'000);
    write_file(dir / "tree/sub/busy", "");
    write_file(dir / "tree/sub/goes", "");
    pauses waited;
    const replace_call<&sys::calls::remove_file> refusing([&](sys::handle at, const char* name) {
        const std::string_view what = name;
        const bool is_busy = what == "busy" && waited.count() < 3;
        return is_busy                            ? EBUSY
               : what == "busy" || what == "goes" ? replace_call<&sys::calls::remove_file>::real(at, name)
                                                  : EPERM;
    });
    for (const bool contents_only : {false, true}) {
        std::error_code ec;
        const removal_report report = remove_tree(dir / "tree/sub", {.contents_only = contents_only}, ec);
        EXPECT_EQ(report.failed, 5'000U);
        EXPECT_EQ(ec.value(), EPERM);
        EXPECT_FALSE(stands(dir / "tree/sub/busy"));
        EXPECT_FALSE(stands(dir / "tree/sub/goes"));
    }
}

TEST(remove_tree, stopped_while_it_waits_it_still_tells_what_failed) {
    const scratch dir;
    fill(dir / "tree", 200);
    pauses waited;
    const replace_call<&sys::calls::remove_file> refusing(
        [](sys::handle, const char* name) { return std::string_view(name) == "7" ? EBUSY : EPERM; });
    std::error_code ec;
    const auto until_it_waits = [&](const removal_progress&) { return waited.count() == 0; };
    const removal_report report = remove_tree(dir / "tree", {.progress = until_it_waits}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_EQ(report.failed, 200U);
    EXPECT_EQ(waited.count(), 1);
}

TEST(remove_tree, without_patience_nothing_is_waited_for) {
    const scratch dir;
    fill(dir / "tree", 1);
    const pauses waited;
    const replace_call<&sys::calls::remove_file> busy([&](auto...) { return EBUSY; });
    std::error_code ec;
    EXPECT_EQ(remove_tree(dir / "tree", {.patience = {}}, ec).failed, 1U);
    EXPECT_EQ(waited.count(), 0);
}

// NFS and FUSE keep what is removed while it is open under another name.
void expect_that_leftovers_are_waited_for(bool contents_only) {
    for (const char* kept_as : {".nfs", ".fuse_hidden"}) {
        const scratch dir;
        fill(dir / "tree/sub", 2);
        int made = 0;
        pauses waited;
        const replace_call<&sys::calls::remove_file> renaming([&](sys::handle at, const char* name) {
            if (waited.count() == 5) {  // its user has closed it
                return replace_call<&sys::calls::remove_file>::real(at, name);
            }
            const std::string other = kept_as + std::to_string(made++);
            return ::renameat(at, name, at, other.c_str()) == 0 ? 0 : errno;
        });
        const removal_report report = remove_tree(dir / "tree/sub", {.contents_only = contents_only});
        EXPECT_TRUE(report.complete);
        EXPECT_EQ(waited.count(), contents_only ? 6 : 5);  // without an rmdir that says it, one more look
        EXPECT_LT(made, 30) << "it was waited, rather than tried as fast as can be";
        EXPECT_EQ(stands(dir / "tree/sub"), contents_only);
        EXPECT_TRUE(!contents_only || std::filesystem::is_empty(dir / "tree/sub"));
    }
}

TEST(remove_tree, leftovers_of_open_files_are_waited_for) {
    expect_that_leftovers_are_waited_for(false);
    expect_that_leftovers_are_waited_for(true);
}

TEST(remove_tree, leftovers_that_stay_are_reported) {
    for (const bool contents_only : {false, true}) {
        const scratch dir;
        fill(dir / "tree/sub", 2);
        pauses waited;
        int made = 0;
        const replace_call<&sys::calls::remove_file> renaming([&](sys::handle at, const char* name) {
            return ::renameat(at, name, at, (".nfs" + std::to_string(made++)).c_str()) == 0 ? 0 : errno;
        });
        std::error_code ec;
        const removal_report report = remove_tree(dir / "tree/sub", {.contents_only = contents_only}, ec);
        EXPECT_EQ(ec.value(), ENOTEMPTY);
        EXPECT_FALSE(report.complete);
        EXPECT_EQ(waited.total(), 250'000'000U);
    }
}

TEST(remove_tree, S8_what_appears_without_end_is_reported_in_the_end) {
    for (const bool contents_only : {false, true}) {
        const scratch dir;
        fill(dir / "tree/sub", 2);
        const pauses waited;
        int made = 0;
        const replace_call<&sys::calls::remove_file> maker([&](sys::handle at, const char* name) {
            write_file(dir / "tree/sub" / ("more" + std::to_string(made++)), "");
            return replace_call<&sys::calls::remove_file>::real(at, name);
        });
        std::error_code ec;
        remove_tree(dir / "tree/sub", {.contents_only = contents_only}, ec);
        EXPECT_EQ(ec.value(), ENOTEMPTY);
        EXPECT_LT(made, 10'000);
    }
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
    for (const removal_failure& f : report.failures) {
        EXPECT_EQ(f.error.value(), EPERM);
        EXPECT_EQ(f.operation, "remove");
        EXPECT_EQ(f.path.parent_path(), dir.path());
    }
}

TEST(remove_tree, without_a_path_failures_are_told_by_the_way_from_the_directory) {
    const scratch dir;
    fill(dir / "sub", 1);
    const replace_call<&sys::calls::remove_file> stays([](auto&&...) { return EPERM; });
    const removal_report report = empty(open_directory(dir.path()).native_handle(), "");
    ASSERT_EQ(report.failures.size(), 1U);
    EXPECT_EQ(report.failures.front().path.parent_path(), "sub");
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
    EXPECT_EQ(report.failures.front().path, (dir / "a/b/c/d/e/f/stubborn"));
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
        EXPECT_EQ(report.failures.front().error, std::errc::too_many_files_open);
        EXPECT_EQ(report.failures.front().path, (dir / "sub"));
    }
    EXPECT_FALSE(stands(dir / "other"));
    {
        const replace_call<&sys::calls::list> broken([](auto&&...) { return EIO; });
        const removal_report report = empty(dir.path());
        ASSERT_EQ(report.failed, 1U);
        EXPECT_EQ(report.failures.front().error, std::errc::io_error);
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

TEST(remove_tree, S5_the_working_directory_behind_one_that_may_not_be_searched) {
    as_nobody([] {
        const scratch dir;
        const auto locked = dir / "tree/locked";
        std::filesystem::create_directories(locked / "here");
        std::filesystem::create_directories(dir / "other/sub");
        std::filesystem::current_path(locked / "here");
        ::chmod(locked.c_str(), 0);
        std::error_code of_tree;
        std::error_code of_locked;
        remove_tree(dir / "tree", {}, of_tree);
        remove_tree(locked, {}, of_locked);
        const bool all_well = of_tree == std::errc::invalid_argument && of_locked == std::errc::invalid_argument &&
                              permissions_of(locked) == 0U && remove_tree(dir / "other").entries == 2;
        ::chmod(locked.c_str(), 0700);
        std::filesystem::current_path("/");
        return all_well;
    });
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
        const removal_report report = empty(root.native_handle(), dir.path());
        ::chmod(dir.path().c_str(), 0700);
        return report.failed == 0 && dir.empty();
    });
}

TEST(remove_tree, bytes_are_counted_where_a_mode_stands_in_the_way) {
    as_nobody([] {
        const scratch dir;
        std::filesystem::create_directories(dir / "tree/sub");
        write_file(dir / "tree/sub/file", "12345");
        ::chmod((dir / "tree/sub").c_str(), 0400);
        return remove_tree(dir / "tree", {.count_bytes = true}).bytes == 5;
    });
}

TEST(remove_tree, modes_of_strangers_directories_are_left_alone) {
    const scratch dir;
    ::chmod(dir.path().c_str(), 0777);
    std::filesystem::create_directories(dir / "strangers/sub");
    ::chmod((dir / "strangers").c_str(), 0755);
    as_nobody([&] {
        const removal_report report = empty(dir.path());
        return report.failed != 0 && report.failures.front().error.value() == EACCES;
    });
    EXPECT_EQ(permissions_of(dir / "strangers"), 0755U);
    EXPECT_TRUE(stands(dir / "strangers/sub"));
}

// It can be read and is entered, but nobody comes back by "..".
TEST(remove_tree, a_strangers_directory_that_may_not_be_searched_does_not_keep_the_rest) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can make a stranger's directory";
    }
    const scratch dir;
    for (const bool in_signal : {false, true}) {
        const std::filesystem::path tree = dir / (in_signal ? "signal" : "tree");
        std::filesystem::create_directories(tree / "0/theirs");
        write_file(tree / "0/theirs/file", "x");
        ::chmod((tree / "0/theirs").c_str(), 0744);
        for (int i = 0; i < 20; ++i) {
            std::filesystem::create_directory(tree / "0" / std::to_string(i));
            write_file(tree / "0" / std::to_string(i) / "file", "x");
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(tree)) {
            if (!mentions(entry.path(), "theirs")) {
                ASSERT_EQ(::lchown(entry.path().c_str(), 65534, 65534), 0);
            }
        }
        ASSERT_EQ(::lchown(tree.c_str(), 65534, 65534), 0);
        ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
        as_nobody([&] {
            sys::metadata meta;
            std::error_code ec;
            if (in_signal && sys::call.stat_at(sys::working_directory, tree.c_str(), meta) == 0) {
                remove_tree_signal_safe(tree.c_str(), meta.id);
            } else {
                remove_tree(tree, {}, ec);
            }
            return std::distance(std::filesystem::directory_iterator(tree / "0"), {}) == 1;
        });
    }
}

TEST(remove_tree, T3_a_directory_that_stays_gets_its_mode_back) {
    as_nobody([] {
        const scratch dir;
        constexpr unsigned modes[] = {0000U, 0100U, 0400U, 0500U, 0600U};
        for (const unsigned mode : modes) {
            const auto sub = dir / "tree" / std::to_string(mode);
            std::filesystem::create_directories(sub / "b/c/d/e/f");
            write_file(sub / "b/c/d/e/f/stays", "x");
            for (const char* name : {"b/c/d/e/f", "b/c/d", "b", ""}) {
                ::chmod((sub / name).c_str(), mode);
            }
        }
        ::chmod((dir / "tree").c_str(), 0500);
        bool all_well = true;
        {
            const remove_file_call refusing([](auto...) { return EIO; });
            std::error_code ec;
            all_well = remove_tree(dir / "tree", {}, ec).failed == 5 && ec.value() == EIO;
        }
        all_well = all_well && permissions_of(dir / "tree") == 0500U;
        for (const unsigned mode : modes) {
            for (const char* name : {"", "b", "b/c/d", "b/c/d/e/f"}) {
                const auto sub = dir / "tree" / std::to_string(mode) / name;
                all_well = all_well && permissions_of(sub) == mode;
                ::chmod(sub.c_str(), 0700);
            }
        }
        return remove_tree(dir / "tree").complete && all_well && dir.empty();
    });
}

TEST(remove_tree, T3_also_when_it_is_stopped_in_the_middle) {
    as_nobody([] {
        bool all_well = true;
        for (const bool throws : {false, true}) {
            const scratch dir;
            std::vector<std::filesystem::path> all{dir / "tree"};
            for (int i = 0; i < 10; ++i) {
                all.push_back(all.back() / "d");
            }
            std::filesystem::create_directories(all.back());
            fill(all.back(), 100);
            for (auto d = all.rbegin(); d != all.rend(); ++d) {
                ::chmod(d->c_str(), 0);
            }
            const auto stop = [&](const removal_progress&) {
                return throws ? throw std::runtime_error("enough") : false;
            };
            std::error_code ec;
            try {
                remove_tree(dir / "tree", {.progress = stop}, ec);
                all_well = all_well && !throws && ec == std::errc::operation_canceled;
            } catch (const std::runtime_error&) {
                all_well = all_well && throws;
            }
            for (const auto& d : all) {
                all_well = all_well && permissions_of(d) == 0U;
                ::chmod(d.c_str(), 0700);
            }
            all_well = all_well && remove_tree(dir / "tree").complete;
        }
        return all_well;
    });
}

TEST(remove_tree, T3_contents_only_gives_the_directory_its_mode_back) {
    as_nobody([] {
        const scratch dir;
        std::filesystem::create_directories(dir / "tree/sub");
        ::chmod((dir / "tree").c_str(), 0100);
        const bool complete = remove_tree(dir / "tree", {.contents_only = true}).complete;
        return complete && permissions_of(dir / "tree") == 0100U && ::rmdir((dir / "tree").c_str()) == 0;
    });
}

TEST(remove_tree, T3_an_unreadable_directory_of_somebody_else_is_not_even_tried_to_be_changed) {
    const scratch dir;
    std::filesystem::create_directories(dir / "sub/x");
    const replace_call<&sys::calls::open_directory> unreadable([](auto&&...) { return EACCES; });
    const replace_call<&sys::calls::effective_user> somebody([] { return std::uint64_t{12345}; });
    const count_calls<&sys::calls::set_path_permissions> changes;
    const removal_report report = empty(dir.path());
    ASSERT_EQ(report.failed, 1U);
    EXPECT_EQ(report.failures.front().error.value(), EACCES);
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
