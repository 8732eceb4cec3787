#include "streams.hpp"

#include "printable.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr const char* cannot_read = "cannot read standard input";

tempfile::file input(STDIN_FILENO);
tempfile::file output(STDOUT_FILENO);
tempfile::file error(STDERR_FILENO);

void check(std::error_code ec, const char* what) {
    if (ec) {
        throw std::system_error(ec, what);
    }
}

}  // namespace

std::size_t read_input(std::span<std::byte> into) {
    std::error_code ec;
    const std::size_t n = input.read(into, ec);
    check(ec, cannot_read);
    return n;
}

std::size_t read_some_input(std::span<std::byte> into) {
    ssize_t n = 0;
    do {
        n = ::read(STDIN_FILENO, into.data(), into.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        throw std::system_error(errno, std::generic_category(), cannot_read);
    }
    return static_cast<std::size_t>(n);
}

std::optional<std::uint64_t> rest_of_input() {
    struct stat status = {};
    const off_t position = ::lseek(STDIN_FILENO, 0, SEEK_CUR);
    if (::fstat(STDIN_FILENO, &status) != 0 || !S_ISREG(status.st_mode) || position < 0) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(std::max<off_t>(status.st_size - position, 0));
}

void print(std::span<const std::byte> bytes) {
    std::error_code ec;
    output.write(bytes, ec);
    check(ec, "cannot write to standard output");
}

void print(std::string_view text) {
    print(std::as_bytes(std::span(text)));
}

void close_output() {
    std::error_code ec;
    output.close(ec);
    check(ec, "cannot close standard output");
}

void report(std::string_view text) {
    std::error_code ec;
    error.write(text, ec);
    check(ec, "cannot write to standard error");
}

void complain(std::string_view line) {
    complain_as_is(printable(line) + '\n');
}

void complain_as_is(std::string_view text) noexcept {
    std::error_code ignored;
    error.write(text, ignored);
}

std::string message_of(const std::exception& e) {
    const auto* at_path = dynamic_cast<const std::filesystem::filesystem_error*>(&e);
    std::string_view message = at_path != nullptr ? at_path->std::system_error::what() : e.what();
    constexpr std::string_view library = "tempfile: ";
    if (message.starts_with(library)) {
        message.remove_prefix(library.size());
    }
    return at_path != nullptr ? fmt::format("{} [{}]", message, at_path->path1().native()) : std::string(message);
}

}  // namespace tool
