#include "interrupt.hpp"

#include <atomic>
#include <csignal>
#include <initializer_list>

#include <unistd.h>

namespace tool {
namespace {

std::atomic<int> signal_that_came{0};
static_assert(std::atomic<int>::is_always_lock_free);  // or no handler might touch it

void note(int signal) noexcept {
    signal_that_came = signal;
}

}  // namespace

void note_interrupts() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction now = {};
        if (::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) {
            continue;
        }
        struct sigaction noting = {};
        noting.sa_handler = note;
        noting.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
        ::sigaction(signal, &noting, nullptr);
    }
}

int interrupted() noexcept {
    return signal_that_came.load();
}

void die_of(int signal) {
    sigset_t only;
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    std::signal(signal, SIG_DFL);
    ::raise(signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
    ::_exit(128 + signal);  // nobody gets here but the first process of a container
}

}  // namespace tool
