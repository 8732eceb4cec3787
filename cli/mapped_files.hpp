// Deleted files that a process has mapped into its memory, as far as /proc shows it to us.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace tool {

struct mapped_file {
    std::filesystem::path link;  // in /proc/PID/map_files; who may follow it is told the size (proc(5))
    std::string path;            // that it had, as the list of mappings tells it: a newline is "\012"
    std::uint32_t device_major = 0;
    std::uint32_t device_minor = 0;
    std::uint64_t inode = 0;
};

// Calls visit() for each deleted file that `process`, a directory in /proc, has mapped, once, however many mappings
// there are of it: there may be 65,530 (vm.max_map_count), and what visit() does takes longer than reading a line. Not
// for what is memory by itself: memfd_create(2), shmget(2), shared memory without a file.
void visit_deleted_mappings_of(const std::filesystem::path& process,
                               const std::function<void(const mapped_file&)>& visit);

// Whether a deleted file of that path and device is memory by itself.
bool is_memory_alone(const std::string& path, std::uint32_t device_major, std::uint32_t device_minor);

}  // namespace tool
