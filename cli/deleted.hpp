// Files that have no name any more and still take up space, since a process has them open, mapped into
// its memory, or is executing them.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace tool {

struct deleted_file {
    std::string path;                    // that it had, as the kernel tells it
    std::optional<std::uint64_t> bytes;  // of one that is only mapped root alone is told (proc(5))
    std::optional<int> descriptor;       // none where it is only mapped
};

struct holder {
    std::uint64_t pid = 0;
    std::string program;
    std::uint64_t bytes = 0;          // of those whose size is known
    std::vector<deleted_file> files;  // each once
};

struct deleted_files {
    std::vector<holder> holders;  // the one with most comes first
    std::uint64_t bytes = 0;      // of all whose size is known; what several have counts once
    std::uint64_t files = 0;      // likewise
    std::uint64_t unsized = 0;    // how many of these are of unknown size
    std::uint64_t unseen = 0;     // how many processes could not be looked at
    std::error_code error;        // why none could
};

// What /proc shows of all processes. Bytes are those on the disk. Not in it: what is memory by itself (memfd_create(2),
// shmget(2)). Who may not follow the links of map_files is not told whether a file that is only mapped has another
// name: it counts as deleted.
deleted_files find_deleted_files();

}  // namespace tool
