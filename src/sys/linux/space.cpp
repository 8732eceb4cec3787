// File systems as Linux tells of them: how much room there is, and what kind they are (statfs(2), proc(5)).

#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // ST_NOEXEC
#endif
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/quota.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "sys/linux/linux.hpp"
#include "sys/posix/posix.hpp"

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443  // the same number on every architecture
#endif

namespace tempfile::sys::linux_os {
namespace {

medium medium_of(std::uint32_t magic) noexcept {
    switch (magic) {
        case TMPFS_MAGIC:
        case RAMFS_MAGIC:
        case HUGETLBFS_MAGIC:
            return medium::memory;
        case NFS_SUPER_MAGIC:
        case CIFS_SUPER_MAGIC:
        case SMB_SUPER_MAGIC:
        case SMB2_SUPER_MAGIC:
        case AFS_SUPER_MAGIC:
        case AFS_FS_MAGIC:
        case CODA_SUPER_MAGIC:
        case CEPH_SUPER_MAGIC:
        case V9FS_MAGIC:
            return medium::network;
        case OVERLAYFS_SUPER_MAGIC:
        case FUSE_SUPER_MAGIC:
            return medium::unknown;
        default:
            return medium::storage;
    }
}

file_system file_system_with(std::uint32_t magic) noexcept {
    switch (magic) {
        case EXT4_SUPER_MAGIC:
            return file_system::ext;
        case BTRFS_SUPER_MAGIC:
            return file_system::btrfs;
        default:
            return medium_of(magic) == medium::memory ? file_system::memory : file_system::other;
    }
}

// The fields of a file in /proc, of any length, as they are read.
class fields {
public:
    explicit fields(const char* path) noexcept {
        error_ = posix::result([&] { return ::open(path, O_RDONLY | O_CLOEXEC); }, h_);
    }
    ~fields() {
        if (h_ != no_handle) {
            posix::close(h_);
        }
    }
    fields(const fields&) = delete;
    fields& operator=(const fields&) = delete;

    // The next field, as much of it as there is room for; false when the line ended before. Every single blank parts
    // two, since a field may be empty, the source of a mount for one.
    bool next() noexcept {
        length_ = 0;
        if (ended_) {
            return false;
        }
        for (char c = 0; read(c); length_ += length_ < sizeof text_ ? 1 : 0) {
            if (c == ' ' || c == '\n') {
                ended_ = c == '\n';
                return true;
            }
            if (length_ < sizeof text_) {
                text_[length_] = c;
            }
        }
        ended_ = true;
        return length_ != 0;
    }
    // False at the end of the file.
    bool next_line() noexcept {
        while (next()) {
        }
        ended_ = false;
        return used_ != 0 || begin();
    }
    [[nodiscard]] std::string_view text() const noexcept { return {text_, length_}; }
    [[nodiscard]] std::uint64_t number() const noexcept {
        std::uint64_t value = 0;
        std::from_chars(text_, text_ + length_, value);
        return value;
    }
    [[nodiscard]] error failure() const noexcept { return error_; }

private:
    bool begin() noexcept {
        at_ = 0;
        used_ = 0;
        if (error_ == 0) {
            error_ = posix::read(h_, buffer_, sizeof buffer_, used_);
        }
        return error_ == 0 && used_ != 0;
    }
    bool read(char& c) noexcept {
        if (at_ == used_ && !begin()) {
            return false;
        }
        c = buffer_[at_++];
        return true;
    }

