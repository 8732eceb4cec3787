#include "cleanup.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

#include "registry.hpp"
#include "report.hpp"
#include "sys/sys.hpp"

namespace tempfile {
namespace {

using std::chrono::milliseconds;
using lock = std::unique_lock<std::mutex>;

class worker;
thread_local const worker* works_for = nullptr;  // in its thread

using time_point = std::chrono::steady_clock::time_point;

time_point in(milliseconds t) noexcept {
    constexpr milliseconds longest = std::chrono::hours(24 * 365);
    return std::chrono::steady_clock::now() + std::clamp<milliseconds>(t, milliseconds(0), longest);
}

// What waits for the worker of this process, and the worker. Never destroyed: static objects may use it to the end.
class worker {
public:
    // A forked child has one of its own.
    explicit worker(worker* parents) noexcept : of_parent(parents) {}

    [[nodiscard]] bool is_of_this_process() const noexcept { return process_ == sys::process_generation(); }

    [[nodiscard]] bool book() noexcept;
    void give_back() noexcept;
    void take(std::list<std::unique_ptr<deferred>>& one) noexcept;
    bool wait(time_point until) noexcept;
    void end(time_point until, bool for_good) noexcept;
    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }

    // In a child that was just forked: closes what it has inherited.
    void let_go() noexcept { waiting_.clear(); }

    worker* const of_parent;  // only remembered, for leak checkers

    std::mutex mutex;  // for what follows; nothing else is locked while it is held

private:
    void work() noexcept;
    bool start() noexcept;
    void join(lock& held) noexcept;

    std::uint64_t process_ = sys::process_generation();
    std::uint64_t number_ = sys::call.process_number();
    sys::thread_body body_{.run = [](void* self) noexcept { static_cast<worker*>(self)->work(); }, .with = this};

