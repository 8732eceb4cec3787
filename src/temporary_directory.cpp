#include "tempfile/temporary_directory.hpp"

#include <cerrno>
#include <utility>

#include "create.hpp"
#include "location.hpp"
#include "remove_tree.hpp"

namespace tempfile {
namespace {

// Does the name still lead to what the handle holds? Neither is touched when it does not: what was moved away is
// somebody's by now, and what stands at the name is not ours.
sys::error still_there(const std::string& path, const file& handle) noexcept {
    sys::metadata held;
    sys::metadata named;
    if (const sys::error e = sys::call.stat(handle.native_handle(), held)) {
        return e;
    }
    if (const sys::error e = sys::call.stat_at(sys::working_directory, path.c_str(), named)) {
        return e;
    }
    return held.id == named.id ? 0 : ESTALE;
}

// The first of the failures, and how many others there are.
problem summary(removal_report& report) {
    problem first = std::move(report.failures.front());
    if (report.failed > 1) {
        first->what += " (and " + std::to_string(report.failed - 1) + " more)";
    }
    return first;
}

// Removes the directory that `handle` holds; no problem when it is gone already.
problem remove_tree(const std::string& path, const file& handle) {
    constexpr int most_passes = 100;  // somebody may keep on making entries in it
    for (int pass = 0;; ++pass) {
        // As if it were empty, since many are; a directory with something in it is left alone by this.
        const sys::error e = sys::call.remove_directory(sys::working_directory, path.c_str());
        if (e == 0 || e == ENOENT) {
            return no_problem();
        }
        const sys::error there = still_there(path, handle);
        if (there == ENOENT) {
            return no_problem();
        }
        if (there != 0) {
            return system_problem(there == ESTALE ? "the name of a temporary directory leads to something else"
                                                  : "cannot look at a temporary directory",
                                  path, there);
        }
        const bool not_empty = e == ENOTEMPTY || e == EEXIST;
        if (pass == most_passes || (pass > 0 && !not_empty)) {
            return system_problem("cannot remove a temporary directory", path, e);
        }
        removal_report report;
        empty_directory(handle.native_handle(), path, report);
        if (report.failed != 0) {
            return summary(report);
        }
    }
}

}  // namespace

problem temporary_directory::make(const temporary_directory_options& options) {
    maker_ = sys::process_generation();
    deletion_ = options.deletion;
    ignore_cleanup_errors_ = options.ignore_cleanup_errors;
    problem p = in_directory(options.dir, [&](const std::string& dir) {
        return create_directory({.dir = dir, .prefix = options.prefix, .suffix = options.suffix}, path_, handle_);
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
      maker_(other.maker_),
      deletion_(other.deletion_),
      ignore_cleanup_errors_(other.ignore_cleanup_errors_),
      owns_(std::exchange(other.owns_, false)) {}

temporary_directory& temporary_directory::operator=(temporary_directory&& other) noexcept {
    temporary_directory(std::move(other)).swap(*this);
    return *this;
}

temporary_directory::~temporary_directory() {
    if (owns_ && deletion_ != delete_when::never && maker_ == sys::process_generation()) {
        try {
            const problem lost = remove_tree(path_, handle_);  // cleanup() is for those who want to know
        } catch (const std::bad_alloc&) {
            // Then what is left stays.
        }
    }
}

void temporary_directory::swap(temporary_directory& other) noexcept {
    path_.swap(other.path_);
    handle_.swap(other.handle_);
    std::swap(maker_, other.maker_);
    std::swap(deletion_, other.deletion_);
    std::swap(ignore_cleanup_errors_, other.ignore_cleanup_errors_);
    std::swap(owns_, other.owns_);
}

std::filesystem::path temporary_directory::keep() {
    std::filesystem::path kept = path_;
    owns_ = false;
    handle_ = file();
    return kept;
}

problem temporary_directory::remove_now() {
    if (!owns_) {
        return no_problem();
    }
    if (maker_ != sys::process_generation()) {
        return system_problem("cannot remove a temporary directory of the parent process", path_, EPERM);
    }
    problem p = remove_tree(path_, handle_);
    if (!p) {
        owns_ = false;
        handle_ = file();
    }
    return p;
}

void temporary_directory::cleanup() {
    const problem p = remove_now();
    if (!ignore_cleanup_errors_) {
        succeed(p);
    }
}

void temporary_directory::cleanup(std::error_code& ec) {
    const problem p = remove_now();
    ec = ignore_cleanup_errors_ ? std::error_code() : p.code();
}

}  // namespace tempfile
