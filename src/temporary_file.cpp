#include "tempfile/temporary_file.hpp"

#include "create.hpp"
#include "file_object.hpp"
#include "location.hpp"

namespace tempfile {

problem temporary_file::make(const temporary_file_options& options) {
    if (problem p = check_mode(options.mode, options.buffering)) {
        return p;
    }
    open(std::make_unique<file_buf>(file(), options.mode, options.buffering), options.newline);
    if (options.cleanup == cleanup::background) {
        buffer()->close_in_background();
    }
    return in_directory(options.dir, [&](const std::string& dir) {
        return create_unnamed({.dir = dir, .prefix = options.prefix, .suffix = options.suffix}, appends(options.mode),
                              buffer()->underlying());
    });
}

temporary_file::temporary_file() : temporary_file(temporary_file_options{}) {}

temporary_file::temporary_file(const temporary_file_options& options) {
    succeed(make(options));
}

temporary_file::temporary_file(const temporary_file_options& options, std::error_code& ec) {
    ec = make(options).code();
}

temporary_file::temporary_file(temporary_file&& other) noexcept : file_object(std::move(other)) {}

temporary_file& temporary_file::operator=(temporary_file&& other) noexcept {
    temporary_file(std::move(other)).swap(*this);
    return *this;
}

temporary_file::~temporary_file() {
    vanish();
}

}  // namespace tempfile
