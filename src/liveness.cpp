#include "liveness.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "tempfile/file.hpp"

namespace tempfile {
namespace {

// The process namespace that everything begins in has this number on every Linux (include/linux/proc_ns.h,
// PROC_PID_INIT_INO): from there every process can be seen.
constexpr std::uint64_t initial_namespace = 0xEFFFFFFC;

// Calls visit(pid) for the processes that can be seen, until it answers true.
template <class Visit>
sys::error find_process(Visit visit) {
    sys::handle h = sys::no_handle;
    if (const sys::error e = sys::call.open_directory(sys::working_directory, "/proc", h)) {
        return e;
    }
    const file proc(h);
    alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer;
    std::size_t used = 0;
    while (true) {
        if (const sys::error e = sys::call.list(h, buffer.data(), used)) {
            return e;
        }
        if (used == 0) {
            return ESRCH;
        }
        sys::entry entry{};
        for (std::size_t position = 0; sys::next_entry(buffer.data(), used, position, entry);) {
            const std::string_view name = entry.name;
            std::uint64_t pid = 0;
            const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), pid);
            if (ec == std::errc() && end == name.data() + name.size() && visit(pid)) {
                return 0;
            }
        }
    }
}

// From the initial namespace: a namespace in which no process lives has only dead ones. Where we are refused (EACCES,
// ptrace(2)) the process is another user's, who has a registry of its own; one of ours that executed a set-user-id
// program is refused too, and counts as dead in a namespace where it is the last. After any other failure it may be in
// there.
liveness liveness_in_namespace(std::uint64_t wanted) {
    const sys::error e = find_process([wanted](std::uint64_t pid) {
        std::uint64_t its = 0;
        const sys::error answer = sys::call.process_namespace(pid, its);
        return answer == 0 ? its == wanted : answer != ESRCH && answer != EACCES;
    });
    return e == ESRCH ? liveness::dead : liveness::unknown;
}

}  // namespace

liveness liveness_of(const sys::process_identity& process, const sys::process_identity& self) {
    if (process.boot[0] == '\0' || self.boot[0] == '\0') {
        return liveness::unknown;
    }
    if (process.boot != self.boot) {
        return process.host == self.host ? liveness::dead : liveness::unknown;  // dead since this machine started
    }
    if (process.pid_namespace != self.pid_namespace) {
        return self.pid_namespace == initial_namespace ? liveness_in_namespace(process.pid_namespace)
                                                       : liveness::unknown;
    }
    std::uint64_t start = 0;
    const sys::error e = sys::call.start_time(process.pid, start);
    if (e == ESRCH) {
        return liveness::dead;
    }
    // In another time namespace the same moment has another number (time_namespaces(7)).
    if (e != 0 || process.time_namespace != self.time_namespace) {
        return liveness::unknown;
    }
    return start == process.start ? liveness::alive : liveness::dead;
}

}  // namespace tempfile
