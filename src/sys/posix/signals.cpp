// Signals: something before what was arranged for them.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // SA_ONSTACK, SIGRTMIN
#endif
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>

#include "sys/posix/posix.hpp"

namespace tempfile::sys {
namespace {

struct arrangement {
    struct sigaction before;
    std::atomic<bool> given{false};
};

constexpr int signals = 65;  // their numbers are below that on every Linux (signal(7))
arrangement arranged[signals];
constinit std::atomic<void (*)(bool) noexcept> run_first{nullptr};
constinit std::mutex arranging;

void add_given(sigset_t& set) noexcept {
    for (int signal = 1; signal < signals; ++signal) {
        if (arranged[signal].given) {
            ::sigaddset(&set, signal);
        }
    }
}

// By the signal, so that the parent sees that. The first process of a namespace, as in a container, is not ended by a
// signal that it has no handler for (pid_namespaces(7)); but its objects are gone, so it ends.
[[noreturn]] void end_by(int signal) noexcept {
    struct sigaction end {};
    end.sa_handler = SIG_DFL;
    ::sigaction(signal, &end, nullptr);
    ::raise(signal);
    sigset_t it;
    ::sigemptyset(&it);
    ::sigaddset(&it, signal);
    ::pthread_sigmask(SIG_UNBLOCK, &it, nullptr);
    constexpr int ended_by_signal = 128;  // as shells have it
    ::_exit(ended_by_signal + signal);
}

// As if we had never been there.
void pass_on(int signal, siginfo_t* info, void* context) {
    const struct sigaction& before = arranged[signal].before;
    if (before.sa_handler == SIG_DFL) {
        end_by(signal);
    } else if ((before.sa_flags & SA_SIGINFO) != 0) {
        before.sa_sigaction(signal, info, context);
    } else {
        before.sa_handler(signal);
    }
}

void handle(int signal, siginfo_t* info, void* context) {
    const int error_of_the_interrupted = errno;
    run_first.load()(arranged[signal].before.sa_handler == SIG_DFL);
    errno = error_of_the_interrupted;
    pass_on(signal, info, context);
}

// Our handler, with the flags and the mask of the one before, and everything blocked that could come in between.
error install(int signal) noexcept {
    struct sigaction ours = arranged[signal].before;
    ours.sa_flags |= SA_SIGINFO | SA_ONSTACK;
    ours.sa_sigaction = handle;
    add_given(ours.sa_mask);
    return ::sigaction(signal, &ours, nullptr) == 0 ? 0 : errno;
}

error arrange(int signal) noexcept {
    arrangement& a = arranged[signal];
    struct sigaction now {};
    if (::sigaction(signal, nullptr, &now) != 0) {
        return errno;
    }
    if (a.given || now.sa_handler == SIG_IGN) {
        return 0;
    }
    a.before = now;
    a.given = true;
    const error e = install(signal);
    a.given = e == 0;
    return e;
}

bool is_ours(int signal) noexcept {
    struct sigaction now {};
    return arranged[signal].given && ::sigaction(signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 &&
           now.sa_sigaction == handle;
}

}  // namespace

bool can_end_process(int signal) noexcept {
    switch (signal) {
        case SIGKILL:
        case SIGSTOP:
        case SIGCHLD:
        case SIGCONT:
        case SIGURG:
        case SIGWINCH:
        case SIGTSTP:
        case SIGTTIN:
        case SIGTTOU:
            return false;
        default:
            return signal > 0 && (signal < 32 || (signal >= SIGRTMIN && signal <= SIGRTMAX));
    }
}

error before_signals(const int* wanted, std::size_t n, void (*first)(bool ends) noexcept) noexcept {
    const std::lock_guard lock(arranging);
    run_first.store(first);
    for (std::size_t i = 0; i < n; ++i) {
        if (const error e = arrange(wanted[i])) {
            return e;
        }
    }
    for (int signal = 1; signal < signals; ++signal) {
        if (is_ours(signal)) {
            install(signal);  // once more, now that it is known what all there is to be blocked
        }
    }
    return 0;
}

held_signals::held_signals() noexcept {
    static_assert(sizeof(sigset_t) <= sizeof before_);
    sigset_t all;
    sigset_t before;
    ::sigemptyset(&all);
    add_given(all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    std::memcpy(before_.data(), &before, sizeof before);
}

held_signals::~held_signals() {
    sigset_t before;
    std::memcpy(&before, before_.data(), sizeof before);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace tempfile::sys
