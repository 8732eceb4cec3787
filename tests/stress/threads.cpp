// Many threads, each with objects of its own, and nothing is used up.

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <thread>
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

constexpr int threads = 8;
constexpr int rounds = sanitizer.empty() ? 4000 : 400;

// Runs `work` in all threads at the same time; an exception in one of them is a failure.
void in_threads(const std::function<void(int thread)>& work) {
    std::mutex mutex;
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) {
        all.emplace_back([&, i] {
            try {
                work(i);
            } catch (const std::exception& e) {
                const std::lock_guard lock(mutex);
                ADD_FAILURE() << "thread " << i << ": " << e.what();
            }
        });
    }
    for (std::thread& thread : all) {
        thread.join();
    }
}

TEST(threads, use_up_neither_descriptors_nor_memory_nor_names) {
    const scratch dir(in_memory());
    const auto work = [&](int thread) {
        for (int i = 0; i < rounds; ++i) {
            all_rounds.at(static_cast<std::size_t>(thread + i) % all_rounds.size())(dir.path());
        }
    };
    in_threads(work);  // the first threads leave arenas and caches behind that the next ones use again
    const auto descriptors_before = open_descriptors();
    const auto memory_before = allocated();
    in_threads(work);
    EXPECT_EQ(open_descriptors(), descriptors_before);
    EXPECT_TRUE(dir.empty());
    if (sanitizer.empty()) {
        EXPECT_LT(allocated(), memory_before + 100'000) << "three bytes a round would show";
    }
}

TEST(threads, T16_never_draw_the_same_name) {
    const scratch dir(in_memory());
    std::mutex mutex;
    std::set<std::string> seen;
    in_threads([&](int) {
        for (int i = 0; i < rounds; ++i) {
            const named_temporary_file fp({.dir = dir.path()});
            const std::lock_guard lock(mutex);
            must(seen.insert(fp.path().filename()).second, "a name was drawn twice");
        }
    });
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(threads) * rounds);
}

// One thread changes where temporary files go, another looks, others make them.
TEST(threads, may_change_and_ask_for_the_directory_at_any_time) {
    const scratch one(in_memory());
    const scratch two(in_memory());
    tempdir = one.path();
    in_threads([&](int thread) {
        for (int i = 0; i < rounds; ++i) {
            if (thread == 0) {
                tempdir = i % 2 == 0 ? one.path() : two.path();
            } else if (thread == 1) {
                const scoped_tempdir mine(two.path());
                must(gettempdir() == two.path(), "a scoped_tempdir is this thread's");
            } else if (thread == 2 && i % 10 == 0) {
                must(explain().dir.string().starts_with(in_memory().string()), "explain() answers an override");
            } else {
                const named_temporary_file fp;
                const auto parent = fp.path().parent_path();
                must(parent == one.path() || parent == two.path(), "a file is made where one said");
            }
        }
    });
    tempdir = std::nullopt;
    EXPECT_TRUE(one.empty() && two.empty());
}

// Each thread makes, the next one destroys.
TEST(threads, may_hand_objects_to_each_other) {
    const scratch dir(in_memory());
    const auto descriptors_before = open_descriptors();
    std::vector<std::mutex> mutexes(threads);
    std::vector<std::vector<named_temporary_file>> inboxes(threads);
    in_threads([&](int thread) {
        const auto next = static_cast<std::size_t>(thread + 1) % threads;
        for (int i = 0; i < rounds / 4; ++i) {
            named_temporary_file fp({.dir = dir.path()});
            fp << thread << std::flush;
            {
                const std::lock_guard lock(mutexes[next]);
                inboxes[next].push_back(std::move(fp));
            }
            std::vector<named_temporary_file> mine;
            {
                const std::lock_guard lock(mutexes[static_cast<std::size_t>(thread)]);
                mine.swap(inboxes[static_cast<std::size_t>(thread)]);
            }
            for (named_temporary_file& got : mine) {
                got.seek(0);
                must(std::stoi(got.read()) == (thread + threads - 1) % threads, "what came is what was sent");
            }
        }
    });
    inboxes.clear();
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(open_descriptors(), descriptors_before);
}

}  // namespace
}  // namespace tempfile::test
