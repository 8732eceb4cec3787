// What Linux has beyond POSIX; calls.cpp puts it into the table.

#pragma once

#include "sys/sys.hpp"

namespace tempfile::sys::linux_os {

error create_unnamed(const char* dir, bool append, handle& made) noexcept;
error create_linkable(handle at, const char* dir, bool append, std::uint32_t permissions, handle& made) noexcept;
error rename_new(handle from_at, const char* from, handle to_at, const char* to) noexcept;
error exchange(handle from_at, const char* from, handle to_at, const char* to) noexcept;
error link_handle(handle of, handle to_at, const char* to) noexcept;
error link_through_proc(handle of, handle to_at, const char* to) noexcept;
error sync_file_system(handle h) noexcept;
error begin_sync(handle h) noexcept;
error clone(handle from, handle to) noexcept;
error copy_range(handle from, handle to, std::uint64_t at, std::size_t bytes, std::size_t& done) noexcept;
error send_range(handle from, handle to, std::uint64_t at, std::size_t bytes, std::size_t& done) noexcept;
error list_attributes(handle h, char* into, std::size_t bytes, std::size_t& used) noexcept;
error attribute(handle h, const char* name, void* into, std::size_t bytes, std::size_t& used) noexcept;
error set_attribute(handle h, const char* name, const void* from, std::size_t bytes) noexcept;
error remove_attribute(handle h, const char* name) noexcept;
error reopen(handle of, handle& made) noexcept;
error overwrite_in_place(handle h) noexcept;
error allocate(handle h, std::uint64_t bytes) noexcept;
error reserve(handle h, std::uint64_t bytes) noexcept;
error stat(handle h, metadata& out) noexcept;
error stat_at(handle at, const char* name, metadata& out) noexcept;
error stat_at_now(handle at, const char* name, metadata& out) noexcept;
error open_path(handle at, const char* name, handle& made) noexcept;
error set_path_permissions(handle path, std::uint32_t permissions) noexcept;
error list(handle dir, void* buffer, std::size_t& used) noexcept;
error file_system_of(handle h, file_system& out) noexcept;
error free_space(handle h, space& out) noexcept;
error quota(handle h, bool of_group, allowance& out) noexcept;
error mounted(std::uint64_t mount, mount_entry& out) noexcept;
error swaps(bool& yes) noexcept;
error available_memory(std::uint64_t& bytes) noexcept;
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
