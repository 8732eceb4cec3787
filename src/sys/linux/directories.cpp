// Directories as only Linux has them: getdents64 without a DIR and its allocation, and O_PATH.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // getdents64, O_PATH
#endif
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "sys/linux/linux.hpp"
#include "sys/posix/posix.hpp"

namespace tempfile::sys {
namespace {

kind kind_of(unsigned char type) noexcept {
    return type == DT_UNKNOWN ? kind::unknown
           : type == DT_REG   ? kind::file
           : type == DT_DIR   ? kind::directory
                              : kind::other;
}

}  // namespace

bool next_entry(const void* buffer, std::size_t used, std::size_t& position, entry& out) noexcept {
    if (position >= used) {
        return false;
    }
    const auto* raw = reinterpret_cast<const dirent64*>(static_cast<const char*>(buffer) + position);
    out = {.name = raw->d_name,
           .what = kind_of(raw->d_type),
           .next = static_cast<std::uint64_t>(raw->d_off),
           .inode = raw->d_ino};
    position += raw->d_reclen;
    return true;
}

namespace linux_os {

error list(handle dir, void* buffer, std::size_t& used) noexcept {
    return posix::result([&] { return ::getdents64(dir, buffer, list_bytes); }, used);
}

error open_path(handle at, const char* name, handle& made) noexcept {
    return posix::result([&] { return ::openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }, made);
}

error set_path_permissions(handle path, std::uint32_t permissions) noexcept {
    // fchmod refuses an O_PATH descriptor; the link in /proc leads to exactly what it has open (open(2), O_PATH).
    return posix::status([&, name = proc_name(path)] { return ::chmod(name.text, static_cast<mode_t>(permissions)); });
}

}  // namespace linux_os
}  // namespace tempfile::sys
