// src/sys/sys.hpp, process_generation, where the kernel knows no MADV_WIPEONFORK (before Linux 4.14, and gVisor): then
// the handlers of pthread_atfork count.
//
// The library asks the kernel once in a process, so this is a program of its own in which nobody has asked before.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "support/in_child.hpp"
#include "support/refused.hpp"
#include "sys/sys.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_child;
using tempfile::test::refuse;

TEST(sys_process_generation, T8_is_kept_by_fork_handlers_where_pages_cannot_be_wiped) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  refuse({.call = SYS_madvise, .error = EINVAL, .argument = 2, .mask = ~0U, .value = MADV_WIPEONFORK});
                  void* page = ::mmap(nullptr, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                  if (::madvise(page, 1, MADV_WIPEONFORK) == 0) {
                      wrong << "the filter does not refuse\n";
                  }
                  const std::uint64_t mine = sys::process_generation();
                  wrong << in_child([mine](std::ostream& wrong_below) {
                      const std::uint64_t child = sys::process_generation();
                      if (child == 0 || child == mine || child != sys::process_generation()) {
                          wrong_below << mine << ", child " << child << '\n';
                      }
                      wrong_below << in_child([=](std::ostream& wrong_deepest) {
                          const std::uint64_t grandchild = sys::process_generation();
                          if (grandchild == 0 || grandchild == mine || grandchild == child) {
                              wrong_deepest << mine << ' ' << child << ", grandchild " << grandchild << '\n';
                          }
                      });
                  });
                  if (sys::process_generation() != mine) {
                      wrong << "the parent's number changed\n";
                  }
              }),
              "");
}

}  // namespace
