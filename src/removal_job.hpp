// What all threads of one removal share: what was asked for, what was done and what was not, and whether to go on.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <utility>

#include "problem.hpp"
#include "tempfile/remove_tree.hpp"

namespace tempfile {

class removal_job {
public:
    // The end is counted from here.
    removal_job(const remove_options& options, removal_report& report);

    [[nodiscard]] const remove_options& options() const noexcept { return options_; }

    // The mount that is not left, unless that was asked for. Before there is any other thread.
    void stay_on_mount_of(const sys::metadata& root) noexcept { root_ = root; }
    [[nodiscard]] bool is_same_mount(const sys::metadata& meta) const noexcept {
        // A bind mount has the device of its source, so the mount decides where the system can tell mounts apart.
        return meta.mount == root_.mount && (meta.mount != 0 || meta.id.device == root_.id.device);
    }

    // Adds to what was removed, and tells `progress`, which may stop all.
    template <class Path>
    void count(std::uint64_t entries, std::uint64_t bytes, Path path) {
        const std::scoped_lock lock(mutex_);
        report_.entries += entries;
        report_.bytes += bytes;
        if (options_.progress && !stopped() &&
            !options_.progress({.entries = report_.entries, .bytes = report_.bytes, .path = path()})) {
            stop();
        }
    }
    [[nodiscard]] std::uint64_t entries() {
        const std::scoped_lock lock(mutex_);
        return report_.entries;
    }

    // The path is made only for those that are kept.
    template <class Path>
    void fail(std::string_view operation, sys::error e, Path path) {
        const std::scoped_lock lock(mutex_);
        if (++report_.failed <= removal_report::kept) {
            report_.failures.push_back({.path = path(), .operation = operation, .error = code_of(e)});
        }
    }

    // Nothing more is to be removed: the time is up, or somebody said so.
    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
    void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }
    void stop_when_late() noexcept {
        if (sys::call.steady_clock() >= end_) {
            stop();
        }
    }

    // Waits a little, and longer each time, for what may go by itself. False when that was done for long enough.
    [[nodiscard]] bool pause();

    // What another thread threw: stops all, and reaches the caller.
    void pass_on(std::exception_ptr thrown) noexcept;
    void rethrow();

private:
    const remove_options& options_;
    removal_report& report_;
    sys::metadata root_;
    std::uint64_t end_;  // on the steady clock
    std::atomic<bool> stopped_{false};

    std::mutex mutex_;  // for the report and what follows
    std::uint64_t patience_;
    std::uint64_t next_pause_;
    std::exception_ptr thrown_;
};

}  // namespace tempfile
