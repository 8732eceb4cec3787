// What this process will have to remove, written down where others find it when this process is killed.
//
// The registry is a file of this process, mapped into its memory: to write a path down is to write to memory, and what
// is in memory that is mapped from a file is in the file, whatever becomes of the process. No system call, no lock.

#pragma once

#include "registry_slots.hpp"
#include "tempfile/registration.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tempfile {

// The path of this process's registry; empty when there is none (yet), and why.
registry_status registry_here();

// Registers what the registry does around a fork. A lock that is held while something is entered registers its own
// fork handlers after this: the last ones registered are the first to lock (pthread_atfork(3)).
void handle_forks_of_registry() noexcept;

// Makes the registry of this process, if that has not been tried yet.
void prepare_registry() noexcept;

// What stands in it for the name of the program.
void label_registry(std::string_view label) noexcept;

// Which process stands in it for this one. The errors of `start_time` in sys.hpp.
sys::error assign_registry(std::uint64_t pid) noexcept;

// False when something may be registered here that no sweep finds, since there is no file.
bool can_leave_to_sweep() noexcept;

// From now on `first` runs at the end of the process, before what is left is removed. One function only.
void before_end_of_process(void (*first)() noexcept) noexcept;

// Takes away the name of this process's registry if no path stands in it: for the end of the process.
void withdraw_registry() noexcept;

// --- In a signal handler: without allocation and lock ---

// Calls remove(path) for everything that stands in the registry of this process, which may be one that has no file.
// What was removed stays in it, for its object to take out, unless `forget` says that there is no object any more.
// @return how many were not removed. 0, without doing anything, in a process that has no registry of its own, and
// inside another such call of the same thread; one of another thread is waited for.
std::size_t remove_registered(removal (*remove)(const registered_path&) noexcept, bool forget) noexcept;

// As withdraw_registry, without looking into it.
void discard_registry() noexcept;

}  // namespace tempfile
