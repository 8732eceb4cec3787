#include "streams.hpp"

#include "printable.hpp"
#include "screen.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

// Options of the library are options of the tool, but are not called so. These are the begins of messages.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> words = {{
    {"tempfile: ", ""},
    {"prefix and suffix make", "--prefix and --suffix make"},
    {"prefix \"", "--prefix \""},
    {"suffix \"", "--suffix \""},
}};
constexpr std::string_view option_dir = "the option dir";

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
    constexpr std::size_t indent = 2;  // or who reads several would not see where the next one begins
    std::string text;
    for (std::size_t end = 0; (end = line.find(hard_blank)) != line.npos; line.remove_prefix(end + 1)) {
        text += printable(line.substr(0, end)) + hard_blank;
    }
    complain_as_is(wrapped(text + printable(line), indent, columns_of_error()));
}

void complain_as_is(std::string_view text) noexcept {
    std::error_code ignored;
    error.write(text, ignored);
}

std::string message_of(const std::exception& e) {
    const auto* at_path = dynamic_cast<const std::filesystem::filesystem_error*>(&e);
    std::string message = at_path != nullptr ? at_path->std::system_error::what() : e.what();
    for (const auto& [in_library, in_tool] : words) {
        if (message.starts_with(in_library)) {
            message.replace(0, in_library.size(), in_tool);
        }
    }
    if (const std::size_t at = message.rfind(option_dir); at != message.npos) {
        message.replace(at, option_dir.size(), "--dir");
    }
    return at_path != nullptr ? fmt::format("{} [{}]", message, at_path->path1().native()) : message;
}

}  // namespace tool
