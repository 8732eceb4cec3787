// src/sys/sys.hpp, the process: random bytes, environment, user, working directory.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/random.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "support/in_child.hpp"
#include "support/mounted.hpp"
#include "support/refused.hpp"
#include "support/scratch.hpp"
#include "sys/sys.hpp"

namespace {

using namespace tempfile;
using tempfile::test::as_ordinary_user;
using tempfile::test::in_child;
using tempfile::test::refuse;
using tempfile::test::scratch;

// --- Threads, and doing nothing ---

struct seen_in_thread {
    bool blocks_signals = false;
    bool blocks_faults = true;
    pthread_t id{};
};

void look_around(void* into) noexcept {
    auto& seen = *static_cast<seen_in_thread*>(into);
    seen.id = ::pthread_self();
    sigset_t blocked;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    seen.blocks_signals = ::sigismember(&blocked, SIGTERM) == 1 && ::sigismember(&blocked, SIGUSR1) == 1;
    seen.blocks_faults = ::sigismember(&blocked, SIGSEGV) == 1 || ::sigismember(&blocked, SIGSYS) == 1;
}

// They are in its stack (pthread_create(3)).
TEST(sys_thread, has_room_for_what_the_program_has_of_thread_local_objects) {
    thread_local std::array<char, 230 * 1024> big{};
    const sys::thread_body body = {.run =
                                       [](void*) noexcept {
                                           volatile char here[32 * 1024];
                                           here[0] = 1;
                                           big[0] = here[0];
                                       },
                                   .with = nullptr};
    sys::thread made;
    ASSERT_EQ(sys::call.start_thread(body, made), 0);
    sys::call.join_thread(made);
}

TEST(sys_thread, handles_no_signal_but_its_own_faults) {
    seen_in_thread seen;
    const sys::thread_body body = {.run = look_around, .with = &seen};
    sys::thread made;
    sigset_t before;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
    ASSERT_EQ(sys::call.start_thread(body, made), 0);
    sys::call.join_thread(made);
    EXPECT_FALSE(::pthread_equal(seen.id, ::pthread_self()));
    EXPECT_TRUE(seen.blocks_signals);
    EXPECT_FALSE(seen.blocks_faults);
    sigset_t after;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
    EXPECT_EQ(::sigismember(&after, SIGTERM), ::sigismember(&before, SIGTERM)) << "here it is as it was";
}

TEST(sys_thread, pause_lasts_as_long_as_it_says) {
    const std::uint64_t before = sys::call.steady_clock();
    sys::call.pause(3'000'000);
    EXPECT_GE(sys::call.steady_clock() - before, 3'000'000U);
}

// --- Random bytes ---

TEST(sys_random, both_sources_differ_from_call_to_call) {
    for (auto source : {sys::call.random, sys::call.random_device}) {
        std::set<std::array<unsigned char, 256>> seen;
        for (int i = 0; i < 100; ++i) {
            std::array<unsigned char, 256> bytes{};
            ASSERT_EQ(source(bytes.data(), bytes.size()), 0);
            seen.insert(bytes);
        }
        EXPECT_EQ(seen.size(), 100U);
    }
}

// The filter refuses getrandom exactly when it is called with GRND_NONBLOCK: that it answers the filter's error shows
// the flag. Since glibc 2.41 on Linux 6.11 the C library asks the vDSO first, which does not show its flags.
TEST(sys_random, T16_getrandom_is_told_not_to_wait) {
    const std::string seen = in_child([](std::ostream& wrong) {
        if (!refuse({.call = SYS_getrandom,
                     .error = EAGAIN,
                     .argument = 2,
                     .mask = GRND_NONBLOCK,
                     .value = GRND_NONBLOCK})) {
            wrong << "no seccomp filter\n";
        }
        std::array<unsigned char, 16> bytes{};
        if (::getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) > 0) {
            wrong << "vDSO";
            return;
        }
        if (const sys::error e = sys::call.random(bytes.data(), bytes.size()); e != EAGAIN) {
            wrong << "random answers " << e << '\n';
        }
        if (const sys::error e = sys::call.random_device(bytes.data(), bytes.size())) {
            wrong << "random_device answers " << e << '\n';
        }
    });
    if (seen == "vDSO") {
        GTEST_SKIP() << "this C library asks the vDSO for random bytes, so that no filter sees how";
    }
    EXPECT_EQ(seen, "");
}

