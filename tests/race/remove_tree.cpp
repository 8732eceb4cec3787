// remove_tree while somebody swaps things in the tree and above it: before each single call, of whichever thread, and
// without end in a thread of his own. Nothing outside of the tree is ever touched.

#include <gtest/gtest.h>
#include <unistd.h>
#include <tempfile/remove_tree.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "race/attacks.hpp"
#include "race/canary.hpp"
#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/large_directories.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using namespace tempfile::test::attacks;
using tempfile::test::as_ordinary_user;
using tempfile::test::canary;
using tempfile::test::every_call;
using tempfile::test::in_memory;
using tempfile::test::large_directories;
using tempfile::test::open_descriptors;
using tempfile::test::plant_tree;
using tempfile::test::scratch;

// --- Through the table ---

// Threads, and whether every directory counts as a large one.
class swaps_before_calls : public testing::TestWithParam<std::tuple<attack, unsigned, bool>> {
protected:
    // At `victim` in the tree; "" is the tree itself. False when there were fewer calls.
    bool strike_before_call(std::size_t n, const char* victim, const char* its_twin);

    scratch world{in_memory()};
    canary outside{world / "canary"};
    std::size_t hits = 0;
};

bool swaps_before_calls::strike_before_call(std::size_t n, const char* victim, const char* its_twin) {
    const path home = world / "home";
    const path tree = home / "tree";
    for (const char* name : {"a", "b"}) {  // so that there is something to share
        plant_tree(tree / name);
    }
    const path twin = below(outside.path(), its_twin);
    std::mutex one_at_a_time;
    std::size_t calls = 0;
    std::error_code ec;
    removal_report report;
    std::optional<large_directories> large;
    if (std::get<bool>(GetParam())) {
        large.emplace();
    }
    {
        const every_call gate([&](std::string_view) {
            const std::scoped_lock lock(one_at_a_time);
            if (++calls == n) {
                hits += std::get<attack>(GetParam()).strike(below(tree, victim), twin, world / "aside") ? 1U : 0U;
            }
            return 0;
        });
        report = remove_tree(tree, {.threads = std::get<unsigned>(GetParam()), .patience = {}}, ec);
    }
    EXPECT_TRUE(ec || !std::filesystem::exists(std::filesystem::symlink_status(tree)))
        << "no error is reported, but something is left";
    EXPECT_EQ(report.complete, !ec);
    EXPECT_EQ(outside.damage(), "");
    std::filesystem::remove_all(home);
    std::filesystem::remove_all(world / "aside");
    std::filesystem::remove_all(twin.parent_path() / "adopted");
    return calls >= n;
}

