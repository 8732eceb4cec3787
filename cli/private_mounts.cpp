#include "private_mounts.hpp"

#include "amount.hpp"
#include "memory_room.hpp"

#include <tempfile/file.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

// What is covered, and by what in the command's directory.
constexpr std::array places = {std::pair("/tmp", "/tmp"), std::pair("/var/tmp", "/var-tmp")};

std::string message(int error) {
    return std::generic_category().message(error);
}

// What can be done about an error of unshare(2), user_namespaces(7), or of mount(2); nothing to say of others.
enum class failed_call { unshare, mount };

const char* advice(failed_call call, int error) {
    const bool is_unshare = call == failed_call::unshare;
    switch (error) {
        case EPERM:
        case EACCES:
            return "; it takes root, or user namespaces for all users, and in a container that mounts are allowed";
        case ENOSPC:
            return is_unshare ? "; there are as many as there may be: see user.max_user_namespaces and "
                                "user.max_mnt_namespaces with sysctl"
                              : "; there are as many as there may be: see fs.mount-max with sysctl";
        case EUSERS:
            return is_unshare ? "; so many are in each other here that there can be no further one" : "";
        case EINVAL:
        case ENOSYS:
            return is_unshare ? "; this kernel has none, and without user namespaces it takes root" : "";
        default:
            return "";
    }
}

[[noreturn]] void refuse(const char* option, const std::string& what, failed_call call, int error) {
    throw std::runtime_error(
        fmt::format("{} is not possible here ({}: {}){}", option, what, message(error), advice(call, error)));
}

void write_to(const char* path, std::string_view text) {
    tempfile::file opened(::open(path, O_WRONLY | O_CLOEXEC));
    if (opened.closed()) {
        throw std::system_error(errno, std::generic_category(), path);
    }
    opened.write(text);
}

// We stay who we are in it, and nobody else is known there (user_namespaces(7)).
void enter_user_namespace() {
    const uid_t user = ::geteuid();
    const gid_t group = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
        throw std::system_error(errno, std::generic_category(), "a user namespace");
    }
    write_to("/proc/self/setgroups", "deny");
    write_to("/proc/self/uid_map", fmt::format("{0} {0} 1", user));
    write_to("/proc/self/gid_map", fmt::format("{0} {0} 1", group));
}

void enter_mount_namespace() {
    if (::unshare(CLONE_NEWNS) == 0) {
        return;
    }
    if (errno != EPERM) {
        throw std::system_error(errno, std::generic_category(), "a mount namespace");
    }
    enter_user_namespace();
}

// As many as can each have something in them, a page, and some that are empty: else, and at most, it is half as many as
// the machine has pages (tmpfs(5)), and each takes 944 bytes (shmem_inode_cache and dentry in /proc/slabinfo,
// Linux 6.18), which `bytes` is no limit on.
std::uint64_t most_files(std::uint64_t bytes) {
    constexpr std::uint64_t page = 4096;
    constexpr std::uint64_t empty = 4096;
    const auto pages_of_machine = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
    return std::min(bytes / page + empty, pages_of_machine / 2);
}

// Held, since the first of them may hide the second one's place.
tempfile::file make_directory_for_all(const std::string& path) {
    constexpr mode_t sticky_for_all = 01777;
    if (::mkdir(path.c_str(), S_IRWXU) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot make " + path);
    }
    // By its descriptor: others may have put something else there, who can rename what is above it.
    tempfile::file held(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat made = {};
    if (held.closed() || ::fstat(held.native_handle(), &made) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot open " + path);
    }
    if (made.st_uid != ::geteuid() || ::fchmod(held.native_handle(), sticky_for_all) != 0) {
        throw std::system_error(EPERM, std::generic_category(), "cannot make " + path + " a directory for all");
    }
    return held;
}

}  // namespace

