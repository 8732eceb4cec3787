// kill -9 before every single system call of a program: what has no name leaves nothing behind, what has one is removed
// by the next sweep, and what was kept is not.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/sweep.hpp>

#include "strace.hpp"
#include "support/sweeping.hpp"

namespace tempfile::test {
namespace {

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Where in a run: before the n-th call of that name.
struct instant {
    std::string call;
    int n;
};

// Every instant of the program, from its first call to its last. strace counts the calls of each thread for itself
// (strace(1), inject), so that those of the second one come where the first one has not made as many.
std::vector<instant> instants_of(const std::vector<traced_call>& calls) {
    std::vector<instant> all;
    std::map<std::string, int> most;
    std::map<std::string, std::map<std::string, int>> times;
    for (const traced_call& call : calls) {
        const int n = ++times[call.thread][call.name];
        if (n > most[call.name]) {
            all.push_back({call.name, most[call.name] = n});
        }
    }
    return all;
}

bool has_threads(const std::vector<traced_call>& calls) {
    return std::any_of(calls.begin(), calls.end(), [&](const traced_call& c) { return c.thread != calls[0].thread; });
}

// How often threads wait for each other, and what memory they ask for, is not the same each time; nor is how many there
// are, since a worker ends when nothing waits for it, and the next work begins another one.
bool is_chance_with_threads(const std::string& call) {
    static const std::set<std::string> by_chance{"futex", "mmap",        "munmap", "mprotect", "madvise",
                                                 "brk",   "sched_yield", "clone",  "clone3",   "rt_sigprocmask"};
    return by_chance.contains(call);
}

// Runs `traced WHAT 0`, which does it once, again and again: once for every instant, ended by that signal there. Each
// time it looks afterwards, and is told when that was and what the program had said.
template <class Look>
std::size_t end_at_every_instant(int signal, const char* what, const scratch& dir, Look look) {
    sweep();  // or the program would begin with what is left of the one before
    const auto calls = trace({TRACED, what, "0"}, dir.path());
    const auto instants = instants_of(calls);
    const std::string inject = std::string(":signal=") + ::sigabbrev_np(signal) + ":when=";
    for (const auto& [call, n] : instants) {
        if (call == "execve") {  // there is no program before it
            continue;
        }
        const ended program = run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                                   "inject=" + call + inject + std::to_string(n), TRACED, what, "0"},
                                  [&] { ::setenv("TMPDIR", dir.path().c_str(), 1); });
        const bool too_late = signal != SIGKILL && call == "exit_group";  // it never comes back to a handler
        // The worker handles no signals: what arrives in it does not arrive.
        const bool never = has_threads(calls) && (signal != SIGKILL || is_chance_with_threads(call));
        EXPECT_TRUE(program.killed_by(signal) || ((too_late || never) && program.well()))
            << call << ' ' << n << ": " << in_words(program.status) << program.text;
        look(call + " number " + std::to_string(n), program.text);
    }
    std::cout << "SIG" << ::sigabbrev_np(signal) << " before each of " << instants.size() << " system calls\n";
    return instants.size();
}

class killed : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string why = why_no_strace(); !why.empty()) {
            GTEST_SKIP() << why;
        }
    }

    // What the program said it kept is there, if it was not about to remove that.
    void expect_nothing_but_what_was_kept(const std::string& when, const std::string& said) {
        for (const std::string& name : dir.names()) {
            EXPECT_TRUE(name.starts_with("kept-")) << name << " is left after a signal before " << when;
        }
        const bool kept = said.starts_with("kept ") && said.find("removing") == said.npos;
        if (kept) {
            ++times_kept;
            EXPECT_TRUE(std::filesystem::exists(dir / said.substr(5, said.find('\n') - 5)))
                << "what was kept is gone after a signal before " << when;
        }
        for (const std::string& name : dir.names()) {
            std::filesystem::remove_all(dir / name);
        }
    }
    void expect_nothing_after_a_sweep_but_what_was_kept(const std::string& when, const std::string& said) {
        const sweep_report report = sweep();
        EXPECT_TRUE(report.complete && troubles(report) == 0) << "killed before " << when;
        expect_nothing_but_what_was_kept(when, said);
    }

    // The file is old or new, never in between; so is the directory, which may not be there yet.
    void expect_old_or_new(const std::string& when) {
        for (const std::string& name : dir.names()) {
            EXPECT_TRUE(name == "published" || name == "published-tree") << name << " is left, before " << when;
        }
        const std::string now = contents(dir / "published");
        EXPECT_TRUE(now == old_text || now == new_text) << now.size() << " bytes, before " << when;
        times_new += now == new_text ? 1 : 0;
        EXPECT_TRUE(!std::filesystem::exists(dir / "published-tree") ||
                    contents(dir / "published-tree/sub/text") == new_text)
            << "before " << when;
        std::filesystem::remove_all(dir / "published-tree");
        std::ofstream(dir / "published") << old_text;
    }

    const std::string old_text = std::string(100, 'o');
    const std::string new_text = std::string(4096, 'p');
    int times_kept = 0;
    int times_new = 0;

    scratch dir;
};

