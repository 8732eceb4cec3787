#include "tempfile/mkstemp.hpp"

#include <utility>

#include "create.hpp"
#include "location.hpp"

namespace tempfile {
namespace {

// Calls make(place) in the directory that the options mean.
template <class Make>
problem make_at(const name_options& options, Make make) {
    return in_directory(options.dir, [&](const std::string& dir) {
        return make(place{.dir = dir, .prefix = options.prefix, .suffix = options.suffix});
    });
}

problem make_unnamed(const name_options& options, file& made) {
    return make_at(options, [&](const place& where) { return create_unnamed(where, false, made); });
}

problem make_file(const name_options& options, file& made, std::string& path) {
    return make_at(options, [&](const place& where) { return create_named(where, false, made, path, nullptr); });
}

problem make_directory(const name_options& options, std::string& path) {
    return make_at(options, [&](const place& where) { return create_directory(where, path); });
}

problem make_name(const name_options& options, std::string& path) {
    return make_at(options, [&](const place& where) { return unused_path(where, path); });
}

}  // namespace

file tmpfile(const name_options& options) {
    file made;
    succeed(make_unnamed(options, made));
    return made;
}

file tmpfile(const name_options& options, std::error_code& ec) {
    file made;
    ec = make_unnamed(options, made).code();
    return made;
}

mkstemp_result mkstemp(const name_options& options) {
    file made;
    std::string path;
    succeed(make_file(options, made, path));
    return {.file = std::move(made), .path = std::move(path)};
}

mkstemp_result mkstemp(const name_options& options, std::error_code& ec) {
    file made;
    std::string path;
    ec = make_file(options, made, path).code();
    if (ec) {
        return {};
    }
    return {.file = std::move(made), .path = std::move(path)};
}

std::filesystem::path mkdtemp(const name_options& options) {
    std::string path;
    succeed(make_directory(options, path));
    return path;
}

std::filesystem::path mkdtemp(const name_options& options, std::error_code& ec) {
    std::string path;
    ec = make_directory(options, path).code();
    return ec ? std::filesystem::path() : std::filesystem::path(std::move(path));
}

std::filesystem::path mktemp(const name_options& options) {
    std::string path;
    succeed(make_name(options, path));
    return path;
}

std::filesystem::path mktemp(const name_options& options, std::error_code& ec) {
    std::string path;
    ec = make_name(options, path).code();
    return ec ? std::filesystem::path() : std::filesystem::path(std::move(path));
}

}  // namespace tempfile
