// The process, with nothing but POSIX.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sys/posix/posix.hpp"

namespace tempfile::sys {

void at_fork(void (*before)(), void (*after)()) noexcept {
    ::pthread_atfork(before, after, after);  // can only fail for want of memory; then a fork may meet a held lock
}

namespace {

constinit std::atomic<void (*)() noexcept> at_end{nullptr};

// The destructor of a whole program or library runs after those of its static objects.
[[gnu::destructor]] void end() {
    if (const auto last = at_end.load()) {
        last();
    }
}

}  // namespace

void at_end_of_process(void (*last)() noexcept) noexcept {
    at_end.store(last);
    std::at_quick_exit([] { end(); });  // can only fail for want of memory
}

}  // namespace tempfile::sys

namespace tempfile::sys::posix {

error random_device(void* into, std::size_t bytes) noexcept {
    handle device = no_handle;
    if (const error e = result([] { return ::open("/dev/urandom", O_RDONLY | O_CLOEXEC); }, device)) {
        return e;
    }
    std::size_t done = 0;
    error e = read(device, into, bytes, done);
    if (e == 0 && done != bytes) {
        e = EIO;
    }
    ::close(device);
    return e;
}

std::uint64_t effective_user() noexcept {
    return ::geteuid();
}

std::uint64_t process_number() noexcept {
    return static_cast<std::uint64_t>(::getpid());
}

namespace {

std::uint64_t nanoseconds(clockid_t clock) noexcept {
    timespec now{};
    ::clock_gettime(clock, &now);  // cannot fail for these clocks
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t steady_clock() noexcept {
    return nanoseconds(CLOCK_MONOTONIC);
}

// A stack of the usual size, which is room that is reserved, not used: glibc puts what the program has of thread_local
// objects into it, too.
error start_thread(const thread_body& body, thread& made) noexcept {
    static_assert(sizeof(pthread_t) <= sizeof made.id);
    // A new thread has the mask of the one that makes it (pthread_create(3)). What is wrong in the thread itself
    // arrives all the same: that cannot be blocked without harm (sigprocmask(2)).
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
        ::sigdelset(&all, signal);
    }
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const auto run = [](void* what) -> void* {
        const auto& to_do = *static_cast<const thread_body*>(what);
        to_do.run(to_do.with);
        return nullptr;
    };
    pthread_t id{};
    const error e = ::pthread_create(&id, nullptr, run, const_cast<thread_body*>(&body));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (e == 0) {
        std::memcpy(made.id.data(), &id, sizeof id);
    }
    return e;
}

void join_thread(const thread& t) noexcept {
    pthread_t id{};
    std::memcpy(&id, t.id.data(), sizeof id);
    ::pthread_join(id, nullptr);
}

void pause(std::uint64_t nanoseconds) noexcept {
    constexpr std::uint64_t in_a_second = 1'000'000'000;
    timespec left{.tv_sec = static_cast<time_t>(nanoseconds / in_a_second),
                  .tv_nsec = static_cast<long>(nanoseconds % in_a_second)};
    while (::nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

error current_directory(char* into, std::size_t bytes) noexcept {
    if (::getcwd(into, bytes) == nullptr) {
        return errno;
    }
    // A working directory outside the root directory has a path that begins with "(unreachable)" (getcwd(3)).
    return into[0] == '/' ? 0 : ENOENT;
}

}  // namespace tempfile::sys::posix
