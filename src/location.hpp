// From the option `dir` to a directory.

#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include "problem.hpp"

namespace tempfile {

// The directory that the option means: absolute, and gettempdir() when it is empty.
struct location {
    std::string dir;
    bool searched = false;  // found among the candidates, so it may be looked for again
};

problem locate(const std::filesystem::path& option, location& found);

// Relative to the working directory of now; without doubled and trailing slashes.
problem make_absolute(const std::string& given, std::string& absolute);

// Why no file can be made and written in the directory.
std::error_code try_directory(const std::string& dir);

// May others rename and remove what we make in the directory (path_resolution(7), the sticky bit)?
bool is_exposed(const std::string& dir) noexcept;

// Forgets the kept answer of the search if it is still `dir`.
void forget(const std::string& dir);

// Calls make(dir) with the directory that `option` means. When a directory that we found by ourselves has vanished
// since, looks for another and tries that once.
template <class Make>
problem in_directory(const std::filesystem::path& option, Make make) {
    location where;
    if (problem p = locate(option, where)) {
        return p;
    }
    problem p = make(where.dir);
    if (where.searched &&
        (p.code() == std::errc::no_such_file_or_directory || p.code() == std::errc::not_a_directory)) {
        forget(where.dir);
        if (problem nowhere = locate(option, where)) {
            return nowhere;
        }
        p = make(where.dir);
    }
    return p;
}

}  // namespace tempfile
