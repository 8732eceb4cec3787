#include "memory_room.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <system_error>
#include <vector>

#include <sys/sysinfo.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

struct file_limit {
    std::uint64_t bytes = no_limit;
    std::string file;

    // No limit is "max" (cgroups(7), version 2) or a very large number (version 1).
    void lower_to_what_says(const fs::path& other) {
        std::ifstream stream(other);
        std::string text;
        stream >> text;
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && number < bytes) {
            bytes = number;
            file = other.native();
        }
    }
};

// A group may use what it and every group around it may, those that can be seen from here.
struct limits {
    file_limit memory;
    file_limit swap;
    file_limit both;
};

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) {
        words.push_back(word);
    }
    return words;
}

bool names_memory(const std::string& list) {
    return (',' + list + ',').find(",memory,") != list.npos;
}

// The group that limits our memory in that hierarchy, as "/a/b" (cgroups(7), /proc/PID/cgroup).
std::optional<std::string> our_group(bool is_version_2) {
    std::ifstream stream("/proc/self/cgroup");
    for (std::string line; std::getline(stream, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
        if (second == line.npos) {
            continue;
        }
        const std::string controllers = line.substr(first + 1, second - first - 1);
        if (is_version_2 ? controllers.empty() : names_memory(controllers)) {
            return line.substr(second + 1);
        }
    }
    return std::nullopt;
}

// A container has a part of the hierarchy mounted: `root` of it.
std::string part_below(const std::string& root, const std::string& group) {
    if (root == "/") {
        return group == "/" || group.starts_with("/..") ? "" : group;
    }
    return group.starts_with(root + '/') ? group.substr(root.size()) : "";
}

void look_at_groups(const std::string& mounted_at, const std::string& group, bool is_version_2, limits& found) {
    fs::path directory = mounted_at + group;
    for (auto levels = std::count(group.begin(), group.end(), '/') + 1; levels > 0; --levels) {
        found.memory.lower_to_what_says(directory / (is_version_2 ? "memory.max" : "memory.limit_in_bytes"));
        if (is_version_2) {
            found.swap.lower_to_what_says(directory / "memory.swap.max");
        } else {
            found.both.lower_to_what_says(directory / "memory.memsw.limit_in_bytes");
        }
        directory = directory.parent_path();
    }
}

limits all_limits() {
    limits found;
    std::ifstream stream("/proc/self/mountinfo");
    for (std::string line; std::getline(stream, line);) {
        // 36 35 98:0 /root /mount-point rw,noatime master:1 - type source rw,options
        const std::vector<std::string> words = words_of(line);
        const auto dash = std::find(words.begin(), words.end(), "-");
        if (words.size() < 5 || words.end() - dash < 4) {
            continue;
        }
        const bool is_version_2 = dash[1] == "cgroup2";
        if (!is_version_2 && (dash[1] != "cgroup" || !names_memory(dash[3]))) {
            continue;
        }
        if (const auto group = our_group(is_version_2)) {
            look_at_groups(words[4], part_below(words[3], *group), is_version_2, found);
        }
    }
    return found;
}

}  // namespace

memory_room room_in_memory() {
    struct sysinfo system = {};
    ::sysinfo(&system);
    const std::uint64_t memory = std::uint64_t{system.totalram} * system.mem_unit;
    const std::uint64_t swap = std::uint64_t{system.totalswap} * system.mem_unit;
    const limits by = all_limits();
    memory_room room = {.bytes = memory + swap, .limited_by = ""};
    if (by.memory.bytes < memory) {
        room = {.bytes = by.memory.bytes + std::min(swap, by.swap.bytes), .limited_by = by.memory.file};
    }
    return by.both.bytes < room.bytes ? memory_room{.bytes = by.both.bytes, .limited_by = by.both.file} : room;
}

}  // namespace tool
