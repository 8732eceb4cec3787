#include "cleaners.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

// Where administrators have programs, whether or not the caller's $PATH goes there.
std::string find_program(const std::string& name) {
    const char* const path = std::getenv("PATH");
    std::istringstream all(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/bin:/sbin:/bin");
    for (std::string dir; std::getline(all, dir, ':');) {
        const std::string program = dir + '/' + name;
        if (dir.starts_with('/') && ::access(program.c_str(), X_OK) == 0) {
            return program;
        }
    }
    return "";
}

// Lines of tmpfiles.d(5). A file hides those of the same name in the directories behind, and the first line for a path
// counts, in the order of the names.
std::map<std::string, fs::path> settings_files() {
    std::map<std::string, fs::path> files;
    for (const char* dir : {"/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/local/lib/tmpfiles.d", "/usr/lib/tmpfiles.d"}) {
        std::error_code ec;
        for (fs::directory_iterator entry(dir, ec); !ec && entry != fs::directory_iterator(); entry.increment(ec)) {
            if (entry->path().extension() == ".conf") {
                files.emplace(entry->path().filename().native(), entry->path());
            }
        }
    }
    return files;
}

struct setting {
    std::string age;   // how old; "-" when it stays; empty when there is no line for it
    std::string file;  // that says so
};

std::string without_quotes(std::string field) {
    std::erase(field, '"');
    return field;
}

// "bmA:3d" without what is looked at (times of access, of birth, ...), "~3d" without what is kept: tmpfiles.d(5).
std::string time_in(std::string age) {
    const std::size_t tilde = age.starts_with('~') ? 1 : 0;
    const std::size_t colon = age.find_first_not_of("aAbBcCmM", tilde);
    return age.substr(colon != age.npos && age[colon] == ':' ? colon + 1 : tilde);
}

setting setting_of(const std::string& dir) {
    for (const auto& [name, file] : settings_files()) {
        std::ifstream lines(file);
        for (std::string line; std::getline(lines, line);) {
            std::istringstream fields(line);
            std::string type;
            std::string path;
            std::string mode;
            std::string user;
            std::string group;
            std::string age = "-";
            fields >> type >> path >> mode >> user >> group >> age;
            constexpr std::string_view for_directories = "dDevqQ";
            if (!type.empty() && for_directories.find(type.front()) != for_directories.npos &&
                without_quotes(path) == dir) {
                return {time_in(without_quotes(age)), file.native()};
            }
        }
    }
    return {};
}

}  // namespace

void check_cleaners(findings& found) {
    const std::size_t before = found.size();
    for (const char* name : {"tmpreaper", "tmpwatch"}) {
        if (const std::string program = find_program(name); !program.empty()) {
            found.push_back({level::warning, "cleaner-ignores-locks", program, fmt::format("{} is installed", name),
                             "It removes what nobody has touched for a while, also what a program that runs still "
                             "needs: it looks at no locks.",
                             fmt::format("Remove {} and let systemd-tmpfiles do it, which respects locked directories, "
                                         "or except names in its settings.",
                                         name)});
        }
    }
    for (const char* dir : {"/tmp", "/var/tmp"}) {
        const setting s = setting_of(dir);
        if (s.age.empty() || s.age == "-" || find_program("systemd-tmpfiles").empty()) {
            continue;
        }
        found.push_back({level::note, "cleaned-by-age", dir,
                         fmt::format("systemd-tmpfiles is set to remove what is older than {} from {}", s.age, dir),
                         fmt::format("{} says so. Directories of this library and of tmp run are locked while they are "
                                     "in use, and left alone; files are not.",
                                     s.file),
                         "Keep what must last longer in a directory of that kind, or elsewhere."});
    }
    if (found.size() == before) {
        found.push_back({level::ok, "cleaners", "",
                         "no cleaner that removes by age was found; looked for: tmpreaper, tmpwatch, tmpfiles.d", "",
                         ""});
    }
}

}  // namespace tool
