// kill -9 before every single system call of a program: what has no name leaves nothing behind.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

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

    const auto instants = instants_of(trace({TRACED, "life", "1"}, dir.path()));
    ASSERT_GT(instants.size(), 15U);
    for (const auto& [call, n] : instants) {
        const ended program = run({"strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=" + call, "-e",
                                   "inject=" + call + ":signal=KILL:when=" + std::to_string(n), TRACED, "life", "1"},
                                  [&] { ::setenv("TMPDIR", dir.path().c_str(), 1); });
        ASSERT_TRUE(program.killed_by(SIGKILL)) << call << ' ' << n << ": " << in_words(program.status);
        ASSERT_TRUE(dir.empty()) << "killed before " << call << " number " << n;
    }
    std::cout << "killed before each of " << instants.size() << " system calls\n";
}

}  // namespace
}  // namespace tempfile::test