TEST(sys_random, T16_refusals_are_passed_on) {
    for (const int error : {ENOSYS, EPERM}) {
        EXPECT_EQ(in_child([error](std::ostream& wrong) {
                      refuse({.call = SYS_getrandom, .error = static_cast<std::uint32_t>(error)});
                      std::array<unsigned char, 16> bytes{};
                      if (const sys::error e = sys::call.random(bytes.data(), bytes.size()); e != error) {
                          wrong << "random answers " << e << '\n';
                      }
                  }),
                  "");
    }
}

TEST(sys_random, T16_a_missing_device_is_said) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "chroot needs root";
    }
    const scratch bare;
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  std::array<unsigned char, 16> bytes{};
                  if (::chroot(bare.path().c_str()) != 0) {
                      wrong << "no chroot\n";
                  }
                  if (const sys::error e = sys::call.random_device(bytes.data(), bytes.size()); e != ENOENT) {
                      wrong << "random_device answers " << e << '\n';
                  }
              }),
              "");
}

TEST(sys_random, the_device_is_closed_again) {
    const int before = ::dup(0);
    ::close(before);
    std::array<unsigned char, 16> bytes{};
    ASSERT_EQ(sys::call.random_device(bytes.data(), bytes.size()), 0);
    const int after = ::dup(0);
    ::close(after);
    EXPECT_EQ(before, after);
}

// --- Environment and user ---

TEST(sys_environment, set_and_unset) {
    ::setenv("TEMPFILE_TEST", "value", 1);
    EXPECT_STREQ(sys::call.environment("TEMPFILE_TEST"), "value");
    ::setenv("TEMPFILE_TEST", "", 1);
    EXPECT_STREQ(sys::call.environment("TEMPFILE_TEST"), "");
    ::unsetenv("TEMPFILE_TEST");
    EXPECT_EQ(sys::call.environment("TEMPFILE_TEST"), nullptr);
}

TEST(sys_user, an_ordinary_program) {
    EXPECT_FALSE(sys::call.set_user_id());
    EXPECT_EQ(sys::call.effective_user(), ::geteuid());
    EXPECT_EQ(as_ordinary_user([](std::ostream& wrong) {
                  if (sys::call.effective_user() != ::geteuid()) {
                      wrong << "the user is remembered from before\n";
                  }
              }),
              "");
}

// --- Other processes ---

TEST(sys_this_process, T34_says_everything_or_that_it_cannot) {
    sys::process_identity self;
    ASSERT_EQ(sys::call.this_process(self), 0);
    EXPECT_EQ(self.pid, static_cast<std::uint64_t>(::getpid()));
    EXPECT_TRUE(self.start != 0 && self.pid_namespace != 0 && self.boot[0] != '\0' && self.host[0] != '\0');
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  rlimit before{};
                  ::getrlimit(RLIMIT_NOFILE, &before);
                  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
                  ::setrlimit(RLIMIT_NOFILE, &none);
                  sys::process_identity is;
                  const sys::error e = sys::call.this_process(is);
                  ::setrlimit(RLIMIT_NOFILE, &before);  // sanitizers need descriptors too
                  if (e != EMFILE) {
                      wrong << "without descriptors it answers " << e << '\n';
                  }
              }),
              "");
}

