// The registry under load: processes that are killed while others sweep, very many objects, and very many dead
// processes. As long as you like:
//
//     TEMPFILE_STRESS_SECONDS=60 build/test/tests/stress/registry --gtest_filter='*at_random*'
//     TEMPFILE_STRESS_FILES=10000000 build/test/tests/stress/registry --gtest_filter='*T31*'

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <list>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "memory.hpp"
#include "process/child.hpp"
#include "support/in_memory.hpp"
#include "support/living.hpp"
#include "support/replace_call.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"
#include "support/sweeping.hpp"
#include "work.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

// What the environment asks for, else what takes some seconds.
int asked_for(const char* variable, int otherwise) {
    const char* text = std::getenv(variable);
    return text == nullptr ? otherwise : std::atoi(text);
}

// What processes tell each other.
struct tally {
    std::atomic<std::uint64_t> rounds, sweeps, removed;
    std::atomic<int> lost;     // what lives and is gone
    std::atomic<int> unswept;  // what a sweep could not remove or understand
    static tally& shared() {
        void* memory = ::mmap(nullptr, sizeof(tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        must(memory != MAP_FAILED, "memory for all processes");
        return *new (memory) tally{};
    }
};

class registries : public testing::Test {
protected:
    [[nodiscard]] std::size_t registry_count() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(place.path()), fs::directory_iterator()));
    }

    scratch dir{in_memory()};
    scratch place{in_memory()};
    environment_variable its_place{"TEMPFILE_REGISTRY", place.path().c_str()};
    environment_variable its_objects{"TMPDIR", dir.path().c_str()};
};

// --- Killed at random ---

// The kernel kills this process after some time, whatever it is doing then.
void kill_after(std::chrono::nanoseconds life) {
    sigevent kill{};
    kill.sigev_notify = SIGEV_SIGNAL;
    kill.sigev_signo = SIGKILL;
    timer_t timer{};
    must(::timer_create(CLOCK_MONOTONIC, &kill, &timer) == 0, "a timer");
    constexpr std::int64_t second = 1'000'000'000;
    const itimerspec when{.it_interval = {},
                          .it_value = {.tv_sec = life.count() / second, .tv_nsec = life.count() % second}};
    must(::timer_settime(timer, 0, &when, nullptr) == 0, "a timer that runs");
}

void expect_there(const named_temporary_file& fp, tally& told) {
    told.lost += fp.still_there() ? 0 : 1;
}

void expect_there(const temporary_directory& made, tally& told) {
    told.lost += made.still_there() && fs::exists(made / "sub/file") ? 0 : 1;
}

// Makes files and directories, holds some for a while, and looks whether all it holds is there. An exception ends the
// process, or it would go on with the parent's tests.
[[noreturn]] void make_for_ever(tally& told) noexcept {
    std::deque<named_temporary_file> files;
    std::deque<temporary_directory> directories;
    for (std::size_t round = 0;; ++round) {
        files.emplace_back() << "x" << std::flush;
        directories.emplace_back();
        fs::create_directory(directories.back() / "sub");
        std::ofstream(directories.back() / "sub/file") << "x";
        for (const auto& fp : files) {
            expect_there(fp, told);
        }
        for (const auto& made : directories) {
            expect_there(made, told);
        }
        if (files.size() > 1 + round % 5) {
            files.pop_front();
        }
        if (directories.size() > 1 + round % 3) {
            directories.pop_front();
        }
        ++told.rounds;
    }
}

[[noreturn]] void sweep_for_ever(tally& told) noexcept {
    while (true) {
        const sweep_report report = sweep();
        ++told.sweeps;
        told.removed += report.removed.size();
        told.unswept += static_cast<int>(troubles(report));
    }
}

// As many short lives as long ones, from an eighth of a millisecond to half a second.
std::chrono::nanoseconds some_life(std::mt19937& random) {
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(1000 * std::exp2(std::uniform_real_distribution(7.0, 19.0)(random))));
}

TEST_F(registries, T6_processes_killed_at_random_beside_sweepers_leak_nothing_and_lose_nothing) {
    const int processes = asked_for("TEMPFILE_STRESS_PROCESSES", sanitizer.empty() ? 1000 : 200);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(asked_for("TEMPFILE_STRESS_SECONDS", 0));
    constexpr int at_a_time = 8;
    tally& told = tally::shared();
    living bystander([] { make_both(gettempdir()); });
    std::mt19937 random(std::random_device{}());
    int begun = 0;
    int killed = 0;
    while (true) {
        // On until the sweepers have had something to do, but not for ever.
        const bool idle = told.removed == 0 && begun < 20 * processes;
        const bool more = begun < processes || idle || std::chrono::steady_clock::now() < until;
        if (!more && killed == begun) {
            break;
        }
        if (more && begun - killed < at_a_time) {
            const auto life = some_life(random);
            const bool sweeper = ++begun % 4 == 0;
            if (::fork() == 0) {
                kill_after(life);
                sweeper ? sweep_for_ever(told) : make_for_ever(told);
            }
            continue;
        }
        int status = 0;
        ASSERT_NE(::waitpid(-1, &status, 0), bystander.pid());
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << in_words(status);
        ++killed;
    }
    std::cout << killed << " processes were killed after " << told.rounds << " rounds; " << told.sweeps
              << " sweeps ran beside them and removed " << told.removed << " files and directories\n";
    EXPECT_EQ(told.lost, 0);
    EXPECT_EQ(told.unswept, 0);
    EXPECT_GT(told.removed, 0U);
    sweep();
    EXPECT_EQ(dir.names().size(), 2U) << "what the bystander has";
    EXPECT_EQ(registry_count(), 1U);
    bystander.end();
    EXPECT_TRUE(sweep().left.empty());
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(registry_count(), 0U);
}

