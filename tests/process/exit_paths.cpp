// However a program ends, or leaves a block: what is removed, and what cannot be.

#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <tempfile/sweep.hpp>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

struct possessions {
    explicit possessions(const std::filesystem::path& dir)
        : named({.dir = dir}), directory({.dir = dir}), spool({.max_size = 0, .dir = dir}) {
        named << "buffered";
        spool << "buffered";
        std::ofstream(directory / "file") << "inside";
    }

    named_temporary_file named;
    temporary_directory directory;
    spooled_temporary_file spool;
};

TEST(exit_paths, an_exception_removes_what_it_passes) {
    const scratch dir;
    try {
        const possessions owned(dir.path());
        EXPECT_EQ(dir.names().size(), 2U);
        throw std::runtime_error("on the way");
    } catch (const std::runtime_error&) {
        EXPECT_TRUE(dir.empty());
    }
}

struct throws_when_made {
    explicit throws_when_made(const std::filesystem::path& dir) : owned(dir) { throw std::bad_alloc(); }
    possessions owned;
};

TEST(exit_paths, a_constructor_that_throws_removes_its_members) {
    const scratch dir;
    EXPECT_THROW(throws_when_made{dir.path()}, std::bad_alloc);
    EXPECT_TRUE(dir.empty());
}

TEST(exit_paths, the_end_of_a_thread_removes_what_is_local_to_it) {
    const scratch dir;
    std::thread([&] {
        thread_local const possessions owned(dir.path());
        EXPECT_EQ(dir.names().size(), 2U) << owned.named.path();
    }).join();
    EXPECT_TRUE(dir.empty());
}

// Two ways that run the destructors of static objects.
constexpr const char* orderly_endings[] = {"exit", "return"};

TEST(ending, removes_objects_with_static_storage) {
    for (const char* const way : orderly_endings) {
        const scratch dir;
        const ended program = run({STATICS, "end", way, dir.path().string()});
        EXPECT_TRUE(program.well()) << way << ' ' << in_words(program.status);
        EXPECT_EQ(program.text, "");
        EXPECT_TRUE(dir.empty()) << way;
    }
}

// The state of the library is never destroyed, so that the destructors of others can use it to the end.
TEST(ending, lets_destructors_of_static_objects_use_the_library) {
    for (const char* const way : orderly_endings) {
        const scratch dir;
        const ended program = run({STATICS, "late", way, dir.path().string()});
        EXPECT_TRUE(program.well()) << way << ' ' << in_words(program.status) << program.text;
        ASSERT_EQ(dir.names().size(), 1U) << "what mkdtemp made late is still there, and nothing else";
        const auto made_late = dir / dir.names().front();
        EXPECT_TRUE(made_late.filename().string().starts_with("made-late-"));
        EXPECT_TRUE(std::filesystem::exists(made_late / "and-written"));
    }
}

TEST(ending, does_not_disturb_threads_that_go_on) {
    for (int time = 0; time < 40; ++time) {
        const scratch dir;
        const ended program = run({STATICS, "threads", orderly_endings[time % 2], dir.path().string()});
        EXPECT_TRUE(program.well()) << in_words(program.status) << program.text;
    }
}

TEST(ending, by_quick_exit_leaves_nothing) {
    const scratch dir;
    run({STATICS, "end", "quick_exit", dir.path().string()});
    EXPECT_TRUE(dir.empty());
}

TEST(ending, by_abort_leaves_what_has_a_name_to_the_next_sweep) {
    const scratch dir;
    run({STATICS, "end", "terminate", dir.path().string()});
    EXPECT_EQ(dir.names().size(), 2U) << "the named file and the directory";
    sweep();
    EXPECT_TRUE(dir.empty());
}

}  // namespace
}  // namespace tempfile::test
