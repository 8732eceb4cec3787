// What this process will have to remove, written down where others find it when this process is killed.
//
// The registry is a file of this process, mapped into its memory: to write a path down is to write to memory, and what
// is in memory that is mapped from a file is in the file, whatever becomes of the process. No system call, no lock.

#pragma once

#include "registry_format.hpp"
#include "sys/sys.hpp"
#include "tempfile/registration.hpp"

#include <string>
#include <vector>

namespace tempfile {

// Where registries are: the directories in order of preference, each for one user alone.
std::vector<std::string> registry_directories();

// Opens such a directory, making it when it is not there. EPERM when it is not ours alone: it is refused, not repaired.
sys::error open_registry_directory(const std::string& dir, bool make, sys::handle& opened) noexcept;

// The path of this process's registry; empty when there is none (yet), and why.
struct registry_status {
    std::string path;
    sys::error trouble = 0;
};
registry_status registry_here();

// Makes the registry of this process, if that has not been tried yet.
void prepare_registry() noexcept;

// Takes away the name of this process's registry if no path stands in it: for the end of the process.
void withdraw_registry() noexcept;

}  // namespace tempfile
