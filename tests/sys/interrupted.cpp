// src/sys/sys.hpp: a call that a signal interrupts is resumed, but for close, which is never repeated.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include "support/in_child.hpp"
#include "support/refused.hpp"
#include "sys/sys.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_child;
using tempfile::test::refuse;

std::atomic<int> signals{0};

// A signal every 200 microseconds, whose handler does not ask for system calls to be restarted.
class signal_storm {
public:
    signal_storm() {
        struct sigaction counting {};
        counting.sa_handler = [](int) { signals.fetch_add(1); };
        ::sigaction(SIGALRM, &counting, &before_);
        const itimerval often = {{0, 200}, {0, 200}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
    }
    ~signal_storm() {
        const itimerval never = {};
        ::setitimer(ITIMER_REAL, &never, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }
    signal_storm(const signal_storm&) = delete;
    signal_storm& operator=(const signal_storm&) = delete;

private:
    struct sigaction before_ {};
};

class pipe_ends {
public:
    pipe_ends() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0); }
    ~pipe_ends() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    pipe_ends(const pipe_ends&) = delete;
    pipe_ends& operator=(const pipe_ends&) = delete;
    [[nodiscard]] int out() const { return ends_[0]; }
    [[nodiscard]] int in() const { return ends_[1]; }

private:
    std::array<int, 2> ends_{};
};

// Runs `release` in another thread, where signals do not go, once the caller has been interrupted many times.
std::thread after_many_signals(std::function<void()> release) {
    sigset_t alarm;
    sigset_t before;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_BLOCK, &alarm, &before);
    const int start = signals.load();
    std::thread helper([start, release = std::move(release)] {
        while (signals.load() < start + 50) {
            std::this_thread::yield();
        }
        release();
    });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return helper;
}

// Proves that the storm does what the tests below rely on.
TEST(sys_interrupted, a_bare_read_is_interrupted) {
    const pipe_ends ends;
    const signal_storm storm;
    std::thread helper = after_many_signals([&] { EXPECT_EQ(::write(ends.in(), "x", 1), 1); });
    char c = 0;
    errno = 0;
    EXPECT_EQ(::read(ends.out(), &c, 1), -1);
    EXPECT_EQ(errno, EINTR);
    helper.join();
}

TEST(sys_interrupted, T20_reads_are_resumed) {
    const pipe_ends ends;
    const signal_storm storm;
    const std::array<std::function<sys::error(char&, std::size_t&)>, 2> reads = {{
        [&](char& c, std::size_t& done) { return sys::call.read(ends.out(), &c, 1, done); },
        [&](char& c, std::size_t& done) {
            const sys::piece piece{&c, 1};
            return sys::call.readv(ends.out(), &piece, 1, done);
        },
    }};
    for (const auto& read : reads) {
        std::thread helper = after_many_signals([&] { EXPECT_EQ(::write(ends.in(), "x", 1), 1); });
        char c = 0;
        std::size_t done = 0;
        EXPECT_EQ(read(c, done), 0);
        EXPECT_EQ(done, 1U);
        EXPECT_EQ(c, 'x');
        helper.join();
    }
}

TEST(sys_interrupted, T20_writes_are_resumed) {
    const pipe_ends ends;
    const int size = ::fcntl(ends.in(), F_GETPIPE_SZ);
    const std::string full(static_cast<std::size_t>(size), 'x');
    ASSERT_EQ(::write(ends.in(), full.data(), full.size()), size);
    const signal_storm storm;
    std::string y = "y";
    const std::array<std::function<sys::error(std::size_t&)>, 2> writes = {{
        [&](std::size_t& done) { return sys::call.write(ends.in(), y.data(), 1, done); },
        [&](std::size_t& done) {
            const sys::piece piece{y.data(), 1};
            return sys::call.writev(ends.in(), &piece, 1, done);
        },
    }};
    for (const auto& write : writes) {
        std::thread helper = after_many_signals([&] {
            std::string rest(full.size(), '\0');
            EXPECT_EQ(::read(ends.out(), rest.data(), rest.size()), size);
        });
        std::size_t done = 0;
        EXPECT_EQ(write(done), 0);
        EXPECT_EQ(done, 1U);
        helper.join();
        const std::string again(full.size() - 1, 'x');
        ASSERT_EQ(::write(ends.in(), again.data(), again.size()), size - 1);
    }
}

// The kernel answers EINTR to every close here: whoever repeats it never comes back, and the alarm ends the child.
TEST(sys_interrupted, T20_close_is_not_repeated) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  const int h = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
                  ::alarm(60);
                  if (!refuse({.call = SYS_close,
                               .error = EINTR,
                               .argument = 0,
                               .mask = ~0U,
                               .value = static_cast<std::uint32_t>(h)})) {
                      wrong << "no seccomp filter\n";
                  }
                  if (const sys::error e = sys::call.close(h)) {
                      wrong << "close answers " << e << ", though the handle is gone on Linux\n";
                  }
              }),
              "");
}

TEST(sys_interrupted, T20_an_error_of_close_is_passed_on) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  const int h = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
                  if (!refuse({.call = SYS_close,
                               .error = EIO,
                               .argument = 0,
                               .mask = ~0U,
                               .value = static_cast<std::uint32_t>(h)})) {
                      wrong << "no seccomp filter\n";
                  }
                  if (const sys::error e = sys::call.close(h); e != EIO) {
                      wrong << "close answers " << e << ", not EIO\n";
                  }
              }),
              "");
}

}  // namespace
