#include "tempfile/temporary_directory.hpp"

#include <cerrno>
#include <utility>

#include "create.hpp"
#include "location.hpp"
#include "remove_tree.hpp"
#include "sweep.hpp"

namespace tempfile {
problem temporary_directory::make(const temporary_directory_options& options) {
    deletion_ = options.deletion;
    registration* const owner = deletion_ == delete_when::never ? nullptr : &registration_;
    if (owner != nullptr) {
        sweep_once();
    } else {
        registration_.enter_nowhere();
    }
    ignore_cleanup_errors_ = options.ignore_cleanup_errors;
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
      owns_(std::exchange(other.owns_, false)) {}

temporary_directory& temporary_directory::operator=(temporary_directory&& other) noexcept {
    temporary_directory(std::move(other)).swap(*this);
    return *this;
}

temporary_directory::~temporary_directory() {
    if (owns_ && deletion_ != delete_when::never && registration_.ours()) {
        try {
            if (!remove_tree(path_, handle_)) {  // cleanup() is for those who want to know what was wrong
                registration_.leave();
            }
        } catch (const std::bad_alloc&) {
            // Then what is left stays.
        }
    }
}

void temporary_directory::swap(temporary_directory& other) noexcept {
    path_.swap(other.path_);
    handle_.swap(other.handle_);
    std::swap(registration_, other.registration_);
    std::swap(deletion_, other.deletion_);
    std::swap(ignore_cleanup_errors_, other.ignore_cleanup_errors_);
    std::swap(owns_, other.owns_);
}

std::filesystem::path temporary_directory::keep() {
    std::filesystem::path kept = path_;
    owns_ = false;
    registration_.leave();
    handle_ = file();
    return kept;
}

void temporary_directory::adopt() {
    if (deletion_ == delete_when::never) {
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
        registration_.identify(held.id.device, held.id.inode);
    }
}

bool temporary_directory::still_there() const noexcept {
    return !handle_.closed() && is_still_there(path_, handle_.native_handle()) == 0;
}

problem temporary_directory::remove_now() {
    if (!owns_) {
        return no_problem();
    }
    if (!registration_.ours()) {
        return system_problem("cannot remove a temporary directory of the parent process", path_, EPERM);
    }
    problem p = remove_tree(path_, handle_);
    if (!p) {
        owns_ = false;
        registration_.leave();
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
