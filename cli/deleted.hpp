// Files that have no name any more and still take up space, since a process has them open.

#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

namespace tool {

struct deleted_file {
    std::string path;  // that it had, as the kernel tells it
    std::uint64_t bytes = 0;
    int descriptor = -1;
};

struct holder {
    std::uint64_t pid = 0;
    std::string program;
    std::uint64_t bytes = 0;
    std::vector<deleted_file> files;  // each once
};

struct deleted_files {
    std::vector<holder> holders;  // the one with most comes first
    std::uint64_t bytes = 0;      // of all; what several have open counts once
    std::uint64_t files = 0;      // likewise
    std::uint64_t unseen = 0;     // how many processes could not be looked at
    std::error_code error;        // why none could
};

// What /proc shows of all processes. Bytes are those on the disk. Not in it: what only memory is mapped to, and what is
// memory by itself (memfd_create(2)).
deleted_files find_deleted_files();

}  // namespace tool
