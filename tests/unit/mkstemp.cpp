#include "tempfile/mkstemp.hpp"

#include <gtest/gtest.h>

#include "helpers.hpp"
#include "support/scratch.hpp"
#include "tempfile/location.hpp"

// mktemp is part of what is tested.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

namespace tempfile::test {
namespace {

TEST(tmpfile, makes_a_file_without_a_name) {
    const scratch dir;
    file plain = tmpfile({.dir = dir.path()});
    plain.write("x");
    EXPECT_EQ(contents(plain.native_handle()), "x");
    EXPECT_EQ(permissions_of(plain.native_handle()), 0600U);
    EXPECT_TRUE(dir.empty());
    std::error_code ec = std::make_error_code(std::errc::io_error);
    EXPECT_FALSE(tmpfile({.dir = dir.path()}, ec).closed());
    EXPECT_FALSE(ec);
    EXPECT_TRUE(tmpfile({.dir = dir / "missing"}, ec).closed());
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
}

TEST(mkstemp, makes_a_file_that_the_caller_removes) {
    const scratch dir;
    auto [file, path] = mkstemp({.prefix = "report-", .suffix = ".csv", .dir = dir.path()});
    EXPECT_TRUE(path.is_absolute());
    EXPECT_EQ(path.parent_path(), dir.path());
    EXPECT_EQ(permissions_of(path), 0600U);
    EXPECT_EQ(::fcntl(file.native_handle(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    EXPECT_EQ(::fcntl(file.native_handle(), F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR);
    file.write("a,b\n");
    file.close();
    EXPECT_EQ(contents(path), "a,b\n");
}

TEST(mkstemp, without_options_it_is_in_gettempdir_and_called_tmp_something) {
    const auto [file, path] = mkstemp();
    EXPECT_EQ(path.parent_path(), gettempdir());
    EXPECT_TRUE(path.filename().string().starts_with("tmp"));
    std::filesystem::remove(path);
}

TEST(mkstemp, error_code_form) {
    const scratch dir;
    std::error_code ec = std::make_error_code(std::errc::io_error);
    const auto made = mkstemp({.dir = dir.path()}, ec);
    EXPECT_FALSE(ec);
    EXPECT_FALSE(made.file.closed());
    EXPECT_TRUE(stands(made.path));
    const auto failed = mkstemp({.dir = dir / "missing"}, ec);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
    EXPECT_TRUE(failed.file.closed());
    EXPECT_TRUE(failed.path.empty());
}

TEST(mkdtemp, makes_a_directory_that_the_caller_removes) {
    const scratch dir;
    const auto path = mkdtemp({.prefix = "p", .suffix = "s", .dir = dir.path()});
    EXPECT_TRUE(path.is_absolute());
    EXPECT_TRUE(std::filesystem::is_directory(path));
    EXPECT_EQ(permissions_of(path), 0700U);
    EXPECT_TRUE(path.filename().string().starts_with("p") && path.filename().string().ends_with("s"));
}

TEST(mkdtemp, error_code_form) {
    const scratch dir;
    std::error_code ec = std::make_error_code(std::errc::io_error);
    EXPECT_TRUE(stands(mkdtemp({.dir = dir.path()}, ec)));
    EXPECT_FALSE(ec);
    EXPECT_TRUE(mkdtemp({.dir = dir / "missing"}, ec).empty());
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
}

TEST(mktemp, answers_a_name_and_makes_nothing) {
    const scratch dir;
    const auto path = mktemp({.prefix = "p", .suffix = "s", .dir = dir.path()});
    EXPECT_EQ(path.parent_path(), dir.path());
    EXPECT_TRUE(dir.empty());
    EXPECT_NE(path, mktemp({.prefix = "p", .suffix = "s", .dir = dir.path()}));
}

TEST(mktemp, error_code_form) {
    const scratch dir;
    write_file(dir / "file", "");
    std::error_code ec = std::make_error_code(std::errc::io_error);
    EXPECT_FALSE(mktemp({.dir = dir.path()}, ec).empty());
    EXPECT_FALSE(ec);
    EXPECT_TRUE(mktemp({.dir = dir / "file"}, ec).empty());
    EXPECT_EQ(ec, std::errc::not_a_directory);
}

TEST(mkstemp, S2_one_call_makes_it_with_its_final_mode) {
    const scratch dir;
    std::ignore = mkstemp({.dir = dir.path()});  // the first of each kind is looked at
    std::ignore = mkdtemp({.dir = dir.path()});
    const count_calls<&sys::calls::create_file> files;
    const count_calls<&sys::calls::create_directory> directories;
    const count_calls<&sys::calls::set_permissions> changes;
    const count_calls<&sys::calls::set_path_permissions> path_changes;
    const count_calls<&sys::calls::stat> looks;
    std::ignore = mkstemp({.dir = dir.path()});
    std::ignore = mkdtemp({.dir = dir.path()});
    EXPECT_EQ(files.count(), 1);
    EXPECT_EQ(directories.count(), 1);
    EXPECT_EQ(changes.count() + path_changes.count() + looks.count(), 0);
}

}  // namespace
}  // namespace tempfile::test
