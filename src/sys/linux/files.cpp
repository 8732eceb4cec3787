// Files as only Linux has them: nameless ones, reopened ones, reserved ones, and statx.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // O_TMPFILE, fallocate, statx, renameat2, copy_file_range
#endif
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <string_view>

#include "sys/linux/linux.hpp"
#include "sys/posix/posix.hpp"

namespace tempfile::sys::linux_os {
namespace {

kind kind_of(unsigned mode) noexcept {
    return S_ISREG(mode) ? kind::file : S_ISDIR(mode) ? kind::directory : S_ISLNK(mode) ? kind::link : kind::other;
}

std::uint64_t nanoseconds(const statx_timestamp& t) noexcept {
    constexpr std::uint64_t in_a_second = 1'000'000'000;
    return static_cast<std::uint64_t>(t.tv_sec) * in_a_second + t.tv_nsec;
}

// As statx below, for where a sandbox forbids that: EPERM with libseccomp before 2.4.2, in containers of its time.
error stat_without_mount(handle at, const char* name, int flags, metadata& out) noexcept {
    struct ::stat raw;
    const int known = flags & ~AT_STATX_SYNC_TYPE;
    if (const error e = posix::status([&] { return ::fstatat(at, name, &raw, known); })) {
        return e;
    }
    out.id = {.device = raw.st_dev, .inode = raw.st_ino};
    out.mount = 0;
    out.size = static_cast<std::uint64_t>(raw.st_size);
    out.links = raw.st_nlink;
    out.owner = raw.st_uid;
    out.group = raw.st_gid;
    out.born = 0;
    out.permissions = raw.st_mode & 07777U;
    out.what = kind_of(raw.st_mode);
    return 0;
}

error stat_any(handle at, const char* name, int flags, metadata& out) noexcept {
    struct ::statx raw;
    const unsigned wanted = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
    if (const error e = posix::status([&] { return ::statx(at, name, flags | AT_NO_AUTOMOUNT, wanted, &raw); })) {
        return e == EPERM || e == ENOSYS ? stat_without_mount(at, name, flags, out) : e;
    }
    out.id = {.device = makedev(raw.stx_dev_major, raw.stx_dev_minor), .inode = raw.stx_ino};
    out.mount = (raw.stx_mask & STATX_MNT_ID) != 0 ? raw.stx_mnt_id : 0;  // since Linux 5.8
    out.size = raw.stx_size;
    out.links = raw.stx_nlink;
    out.owner = raw.stx_uid;
    out.group = raw.stx_gid;
    out.born = (raw.stx_mask & STATX_BTIME) != 0 ? nanoseconds(raw.stx_btime) : 0;
    out.permissions = raw.stx_mode & 07777U;
    out.what = kind_of(raw.stx_mode);
    return 0;
}

}  // namespace

proc_name::proc_name(handle h) noexcept {
    // Not by snprintf: signal handlers need it too (signal-safety(7)).
    constexpr std::string_view folder = "/proc/self/fd/";
    char* const number = std::copy(folder.begin(), folder.end(), text);
    *std::to_chars(number, std::end(text) - 1, h).ptr = '\0';
}

error create_unnamed(const char* dir, bool append, handle& made) noexcept {
    // With O_EXCL the file can never be linked into a directory (open(2), O_TMPFILE).
    const int flags = O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC | (append ? O_APPEND : 0);
    return posix::result([&] { return ::open(dir, flags, 0600); }, made);
}

error create_linkable(handle at, const char* dir, bool append, std::uint32_t permissions, handle& made) noexcept {
    const int flags = O_TMPFILE | O_RDWR | O_CLOEXEC | (append ? O_APPEND : 0);
    return posix::result([&] { return ::openat(at, dir, flags, permissions); }, made);
}

error rename_new(handle from_at, const char* from, handle to_at, const char* to) noexcept {
    return posix::status([&] { return ::renameat2(from_at, from, to_at, to, RENAME_NOREPLACE); });
}

error exchange(handle from_at, const char* from, handle to_at, const char* to) noexcept {
    return posix::status([&] { return ::renameat2(from_at, from, to_at, to, RENAME_EXCHANGE); });
}

error link_handle(handle of, handle to_at, const char* to) noexcept {
    return posix::status([&] { return ::linkat(of, "", to_at, to, AT_EMPTY_PATH); });
}

error link_through_proc(handle of, handle to_at, const char* to) noexcept {
    return posix::status(
        [&, name = proc_name(of)] { return ::linkat(AT_FDCWD, name.text, to_at, to, AT_SYMLINK_FOLLOW); });
}

error sync_file_system(handle h) noexcept {
    return posix::status([&] { return ::syncfs(h); });
}

error begin_sync(handle h) noexcept {
    return posix::status([&] { return ::sync_file_range(h, 0, 0, SYNC_FILE_RANGE_WRITE); });
}

error clone(handle from, handle to) noexcept {
    return posix::status([&] { return ::ioctl(to, FICLONE, from); });
}

error copy_range(handle from, handle to, std::uint64_t at, std::size_t bytes, std::size_t& done) noexcept {
    auto from_at = static_cast<off64_t>(at);
    auto to_at = from_at;
    return posix::result([&] { return ::copy_file_range(from, &from_at, to, &to_at, bytes, 0); }, done);
}

error send_range(handle from, handle to, std::uint64_t at, std::size_t bytes, std::size_t& done) noexcept {
    auto offset = static_cast<off_t>(at);
    return posix::result([&] { return ::sendfile(to, from, &offset, bytes); }, done);
}

error list_attributes(handle h, char* into, std::size_t bytes, std::size_t& used) noexcept {
    return posix::result([&] { return ::flistxattr(h, into, bytes); }, used);
}

error attribute(handle h, const char* name, void* into, std::size_t bytes, std::size_t& used) noexcept {
    return posix::result([&] { return ::fgetxattr(h, name, into, bytes); }, used);
}

error set_attribute(handle h, const char* name, const void* from, std::size_t bytes) noexcept {
    return posix::status([&] { return ::fsetxattr(h, name, from, bytes, 0); });
}

error remove_attribute(handle h, const char* name) noexcept {
    return posix::status([&] { return ::fremovexattr(h, name); });
}

error reopen(handle of, handle& made) noexcept {
    // The link leads to the open file itself, whatever its name is or was (proc(5), /proc/pid/fd).
    return posix::result([name = proc_name(of)] { return ::open(name.text, O_RDWR | O_CLOEXEC); }, made);
}

error overwrite_in_place(handle h) noexcept {
    struct ::statfs about;
    if (const error e = posix::status([&] { return ::fstatfs(h, &about); })) {
        return e;
    }
    if (about.f_type != BTRFS_SUPER_MAGIC) {
        return EOPNOTSUPP;
    }
    int flags = 0;
    const error e = posix::status([&] { return ::ioctl(h, FS_IOC_GETFLAGS, &flags); });
    flags |= FS_NOCOW_FL;
    return e != 0 ? e : posix::status([&] { return ::ioctl(h, FS_IOC_SETFLAGS, &flags); });
}

error allocate(handle h, std::uint64_t bytes) noexcept {
    return posix::status([&] { return ::fallocate(h, 0, 0, static_cast<off_t>(bytes)); });
}

error reserve(handle h, std::uint64_t bytes) noexcept {
    return posix::status([&] { return ::fallocate(h, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)); });
}

error lock(handle h, bool shared) noexcept {
    return posix::status([&] { return ::flock(h, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB); });
}

error stat(handle h, metadata& out) noexcept {
    return stat_any(h, "", AT_EMPTY_PATH, out);
}

error stat_at(handle at, const char* name, metadata& out) noexcept {
    return stat_any(at, name, AT_SYMLINK_NOFOLLOW, out);
}

error stat_at_now(handle at, const char* name, metadata& out) noexcept {
    return stat_any(at, name, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, out);
}

}  // namespace tempfile::sys::linux_os