fs::path hidden_by_private(const fs::path& path) {
    if (path.empty()) {
        return "";  // which libc++ takes for the working directory
    }
    std::error_code ec;
    const fs::path existing = fs::canonical(path, ec);
    const fs::path itself = fs::canonical(path.parent_path(), ec) / path.filename();  // which may be a link
    const auto is_hidden = [&](const fs::path& one) {
        return std::any_of(places.begin(), places.end(), [&](const auto& place) {
            const fs::path covered = fs::canonical(place.first, ec);
            return !ec && one.native().starts_with(covered.native() + '/');
        });
    };
    return is_hidden(existing) ? existing : !existing.empty() && is_hidden(itself) ? itself : "";
}

std::string covered_working_directory() {
    std::error_code ec;
    const auto here = std::find_if(places.begin(), places.end(),
                                   [&](const auto& place) { return fs::equivalent(place.first, ".", ec); });
    return here == places.end() ? "" : here->first;
}

void private_mounts::begin(const char* option) {
    try {
        enter_mount_namespace();
    } catch (const std::system_error& e) {
        const std::string what = e.what();
        refuse(option, what.substr(0, what.rfind(": ")), failed_call::unshare, e.code().value());
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
        refuse(option, "private mounts", failed_call::mount, errno);
    }
}

void private_mounts::limit(const std::string& directory, std::uint64_t bytes) {
    if (const memory_room room = room_in_memory(); bytes > room.bytes) {
        throw std::runtime_error(
            fmt::format("--size-limit is more than there is: what it limits is in memory, and {} of it, with swap{}",
                        room.limited_by.empty() ? "this machine has " + human(room.bytes)
                                                : fmt::format("this process may have {}", human(room.bytes)),
                        room.limited_by.empty() ? "" : fmt::format(" ({})", room.limited_by)));
    }
    const std::string how = fmt::format("size={},nr_inodes={},mode=0700", bytes, most_files(bytes));
    if (::mount("tmp-run", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, how.c_str()) != 0) {
        refuse("--size-limit", "mounting a tmpfs", failed_call::mount, errno);
    }
    limited_ = directory;
}

void private_mounts::cover_tmp(const std::string& directory) {
    std::array<tempfile::file, places.size()> held;
    for (std::size_t i = 0; i < places.size(); ++i) {
        held.at(i) = make_directory_for_all(directory + places.at(i).second);
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
        const char* const place = places.at(i).first;
        if (is_covered(place)) {
            continue;
        }
        const std::string source = fmt::format("/proc/self/fd/{}", held.at(i).native_handle());
        if (::mount(source.c_str(), place, nullptr, MS_BIND, nullptr) == 0) {
            covered_.emplace_back(place);
        } else if (errno != ENOENT || i == 0) {
            refuse("--private", fmt::format("mounting over {}", place), failed_call::mount, errno);
        }
    }
}

// /var/tmp may be a link to /tmp.
bool private_mounts::is_covered(const char* place) const {
    std::error_code ec;
    return std::any_of(covered_.begin(), covered_.end(),
                       [&](const std::string& other) { return fs::equivalent(place, other, ec); });
}

// rmdir(2) takes none in which something stands.
void private_mounts::remove_empty_registry() const {
    for (const std::string& place : covered_) {
        ::rmdir(fmt::format("{}/tempfile-{}", place, ::geteuid()).c_str());
    }
}

// What the command left running must not see our unmounting, and /tmp with it.
void private_mounts::step_aside() noexcept {
    has_stepped_aside_ = has_stepped_aside_ || ::unshare(CLONE_NEWNS) == 0;
}

void private_mounts::uncover_tmp() noexcept {
    if (covered_.empty()) {
        return;
    }
    step_aside();
    for (; !covered_.empty(); covered_.pop_back()) {
        ::umount2(covered_.back().c_str(), MNT_DETACH);
    }
}

void private_mounts::end() noexcept {
    uncover_tmp();
    if (!limited_.empty()) {
        step_aside();
        ::umount2(limited_.c_str(), MNT_DETACH);
        limited_.clear();
    }
}

private_mounts::~private_mounts() {
    end();
}

}  // namespace tool
