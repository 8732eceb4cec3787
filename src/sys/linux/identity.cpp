// Which process, on Linux: what /proc says (proc(5)).

#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // program_invocation_short_name
#endif
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "sys/linux/linux.hpp"
#include "sys/posix/posix.hpp"

namespace tempfile::sys::linux_os {
namespace {

// "/proc/PID/" and something; PID 0 is this process.
struct process_file {
    process_file(std::uint64_t pid, const char* what) noexcept {
        if (pid == 0) {
            std::snprintf(text, sizeof text, "/proc/self/%s", what);
        } else {
            std::snprintf(text, sizeof text, "/proc/%llu/%s", static_cast<unsigned long long>(pid), what);
        }
    }
    char text[48];
};

// The beginning of a small file, with a terminator.
error read_text(const char* path, char* into, std::size_t room) noexcept {
    handle h = no_handle;
    if (const error e = posix::result([&] { return ::open(path, O_RDONLY | O_CLOEXEC); }, h)) {
        into[0] = '\0';
        return e;
    }
    std::size_t used = 0;
    const error e = posix::read(h, into, room - 1, used);
    posix::close(h);
    into[e == 0 ? used : 0] = '\0';
    return e;
}

template <std::size_t N>
void copy_line(std::string_view text, std::array<char, N>& into) noexcept {
    text = text.substr(0, std::min(text.find('\n'), N - 1));
    std::copy(text.begin(), text.end(), into.begin());
}

// What stands behind that many spaces, null when there are not so many.
const char* behind_spaces(const char* at, int spaces) noexcept {
    for (; at != nullptr && spaces > 0; --spaces) {
        at = std::strchr(at + 1, ' ');
    }
    return at == nullptr ? nullptr : at + 1;
}

error start_time_of(std::uint64_t pid, std::uint64_t& out) noexcept {
    char text[1024];
    if (const error e = read_text(process_file(pid, "stat").text, text, sizeof text)) {
        return e;
    }
    // The second field is the program's name in parentheses, and may hold anything. The third is the state, the 20th
    // the number of threads, the 22nd when it started.
    const char* const name_end = std::strrchr(text, ')');
    const char* const state = behind_spaces(name_end, 1);
    const char* const threads = behind_spaces(name_end, 18);
    const char* const start = behind_spaces(name_end, 20);
    if (start == nullptr) {
        return EINVAL;
    }
    // One that is only waiting for its parent to ask how it ended has ended; where its first thread alone has ended,
    // the others go on (pthread_exit(3)).
    if ((*state == 'Z' || *state == 'X') && std::strtoull(threads, nullptr, 10) <= 1) {
        return ESRCH;
    }
    out = std::strtoull(start, nullptr, 10);
    return 0;
}

error namespace_of(std::uint64_t pid, const char* kind, std::uint64_t& out) noexcept {
    char link[64];
    std::size_t used = 0;
    const process_file name(pid, kind);
    if (const error e = posix::result([&] { return ::readlink(name.text, link, sizeof link - 1); }, used)) {
        return e;
    }
    link[used] = '\0';  // "pid:[4026531836]"
    const char* number = std::strchr(link, '[');
    if (number == nullptr) {
        return EINVAL;
    }
    out = std::strtoull(number + 1, nullptr, 10);
    return 0;
}

// A /proc that was mounted for another process namespace tells of other processes by the same numbers.
bool proc_is_of_our_namespace() noexcept {
    char link[24];
    std::size_t used = 0;
    if (posix::result([&] { return ::readlink("/proc/self", link, sizeof link - 1); }, used) != 0) {
        return false;
    }
    link[used] = '\0';
    return std::strtol(link, nullptr, 10) == ::getpid();
}

}  // namespace

error this_process(process_identity& out) noexcept {
    out = {};
    out.pid = posix::process_number();
    copy_line(program_invocation_short_name, out.program);
    utsname system{};
    if (::uname(&system) == 0) {
        copy_line(system.nodename, out.host);
    }
    const error start = start_time_of(0, out.start);
    const error space = namespace_of(0, "ns/pid", out.pid_namespace);
    namespace_of(0, "ns/time", out.time_namespace);  // there since Linux 5.6 only
    char text[64];
    const error boot = read_text("/proc/sys/kernel/random/boot_id", text, sizeof text);
    copy_line(text, out.boot);
    return start != 0 ? start : space != 0 ? space : boot;
}

std::uint64_t this_thread() noexcept {
    return static_cast<std::uint64_t>(::syscall(SYS_gettid));  // gettid(2) has a name since glibc 2.30 only
}

bool thread_runs(std::uint64_t thread) noexcept {
    return ::syscall(SYS_tgkill, ::getpid(), static_cast<pid_t>(thread), 0) == 0;
}

bool other_threads() noexcept {
    struct ::stat task;  // a directory has a link for itself, one for its name, and one for each directory in it
    return ::stat("/proc/self/task", &task) != 0 || task.st_nlink != 3;
}

error start_time(std::uint64_t pid, std::uint64_t& out) noexcept {
    if (!proc_is_of_our_namespace()) {
        return ENOTSUP;
    }
    const error e = start_time_of(pid, out);
    if (e != ENOENT) {
        return e;
    }
    // Other users' processes can be hidden (proc(5), hidepid), and one of ours that executed a set-user-id program.
    const bool hidden = ::kill(static_cast<pid_t>(pid), 0) == 0 || errno == EPERM;
    return hidden ? EACCES : ESRCH;
}

error process_namespace(std::uint64_t pid, std::uint64_t& out) noexcept {
    const error e = namespace_of(pid, "ns/pid", out);
    return e == ENOENT ? ESRCH : e;
}

std::uint64_t wall_clock() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);  // a fifth of what the exact one costs
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace tempfile::sys::linux_os
