// What Linux has beyond POSIX; calls.cpp puts it into the table.

#pragma once

#include "sys/sys.hpp"

namespace tempfile::sys::linux_os {

error create_unnamed(const char* dir, bool append, handle& made) noexcept;
error reopen(handle of, handle& made) noexcept;
error overwrite_in_place(handle h) noexcept;
error allocate(handle h, std::uint64_t bytes) noexcept;
error stat(handle h, metadata& out) noexcept;
error stat_at(handle at, const char* name, metadata& out) noexcept;
error open_path(handle at, const char* name, handle& made) noexcept;
error set_path_permissions(handle path, std::uint32_t permissions) noexcept;
error list(handle dir, void* buffer, std::size_t& used) noexcept;
error is_in_memory(handle h, bool& yes) noexcept;
error random(void* into, std::size_t bytes) noexcept;
const char* environment(const char* name) noexcept;
bool set_user_id() noexcept;
error lock(handle h, bool shared) noexcept;
error this_process(process_identity& out) noexcept;
std::uint64_t this_thread() noexcept;
bool thread_runs(std::uint64_t thread) noexcept;
bool other_threads() noexcept;
error start_time(std::uint64_t pid, std::uint64_t& out) noexcept;
error process_namespace(std::uint64_t pid, std::uint64_t& out) noexcept;
std::uint64_t wall_clock() noexcept;

// The name under which /proc shows a handle of this process.
struct proc_name {
    explicit proc_name(handle h) noexcept;
    char text[32];
};

}  // namespace tempfile::sys::linux_os
