// What the processes of this machine have open, as far as /proc shows it to us.

#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include <sys/stat.h>

namespace tool {

// What the path of a file without a name ends with, in its link and in the list of mappings (proc(5)).
constexpr std::string_view mark_of_deleted = " (deleted)";

struct open_file {
    const std::string& process;         // its number
    const std::filesystem::path& link;  // in /proc, named by the descriptor
    const struct statx& status;
};

struct open_files_seen {
    std::size_t unseen = 0;  // how many processes could not be looked at
    std::error_code error;   // why none could
};

// Without asking a server, which may not answer: other programs' files are looked at, too.
bool look_at(const std::filesystem::path& path, int flags, struct statx& status);

// Calls visit() with the directory of each process in /proc, ours included. It returns false where it may not look.
open_files_seen visit_processes(const std::function<bool(const std::filesystem::path&)>& visit);

// Calls visit() for each file that `process`, a directory in /proc, has a descriptor of.
// @return false if we may not look at it. One that has ended meanwhile has nothing open.
bool visit_open_files_of(const std::filesystem::path& process, const std::function<void(const open_file&)>& visit);

// The same for all, one process after the other.
open_files_seen visit_open_files(const std::function<void(const open_file&)>& visit);

}  // namespace tool
