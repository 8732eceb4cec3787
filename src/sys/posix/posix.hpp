// What the POSIX implementations share: calls.cpp of each system puts them into its table.

#pragma once

#include "sys/sys.hpp"

#include <cerrno>
#include <type_traits>

namespace tempfile::sys::posix {

// Runs a system call until no signal interrupts it. The result is the call's own, with errno set when it is negative.
template <class F>
auto uninterrupted(F f) noexcept -> decltype(f()) {
    for (;;) {
        const auto result = f();
        if (result >= 0 || errno != EINTR) {
            return result;
        }
    }
}

// For calls that answer 0 or -1, a new handle, or a number of bytes.
template <class F>
error status(F f) noexcept {
    return uninterrupted(f) < 0 ? errno : 0;
}
template <class F, class T>
error result(F f, T& out) noexcept {
    const auto value = uninterrupted(f);
    if (value < 0) {
        return errno;
    }
    out = static_cast<T>(value);
    return 0;
}

error create_file(const char* path, bool append, handle& made) noexcept;
error create_file_in(handle at, const char* name, handle& made) noexcept;
error open_file(handle at, const char* name, handle& made) noexcept;
error create_public_in(handle at, const char* name, handle& made) noexcept;
error open_to_read(handle at, const char* name, handle& made) noexcept;
error rename(handle from_at, const char* from, handle to_at, const char* to) noexcept;
error link(handle from_at, const char* from, handle to_at, const char* to) noexcept;
error read_link(handle at, const char* name, char* into, std::size_t bytes, std::size_t& used) noexcept;
error remove_file(handle at, const char* name) noexcept;
error duplicate(handle of, handle& made) noexcept;
error close(handle h) noexcept;
error read(handle h, void* into, std::size_t bytes, std::size_t& done) noexcept;
error write(handle h, const void* from, std::size_t bytes, std::size_t& done) noexcept;
error pread(handle h, void* into, std::size_t bytes, std::uint64_t at, std::size_t& done) noexcept;
error pwrite(handle h, const void* from, std::size_t bytes, std::uint64_t at, std::size_t& done) noexcept;
error readv(handle h, const piece* pieces, std::size_t n, std::size_t& done) noexcept;
error writev(handle h, const piece* pieces, std::size_t n, std::size_t& done) noexcept;
error preadv(handle h, const piece* pieces, std::size_t n, std::uint64_t at, std::size_t& done) noexcept;
error pwritev(handle h, const piece* pieces, std::size_t n, std::uint64_t at, std::size_t& done) noexcept;
error seek(handle h, std::int64_t offset, origin from, std::uint64_t& now) noexcept;
error truncate(handle h, std::uint64_t bytes) noexcept;
error sync(handle h) noexcept;
error set_permissions(handle h, std::uint32_t permissions) noexcept;
error set_owner(handle h, std::uint64_t owner, std::uint64_t group) noexcept;
error map(handle h, std::uint64_t at, std::size_t bytes, void*& memory) noexcept;
error unmap(void* memory, std::size_t bytes) noexcept;
error sync_map(void* memory, std::size_t bytes) noexcept;
error create_directory(const char* path) noexcept;
error create_public_directory(handle at, const char* name) noexcept;
error open_directory(handle at, const char* name, handle& made) noexcept;
error remove_directory(handle at, const char* name) noexcept;
error rewind(handle dir) noexcept;
error random_device(void* into, std::size_t bytes) noexcept;
std::uint64_t effective_user() noexcept;
std::uint64_t process_number() noexcept;
error start_thread(const thread_body& body, thread& made) noexcept;
void join_thread(const thread& t) noexcept;
void pause(std::uint64_t nanoseconds) noexcept;
std::uint64_t steady_clock() noexcept;
error current_directory(char* into, std::size_t bytes) noexcept;

}  // namespace tempfile::sys::posix
