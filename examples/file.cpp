// The plain handle under the streams: no buffer, each call is a system call.

#include <tempfile/file.hpp>
#include <tempfile/mkstemp.hpp>

#include <array>
#include <cassert>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>

int main() {
    auto [file, path] = tempfile::mkstemp({.suffix = ".dat"});
    file.write("header\n");
    file.pwrite("HEAD", 0);  // at a given place; the offset does not move
    assert(file.tell() == 7);

    const std::string_view key = "key=", value = "value\n";
    const std::array pieces = {std::as_bytes(std::span(key)), std::as_bytes(std::span(value))};
    file.writev(pieces);  // gathered into one call

    std::array<char, 32> buffer;
    const std::size_t n = file.pread(std::as_writable_bytes(std::span(buffer)), 0);
    assert(std::string_view(buffer.data(), n) == "HEADer\nkey=value\n");

    file.truncate(4);
    assert(file.size() == 4);

    // Each operation also has a form that throws nothing.
    file.close();
    std::error_code ec;
    file.write("too late", ec);
    assert(ec == std::errc::bad_file_descriptor);

    std::filesystem::remove(path);  // mkstemp's caller removes the name
}
