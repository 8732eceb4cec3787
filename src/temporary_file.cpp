#include "tempfile/temporary_file.hpp"

#include "create.hpp"
#include "file_object.hpp"
#include "location.hpp"
#include "publish.hpp"

namespace tempfile {

problem temporary_file::make(const temporary_file_options& options) {
    if (problem p = check_mode(options.mode, options.buffering)) {
        return p;
    }
    name_.owner.enter_nowhere();
    open(std::make_unique<file_buf>(file(), options.mode, options.buffering), options.newline);
    if (options.cleanup == cleanup::background) {
        buffer()->close_in_background();
    }
    return in_directory(options.dir, [&](const std::string& dir) {
        return create_unnamed({.dir = dir, .prefix = options.prefix, .suffix = options.suffix}, appends(options.mode),
                              buffer()->underlying(), options.linkable ? &name_.can_be_linked : nullptr);
    });
}

temporary_file::temporary_file() : temporary_file(temporary_file_options{}) {}

temporary_file::temporary_file(const temporary_file_options& options) {
    succeed(make(options));
}

temporary_file::temporary_file(const temporary_file_options& options, std::error_code& ec) {
    ec = make(options).code();
}

temporary_file::temporary_file(temporary_file&& other) noexcept
    : file_object(std::move(other)), name_(std::move(other.name_)) {}

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
    temporary_file(std::move(other)).swap(*this);
    return *this;
}

temporary_file::~temporary_file() {
    name_.remove();
    vanish();
}

void temporary_file::do_close() {
    file_object::do_close();
    name_.remove();
}

void temporary_file::swap(temporary_file& other) noexcept {
    file_object::swap(other);
    std::swap(name_, other.name_);
}

problem temporary_file::persist_now(const std::filesystem::path& target, const persist_options& rules,
                                    persisted& result) {
    opened();
    if (problem p = check_ownership(name_.owner, target.native())) {
        return p;
    }
    finish_writing();
    return publish(*buffer(), name_, target, rules, result);
}

persisted temporary_file::persist(const std::filesystem::path& target, const persist_options& rules) {
    persisted result;
    const problem p = persist_now(target, rules, result);
    return succeed(p, std::move(result));
}

persisted temporary_file::persist(const std::filesystem::path& target, const persist_options& rules,
                                  std::error_code& ec) {
    return capture_result(ec, [&](persisted& result) { return persist_now(target, rules, result); });
}

}  // namespace tempfile