    handle h_ = no_handle;
    error error_ = 0;
    bool ended_ = true;  // before the first line
    std::size_t at_ = 0;
    std::size_t used_ = 0;
    std::size_t length_ = 0;
    char text_[512];
    char buffer_[4096];
};

bool has_option(std::string_view options, std::string_view wanted) noexcept {
    for (std::size_t begin = 0; begin < options.size();) {
        const std::size_t end = std::min(options.find(',', begin), options.size());
        if (options.substr(begin, end - begin) == wanted) {
            return true;
        }
        begin = end + 1;
    }
    return false;
}

std::uint64_t left_of(std::uint64_t hard, std::uint64_t soft, std::uint64_t used) noexcept {
    const std::uint64_t limit = hard != 0 ? hard : soft;
    return limit == 0 ? no_limit : limit - std::min(limit, used);
}

}  // namespace

error file_system_of(handle h, file_system& out) noexcept {
    struct ::statfs about;
    if (const error e = posix::status([&] { return ::fstatfs(h, &about); })) {
        return e;
    }
    out = file_system_with(static_cast<std::uint32_t>(about.f_type));
    return 0;
}

error free_space(handle h, space& out) noexcept {
    struct ::statfs about;
    if (const error e = posix::status([&] { return ::fstatfs(h, &about); })) {
        return e;
    }
    // ramfs and others have no numbers, and btrfs none of inodes.
    out.bytes = about.f_blocks == 0 ? no_limit : about.f_bavail * static_cast<std::uint64_t>(about.f_bsize);
    out.inodes = about.f_files == 0 ? no_limit : about.f_ffree;
    out.kept_in = medium_of(static_cast<std::uint32_t>(about.f_type));
    out.syncs = out.kept_in != medium::network && static_cast<std::uint32_t>(about.f_type) != FUSE_SUPER_MAGIC;
    out.swappable = about.f_type != RAMFS_MAGIC && about.f_type != HUGETLBFS_MAGIC;
    out.executable = (static_cast<unsigned long>(about.f_flags) & ST_NOEXEC) == 0;
    return 0;
}

error quota(handle h, bool of_group, allowance& out) noexcept {
    ::dqblk used{};
    const int what = QCMD(Q_GETQUOTA, of_group ? GRPQUOTA : USRQUOTA);
    const unsigned who = of_group ? ::getegid() : ::geteuid();
    if (const error e = posix::status([&] { return ::syscall(SYS_quotactl_fd, h, what, who, &used); })) {
        return e;
    }
    constexpr std::uint64_t block = 1024;  // in which limits are told, whatever the file system's are (quotactl(2))
    out.bytes = left_of(used.dqb_bhardlimit * block, used.dqb_bsoftlimit * block, used.dqb_curspace);
    out.inodes = left_of(used.dqb_ihardlimit, used.dqb_isoftlimit, used.dqb_curinodes);
    return 0;
}

error mounted(std::uint64_t mount, mount_entry& out) noexcept {
    // 36 35 98:0 /root /mount-point rw,noatime master:1 - type source rw,options
    fields of("/proc/self/mountinfo");
    while (of.next_line()) {
        if (!of.next() || of.number() != mount) {
            continue;
        }
        while (of.next() && of.text() != "-") {
        }
        if (!of.next()) {
            break;
        }
        out = {};
        std::copy_n(of.text().begin(), std::min(of.text().size(), out.type.size() - 1), out.type.begin());
        out.never_swapped = of.next() && of.next() && has_option(of.text(), "noswap");
        return 0;
    }
    return of.failure() != 0 ? of.failure() : ENOENT;
}

error swaps(bool& yes) noexcept {
    // A heading, and a line for each.
    fields of("/proc/swaps");
    const bool heading = of.next_line() && of.next();
    const bool first = heading && of.next_line() && of.next();
    if (!heading) {
        return of.failure() != 0 ? of.failure() : ENOENT;
    }
    yes = first;
    return 0;
}

error available_memory(std::uint64_t& bytes) noexcept {
    fields of("/proc/meminfo");
    while (of.next_line()) {
        if (!of.next() || of.text() != "MemAvailable:") {
            continue;
        }
        while (of.next()) {
            if (of.number() != 0) {
                bytes = of.number() * 1024;
                return 0;
            }
        }
    }
    return of.failure() != 0 ? of.failure() : ENOENT;
}

}  // namespace tempfile::sys::linux_os
