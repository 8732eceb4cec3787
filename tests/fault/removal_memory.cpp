// How much memory a removal takes: little for a level, and little for what waits, however the tree is made. And what is
// when there is none.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>
#include <tempfile/tempfile.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <limits>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "support/held.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"

namespace {

// What is allocated by this thread, and was at most.
thread_local std::size_t allocated = 0;
thread_local std::size_t most_allocated = 0;

// Which allocations have no memory, of all threads: so many, when that many more have been made.
std::atomic<int> goes_well{0};
std::atomic<int> goes_wrong{0};

}  // namespace

#ifndef TEMPFILE_TEST_HAS_ITS_OWN_NEW
void* operator new(std::size_t bytes) {
    if (goes_wrong != 0 && goes_well-- <= 0 && goes_wrong-- > 0) {
        throw std::bad_alloc();
    }
    void* const memory = std::malloc(bytes);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    allocated += ::malloc_usable_size(memory);
    most_allocated = std::max(most_allocated, allocated);
    return memory;
}

void operator delete(void* memory) noexcept {
    allocated -= memory == nullptr ? 0 : ::malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    operator delete(memory);
}
#endif

namespace {

using tempfile::test::held;
using tempfile::test::in_memory;
using tempfile::test::scratch;
using path = std::filesystem::path;

// In each of so many directories, each in the one before, so many others with one in it.
void make_tree(const path& root, int levels, int others, const std::string& name) {
    const held here(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int level = 0; level < levels; ++level) {
        for (int i = 0; i < others; ++i) {
            const std::string other = name + std::to_string(i);
            ASSERT_EQ(::mkdirat(here, other.c_str(), 0700), 0);
            ASSERT_EQ(::mkdirat(here, (other + "/d").c_str(), 0700), 0);
        }
        ASSERT_EQ(::mkdirat(here, "d", 0700), 0);
        const held next(::openat(here, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        std::swap<tempfile::sys::handle>(here, next);
    }
}

class removal_memory : public testing::Test {
protected:
    removal_memory() {
#ifdef TEMPFILE_TEST_HAS_ITS_OWN_NEW
        has_own_new_ = true;
#endif
    }
    void SetUp() override {
        if (has_own_new_) {
            GTEST_SKIP() << "ThreadSanitizer's operator new cannot be replaced";
        }
    }
    // Bytes that the removal of the tree has allocated at most.
    std::size_t remove() {
        const std::size_t before = allocated;
        most_allocated = before;
        const tempfile::removal_report report = tempfile::remove_tree(tree, {.threads = 1});
        EXPECT_TRUE(report.complete);
        std::cout << report.entries << " entries, " << most_allocated - before << " bytes\n";
        return most_allocated - before;
    }

    scratch dir{in_memory()};
    path tree = [this] {
        create_directory(dir / "tree");
        return dir / "tree";
    }();

private:
    bool has_own_new_ = false;
};

TEST_F(removal_memory, T22_of_a_level_is_little) {
    constexpr int levels = 50'000;
    make_tree(tree, levels, 0, "");
    EXPECT_LT(remove(), std::size_t{125} * levels);
}

constexpr std::size_t long_name = 200;

TEST_F(removal_memory, T22_of_what_waits_in_all_levels_is_that_of_two_directories) {
    const std::string name(long_name, 'n');
    make_tree(tree, 1, 12'000, name);
    const std::size_t one_directory = remove();
    EXPECT_LT(one_directory, 10'000 * (long_name + 6) * 9 / 8);
    create_directory(tree);
    make_tree(tree, 120, 300, name);
    EXPECT_LT(remove(), one_directory * 9 / 4);
}

// A file system in memory lists the newest first, so that nearly all have been gone through when we go down.
TEST_F(removal_memory, T22_what_does_not_wait_any_more_takes_none) {
    path level = tree;
    for (int depth = 0; depth < 15; ++depth) {
        const std::string name(long_name, 'n');
        make_tree(level, 1, 1, name);
        for (int i = 1; i < 400; ++i) {
            create_directories(level / (name + std::to_string(i)) / "d");
        }
        level /= "d";
    }
    EXPECT_LT(remove(), 3 * 400 * long_name);
}

// --- Without memory ---

// Of directories on the way down, which are nobody's.
constexpr ::mode_t changed_by_us[] = {0500, 0400, 0000, 0300};

void make_tree_of_locked_directories(const path& root) {
    std::vector<path> all = {root};
    for (int level = 0; level < 9; ++level) {
        const path& last = all.back();
        for (const char* name : {"a", "b", "c/c", "d"}) {
            create_directories(last / name);
        }
        std::ofstream(last / "file") << "x";
        all.push_back(last / "d");
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        ASSERT_EQ(::chown(entry.path().c_str(), tempfile::test::nobody, tempfile::test::nobody), 0);
    }
    for (std::size_t i = 1; i < all.size(); ++i) {
        ASSERT_EQ(::chmod(all[i].c_str(), changed_by_us[i % std::size(changed_by_us)]), 0);
    }
}

void expect_modes_as_before(path dir) {
    for (std::size_t i = 1; exists(dir /= "d"); ++i) {
        struct stat is {};
        ASSERT_EQ(::stat(dir.c_str(), &is), 0);
        EXPECT_EQ(is.st_mode & 07777U, changed_by_us[i % std::size(changed_by_us)]) << dir;
    }
}

// Removes what is in it as somebody whom modes stop. What it came to.
std::string empty_as_nobody(const path& root, unsigned threads, int well, int wrong) {
    return tempfile::test::as_ordinary_user([&](std::ostream& said) {
        bool without_memory = false;
        goes_well = well;
        goes_wrong = wrong;
        try {
            tempfile::remove_tree(root, {.contents_only = true, .threads = threads});
        } catch (const std::bad_alloc&) {
            without_memory = true;
        }
        goes_wrong = 0;
        said << (without_memory ? "no memory" : "");
    });
}

TEST_F(removal_memory, T3_without_it_every_mode_is_given_back) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can become another user";
    }
    int runs = 0;
    for (const unsigned threads : {1U, 3U}) {
        for (const int wrong : {1, std::numeric_limits<int>::max()}) {
            int well = 0;
            for (std::string said = "no memory"; said == "no memory"; ++well) {
                make_tree_of_locked_directories(tree);
                ASSERT_EQ(::chmod(dir.path().c_str(), 0755), 0);
                ASSERT_EQ(::chmod(tree.c_str(), 0777), 0);
                said = empty_as_nobody(tree, threads, well, wrong);
                ASSERT_TRUE(said.empty() || said == "no memory") << said;
                SCOPED_TRACE(std::to_string(well) + " allocations went well, " + std::to_string(threads) + " threads");
                expect_modes_as_before(tree);
                if (HasFailure()) {
                    return;
                }
                remove_all(tree);
                create_directory(tree);
                ++runs;
            }
            EXPECT_GT(well, 10);
        }
    }
    std::cout << runs << " times without memory\n";
}

}  // namespace
