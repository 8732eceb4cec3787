// What all threads of one removal share: what was asked for, what was done and what was not, and whether to go on.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "problem.hpp"
#include "tempfile/remove_tree.hpp"

namespace tempfile {

class removal_job {
public:
    // The end is counted from here.
    removal_job(const remove_options& options, removal_report& report);

    [[nodiscard]] const remove_options& options() const noexcept { return options_; }

    // Takes away the name of what is no directory. `bytes` are those that go with it, if they are to be counted.
    sys::error remove_file(sys::handle at, const char* name, std::uint64_t& bytes);

    // Adds to what was removed, and tells `progress`, which may stop all. What it throws stops all, too, and is kept:
    // who is in the middle of a tree has modes to give back on the way up.
    template <class Path>
    void count(std::uint64_t entries, std::uint64_t bytes, Path path) {
        const std::scoped_lock lock(mutex_);
        report_.entries += entries;
        report_.bytes += bytes;
        if (!options_.progress || stopped()) {
            return;
        }
        try {
            if (!options_.progress({.entries = report_.entries, .bytes = report_.bytes, .path = path()})) {
                stop();
            }
        } catch (...) {
            thrown_ = std::current_exception();
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
        if (++failed_.number <= removal_report::kept) {
            failed_.first.push_back({.path = path(), .operation = operation, .error = code_of(e)});
        }
    }
    // Something that stays now may go by itself, or has not been seen: it is worth another pass.
    void expect_more() noexcept { expects_more_.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool expects_more() const noexcept { return expects_more_.load(std::memory_order_relaxed); }

    // Nothing more is to be removed: the time is up, or somebody said so.
    [[nodiscard]] bool stopped() const noexcept { return stopped_.load(std::memory_order_relaxed); }
    void stop() noexcept { stopped_.store(true, std::memory_order_relaxed); }
    void stop_when_late() noexcept {
        if (sys::call.steady_clock() >= end_) {
            stop();
        }
    }

    // After a pass, when there is no other thread at work: whether there is to be another one, which tells anew what
    // fails. Waits before it, longer each time, until that was done for long enough.
    [[nodiscard]] bool tries_again();
    // At the end: what failed goes into the report. `cut_short`: the last pass was not to its end.
    void report_failures(bool cut_short);

    // What another thread threw: stops all, and reaches the caller.
    void pass_on(std::exception_ptr thrown) noexcept;
    void rethrow();

private:
    const remove_options& options_;
    removal_report& report_;
    std::uint64_t end_;  // on the steady clock
    std::uint64_t patience_;
    std::uint64_t next_pause_;
    std::atomic<bool> stopped_{false};
    std::atomic<bool> expects_more_{false};

    struct failures {
        std::vector<removal_failure> first;
        std::uint64_t number = 0;
    };
    failures before_;  // this pass

    std::mutex mutex_;  // for the report and what follows
    failures failed_;   // in this pass
    std::exception_ptr thrown_;
    std::mutex several_names_;  // of a file: held by who counts and removes one
};

// What one thread has done and the job has not been told yet. `path` as in removal_job::count.
class removal_tally {
public:
    explicit removal_tally(removal_job& job) noexcept : job_(job) {}

    void removed(std::uint64_t bytes) noexcept {
        bytes_ += bytes;
        ++entries_;
    }
    // For each entry that was tried, and directory that is entered. Large files may take a second each: a clock that
    // costs next to nothing tells that it is time to look. (It may be set; then there is a look too many.)
    template <class Path>
    void did_something(Path path) {
        constexpr std::uint64_t between_looks = 64;       // at the exact one
        constexpr std::uint64_t long_since = 20'000'000;  // nanoseconds
        if (++done_ % between_looks == 0 || sys::call.wall_clock() - looked_ > long_since) {
            look_up_from_work(path);
        }
    }
    // Tells what was done, and sees whether to go on.
    template <class Path>
    void look_up_from_work(Path path) {
        job_.count(std::exchange(entries_, 0), std::exchange(bytes_, 0), path);
        job_.stop_when_late();
        looked_ = sys::call.wall_clock();
    }

private:
    removal_job& job_;
    std::uint64_t entries_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t done_ = 0;
    std::uint64_t looked_ = sys::call.wall_clock();
};

}  // namespace tempfile
