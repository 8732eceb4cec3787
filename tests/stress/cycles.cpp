// The same again and again in one thread: nothing grows.

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "memory.hpp"
#include "support/descriptors.hpp"
#include "support/in_memory.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"
#include "work.hpp"

namespace tempfile::test {
namespace {

constexpr int cycles = sanitizer.empty() ? 100'000 : 5'000;

// After some rounds that warm up.
void expect_nothing_grows(int rounds, const std::filesystem::path& dir, round work) {
    for (int i = 0; i < 1000; ++i) {
        work(dir);
    }
    const auto descriptors_before = open_descriptors();
    const auto allocated_before = allocated();
    const auto resident_before = resident();
    for (int i = 0; i < rounds; ++i) {
        work(dir);
    }
    EXPECT_EQ(open_descriptors(), descriptors_before);
    EXPECT_TRUE(std::filesystem::is_empty(dir));
    if (sanitizer.empty()) {  // a sanitizer keeps what was freed, to notice when it is used
        EXPECT_LT(allocated(), allocated_before + 10'000) << "less than a byte a round";
        EXPECT_LT(resident(), resident_before + 2'000'000);
    }
}

TEST(cycles, T31_unnamed_files_leave_memory_and_descriptors_as_they_were) {
    const scratch dir(in_memory());
    expect_nothing_grows(cycles, dir.path(), round_of_unnamed);
}

TEST(cycles, T31_named_files_leave_memory_and_descriptors_as_they_were) {
    const scratch dir(in_memory());
    expect_nothing_grows(cycles, dir.path(), round_of_named);
}

TEST(cycles, T31_spools_leave_memory_and_descriptors_as_they_were) {
    const scratch dir(in_memory());
    expect_nothing_grows(cycles, dir.path(), round_of_spool);
}

TEST(cycles, T31_directories_leave_memory_and_descriptors_as_they_were) {
    const scratch dir(in_memory());
    expect_nothing_grows(cycles / 5, dir.path(), round_of_directory);
}

TEST(cycles, T31_functions_leave_memory_and_descriptors_as_they_were) {
    const scratch dir(in_memory());
    expect_nothing_grows(cycles / 50, dir.path(), round_of_functions);  // keep() waits for the disk
}

// Operations that fail must give back as much as those that succeed.
TEST(cycles, T31_failures_leave_memory_and_descriptors_as_they_were) {
    const scratch dir(in_memory());
    expect_nothing_grows(cycles / 5, dir.path(), [](const std::filesystem::path& parent) {
        std::error_code ec;
        const auto missing = parent / "missing";
        const temporary_file unnamed({.dir = missing}, ec);
        const named_temporary_file named({.dir = missing}, ec);
        const temporary_directory directory({.dir = missing}, ec);
        const named_temporary_file refused({.prefix = "a/b", .dir = parent}, ec);
        spooled_temporary_file spool({.max_size = 1, .dir = missing});
        spool.write("much", ec);
        must(ec == std::errc::no_such_file_or_directory && !spool.rolled(), "a spool cannot roll over to nowhere");
    });
}

// Many at once, in one directory, all destroyed.
TEST(cycles, hundreds_of_objects_at_the_same_time) {
    const scratch dir(in_memory());
    const auto descriptors_before = open_descriptors();
    {
        std::vector<named_temporary_file> files;
        std::vector<temporary_directory> directories;
        for (int i = 0; i < 400; ++i) {  // the usual limit is 1024 descriptors
            files.emplace_back(named_temporary_file_options{.dir = dir.path()});
            directories.emplace_back(temporary_directory_options{.dir = dir.path()});
        }
        EXPECT_EQ(dir.names().size(), 800U);
    }
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(open_descriptors(), descriptors_before);
}

}  // namespace
}  // namespace tempfile::test
