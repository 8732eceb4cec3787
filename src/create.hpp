// Making files and directories in a given directory: the ladders, and the tries.

#pragma once

#include <string>
#include <string_view>

#include "problem.hpp"
#include "registry.hpp"
#include "tempfile/file.hpp"

namespace tempfile {

// Where, and what the name is made of. `dir` is absolute.
struct place {
    const std::string& dir;
    std::string_view prefix;
    std::string_view suffix;
};

// What to do when nothing can be made, as the end of a message, behind which the system says why; empty where we do not
// know.
std::string_view advice(sys::error e) noexcept;

// A file without a name: O_TMPFILE, else made under a name that is taken away at once.
problem create_unnamed(const place& where, bool append, file& made);

// A file and its path; written down in the registry by `owner`, if there is one, before it exists.
problem create_named(const place& where, bool append, file& made, std::string& path, registration* owner = nullptr);

// A directory and its path, mode exactly 0700; with its handle and written down, or without.
problem create_directory(const place& where, std::string& path, file& handle, registration* owner = nullptr);
problem create_directory(const place& where, std::string& path);

// Gives a directory, which the handle holds, a new name beside its old one, which is written down by `owner` before.
// What is no directory stays where it is; what is another one is for the caller to notice.
problem rename_directory(const std::string& from, sys::handle held, std::string& path, registration& owner);

// A path at which nothing stands.
problem unused_path(const place& where, std::string& path);

}  // namespace tempfile
