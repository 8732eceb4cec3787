// src/sys/sys.hpp, process_generation.

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

#include "support/in_child.hpp"
#include "sys/sys.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_child;

// What a child made by `make_child` answers; 0 when there was no child.
template <class Fork>
std::uint64_t generation_in(Fork make_child) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return 0;
    }
    const auto child = static_cast<pid_t>(make_child());
    if (child == 0) {
        const std::uint64_t mine = sys::process_generation();
        ::_exit(::write(ends[1], &mine, sizeof mine) == sizeof mine ? 0 : 1);
    }
    ::close(ends[1]);
    std::uint64_t answer = 0;
    if (::read(ends[0], &answer, sizeof answer) != sizeof answer) {
        answer = 0;
    }
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return answer;
}

TEST(sys_process_generation, stays_in_a_process) {
    const std::uint64_t mine = sys::process_generation();
    EXPECT_NE(mine, 0U);
    EXPECT_EQ(sys::process_generation(), mine);
    EXPECT_NE(generation_in(::fork), 0U);
    EXPECT_EQ(sys::process_generation(), mine) << "also after it forked";
}

TEST(sys_process_generation, is_the_same_in_all_threads) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {  // where nobody asked before
                  std::array<std::uint64_t, 8> answers{};
                  std::vector<std::thread> threads;
                  for (std::uint64_t& answer : answers) {
                      threads.emplace_back([&answer] { answer = sys::process_generation(); });
                  }
                  for (std::thread& t : threads) {
                      t.join();
                  }
                  if (std::set<std::uint64_t>(answers.begin(), answers.end()).size() != 1) {
                      wrong << "two threads disagree\n";
                  }
              }),
              "");
}

TEST(sys_process_generation, differs_in_a_child) {
    const std::uint64_t mine = sys::process_generation();
    const std::uint64_t child = generation_in(::fork);
    EXPECT_NE(child, 0U);
    EXPECT_NE(child, mine);
}

// Each must differ from all that it descends from, not from its parent only.
TEST(sys_process_generation, differs_in_the_child_of_a_child) {
    const std::uint64_t mine = sys::process_generation();
    EXPECT_EQ(in_child([mine](std::ostream& wrong) {
                  const std::uint64_t child = sys::process_generation();
                  const std::uint64_t grandchild = generation_in(::fork);
                  if (std::set<std::uint64_t>{0, mine, child, grandchild}.size() != 4) {
                      wrong << mine << ' ' << child << ' ' << grandchild << '\n';
                  }
              }),
              "");
}

// A child that forks before it asks has a parent that never took a number.
TEST(sys_process_generation, differs_over_a_generation_that_did_not_ask) {
    const std::uint64_t mine = sys::process_generation();
    EXPECT_EQ(in_child([mine](std::ostream& wrong) {
                  const std::uint64_t grandchild = generation_in(::fork);
                  if (grandchild == 0 || grandchild == mine) {
                      wrong << mine << ' ' << grandchild << '\n';
                  }
              }),
              "");
}

// The handlers of pthread_atfork do not run here.
TEST(sys_process_generation, differs_in_a_child_made_by_the_bare_system_call) {
    const std::uint64_t mine = sys::process_generation();
    const std::uint64_t child =
        generation_in([] { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0); });
    EXPECT_NE(child, 0U);
    EXPECT_NE(child, mine);
}

#if __GLIBC_PREREQ(2, 34)
TEST(sys_process_generation, differs_in_a_child_made_by__Fork) {
    const std::uint64_t mine = sys::process_generation();
    const std::uint64_t child = generation_in(::_Fork);
    EXPECT_NE(child, 0U);
    EXPECT_NE(child, mine);
}
#endif

}  // namespace
