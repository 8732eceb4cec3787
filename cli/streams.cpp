#include "streams.hpp"

#include "printable.hpp"

#include <fmt/core.h>

#include <filesystem>
#include <string>
#include <system_error>

#include <unistd.h>

namespace tool {
namespace {

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
    check(ec, "cannot read standard input");
    return n;
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