TEST(sys_start_time, T34_a_process_whose_first_thread_has_ended_goes_on) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        std::thread([&] {
            // Until the first thread has ended: then it is what its parent would wait for (proc(5)).
            const std::string stat = "/proc/" + std::to_string(::getpid()) + "/stat";
            for (std::string text; text.find(") Z ") == text.npos;) {
                std::getline(std::ifstream(stat), text);
            }
            static_cast<void>(::write(ready[1], "r", 1));
            ::pause();
        }).detach();
        ::syscall(SYS_exit, 0);  // this thread alone, and without unwinding as pthread_exit(3) does
    }
    ::close(ready[1]);
    char byte = 0;
    const ssize_t got = ::read(ready[0], &byte, 1);
    ::close(ready[0]);
    EXPECT_EQ(got, 1);
    std::uint64_t start = 0;
    EXPECT_EQ(sys::call.start_time(static_cast<std::uint64_t>(child), start), 0);
    ::kill(child, SIGKILL);
    siginfo_t how{};
    ::waitid(P_PID, static_cast<id_t>(child), &how, WEXITED | WNOWAIT);
    EXPECT_EQ(sys::call.start_time(static_cast<std::uint64_t>(child), start), ESRCH) << "all of it has ended";
    ::waitpid(child, nullptr, 0);
}

TEST(sys_start_time, T34_a_process_that_is_hidden_is_not_none) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "mounting /proc needs root";
    }
    const std::string said = in_child([](std::ostream& wrong) {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("proc", "/proc", "proc", 0, "hidepid=2") != 0) {
            wrong << "no /proc of our own";
            return;
        }
        wrong << as_ordinary_user([](std::ostream& hidden) {
            std::uint64_t start = 0;
            if (const sys::error e = sys::call.start_time(1, start); e != EACCES) {
                hidden << "of process 1 it answers " << e << '\n';
            }
            if (const sys::error e = sys::call.start_time(0x7ffffffe, start); e != ESRCH) {
                hidden << "of a number that nobody has it answers " << e << '\n';
            }
        });
    });
    if (said == "no /proc of our own") {
        GTEST_SKIP() << said << " can be mounted here";
    }
    EXPECT_EQ(said, "");
}

// --- The working directory ---

TEST(sys_current_directory, absolute_and_with_a_terminator) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  const scratch dir;
                  if (::chdir(dir.path().c_str()) != 0) {
                      wrong << "no chdir\n";
                  }
                  const std::string expected = std::filesystem::canonical(dir.path()).string();
                  std::string buffer(expected.size() + 1, '?');
                  if (sys::call.current_directory(buffer.data(), buffer.size()) != 0 || buffer.c_str() != expected) {
                      wrong << "a buffer that just fits: " << buffer << '\n';
                  }
                  if (const sys::error e = sys::call.current_directory(buffer.data(), expected.size()); e != ERANGE) {
                      wrong << "a buffer that is too small: " << e << '\n';
                  }
              }),
              "");
}

TEST(sys_current_directory, removed) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  const scratch dir;
                  if (::chdir(dir.path().c_str()) != 0 || ::rmdir(dir.path().c_str()) != 0) {
                      wrong << "not removed\n";
                  }
                  std::array<char, 4096> buffer{};
                  if (const sys::error e = sys::call.current_directory(buffer.data(), buffer.size()); e != ENOENT) {
                      wrong << "answers " << e << ' ' << buffer.data() << '\n';
                  }
              }),
              "");
}

// getcwd(3) gives such a directory a path that begins with "(unreachable)", which would be taken for a relative one.
TEST(sys_current_directory, outside_of_the_root) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "chroot needs root";
    }
    const scratch dir;
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  if (::chdir("/") != 0 || ::chroot(dir.path().c_str()) != 0) {
                      wrong << "no chroot\n";
                  }
                  std::array<char, 4096> buffer{};
                  if (const sys::error e = sys::call.current_directory(buffer.data(), buffer.size()); e != ENOENT) {
                      wrong << "answers " << e << ' ' << buffer.data() << '\n';
                  }
              }),
              "");
}

}  // namespace
