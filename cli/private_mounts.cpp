#include "private_mounts.hpp"

#include "amount.hpp"

#include <tempfile/file.hpp>

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr std::array covered = {std::pair("/tmp", "/tmp"), std::pair("/var/tmp", "/var-tmp")};

std::string message(int error) {
    return std::generic_category().message(error);
}

[[noreturn]] void refuse(const char* option, const std::string& why) {
    throw std::runtime_error(
        fmt::format("{} is not possible here ({}); it takes root, or user namespaces for all users", option, why));
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

std::uint64_t all_memory() {
    struct sysinfo system = {};
    ::sysinfo(&system);
    return (std::uint64_t{system.totalram} + system.totalswap) * system.mem_unit;
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

void private_mounts::begin(const char* option) {
    try {
        if (::unshare(CLONE_NEWNS) != 0) {
            enter_user_namespace();
        }
    } catch (const std::system_error& e) {
        refuse(option, e.what());
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
        refuse(option, "private mounts: " + message(errno));
    }
}

void private_mounts::limit(const std::string& directory, std::uint64_t bytes) {
    if (bytes > all_memory()) {
        throw std::runtime_error(
            fmt::format("--size-limit is more than there is: what it limits is in memory, and this machine has {} of "
                        "it, with swap",
                        human(all_memory())));
    }
    const std::string how = fmt::format("size={},mode=0700", bytes);
    if (::mount("tmp-run", directory.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, how.c_str()) != 0) {
        refuse("--size-limit", "mounting a tmpfs: " + message(errno));
    }
    limited_ = directory;
}

void private_mounts::cover_tmp(const std::string& directory) {
    std::array<tempfile::file, covered.size()> held;
    for (std::size_t i = 0; i < covered.size(); ++i) {
        held.at(i) = make_directory_for_all(directory + covered.at(i).second);
    }
    for (std::size_t i = 0; i < covered.size(); ++i) {
        const char* const place = covered.at(i).first;
        const std::string source = fmt::format("/proc/self/fd/{}", held.at(i).native_handle());
        if (::mount(source.c_str(), place, nullptr, MS_BIND, nullptr) != 0) {
            refuse("--private", fmt::format("mounting over {}: {}", place, message(errno)));
        }
        covers_ = true;
    }
}

// What the command left running must not see our unmounting, and /tmp with it.
void private_mounts::step_aside() noexcept {
    has_stepped_aside_ = has_stepped_aside_ || ::unshare(CLONE_NEWNS) == 0;
}

void private_mounts::uncover_tmp() noexcept {
    if (!std::exchange(covers_, false)) {
        return;
    }
    step_aside();
    for (std::size_t i = covered.size(); i > 0; --i) {
        ::umount2(covered.at(i - 1).first, MNT_DETACH);
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