// --- Very many ---

// Closed ones that keep their names, so that it is not the number of descriptors that limits it.
void make_files(std::size_t count) {
    auto* const files = new std::vector<named_temporary_file>;
    while (files->size() < count) {
        files->emplace_back(named_temporary_file_options{.deletion = delete_when::destroyed}).close();
    }
}

TEST_F(registries, a_hundred_processes_with_a_hundred_objects_each) {
    constexpr std::size_t processes = 100;
    constexpr std::size_t objects = 100;
    std::list<living> owners;
    for (std::size_t i = 0; i < processes; ++i) {
        owners.emplace_back([] {
            make_files(objects - 10);
            for (int n = 0; n < 10; ++n) {
                static_cast<void>(new temporary_directory);
            }
        });
    }
    std::set<fs::path> paths;
    for (const registered& r : leftovers()) {
        EXPECT_EQ(r.owner, owner_state::alive);
        paths.insert(r.path);
    }
    EXPECT_EQ(paths.size(), processes * objects);
    EXPECT_TRUE(sweep().removed.empty());
    EXPECT_EQ(dir.names().size(), processes * objects);
    owners.clear();
    EXPECT_EQ(sweep().removed.size(), processes * objects);
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(registry_count(), 0U);
}

class many_dead : public registries {
protected:
    void SetUp() override {
        for (int i = 0; i < count; ++i) {
            const ended one = forked([](int) {
                make_files(1);
                ::raise(SIGKILL);
            });
            ASSERT_TRUE(one.killed_by(SIGKILL));
        }
        ASSERT_EQ(registry_count(), static_cast<std::size_t>(count));
    }

    static constexpr int count = 1000;
};

// On a clock that goes on by a millisecond whenever somebody looks at it.
TEST_F(many_dead, a_sweep_stops_when_its_time_is_up_and_the_next_one_goes_on) {
    std::uint64_t now = 0;
    const replace_call<&sys::calls::steady_clock> slow([&] { return now += 1'000'000; });
    int sweeps = 0;
    for (bool complete = false; !complete; ++sweeps) {
        const std::size_t before = registry_count();
        const sweep_report report = sweep({.at_most = std::chrono::milliseconds(100)});
        EXPECT_TRUE(report.left.empty() || !report.complete);
        ASSERT_LE(report.removed.size(), 100U) << "one look at least for each";
        ASSERT_EQ(registry_count() + report.removed.size(), before);
        ASSERT_TRUE(report.complete || !report.removed.empty()) << "it does not come to an end like this";
        complete = report.complete;
    }
    EXPECT_GE(sweeps, count / 100);
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(registry_count(), 0U);
}

// New programs, each of which sweeps for a tenth of a second at most.
TEST_F(many_dead, are_buried_by_whoever_begins_next) {
    int programs = 0;
    for (std::size_t before = registry_count(); before != 0 && programs < count; ++programs) {
        const ended program = run({ACTOR, "names", "1"});
        ASSERT_TRUE(program.well()) << program.text;
        ASSERT_LE(registry_count(), before);  // equal where it had to wait for its turn for all that time
        before = registry_count();
    }
    std::cout << programs << " programs buried " << count << " dead processes\n";
    EXPECT_TRUE(dir.empty());
}

TEST_F(many_dead, are_buried_by_one_sweep_with_enough_time) {
    const sweep_report report = sweep();
    EXPECT_EQ(report.removed.size(), static_cast<std::size_t>(count));
    EXPECT_TRUE(report.complete && troubles(report) == 0);
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(registry_count(), 0U);
}

// --- Very long ---

TEST_F(registries, T31_stays_as_small_as_what_lives_however_many_come_and_go) {
    const int files = asked_for("TEMPFILE_STRESS_FILES", sanitizer.empty() ? 300'000 : 20'000);
    constexpr std::size_t held = 50;
    std::deque<named_temporary_file> alive;
    const auto one_more = [&] {
        alive.emplace_back(named_temporary_file_options{.deletion = delete_when::destroyed}).close();
        if (alive.size() > held) {
            alive.pop_front();
        }
    };
    for (int i = 0; i < 1000; ++i) {
        one_more();
    }
    const fs::path registry = explain_crash_safety().registry;
    const auto size_before = fs::file_size(registry);
    const auto resident_before = resident();
    for (int i = 0; i < files; ++i) {
        one_more();
    }
    EXPECT_EQ(fs::file_size(registry), size_before);
    if (sanitizer.empty()) {
        EXPECT_LT(resident(), resident_before + 2'000'000);
    }
    alive.clear();
    EXPECT_TRUE(dir.empty());
}

}  // namespace
}  // namespace tempfile::test
