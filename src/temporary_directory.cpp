#include "tempfile/temporary_directory.hpp"

#include <cerrno>
#include <chrono>
#include <utility>

#include "cleanup.hpp"
#include "create.hpp"
#include "location.hpp"
#include "publish.hpp"
#include "publish_directory.hpp"
#include "remove_tree.hpp"
#include "report.hpp"
#include "sweep.hpp"

namespace tempfile {
namespace {

// Each of what was left, and the directory for those beyond what a report keeps; where nothing was tried, why not.
void tell_failures(const std::string& path, const problem& p, const removal_report& report) noexcept {
    if (report.failures.empty()) {
        notify(report_event::not_removed, p->path, p.code());
    }
    for (const removal_failure& each : report.failures) {
        notify(report_event::not_removed, each.path.native(), each.error);
    }
    if (report.failed > report.failures.size()) {
        notify(report_event::not_removed, path, std::make_error_code(std::errc::directory_not_empty));
    }
}

}  // namespace

problem temporary_directory::make(const temporary_directory_options& options) {
    deletion_ = options.deletion;
    registration* const owner = is_kept_from_birth(deletion_) ? nullptr : &registration_;
    if (owner != nullptr) {
        sweep_once();
    } else {
        registration_.enter_nowhere();
    }
    ignore_cleanup_errors_ = options.ignore_cleanup_errors;
    cleanup_ = options.cleanup;
    problem p = in_directory(options.dir, [&](const std::string& dir) {
        return create_directory({.dir = dir, .prefix = options.prefix, .suffix = options.suffix}, path_, handle_,
                                owner);
    });
    if (p) {
        path_.clear();
    } else {
        owns_ = true;
    }
    return p;
}

temporary_directory::temporary_directory() : temporary_directory(temporary_directory_options{}) {}

temporary_directory::temporary_directory(const temporary_directory_options& options) {
    succeed(make(options));
}

temporary_directory::temporary_directory(const temporary_directory_options& options, std::error_code& ec) {
    ec = make(options).code();
}

temporary_directory::temporary_directory(temporary_directory&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      handle_(std::move(other.handle_)),
      registration_(std::move(other.registration_)),
      deletion_(other.deletion_),
      ignore_cleanup_errors_(other.ignore_cleanup_errors_),
      cleanup_(other.cleanup_),
      owns_(std::exchange(other.owns_, false)),
      damage_(other.damage_) {}

temporary_directory& temporary_directory::operator=(temporary_directory&& other) noexcept {
    temporary_directory(std::move(other)).swap(*this);
    return *this;
}

temporary_directory::~temporary_directory() {
    if (!owns_ || deletion_ == delete_when::never || !registration_.ours()) {
        return;
    }
    try {
        removal_report report;
        if (const problem p = remove_now(report)) {
            tell_failures(path_, p, report);
        }
    } catch (const std::bad_alloc&) {
        notify(report_event::not_removed, path_, std::make_error_code(std::errc::not_enough_memory));
    }
}

void temporary_directory::swap(temporary_directory& other) noexcept {
    path_.swap(other.path_);
    handle_.swap(other.handle_);
    std::swap(registration_, other.registration_);
    std::swap(deletion_, other.deletion_);
    std::swap(ignore_cleanup_errors_, other.ignore_cleanup_errors_);
    std::swap(cleanup_, other.cleanup_);
    std::swap(owns_, other.owns_);
    std::swap(damage_, other.damage_);
}

std::filesystem::path temporary_directory::keep() {
    std::filesystem::path kept = path_;
    give_away();
    return kept;
}

void temporary_directory::give_away() noexcept {
    owns_ = false;
    registration_.leave_for_good();
    handle_ = file();
}

problem temporary_directory::persist_now(const std::filesystem::path& target, const persist_options& rules,
                                         persisted& result) {
    if (!owns_) {
        return system_problem("cannot publish a directory that this object does not own", path_, EPERM);
    }
    if (damage_) {
        return system_problem("cannot publish a directory of which the disk may have lost something", path_, damage_);
    }
    const once_published others{result, [this]() noexcept { give_away(); }};
    return publish_directory(
        {.handle = handle_.native_handle(), .path = path_, .owner = registration_, .damage = damage_}, target, rules,
        result);
}

persisted temporary_directory::persist(const std::filesystem::path& target, const persist_options& rules) {
    persisted result;
    const problem p = persist_now(target, rules, result);
    return succeed(p, std::move(result));
}

persisted temporary_directory::persist(const std::filesystem::path& target, const persist_options& rules,
                                       std::error_code& ec) {
    persisted result;
    ec = persist_now(target, rules, result).code();
    return result;
}

void temporary_directory::adopt() {
    if (is_kept_from_birth(deletion_)) {
        registration_.enter_nowhere();
    }
    if (!owns_ || registration_.ours()) {
        return;
    }
    sweep_once();
    sys::metadata held;
    const bool known = sys::call.stat(handle_.native_handle(), held) == 0;
    registration_.enter(registered_kind::directory, path_);
    if (known) {
        registration_.identify(held.id.device, held.id.inode, held.born);
    }
}

bool temporary_directory::still_there() const noexcept {
    return !handle_.closed() && is_still_there(path_, handle_.native_handle()) == 0;
}

namespace {

constexpr std::chrono::milliseconds forever = std::chrono::milliseconds::max();

// A tree that has lost its name, and the one it has instead.
struct tree_set_aside final : deferred {
    void run() noexcept override {
        try {
            removal_report report;
            const auto go_on = [](const removal_progress&) { return !is_cleanup_stopped(); };
            const remove_options options{.threads = no_threads_of_ours, .at_most = forever, .progress = go_on};
            const problem p = remove_held_tree(path, handle.native_handle(), options, report);
            if (!p) {
                owner.leave();
            } else if (p.code() == std::errc::operation_canceled) {
                leave_to_sweep();
            } else {
                tell_failures(path, p, report);
            }
        } catch (const std::bad_alloc&) {
            notify(report_event::not_removed, path, std::make_error_code(std::errc::not_enough_memory));
        }
    }
    void leave_to_sweep() noexcept override { owner.leave_to_sweep(); }

    std::string path;
    file handle;
    registration owner;
};

// False when it stands where it stood.
bool set_aside(const std::string& from, sys::handle held, std::string& path, registration& owner) {
    if (is_still_there(from, held) != 0 || rename_directory(from, held, path, owner)) {
        return false;
    }
    if (is_still_there(path, held) != ESTALE) {
        return true;
    }
    // Somebody has put another directory there in between: it gets its name back, unless there is a third one by now.
    sys::call.rename(sys::working_directory, path.c_str(), sys::working_directory, from.c_str());
    owner.leave();
    return false;
}

}  // namespace

// False when it is to be removed now.
bool temporary_directory::remove_later(removal_report& report) try {
    const std::uint64_t start = sys::call.steady_clock();
    const sys::error e = sys::call.remove_directory(sys::working_directory, path_.c_str());  // many are empty
    if (e == 0) {
        report.entries = 1;
    } else if (e == ENOTEMPTY || e == EEXIST) {
        booked_place place;
        auto what = std::make_unique<tree_set_aside>();
        if (!place || !set_aside(path_, handle_.native_handle(), what->path, what->owner)) {
            return false;
        }
        what->handle = std::move(handle_);
        place.hand_over(std::move(what));
        report.complete = false;
        report.handed_over = true;
    } else {
        return false;
    }
    report.took = std::chrono::nanoseconds(sys::call.steady_clock() - start);
    return true;
} catch (const std::bad_alloc&) {
    return false;
}

problem temporary_directory::remove_now(removal_report& report, const removal_progress_callback& progress) {
    if (!owns_) {
        return no_problem();
    }
    if (!registration_.ours()) {
        report.complete = false;
        return system_problem("cannot remove a temporary directory of the parent process", path_, EPERM);
    }
    if (registration_.is_to_be_kept()) {
        give_away();
        notify(report_event::kept, path_);
        report.complete = false;
        return no_problem();
    }
    problem p;
    if (cleanup_ == tempfile::cleanup::now || !remove_later(report)) {
        const remove_options options{.threads = no_threads_of_ours, .progress = progress};
        p = remove_held_tree(path_, handle_.native_handle(), options, report);
    }
    if (!p) {
        registration_.leave();
        give_away();
    }
    return p;
}

removal_report temporary_directory::cleanup() {
    return cleanup(removal_progress_callback());
}

removal_report temporary_directory::cleanup(std::error_code& ec) {
    return cleanup(removal_progress_callback(), ec);
}

removal_report temporary_directory::cleanup(const removal_progress_callback& progress) {
    removal_report report;
    const problem p = remove_now(report, progress);
    return ignore_cleanup_errors_ ? std::move(report) : succeed(p, std::move(report));
}

removal_report temporary_directory::cleanup(const removal_progress_callback& progress, std::error_code& ec) {
    removal_report report;
    const problem p = remove_now(report, progress);
    ec = ignore_cleanup_errors_ ? std::error_code() : p.code();
    return report;
}

}  // namespace tempfile
