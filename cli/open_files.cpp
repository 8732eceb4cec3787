#include "open_files.hpp"

#include <fcntl.h>

namespace tool {

namespace fs = std::filesystem;

bool look_at(const fs::path& path, int flags, struct statx& status) {
    return ::statx(AT_FDCWD, path.c_str(), AT_STATX_DONT_SYNC | flags, STATX_BASIC_STATS, &status) == 0;
}

bool visit_open_files_of(const fs::path& process, const std::function<void(const open_file&)>& visit) {
    std::error_code ec;
    const std::string number = process.filename().native();
    fs::directory_iterator link(process / "fd", ec);
    const bool seen = ec != std::errc::permission_denied;
    for (; !ec && link != fs::directory_iterator(); link.increment(ec)) {
        struct statx status = {};
        if (look_at(link->path(), 0, status)) {
            visit({.process = number, .link = link->path(), .status = status});
        }
    }
    return seen;
}

open_files_seen visit_processes(const std::function<bool(const fs::path&)>& visit) {
    open_files_seen seen;
    const fs::directory_iterator of_ourselves("/proc/self/fd", seen.error);
    std::error_code ec;
    for (fs::directory_iterator process("/proc", ec); !ec && process != fs::directory_iterator();
         process.increment(ec)) {
        const std::string name = process->path().filename().native();
        if (name.find_first_not_of("0123456789") == name.npos && !visit(process->path())) {
            ++seen.unseen;
        }
    }
    return seen;
}

open_files_seen visit_open_files(const std::function<void(const open_file&)>& visit) {
    return visit_processes([&](const fs::path& process) { return visit_open_files_of(process, visit); });
}

}  // namespace tool
