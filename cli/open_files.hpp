// What the processes of this machine have open, as far as /proc shows it to us.

#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>

#include <sys/stat.h>

namespace tool {

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

// Calls visit() for each open file, one process after the other, this one included.
open_files_seen visit_open_files(const std::function<void(const open_file&)>& visit);

}  // namespace tool
