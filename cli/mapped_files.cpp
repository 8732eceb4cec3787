#include "mapped_files.hpp"

#include "open_files.hpp"

#include <tempfile/file.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

using device = std::pair<std::uint32_t, std::uint32_t>;

// On which the kernel has memfds, what shmget(2) gives, shared memory without a file ("/dev/zero"), and what drivers
// have ("/drm mm object"). It is mounted nowhere, and found by making a file there.
std::optional<device> device_of_memory() {
    const int made = ::memfd_create("tmp", MFD_CLOEXEC);
    if (made < 0) {
        return std::nullopt;
    }
    const tempfile::file file(made);
    struct stat is {};
    return ::fstat(made, &is) == 0 ? std::optional(device(major(is.st_dev), minor(is.st_dev))) : std::nullopt;
}

// proc(5): "7f00-7f10 rw-s 00000000 fe:00 1234    /tmp/file (deleted)"
std::optional<mapped_file> file_in(const std::string& line, const fs::path& process) {
    const std::size_t slash = line.find('/');
    if (!line.ends_with(mark_of_deleted) || slash == line.npos) {
        return std::nullopt;
    }
    mapped_file file;
    unsigned long long inode = 0;
    if (std::sscanf(line.c_str(), "%*s %*s %*s %x:%x %llu", &file.device_major, &file.device_minor, &inode) != 3) {
        return std::nullopt;
    }
    file.inode = inode;
    file.link = process / "map_files" / line.substr(0, line.find(' '));
    file.path = line.substr(slash, line.size() - slash - mark_of_deleted.size());
    return file;
}

}  // namespace

bool is_memory_alone(const std::string& path, std::uint32_t device_major, std::uint32_t device_minor) {
    static const std::optional<device> of_memory = device_of_memory();
    // In large pages they are on devices of their own, one for each size.
    constexpr std::array<std::string_view, 4> names = {"/memfd:", "/SYSV", "/anon_hugepage", "/[aio]"};
    return of_memory == device(device_major, device_minor) ||
           std::any_of(names.begin(), names.end(), [&](std::string_view name) { return path.starts_with(name); });
}

void visit_deleted_mappings_of(const fs::path& process, const std::function<void(const mapped_file&)>& visit) {
    std::set<std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>> seen;
    std::ifstream maps(process / "maps");
    for (std::string line; std::getline(maps, line);) {
        const auto file = file_in(line, process);
        if (file && !is_memory_alone(file->path, file->device_major, file->device_minor) &&
            seen.emplace(file->device_major, file->device_minor, file->inode).second) {
            visit(*file);
        }
    }
}

}  // namespace tool
