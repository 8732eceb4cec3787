// The system calls of each operation, exactly and in order, as strace(1) sees them from outside.

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "strace.hpp"

namespace tempfile::test {
namespace {

constexpr int rounds = 100;

struct cost {
    std::string what;  // a word of traced.cpp
    std::vector<std::string> calls;
    int names = 1;  // that are drawn in a round, at most

    friend void PrintTo(const cost& c, std::ostream* out) { *out << c.what; }
};

// The calls of each round, without those that draw random bytes, which are counted: they serve 32 names.
std::vector<std::vector<traced_call>> rounds_of(const std::vector<traced_call>& calls, int& draws) {
    std::vector<std::vector<traced_call>> all;
    for (const traced_call& call : calls) {
        if (call.is_mark()) {
            all.emplace_back();
        } else if (!all.empty() && call.name == "getrandom") {
            ++draws;
        } else if (!all.empty()) {
            all.back().push_back(call);
        }
    }
    all.pop_back();  // behind the last mark the program ends
    return all;
}

std::vector<std::string> names_of(const std::vector<traced_call>& calls) {
    std::vector<std::string> names;
    for (const traced_call& call : calls) {
        names.push_back(call.name);
    }
    return names;
}

class system_calls : public testing::TestWithParam<cost> {
protected:
    void SetUp() override {
        if (const std::string why = why_no_strace(); !why.empty()) {
            GTEST_SKIP() << why;
        }
    }

    std::vector<std::vector<traced_call>> trace_rounds(const std::string& what) {
        return rounds_of(trace({TRACED, what, std::to_string(rounds)}, dir.path()), draws);
    }

    scratch dir;
    int draws = 0;
};

TEST_P(system_calls, are_exactly_these) {
    const auto all = trace_rounds(GetParam().what);
    ASSERT_EQ(all.size(), static_cast<std::size_t>(rounds));
    for (const auto& calls : all) {
        ASSERT_EQ(names_of(calls), GetParam().calls);
    }
    EXPECT_LE(draws, rounds * GetParam().names / 32 + 1);
}

using strings = std::vector<std::string>;

INSTANTIATE_TEST_SUITE_P(
    of, system_calls,
    testing::Values(cost{"unnamed", strings{"openat", "close"}},            //
                    cost{"unnamed destroyed", strings{"openat", "close"}},  //
                    cost{"unnamed round trip", strings{"openat", "pwrite64", "pread64", "close"}},
                    cost{"unnamed round trip in the buffer", strings{"openat", "close"}},
                    cost{"named closed", strings{"openat", "pwrite64", "unlinkat", "close"}},
                    cost{"named destroyed", strings{"openat", "unlinkat", "close"}},
                    cost{"named kept", strings{"openat", "pwrite64", "close"}},
                    cost{"directory", strings{"mkdir", "openat", "statx", "flock", "unlinkat", "close"}},
                    cost{"directory cleaned up", strings{"mkdir", "openat", "statx", "flock", "unlinkat", "close"}},
                    cost{"mkstemp", strings{"openat", "close"}},  //
                    cost{"mkdtemp", strings{"mkdir"}},            //
                    cost{"spool in memory", strings{}},
                    cost{"spool rolled over", strings{"openat", "write", "pwrite64", "pread64", "close"}},
                    cost{"gettempdir", strings{"statx"}},  // is it still there?
                    cost{"gettempdir overridden", strings{}}));

strings words(const std::string& text) {
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

// The directory, what stands there, whether that is a stranger's (geteuid), and a file beside it; then what stands
// there now, its attributes, and away with an ACL that the file has inherited; in the end the name. A second handle is
// closed where nothing is waited for, since that is when network file systems tell of errors (close(2)).
const std::string begin = "openat statx geteuid openat ";
const std::string looks = "statx geteuid statx openat flistxattr close fremovexattr ";
const std::string name = "linkat renameat ";
INSTANTIATE_TEST_SUITE_P(
    of_publishing, system_calls,
    testing::Values(
        cost{"write_file over another one", words(begin + "pwrite64 " + looks + "fcntl close " + name + "close close")},
        cost{"durable write_file over another one",
             words(begin + "pwrite64 " + looks + "fsync " + name + "fsync close close")},
        cost{"durable write_file of a new one",
             words("openat statx openat pwrite64 statx statx fsync linkat fsync close close unlink")},
        // The second, in the same directory, asks only whether it still is that one.
        cost{"batch of two over others",
             words(begin + "statx statx statx geteuid openat pwrite64 pwrite64 " + looks + looks +
                   "sync_file_range sync_file_range fsync fsync " + name + name + "statx fsync " + "close close close"),
             2}));

// One call makes it with its final mode, close-on-exec, and takes nothing that stands there; nobody changes it later.
TEST_F(system_calls, S2_one_call_creates_with_the_final_mode) {
    for (const char* const what : {"unnamed", "named closed", "mkstemp", "spool rolled over"}) {
        for (const auto& calls : trace_rounds(what)) {
            EXPECT_TRUE(calls.at(0).says("O_EXCL") && calls.at(0).says("O_CLOEXEC") && calls.at(0).says(", 0600) = "))
                << calls.at(0).text;
            EXPECT_EQ(std::count_if(calls.begin(), calls.end(),
                                    [](const traced_call& call) { return call.says("chmod") || call.says("umask"); }),
                      0);
        }
    }
    for (const char* const what : {"directory", "mkdtemp"}) {
        for (const auto& calls : trace_rounds(what)) {
            EXPECT_TRUE(calls.at(0).says(", 0700) = ")) << calls.at(0).text;
        }
    }
}

// Also those of the search, of a removal, and of the files that make a moment's use of a descriptor.
TEST_F(system_calls, T19_every_descriptor_is_close_on_exec_from_the_first_instant) {
    for (const char* const what : {"unnamed", "named closed", "mkstemp", "directory", "tree", "life"}) {
        int opened = 0;
        for (const traced_call& call : trace({TRACED, what, "1"}, dir.path())) {
            if (call.name == "openat" || call.name == "open") {
                ++opened;
                EXPECT_TRUE(call.says("O_CLOEXEC")) << call.text;
            }
        }
        EXPECT_GT(opened, 0);
    }
}

// umask(2) belongs to the whole process: between changing it and changing it back other threads make files.
TEST_F(system_calls, T23_the_umask_is_never_changed) {
    for (const char* const what : {"unnamed", "named closed", "mkstemp", "directory", "tree", "mkdtemp", "life"}) {
        for (const traced_call& call : trace({TRACED, what, "1"}, dir.path())) {
            EXPECT_NE(call.name, "umask");
        }
    }
}

}  // namespace
}  // namespace tempfile::test
