// The process on Linux: random numbers, the environment, and noticing a fork.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // secure_getenv
#endif
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "sys/linux/linux.hpp"
#include "sys/posix/posix.hpp"

namespace tempfile::sys {
namespace {

using word = std::atomic<std::uint64_t>;
static_assert(word::is_always_lock_free);

// 0 in a process that has not counted itself yet.
word& fork_mark() noexcept {
    static constinit word fallback{0};
    static word* const mark = []() noexcept -> word* {
        // The kernel hands a zeroed page to every child, however it was forked (madvise(2), MADV_WIPEONFORK,
        // Linux 4.14); the handlers of pthread_atfork run only in fork(3) itself.
        void* page = ::mmap(nullptr, sizeof(word), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page != MAP_FAILED) {
            if (::madvise(page, sizeof(word), MADV_WIPEONFORK) == 0) {
                return new (page) word{0};
            }
            ::munmap(page, sizeof(word));
        }
        ::pthread_atfork(nullptr, nullptr, [] { fallback.store(0, std::memory_order_relaxed); });
        return &fallback;
    }();
    return *mark;
}

}  // namespace

std::uint64_t process_generation() noexcept {
    // Inherited by children, so that the number each takes is larger than that of everyone it descends from.
    static constinit word last{0};
    word& mark = fork_mark();
    std::uint64_t mine = mark.load(std::memory_order_relaxed);
    if (mine == 0) {
        const std::uint64_t next = last.fetch_add(1, std::memory_order_relaxed) + 1;
        mine = mark.compare_exchange_strong(mine, next, std::memory_order_relaxed) ? next : mine;
    }
    return mine;
}

namespace linux_os {

error random(void* into, std::size_t bytes) noexcept {
    // Up to 256 bytes come whole, never interrupted (getrandom(2)).
    std::size_t done = 0;
    if (const error e = posix::result([&] { return ::getrandom(into, bytes, GRND_NONBLOCK); }, done)) {
        return e;
    }
    return done == bytes ? 0 : EIO;
}

const char* environment(const char* name) noexcept {
    return ::secure_getenv(name);
}

bool set_user_id() noexcept {
    return ::getauxval(AT_SECURE) != 0;
}

}  // namespace linux_os
}  // namespace tempfile::sys