    std::condition_variable changed_;
    std::list<std::unique_ptr<deferred>> waiting_;  // the first one is being done
    std::size_t booked_ = 0;
    bool running_ = false;
    bool to_be_joined_ = false;
    bool being_joined_ = false;
    bool closed_ = false;  // nothing is taken
    std::atomic<bool> stopped_{false};
    sys::thread thread_;
};

bool worker::book() noexcept {
    constexpr std::size_t most = 64;  // each holds a descriptor, and space on the disk
    // A child that shares our memory has our generation, but its threads are not ours (vfork(2)).
    if (number_ != sys::call.process_number()) {
        return false;
    }
    lock held(mutex);
    join(held);
    if (closed_ || waiting_.size() + booked_ >= most || (!running_ && !stopped() && !start())) {
        return false;
    }
    ++booked_;
    return true;
}

bool worker::start() noexcept {
    running_ = !to_be_joined_ && sys::call.start_thread(body_, thread_) == 0;
    to_be_joined_ = to_be_joined_ || running_;
    return running_;
}

void worker::give_back() noexcept {
    const lock held(mutex);
    --booked_;
    changed_.notify_all();
}

void worker::take(std::list<std::unique_ptr<deferred>>& one) noexcept {
    const lock held(mutex);
    if (stopped()) {
        one.front()->leave_to_sweep();
    } else {
        waiting_.splice(waiting_.end(), one);
    }
    --booked_;
    changed_.notify_all();
}

void worker::work() noexcept {
    works_for = this;
    lock held(mutex);
    while (true) {
        changed_.wait(held, [this] { return !waiting_.empty() || booked_ == 0 || stopped(); });
        if (waiting_.empty() || stopped()) {
            break;
        }
        deferred& next = *waiting_.front();  // it stays there, for a forked child to find its descriptor
        held.unlock();
        next.run();
        held.lock();
        waiting_.pop_front();
        changed_.notify_all();
    }
    running_ = false;
    changed_.notify_all();
}

// One that has ended, or is about to. Without the mutex, which the destructors of what is thread_local in the hook may
// need: what they want to hand over, nobody takes.
void worker::join(lock& held) noexcept {
    if (works_for == this) {
        return;
    }
    changed_.wait(held, [this] { return !being_joined_; });
    if (!running_ && to_be_joined_) {
        being_joined_ = true;
        held.unlock();
        sys::call.join_thread(thread_);
        held.lock();
        being_joined_ = false;
        to_be_joined_ = false;
        changed_.notify_all();
    }
}

bool worker::wait(time_point until) noexcept {
    lock held(mutex);
    // It goes on where somebody is about to hand over more.
    changed_.wait_until(held, until, [this] { return waiting_.empty() && (!running_ || booked_ != 0); });
    const bool all_done = waiting_.empty();
    join(held);
    return all_done;
}

// What is not done in time, and what comes later, is left to the next sweep.
void worker::end(time_point until, bool for_good) noexcept {
    if (number_ != sys::call.process_number()) {
        return;
    }
    lock held(mutex);
    closed_ = true;  // other threads may hand over without end
    if (!changed_.wait_until(held, until, [this] { return waiting_.empty() && booked_ == 0; })) {
        stopped_ = true;
        changed_.notify_all();
    }
    changed_.wait(held, [this] { return !running_; });
    join(held);
    for (const auto& what : waiting_) {
        what->leave_to_sweep();
    }
    waiting_.clear();
    closed_ = for_good;
}

// --- The one of this process ---

constinit std::atomic<worker*> present{nullptr};
constinit std::atomic<milliseconds::rep> at_most_at_exit{milliseconds::max().count()};
thread_local worker* locked_for_fork = nullptr;

worker* present_here() noexcept {
    worker* const one = present.load(std::memory_order_acquire);
    return one != nullptr && one->is_of_this_process() ? one : nullptr;
}

void before_fork() {
    locked_for_fork = present_here();
    if (locked_for_fork != nullptr) {
        locked_for_fork->mutex.lock();
    }
}

void after_fork() {
    worker* const one = std::exchange(locked_for_fork, nullptr);
    if (one != nullptr && !one->is_of_this_process()) {
        one->let_go();
    }
    if (one != nullptr) {
        one->mutex.unlock();
    }
}

// That the process waits no longer, counted from the first time that it waits.
time_point end_of_patience() noexcept {
    static const time_point end = in(can_leave_to_sweep() ? milliseconds(at_most_at_exit.load()) : milliseconds::max());
    return end;
}

void end_worker(bool for_good) noexcept {
    worker* const one = present_here();
    if (one != nullptr && works_for != one) {
        one->end(end_of_patience(), for_good);
    }
}

// The hook may use static objects: those that were there when the first thing was handed over are still there now.
void before_static_objects_go() noexcept {
    end_worker(false);
}

void end_of_process() noexcept {
    end_worker(true);
}

// Where there is one of the parent's, the child's takes its place: what waits on a condition variable in a thread that
// the child does not have would wait in it for ever.
worker& mine() {
    for (worker* one = present.load();;) {
        if (one != nullptr && one->is_of_this_process()) {
            static const bool arranged = [] {
                before_end_of_process(end_of_process);
                std::atexit(before_static_objects_go);  // can only fail for want of memory; then that is as late
                sys::at_fork(before_fork, after_fork);
                return true;
            }();
            static_cast<void>(arranged);
            return *one;
        }
        auto made = std::make_unique<worker>(one);
        if (present.compare_exchange_strong(one, made.get())) {
            one = made.release();
        }
    }
}

struct closing final : deferred {
    void run() noexcept override {
        std::error_code ec;
        handle.close(ec);
        if (ec) {
            notify(report_event::not_closed, "", ec);
        }
    }
    void leave_to_sweep() noexcept override {}  // it has no name, and goes with the process

    file handle;
};

}  // namespace

booked_place::booked_place() : place_(1), booked_(mine().book()) {}

booked_place::~booked_place() {
    if (booked_) {
        mine().give_back();
    }
}

void booked_place::hand_over(std::unique_ptr<deferred> what) noexcept {
    place_.front() = std::move(what);
    booked_ = false;
    mine().take(place_);
}

bool is_cleanup_stopped() noexcept {
    const worker* const one = present.load();
    return one != nullptr && one->stopped();
}

bool close_later(file& f) noexcept {
    sys::metadata meta;
    if (f.closed() || sys::call.stat(f.native_handle(), meta) != 0 || meta.size < large_file) {
        return false;
    }
    try {
        booked_place place;
        if (place) {
            auto what = std::make_unique<closing>();
            what->handle = std::move(f);
            place.hand_over(std::move(what));
            return true;
        }
    } catch (const std::bad_alloc&) {
        // It is closed by who asked for that.
    }
    return false;
}

bool wait_for_cleanup(milliseconds at_most) noexcept {
    worker* const one = present_here();
    return one == nullptr || one->wait(in(works_for == one ? milliseconds(0) : at_most));
}

void cleanup_at_exit(milliseconds at_most) noexcept {
    at_most_at_exit.store(at_most.count());
}

}  // namespace tempfile
