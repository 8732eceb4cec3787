#include "tempfile/named_temporary_file.hpp"

#include <cerrno>
#include <utility>

#include "create.hpp"
#include "file_object.hpp"
#include "handle.hpp"
#include "location.hpp"
#include "publish.hpp"
#include "remove_tree.hpp"
#include "report.hpp"
#include "sweep.hpp"

namespace tempfile {

// Everything that can run out of memory happens before there is a name that would be left behind.
problem named_temporary_file::make(const named_temporary_file_options& options) {
    if (problem p = check_mode(options.mode, options.buffering)) {
        return p;
    }
    open(std::make_unique<file_buf>(file(), options.mode, options.buffering), options.newline);
    deletion_ = options.deletion;
    cleanup_ = options.cleanup;
    registration* const owner = is_kept_from_birth(deletion_) ? nullptr : &registration_;
    if (owner != nullptr) {
        sweep_once();
    } else {
        registration_.enter_nowhere();
    }
    problem p = in_directory(options.dir, [&](const std::string& dir) {
        return create_named({.dir = dir, .prefix = options.prefix, .suffix = options.suffix}, appends(options.mode),
                            buffer()->underlying(), path_, owner);
    });
    if (p) {
        path_.clear();
    } else {
        owns_name_ = true;
    }
    return p;
}

named_temporary_file::named_temporary_file() : named_temporary_file(named_temporary_file_options{}) {}

named_temporary_file::named_temporary_file(const named_temporary_file_options& options) {
    succeed(make(options));
}

named_temporary_file::named_temporary_file(const named_temporary_file_options& options, std::error_code& ec) {
    ec = make(options).code();
}

named_temporary_file::named_temporary_file(named_temporary_file&& other) noexcept
    : file_object(std::move(other)),
      path_(std::exchange(other.path_, {})),
      registration_(std::move(other.registration_)),
      deletion_(other.deletion_),
      cleanup_(other.cleanup_),
      owns_name_(std::exchange(other.owns_name_, false)),
      damage_(other.damage_) {}

named_temporary_file& named_temporary_file::operator=(named_temporary_file&& other) noexcept {
    named_temporary_file(std::move(other)).swap(*this);
    return *this;
}

named_temporary_file::~named_temporary_file() {
    const bool is_to_go = owns_name_ && deletion_ != delete_when::never;
    if (is_to_go && ours_to_remove() && registration_.is_to_be_kept()) {
        give_away();
        notify(report_event::kept, path_);
    }
    try {
        if (is_to_go && owns_name_) {
            const problem p = ours_to_remove() ? remove_name() : no_problem();
            vanish();
            succeed(p);
        } else {
            close();
        }
    } catch (const std::exception& e) {
        const auto* known = dynamic_cast<const std::system_error*>(&e);
        notify(is_to_go && owns_name_ ? report_event::not_removed : report_event::not_written, path_,
               known != nullptr ? known->code() : std::make_error_code(std::errc::not_enough_memory));
    }
}

void named_temporary_file::swap(named_temporary_file& other) noexcept {
    file_object::swap(other);
    path_.swap(other.path_);
    std::swap(registration_, other.registration_);
    std::swap(deletion_, other.deletion_);
    std::swap(cleanup_, other.cleanup_);
    std::swap(owns_name_, other.owns_name_);
    std::swap(damage_, other.damage_);
}

std::filesystem::path named_temporary_file::keep() {
    std::filesystem::path kept = path_;
    give_away();
    return kept;
}

void named_temporary_file::give_away() noexcept {
    owns_name_ = false;
    registration_.leave_for_good();
}

namespace {

// What stands at the name, when it is not what the object has open.
problem open_by_name(const std::string& path, file& opened) {
    constexpr const char* opening = "cannot open a named temporary file to publish it";
    sys::handle h = sys::no_handle;
    sys::error e = sys::call.open_file(sys::working_directory, path.c_str(), h);
    if (e == EACCES) {
        e = sys::call.open_to_read(sys::working_directory, path.c_str(), h);  // its mode was changed
    }
    e = e == 0 ? keep_off_standard_streams(h) : e;
    opened = file(h);
    sys::metadata there;
    e = e == 0 ? sys::call.stat(h, there) : e;
    if (e == 0 && there.what != sys::kind::file) {
        e = EINVAL;
    }
    return e == 0 ? no_problem() : system_problem(opening, path, e);
}

}  // namespace

// Publishes what stands at the name: most often what is open here.
problem named_temporary_file::persist_now(const std::filesystem::path& target, const persist_options& rules,
                                          persisted& result) {
    if (!owns_name_) {
        return system_problem("cannot publish a file that this object does not own", path_, EPERM);
    }
    if (problem p = check_ownership(registration_, target.native())) {
        return p;
    }
    if (damage_) {
        return system_problem("cannot publish a file that the disk may have lost", path_, damage_);
    }
    if (!closed()) {
        finish_writing();
    }
    publish_target to;
    if (problem p = resolve_target(target, rules.symlink, to)) {
        return p;
    }
    file by_name;
    const bool other = closed() || !still_there();
    if (other) {
        if (problem p = open_by_name(path_, by_name)) {
            return p;
        }
    }
    return publish_what_stands_there(other ? by_name : buffer()->underlying(), to, rules, result);
}

problem named_temporary_file::publish_what_stands_there(file& handle, const publish_target& to,
                                                        const persist_options& rules, persisted& result) {
    std::string name = path_;
    std::string answer = to.path();  // there is no room to be asked for once it is published
    std::error_code damage;
    bool for_everybody = false;
    problem p = publish({.handle = handle,
                         .path = name,
                         .owner = registration_,
                         .can_be_linked = false,
                         .for_everybody = for_everybody},
                        to, rules, result, damage);
    if (damage && !closed()) {
        buffer()->lose(damage);
    } else if (damage) {
        damage_ = damage;
    }
    if (!result.path.empty()) {
        owns_name_ = false;
        if (!closed()) {
            buffer()->stay();
        }
        path_.swap(answer);
    }
    return p;
}

persisted named_temporary_file::persist(const std::filesystem::path& target, const persist_options& rules) {
    persisted result;
    const problem p = persist_now(target, rules, result);
    return succeed(p, std::move(result));
}

persisted named_temporary_file::persist(const std::filesystem::path& target, const persist_options& rules,
                                        std::error_code& ec) {
    return capture_result(ec, [&](persisted& result) { return persist_now(target, rules, result); });
}

void named_temporary_file::adopt() {
    if (is_kept_from_birth(deletion_)) {
        registration_.enter_nowhere();
    } else if (owns_name_ && !registration_.ours()) {
        sweep_once();
        registration_.enter(registered_kind::file, path_);
    }
}

bool named_temporary_file::still_there() const noexcept {
    return !closed() && is_still_there(path_, native_handle()) == 0;
}

bool named_temporary_file::ours_to_remove() const noexcept {
    return owns_name_ && registration_.ours();
}

// Gone already is as good as removed.
problem named_temporary_file::remove_name() {
    const sys::error e = sys::call.remove_file(sys::working_directory, path_.c_str());
    if (e != 0 && e != ENOENT) {
        return system_problem("cannot remove a named temporary file", path_, e);
    }
    owns_name_ = false;
    registration_.leave();
    if (cleanup_ == tempfile::cleanup::background && buffer() != nullptr) {
        buffer()->close_in_background();
    }
    return no_problem();
}

// The name goes before the handle: an error of close(2) must not leave the file behind. Until the name is gone nothing
// has been given up.
void named_temporary_file::do_close() {
    if (ours_to_remove() && deletion_ == delete_when::closed && !registration_.is_to_be_kept()) {
        flush();
        succeed(remove_name());
    }
    file_object::do_close();
}

problem named_temporary_file::remove_now() {
    if (!owns_name_) {
        return no_problem();
    }
    if (!ours_to_remove()) {
        return system_problem("cannot remove a named temporary file of the parent process", path_, EPERM);
    }
    std::error_code ec;
    if (registration_.is_to_be_kept()) {
        give_away();
        notify(report_event::kept, path_);
        close(ec);
        return ec ? system_problem("cannot close a named temporary file", path_, ec) : no_problem();
    }
    if (problem p = remove_name()) {
        return p;
    }
    discard(ec);
    return ec ? system_problem("cannot close a named temporary file", path_, ec) : no_problem();
}

void named_temporary_file::cleanup() {
    succeed(remove_now());
}

void named_temporary_file::cleanup(std::error_code& ec) {
    ec = remove_now().code();
}

}  // namespace tempfile
