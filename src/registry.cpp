#include "registry.hpp"

#include <atomic>
#include <cstring>
#include <exception>

#include "remove_item.hpp"
#include "report.hpp"

namespace tempfile {
namespace {

using namespace registry_format;

constinit std::atomic<void (*)() noexcept> before_end{nullptr};

// What std::exit() and quick_exit() leave: objects that nobody destroys. Not what a forked child has inherited, nor
// what threads use that go on to the last moment.
void remove_what_is_left() noexcept {
    if (const auto first = before_end.load()) {
        first();
    }
    const sys::held_signals no_second_walk_in_this_thread;
    const auto remove_unused = [](const registered_path& item) noexcept {
        const bool in_use = item.thread != sys::call.this_thread() && sys::call.thread_runs(item.thread);
        return in_use || item.thread == no_thread ? removal::failed : remove_item(item);
    };
    if (remove_registered(remove_unused, true) == 0) {
        withdraw_registry();
    }
}

// For signal handlers, which must not make it.
constinit std::atomic<registry_slots*> made_already{nullptr};

registry_slots& mine() {
    static registry_slots* const all = [] {
        static auto* const made = new registry_slots;
        sys::process_generation();  // the first call is not for signal handlers
        sys::at_end_of_process(remove_what_is_left);
        made_already.store(made);
        sys::at_fork([] { made->mutex.lock(); },
                     [] {
                         made->let_go_in_child();
                         made->mutex.unlock();
                     });
        return made;
    }();
    return *all;
}

// Asked of the system once in a thread, and again in a forked child, whose thread it is not.
std::uint64_t this_thread() noexcept {
    thread_local std::uint64_t asked_by = 0;
    thread_local std::uint64_t number = 0;
    if (asked_by != sys::process_generation()) {
        asked_by = sys::process_generation();
        number = sys::call.this_thread();
    }
    return number;
}

}  // namespace

// --- One path ---

void registration::enter(registered_kind what, std::string_view path) noexcept {
    leave();
    registry_slots& all = mine();
    all.prepare();
    exceptions_ = std::uncaught_exceptions();
    process_ = sys::process_generation();
    if (path.size() > longest_path) {
        return;  // nothing can be made there
    }
    constexpr std::size_t room = sizeof(slot::text);
    // From the end, so that the head is written last.
    std::uint32_t next = 0;
    std::size_t pieces = (path.size() + room - 1) / room;
    do {
        const std::uint32_t number = all.claim();
        if (number == 0) {
            all.free(next);
            return;
        }
        --pieces;
        slot& s = all.at(number);
        const std::string_view here = path.substr(pieces * room, room);
        std::memcpy(s.text.data(), here.data(), here.size());
        s.next = next;
        next = number;
    } while (pieces != 0);
    slot& head = all.at(next);
    head.length = static_cast<std::uint32_t>(path.size());
    head.what = what;
    head.created = sys::call.wall_clock();
    head.born.store(0, std::memory_order_relaxed);
    head.device.store(0, std::memory_order_relaxed);
    head.inode.store(0, std::memory_order_relaxed);
    head.thread = this_thread();
    head.check = checksum(path, what);
    head.is.store(state::live, std::memory_order_release);
    number_ = next;
}

void registration::enter_nowhere() noexcept {
    leave();
    process_ = sys::process_generation();
}

bool registration::is_to_be_kept() const noexcept {
    const keep_wish wish = wish_to_keep();
    return wish == keep_wish::everything || (wish == keep_wish::on_error && std::uncaught_exceptions() > exceptions_);
}

bool registration::ours() const noexcept {
    return process_ != 0 && process_ == sys::process_generation();
}

void registration::identify(std::uint64_t device, std::uint64_t inode, std::uint64_t born) noexcept {
    if (number_ != 0 && ours()) {
        slot& head = mine().at(number_);
        head.born.store(born, std::memory_order_relaxed);
        head.device.store(device, std::memory_order_relaxed);
        head.inode.store(inode, std::memory_order_release);
    }
}

void registration::leave() noexcept {
    if (number_ != 0 && ours()) {
        mine().take_out(number_);
    }
    number_ = 0;
    process_ = 0;
}

void registration::leave_to_sweep() noexcept {
    if (number_ != 0 && ours()) {
        mine().leave_to_sweep(number_);
    }
}

void registration::leave_for_good() noexcept {
    const std::uint32_t number = ours() ? number_ : 0;
    leave();
    if (number != 0) {
        mine().sync(number);
    }
}

// --- All of them ---

registry_status registry_here() {
    return mine().status();
}

void handle_forks_of_registry() noexcept {
    mine();
}

void prepare_registry() noexcept {
    mine().prepare();
}

void label_registry(std::string_view label) noexcept {
    mine().label(label);
}

sys::error assign_registry(std::uint64_t pid) noexcept {
    return mine().assign(pid);
}

bool can_leave_to_sweep() noexcept {
    return !mine().is_in_memory_only();
}

void before_end_of_process(void (*first)() noexcept) noexcept {
    mine();
    before_end.store(first);
}

void withdraw_registry() noexcept {
    mine().withdraw();
}

std::size_t remove_registered(removal (*remove)(const registered_path&) noexcept, bool forget) noexcept {
    registry_slots* const all = made_already.load();
    return all == nullptr ? 0 : all->remove_all(remove, forget);
}

void discard_registry() noexcept {
    if (registry_slots* const all = made_already.load()) {
        all->discard();
    }
}

}  // namespace tempfile
