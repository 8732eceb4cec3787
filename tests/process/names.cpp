// T16: no two processes draw the same names, related or not.

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

// A sanitizer makes the start of a process twenty times slower.
constexpr int processes = sanitizer.empty() ? 1000 : 100;

// More than the 32 names that one draw of random bytes is good for.
constexpr int names_of_each = 40;

class names : public testing::Test {
protected:
    // Draws names as a user would; nothing is left of them, so that one drawn again would not be noticed by EEXIST.
    std::string draw(int count) {
        std::string all;
        for (int i = 0; i < count; ++i) {
            const named_temporary_file file({.prefix = "", .dir = dir.path()});
            all += file.path().filename().string() + '\n';
        }
        return all;
    }

    void expect_new(const std::string& lines, int count) {
        std::istringstream in(lines);
        int n = 0;
        for (std::string name; std::getline(in, name); ++n) {
            EXPECT_EQ(name.size(), 13U) << name;
            EXPECT_TRUE(seen.insert(name).second) << name << " was drawn twice";
        }
        EXPECT_EQ(n, count);
    }

    void expect_children_draw_new_names(int children, fork_function fork_now = ::fork) {
        expect_new(draw(5), 5);  // so that the children inherit random bytes that are not used up
        for (int i = 0; i < children; ++i) {
            const ended child = forked([this](int out) { say(out, draw(names_of_each)); }, fork_now);
            EXPECT_TRUE(child.well()) << in_words(child.status);
            expect_new(child.text, names_of_each);
        }
        expect_new(draw(names_of_each), names_of_each);
    }

    scratch dir;
    std::set<std::string> seen;
};

TEST_F(names, T16_differ_in_a_thousand_processes) {
    ::setenv("TMPDIR", dir.path().c_str(), 1);
    for (int i = 0; i < processes; ++i) {
        const ended actor = run({ACTOR, "names", "3"});
        EXPECT_TRUE(actor.well()) << actor.text;
        expect_new(actor.text, 3);
    }
}

TEST_F(names, T16_differ_in_a_thousand_forked_children) {
    expect_children_draw_new_names(processes);
}

// Neither runs the handlers of pthread_atfork(3).
TEST_F(names, T16_differ_in_children_of_a_raw_clone) {
    expect_children_draw_new_names(processes / 10,
                                   [] { return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); });
}

TEST_F(names, T16_differ_in_children_of__Fork) {
    expect_children_draw_new_names(processes / 10, ::_Fork);
}

TEST_F(names, T16_differ_in_a_chain_of_descendants) {
    expect_new(draw(1), 1);
    const ended child = forked([this](int out) {
        for (int generation = 0; generation < 20; ++generation) {
            const ended descendant = forked([this](int up) { say(up, draw(1)); });
            say(out, descendant.text + draw(1));
            if (const pid_t next = ::fork(); next != 0) {
                int status = 0;
                ::waitpid(next, &status, 0);
                ::_exit(status == 0 ? 0 : 1);
            }
        }
    });
    EXPECT_TRUE(child.well());
    expect_new(child.text, 40);
}

TEST_F(names, T16_differ_in_siblings_that_draw_at_the_same_time) {
    expect_new(draw(1), 1);
    const ended all = forked([this](int out) {
        std::vector<pid_t> children;
        for (int i = 0; i < 50; ++i) {
            children.push_back(::fork());
            if (children.back() == 0) {
                say(out, draw(names_of_each));  // less than PIPE_BUF, so in one piece
                ::_exit(0);
            }
        }
        for (const pid_t child : children) {
            ::waitpid(child, nullptr, 0);
        }
    });
    EXPECT_TRUE(all.well());
    expect_new(all.text, 50 * names_of_each);
}

// The pool belongs to a thread, and fork copies the one of the thread that calls it.
TEST_F(names, T16_differ_in_threads_and_in_children_forked_by_a_thread) {
    expect_new(draw(1), 1);
    std::string of_thread;
    ended child;
    std::thread([&] {
        of_thread = draw(5);
        child = forked([this](int out) { say(out, draw(names_of_each)); });
        of_thread += draw(names_of_each);
    }).join();
    EXPECT_TRUE(child.well());
    expect_new(of_thread, 5 + names_of_each);
    expect_new(child.text, names_of_each);
    expect_new(draw(names_of_each), names_of_each);
}

}  // namespace
}  // namespace tempfile::test
