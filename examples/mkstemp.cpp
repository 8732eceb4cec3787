// A name and nobody who cleans up but you.

#include <tempfile/mkstemp.hpp>

#include <cassert>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>
#include <system_error>

int main() {
    auto [file, path] = tempfile::mkstemp({.prefix = "report-", .suffix = ".csv"});
    std::cout << path.native() << '\n';  // /tmp/report-k3v9x0d2m7q4a.csv, say
    file.write("a,b\n");
    file.close();
    assert(std::filesystem::file_size(path) == 4);
    assert(std::filesystem::status(path).permissions() ==
           (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    std::filesystem::remove(path);

    const std::filesystem::path scratch = tempfile::mkdtemp();
    assert(std::filesystem::status(scratch).permissions() == std::filesystem::perms::owner_all);
    std::filesystem::remove(scratch);

    // A directory that is not there is an error of the system, a prefix that leads elsewhere one of the caller.
    std::error_code ec;
    const tempfile::mkstemp_result nothing = tempfile::mkstemp({.dir = "/nonexistent"}, ec);
    assert(ec == std::errc::no_such_file_or_directory && nothing.file.closed());
    bool refused = false;
    try {
        const std::filesystem::path outside = tempfile::mkdtemp({.prefix = "../x"});
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    assert(refused);
}
