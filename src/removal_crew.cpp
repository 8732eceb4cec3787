#include "removal_crew.hpp"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include "removal_habits.hpp"
#include "tree_remover.hpp"

namespace tempfile {
namespace {

// What one thread may have open: two walks, and what it opens for a moment.
constexpr std::size_t descriptors_of_a_thread = 16;

// In one directory, beside its owner. Of two threads one nearly always waits already, and a third gained nothing.
constexpr unsigned most_helpers = 1;

}  // namespace

void entered_directory::give_mode_back(sys::handle held) noexcept {
    if (mode && held != sys::no_handle) {
        sys::call.set_permissions(held, *mode);
    }
    mode.reset();
}

removal_crew::~removal_crew() {
    job_.stop();  // where an exception ended it
    end();
}

// --- Beginning and end ---

void removal_crew::start_when_it_pays(sys::handle any, std::uint64_t to_come) {
    constexpr std::uint64_t enough_entries = 1000;  // some milliseconds of work, which a thread is to be worth
    constexpr unsigned most_by_itself = 4;
    constexpr unsigned most = 16;
    const unsigned asked = job_.options().threads;
    if (asked == 1 || started_.load(std::memory_order_relaxed) ||
        (asked == 0 && job_.entries() + to_come < enough_entries) || started_.exchange(true)) {
        return;
    }
    sys::file_system on{};
    if (asked != 0 || sys::call.file_system_of(any, on) != 0 || gains_by_threads(on)) {
        start(asked == 0 ? std::clamp(std::thread::hardware_concurrency(), 1U, most_by_itself) : std::min(most, asked),
              any);
    }
}

void removal_crew::start(unsigned wanted, sys::handle any) {
    std::vector<file> room;
    threads_.reserve(wanted);
    offered_.reserve(wanted);
    room.reserve((wanted + 1) * descriptors_of_a_thread);
    for (unsigned threads = 1; threads < wanted; ++threads) {
        while (room.size() < (threads + 1) * descriptors_of_a_thread) {
            sys::handle h = sys::no_handle;
            if (sys::call.duplicate(any, h) != 0) {
                return;
            }
            room.emplace_back(h);
        }
        sys::thread made;
        if (sys::call.start_thread(body_, made) != 0) {
            return;
        }
        threads_.push_back(made);
    }
}

void removal_crew::end() noexcept {
    {
        const std::scoped_lock held(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    for (const sys::thread& t : threads_) {
        sys::call.join_thread(t);
    }
    threads_.clear();
    offered_.clear();  // nobody has begun it
}

// --- Work ---

bool removal_crew::hand_over(std::shared_ptr<errand> what) noexcept {
    {
        const std::scoped_lock held(mutex_);
        if (offered_.size() >= idle_) {
            return false;
        }
        offered_.push_back(std::move(what));
    }
    changed_.notify_all();
    return true;
}

bool removal_crew::wait_for(const errand& what, bool may_help) {
    lock held(mutex_);
    while (!what.done) {
        const auto unbegun =
            std::find_if(offered_.begin(), offered_.end(), [&](const auto& e) { return e.get() == &what; });
        if (unbegun != offered_.end()) {
            offered_.erase(unbegun);
            return false;
        }
        if (may_help && do_one(held, false)) {
            continue;
        }
        idle_ += may_help ? 1U : 0U;
        changed_.wait(held);
        idle_ -= may_help ? 1U : 0U;
    }
    return true;
}

void removal_crew::work() noexcept {
    lock held(mutex_);
    while (!over_) {
        if (!do_one(held, true)) {
            ++idle_;
            changed_.wait(held);
            --idle_;
        }
    }
}

// False when there is nothing to be done.
bool removal_crew::do_one(lock& held, bool may_help) {
    if (offered_.empty()) {
        return help_one(held);
    }
    const std::shared_ptr<errand> what = std::move(offered_.back());
    offered_.pop_back();
    held.unlock();
    run(*what, may_help);
    held.lock();
    what->done = true;
    changed_.notify_all();
    return true;
}

void removal_crew::run(errand& what, bool may_help) noexcept {
    try {
        what.left = tree_remover(job_, *this, what, may_help).run();
    } catch (...) {
        what.left = {.stopped = true};
        job_.pass_on(std::current_exception());
    }
    what.dir.give_mode_back(what.dir.handle.native_handle());  // if the walk could not even begin
    std::error_code ignored;
    what.dir.handle.close(ignored);
}

// --- Large directories ---

void removal_crew::share(shared_directory& dir) {
    {
        const std::scoped_lock held(mutex_);
        shared_.push_back(&dir);
    }
    changed_.notify_all();
}

void removal_crew::take_back(shared_directory& dir) noexcept {
    lock held(mutex_);
    std::erase(shared_, &dir);
    changed_.wait(held, [&] { return dir.helpers == 0; });
}

// False when there is none in which something is left for others.
bool removal_crew::help_one(lock& held) {
    const auto found = std::find_if(shared_.begin(), shared_.end(),
                                    [](const auto* d) { return d->helpers < most_helpers && !d->names.all_taken(); });
    if (found == shared_.end() || job_.stopped()) {
        return false;
    }
    shared_directory& dir = **found;
    ++dir.helpers;
    held.unlock();
    help(dir);
    held.lock();
    --dir.helpers;
    changed_.notify_all();
    return true;
}

void removal_crew::help(shared_directory& dir) noexcept {
    try {
        removal_tally tally(job_);
        const auto path = [&] { return dir.path; };
        for (auto some = dir.names.take(); !some.empty() && !job_.stopped(); some = dir.names.take()) {
            for (name_batch::item& i : some) {
                if (!i.for_all || job_.stopped()) {
                    continue;
                }
                std::uint64_t bytes = 0;
                const sys::error e = job_.remove_file(dir.handle, dir.names.name_of(i), bytes);
                i.done = e == 0 || e == ENOENT;
                if (e == 0) {
                    dir.removed_something = true;
                    tally.removed(bytes);
                }
                tally.did_something(path);
            }
        }
        tally.look_up_from_work(path);
    } catch (...) {
        job_.pass_on(std::current_exception());
    }
}

}  // namespace tempfile
