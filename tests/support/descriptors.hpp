// The descriptors that this process has open, and what each leads to: equal before and after when none was leaked.

#pragma once

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <string>

namespace tempfile::test {

inline std::map<int, std::string> open_descriptors() {
    std::map<int, std::string> all;
    DIR* const list = ::opendir("/proc/self/fd");
    if (list == nullptr) {
        return all;
    }
    while (const dirent* entry = ::readdir(list)) {
        const int number = std::atoi(entry->d_name);
        std::array<char, 256> target{};
        const std::string link = std::string("/proc/self/fd/") + entry->d_name;
        if (entry->d_name[0] != '.' && number != ::dirfd(list) &&
            ::readlink(link.c_str(), target.data(), target.size() - 1) > 0) {
            all[number] = target.data();
        }
    }
    ::closedir(list);
    return all;
}

}  // namespace tempfile::test
