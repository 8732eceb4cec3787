#include "registry_slots.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace tempfile {

using namespace registry_format;

namespace {

// Where this thread looks first: threads begin at different places, and what was freed last is used again.
thread_local std::uint32_t next_try = 0;

std::uint32_t first_try() noexcept {
    static constinit std::atomic<std::uint32_t> threads{0};
    constexpr std::uint32_t apart = 8;
    return first_slot + threads.fetch_add(1, std::memory_order_relaxed) * apart % (first_slots - first_slot);
}

}  // namespace

// Looks at so many, from where this thread looked last.
std::uint32_t registry_slots::claim_among(std::uint32_t there, std::uint32_t tries) noexcept {
    for (std::uint32_t i = 0; i < tries; ++i) {
        const std::uint32_t number = next_try < there ? next_try : first_slot;
        next_try = number + 1;
        auto expected = state::free;
        std::atomic<state>& is = at(number).is;
        if (is.load(std::memory_order_relaxed) == expected &&
            is.compare_exchange_strong(expected, state::claimed, std::memory_order_acquire)) {
            return number;
        }
    }
    return 0;
}

std::uint32_t registry_slots::claim() noexcept {
    if (next_try == 0) {
        next_try = first_try();
    }
    std::uint32_t number = 0;
    for (std::uint32_t there = count(); there != 0 && number == 0; there = count()) {
        // It grows when half of it was found taken in a row; so it is never larger than four times what is needed.
        number = claim_among(there, std::max(first_slots, there / 2));
        if (number == 0 && !grow(there)) {
            number = claim_among(there, there);
            break;
        }
    }
    if (full_.load(std::memory_order_relaxed) != 0 && number != 0) {
        full_.store(0, std::memory_order_relaxed);
    }
    return number;
}

void registry_slots::free(std::uint32_t number) noexcept {
    // The head goes first, so that nobody follows a path into slots that are free already.
    next_try = number;
    for (std::uint32_t rest = 0; number != 0; number = rest) {
        slot& s = at(number);
        rest = s.next;
        s.is.store(state::free, std::memory_order_release);
    }
}

// While another thread removes what stands there, it stands there.
void registry_slots::seize(std::uint32_t number, state next) noexcept {
    std::atomic<state>& is = at(number).is;
    auto now = state::live;
    while (!is.compare_exchange_weak(now, next, std::memory_order_acquire) && now != state::free) {
        if (now == state::removing) {
            std::this_thread::yield();
        }
        now = state::live;
    }
}

void registry_slots::take_out(std::uint32_t number) noexcept {
    seize(number, state::claimed);
    free(number);
}

void registry_slots::leave_to_sweep(std::uint32_t number) noexcept {
    seize(number, state::removing);  // so that nobody reads the number of the thread
    at(number).thread = no_thread;
    at(number).is.store(state::live, std::memory_order_release);
}

bool registry_slots::grow(std::uint32_t from) noexcept {
    const std::lock_guard lock(mutex);
    if (count() != from) {
        return true;  // another thread was faster
    }
    if (const sys::error e = memory_.add_piece(piece_of(from))) {
        full_.store(e, std::memory_order_relaxed);
        return false;
    }
    next_try = from;
    count_.store(2 * from, std::memory_order_release);
    return true;
}

// --- All of it ---

void registry_slots::abandon() noexcept {
    count_.store(0, std::memory_order_release);
    full_.store(0);
    walker_.store(0);  // a thread that the child does not have
    memory_.abandon();
}

void registry_slots::make() noexcept {
    const std::lock_guard lock(mutex);
    const std::uint64_t process = sys::process_generation();
    if (process_.load(std::memory_order_relaxed) == process) {
        return;
    }
    abandon();
    if (memory_.make()) {
        number_.store(sys::call.process_number());
        count_.store(first_slots, std::memory_order_release);
    }
    process_.store(process, std::memory_order_release);
}

registry_status registry_slots::status() {
    const std::lock_guard lock(mutex);
    const bool here = process_.load() == sys::process_generation();
    const sys::error trouble = memory_.trouble() != 0 ? memory_.trouble() : full_.load();
    return here ? registry_status{.path = memory_.path(), .trouble = trouble, .refused = memory_.refused()}
                : registry_status{.path = {}, .trouble = ENOENT, .refused = {}};
}

void registry_slots::label(std::string_view text) noexcept {
    const std::lock_guard lock(mutex);
    memory_.label(text);
    if (is_here()) {
        memory_.write_owner();
    }
}

sys::error registry_slots::assign(std::uint64_t pid) noexcept {
    const std::lock_guard lock(mutex);
    const sys::error e = memory_.assign(pid);
    if (e == 0 && is_here()) {
        memory_.write_owner();
    }
    return e;
}

// The number as well: a child that shares our memory has our generation (vfork(2)).
bool registry_slots::is_here() const noexcept {
    return count() != 0 && process_.load(std::memory_order_acquire) == sys::process_generation() &&
           number_.load() == sys::call.process_number();
}

void registry_slots::withdraw() noexcept {
    const std::lock_guard lock(mutex);
    const std::uint32_t there = is_here() ? count() : 0;
    for (std::uint32_t number = first_slot; number < there; ++number) {
        if (at(number).is.load(std::memory_order_acquire) == state::live) {
            return;
        }
    }
    discard();
}

void registry_slots::discard() noexcept {
    if (is_here()) {
        memory_.discard();
    }
}

// --- In a signal handler ---

// Copies the path together; false when it is too long.
bool registry_slots::path_at(const slot& head) noexcept {
    if (head.length >= walked_.size()) {
        return false;
    }
    std::size_t done = 0;
    for (const slot* s = &head; done < head.length; s = &at(s->next)) {
        const std::size_t here = std::min<std::size_t>(head.length - done, s->text.size());
        std::memcpy(walked_.data() + done, s->text.data(), here);
        done += here;
    }
    walked_[done] = '\0';
    return true;
}

std::size_t registry_slots::remove_all(removal (*remove)(const registered_path&) noexcept, bool forget) noexcept {
    if (!is_here()) {
        return 0;
    }
    const std::uint64_t self = sys::call.this_thread();
    for (std::uint64_t walker = 0; !walker_.compare_exchange_weak(walker, self, std::memory_order_acquire);) {
        if (walker == self) {
            return 0;
        }
        walker = 0;
        std::this_thread::yield();
    }
    std::size_t failed = 0;
    const std::uint32_t there = count();
    for (std::uint32_t number = first_slot; number < there; ++number) {
        slot& head = at(number);
        auto expected = state::live;
        if (!head.is.compare_exchange_strong(expected, state::removing, std::memory_order_acquire)) {
            continue;
        }
        const registered_path item{.path = walked_.data(),
                                   .what = head.what,
                                   .id = {.device = head.device.load(), .inode = head.inode.load()},
                                   .thread = head.thread};
        const bool gone = path_at(head) && remove(item) == removal::done;
        failed += gone ? 0 : 1;
        if (gone && forget) {
            free(number);
        } else {
            head.is.store(state::live, std::memory_order_release);
        }
    }
    walker_.store(0, std::memory_order_release);
    return failed;
}

}  // namespace tempfile