TEST_F(killed, a_program_with_unnamed_files_leaves_nothing_behind_at_any_instant) {
    const int unnamed = ::open(dir.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (unnamed == -1) {
        GTEST_SKIP() << "the file system of " << dir.path() << " has no O_TMPFILE";
    }
    ::close(unnamed);
    const auto look = [&](const std::string& when, const std::string& said) {
        ASSERT_TRUE(dir.empty()) << "killed before " << when << said;
    };
    EXPECT_GT(end_at_every_instant(SIGKILL, "life", dir, look), 15U);
}

TEST_F(killed, T6_a_program_with_named_ones_leaves_nothing_to_be_found_after_a_sweep_but_what_was_kept) {
    const auto look = [&](const std::string& when, const std::string& said) {
        expect_nothing_after_a_sweep_but_what_was_kept(when, said);
    };
    EXPECT_GT(end_at_every_instant(SIGKILL, "named life", dir, look), 80U);
    EXPECT_GT(times_kept, 5);
}

TEST_F(killed, T6_a_name_of_a_moment_goes_with_the_next_sweep) {
    const auto look = [&](const std::string& when, const std::string& said) {
        expect_nothing_after_a_sweep_but_what_was_kept(when, said);
    };
    EXPECT_GT(end_at_every_instant(SIGKILL, "named for a moment with cleanup on signals", dir, look), 5U);
}

TEST_F(killed, T6_what_was_handed_over_to_be_removed_in_the_background_goes_with_the_next_sweep) {
    const auto look = [&](const std::string& when, const std::string& said) {
        expect_nothing_after_a_sweep_but_what_was_kept(when, said);
    };
    EXPECT_GT(end_at_every_instant(SIGKILL, "handed over", dir, look), 40U);
}

TEST_F(killed,
       T6_by_SIGTERM_after_cleanup_on_signals_a_program_leaves_nothing_behind_at_any_instant_but_what_was_kept) {
    const auto look = [&](const std::string& when, const std::string& said) {
        expect_nothing_but_what_was_kept(when, said);
    };
    EXPECT_GT(end_at_every_instant(SIGTERM, "named life with cleanup on signals", dir, look), 80U);
    EXPECT_GT(times_kept, 5);
    EXPECT_GT(end_at_every_instant(SIGTERM, "abandoned with cleanup on signals", dir, look), 10U);
    EXPECT_GT(end_at_every_instant(SIGTERM, "named for a moment with cleanup on signals", dir, look), 5U);
    EXPECT_GT(end_at_every_instant(SIGTERM, "handed over with cleanup on signals", dir, look), 40U);
}

TEST_F(killed, T6_T15_what_is_published_is_the_whole_old_or_the_whole_new_one_and_a_sweep_removes_the_rest) {
    std::ofstream(dir / "published") << old_text;
    const auto look = [&](const std::string& when, const std::string&) {
        const sweep_report report = sweep();
        EXPECT_TRUE(report.complete && troubles(report) == 0) << "killed before " << when;
        expect_old_or_new(when);
    };
    EXPECT_GT(end_at_every_instant(SIGKILL, "publish", dir, look), 100U);
    EXPECT_GT(times_new, 50);
}

TEST_F(killed, T6_T15_so_it_is_by_SIGTERM_after_cleanup_on_signals_without_a_sweep) {
    std::ofstream(dir / "published") << old_text;
    const auto look = [&](const std::string& when, const std::string&) { expect_old_or_new(when); };
    EXPECT_GT(end_at_every_instant(SIGTERM, "publish with cleanup on signals", dir, look), 100U);
}

}  // namespace
}  // namespace tempfile::test
