#include "tempfile/spooled_temporary_file.hpp"

#include <cerrno>
#include <utility>

#include "create.hpp"
#include "file_object.hpp"
#include "location.hpp"
#include "name.hpp"
#include "publish.hpp"
#include "spool_buf.hpp"

namespace tempfile {
namespace {

problem check(const spooled_temporary_file_options& options) {
    if (options.max_size > largest_max_size) {
        return bad_argument("max_size of " + std::to_string(options.max_size) +
                            " bytes is too large to keep in memory; the largest is 1 GiB (largest_max_size)");
    }
    if (problem p = check_affixes(options.prefix, options.suffix)) {
        return p;
    }
    return check_mode(options.mode, options.buffering);
}

// Null when closed, or when something else was assigned through a reference to the base.
spool_buf* spool_of(file_buf* buffer) noexcept {
    return dynamic_cast<spool_buf*>(buffer);
}

}  // namespace

problem spooled_temporary_file::make(const spooled_temporary_file_options& options) {
    if (problem p = check(options)) {
        return p;
    }
    location where;
    if (!options.dir.empty()) {  // a relative one means the working directory of now, not of the roll-over
        if (problem p = locate(options.dir, where)) {
            return p;
        }
    }
    name_.owner.enter_nowhere();
    open(std::make_unique<spool_buf>(
             spool_place{
                 .dir = where.dir, .prefix = options.prefix, .suffix = options.suffix, .linkable = options.linkable},
             options.max_size, options.mode, options.buffering),
         options.newline);
    if (options.cleanup == cleanup::background) {
        buffer()->close_in_background();
    }
    return no_problem();
}

spooled_temporary_file::spooled_temporary_file() : spooled_temporary_file(spooled_temporary_file_options{}) {}

spooled_temporary_file::spooled_temporary_file(const spooled_temporary_file_options& options) {
    succeed(make(options));
}

spooled_temporary_file::spooled_temporary_file(const spooled_temporary_file_options& options, std::error_code& ec) {
    ec = make(options).code();
}

spooled_temporary_file::spooled_temporary_file(spooled_temporary_file&& other) noexcept
    : file_object(std::move(other)), name_(std::move(other.name_)) {}

spooled_temporary_file& spooled_temporary_file::operator=(spooled_temporary_file&& other) noexcept {
    spooled_temporary_file(std::move(other)).swap(*this);
    return *this;
}

spooled_temporary_file::~spooled_temporary_file() {
    name_.remove();
    vanish();
}

void spooled_temporary_file::do_close() {
    file_object::do_close();
    name_.remove();
}

void spooled_temporary_file::swap(spooled_temporary_file& other) noexcept {
    file_object::swap(other);
    std::swap(name_, other.name_);
}

bool spooled_temporary_file::rolled() const noexcept {
    const spool_buf* const spool = spool_of(buffer());
    return spool != nullptr && spool->rolled();
}

problem spooled_temporary_file::roll_now() {
    spool_buf* const spool = spool_of(buffer());
    return spool != nullptr && !spool->closed() ? spool->rollover()
                                                : system_problem("cannot use a closed file", "", EBADF);
}

problem spooled_temporary_file::persist_now(const std::filesystem::path& target, const persist_options& rules,
                                            persisted& result) {
    opened();
    publish_target to;
    problem p = check_ownership(name_.owner, target.native());
    p = p ? std::move(p) : resolve_target(target, rules.symlink, to);
    p = p ? std::move(p) : check_existing(to, to.existing, rules.existing);
    if (p) {
        return p;
    }
    finish_writing();
    spool_buf* const spool = spool_of(buffer());
    if (spool != nullptr && !spool->rolled()) {
        file made;
        p = stage(to, rules, made, name_);
        if (p) {
            return p;
        }
        p = spool->move_into(std::move(made), to.directory_path, name_.path.empty());
        if (p) {
            name_.remove();
            name_.owner.enter_nowhere();
            return p;
        }
    }
    name_.can_be_linked = name_.path.empty() && spool != nullptr && spool->linkable();
    return publish(*buffer(), name_, to, rules, result);
}

persisted spooled_temporary_file::persist(const std::filesystem::path& target, const persist_options& rules) {
    persisted result;
    const problem p = persist_now(target, rules, result);
    return succeed(p, std::move(result));
}

persisted spooled_temporary_file::persist(const std::filesystem::path& target, const persist_options& rules,
                                          std::error_code& ec) {
    return capture_result(ec, [&](persisted& result) { return persist_now(target, rules, result); });
}

void spooled_temporary_file::rollover() {
    succeed(roll_now());
}

void spooled_temporary_file::rollover(std::error_code& ec) {
    ec = roll_now().code();
}

}  // namespace tempfile
