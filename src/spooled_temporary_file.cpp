#include "tempfile/spooled_temporary_file.hpp"

#include <cerrno>
#include <utility>

#include "file_object.hpp"
#include "location.hpp"
#include "name.hpp"
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
    open(std::make_unique<spool_buf>(spool_place{.dir = where.dir, .prefix = options.prefix, .suffix = options.suffix},
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
    : file_object(std::move(other)) {}

spooled_temporary_file& spooled_temporary_file::operator=(spooled_temporary_file&& other) noexcept {
    spooled_temporary_file(std::move(other)).swap(*this);
    return *this;
}

spooled_temporary_file::~spooled_temporary_file() {
    vanish();
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

void spooled_temporary_file::rollover() {
    succeed(roll_now());
}

void spooled_temporary_file::rollover(std::error_code& ec) {
    ec = roll_now().code();
}

}  // namespace tempfile