TEST_P(swaps_before_calls, T2_S5_of_any_thread) {
    const auto before = open_descriptors();
    using twins = std::pair<const char*, const char*>;
    for (const auto& [victim, twin] : {twins("a/1/2/3/4/5/6", "1/2/3/4/5/6"), twins("a", ""), twins("", "")}) {
        hits = 0;
        for (std::size_t n = 1; strike_before_call(n, victim, twin); ++n) {
            ASSERT_FALSE(HasFailure()) << std::get<attack>(GetParam()).name << ", " << victim << ", before call " << n;
        }
        EXPECT_GT(hits, 0U) << victim;
    }
    EXPECT_EQ(open_descriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(every, swaps_before_calls,
                         testing::Combine(testing::ValuesIn(all), testing::Values(1U, 2U), testing::Bool()),
                         [](const auto& of) {
                             return std::string(std::get<attack>(of.param).name) + "_" +
                                    std::to_string(std::get<unsigned>(of.param)) +
                                    (std::get<bool>(of.param) ? "_large" : "");
                         });

// --- In a thread ---

// TEMPFILE_RACE_SECONDS=60 is a minute for each number of threads, and as long for large directories; without it, half
// a second.
std::chrono::milliseconds how_long() {
    const char* const seconds = std::getenv("TEMPFILE_RACE_SECONDS");
    return seconds == nullptr ? std::chrono::milliseconds(500) : std::chrono::seconds(std::atoi(seconds));
}

// A directory of the tree, or above it; a name beside, and what the link there leads to.
struct pair {
    path victim;
    path link;
    path twin;
};

// Exchanges pair after pair, as long as it lives.
class exchanger {
public:
    explicit exchanger(const std::vector<pair>& all) : pairs_(all), thread_([this] { run(); }) {}
    ~exchanger() {
        over_ = true;
        thread_.join();
    }
    exchanger(const exchanger&) = delete;
    exchanger& operator=(const exchanger&) = delete;
    [[nodiscard]] std::size_t times() const { return times_; }

private:
    void run() {
        while (!over_) {
            for (const pair& p : pairs_) {
                times_ += exchange(p.victim, p.link) ? 1U : 0U;
            }
        }
    }

    const std::vector<pair>& pairs_;
    std::atomic<bool> over_{false};
    std::atomic<std::size_t> times_{0};
    std::thread thread_;
};

constexpr std::array<const char*, 7> levels = {"p", "q", "r", "s", "t", "u", "v"};

// Directories have other names than those of the canary: the attacker, who goes by names, must not find his way through
// his own links to the canary and move it.
void plant_chains(const path& tree) {
    for (const char* name : {"a", "b", "c", "d"}) {
        path deep = tree / name;
        for (const char* level : levels) {
            deep /= level;
            std::filesystem::create_directories(deep / "empty");
            const std::ofstream file(deep / "file");
            std::filesystem::create_symlink("file", deep / "link");
        }
    }
}

// What the tree is in, the tree, and each directory of one of its chains. Beside it lies a link to a directory of the
// canary, in which files have the same names.
std::vector<pair> pairs_in(const path& world, const path& twin) {
    std::vector<pair> all = {{world / "home", world / "link0", twin},
                             {world / "home/tree", world / "link1", twin},
                             {world / "home/tree/a", world / "link2", twin}};
    path victim = world / "home/tree/a";
    path there = twin;
    for (std::size_t i = 0; i < levels.size(); ++i) {
        victim /= levels.at(i);
        there /= test::chain.at(i);
        all.push_back({victim, world / ("link" + std::to_string(all.size())), there});
    }
    return all;
}

// A name that leads through somebody's link before the removal begins is what the caller asked for; so the removal is
// asked for in the working directory, which is what it is whatever becomes of its name.
void exchange_without_end(std::ostream& wrong, const path& world, unsigned threads) {
    const canary outside(world / "canary");
    const std::vector<pair> pairs = pairs_in(world, outside.path());
    std::filesystem::create_directory(world / "home");
    std::filesystem::current_path(world / "home");
    std::size_t rounds = 0;
    std::size_t exchanges = 0;
    std::uint64_t removed = 0;
    {
        const exchanger attacker(pairs);
        const auto end = std::chrono::steady_clock::now() + how_long();
        const auto patience = std::chrono::minutes(1);
        const auto enough = [&] { return rounds >= 3 && attacker.times() >= 100 && removed >= 100; };
        for (; std::chrono::steady_clock::now() < (enough() ? end : end + patience); ++rounds) {
            std::error_code ignored;  // the attacker is at work
            for (const pair& p : pairs) {
                std::filesystem::create_directory_symlink(p.twin, p.link, ignored);
            }
            try {
                plant_chains("tree");
            } catch (const std::filesystem::filesystem_error&) {
            }
            const remove_options options = {.threads = threads, .patience = {}};
            removed += remove_tree("tree", options, ignored).entries;
            for (const pair& p : pairs) {
                removed += remove_tree(p.link, options, ignored).entries;
            }
        }
        exchanges = attacker.times();
    }
    if (const std::string damage = outside.damage(); !damage.empty()) {
        wrong << threads << " threads: " << damage;
    }
    if (rounds < 3 || exchanges < 100 || removed < 100) {
        wrong << threads << " threads: only " << rounds << " rounds, " << exchanges << " exchanges and " << removed
              << " entries\n";
    }
}

void exchange_for_every_number_of_threads(std::ostream& wrong) {
    for (const bool all_large : {false, true}) {
        std::optional<large_directories> large;
        if (all_large) {
            large.emplace();
        }
        for (const unsigned threads : {1U, 2U, 4U}) {
            const scratch world(in_memory());
            exchange_without_end(wrong, world.path(), threads);
            std::filesystem::current_path("/");
        }
    }
}

TEST(swaps_without_end, T2_S5_as_root) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root";
    }
    EXPECT_EQ(test::in_child(exchange_for_every_number_of_threads), "");
}

TEST(swaps_without_end, T2_S5_as_another_user) {
    EXPECT_EQ(as_ordinary_user(exchange_for_every_number_of_threads), "");
}

}  // namespace
