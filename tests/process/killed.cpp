// kill -9 before every single system call of a program: what has no name leaves nothing behind, what has one is removed
// by the next sweep, and what was kept is not.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/sweep.hpp>

#include "strace.hpp"

namespace tempfile::test {
namespace {

// Where in a run: before the n-th call of that name.
struct instant {
    std::string call;
    int n;
};

// Every instant between the first mark and the end of the program.
std::vector<instant> instants_of(const std::vector<traced_call>& calls) {
    std::vector<instant> all;
    std::map<std::string, int> times;
    bool begun = false;
    for (const traced_call& call : calls) {
        ++times[call.name];
        begun = begun || call.is_mark();
        if (begun) {
            all.push_back({call.name, times[call.name]});
        }
    }
    return all;
}

// Runs `traced WHAT 1` once for every instant, killed there, and looks afterwards.
template <class Look>
std::size_t kill_at_every_instant(const char* what, const scratch& dir, Look look) {
    const auto instants = instants_of(trace({TRACED, what, "1"}, dir.path()));
    for (const auto& [call, n] : instants) {
        const ended program = run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                                   "inject=" + call + ":signal=KILL:when=" + std::to_string(n), TRACED, what, "1"},
                                  [&] { ::setenv("TMPDIR", dir.path().c_str(), 1); });
        EXPECT_TRUE(program.killed_by(SIGKILL)) << call << ' ' << n << ": " << in_words(program.status);
        look(call + " number " + std::to_string(n));
    }
    std::cout << "killed before each of " << instants.size() << " system calls\n";
    return instants.size();
}

TEST(killed, a_program_with_unnamed_files_leaves_nothing_behind_at_any_instant) {
    if (const std::string why = why_no_strace(); !why.empty()) {
        GTEST_SKIP() << why;
    }
    const scratch dir;
    const int unnamed = ::open(dir.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (unnamed == -1) {
        GTEST_SKIP() << "the file system of " << dir.path() << " has no O_TMPFILE";
    }
    ::close(unnamed);
    const auto look = [&](const std::string& when) { ASSERT_TRUE(dir.empty()) << "killed before " << when; };
    EXPECT_GT(kill_at_every_instant("life", dir, look), 15U);
}

TEST(killed, T6_a_program_with_named_ones_leaves_nothing_to_be_found_after_a_sweep_but_what_was_kept) {
    if (const std::string why = why_no_strace(); !why.empty()) {
        GTEST_SKIP() << why;
    }
    const scratch dir;
    const auto look = [&](const std::string& when) {
        const sweep_report report = sweep();
        EXPECT_TRUE(report.complete && report.left.empty() && report.unknown.empty()) << "killed before " << when;
        for (const std::string& name : dir.names()) {
            ASSERT_TRUE(name.starts_with("kept-")) << name << " is left after a kill before " << when;
            std::filesystem::remove(dir / name);
        }
    };
    EXPECT_GT(kill_at_every_instant("named life", dir, look), 30U);
}

}  // namespace
}  // namespace tempfile::test
