// Two trees of the same shape: one that is to be removed, and one outside that must stay as it is, whatever is swapped
// for whatever meanwhile.

#pragma once

#include <sys/stat.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace tempfile::test {

// Deeper than the levels that the library keeps open.
inline constexpr std::array<const char*, 7> chain = {"1", "2", "3", "4", "5", "6", "7"};

// What can be swapped: each directory of the chain, and a file and an empty directory in one of them.
inline const std::array<const char*, 10> victims = {
    "", "1", "1/2", "1/2/3", "1/2/3/4", "1/2/3/4/5", "1/2/3/4/5/6", "1/2/3/4/5/6/7", "1/2/file", "1/2/empty"};

// The chain below `root`, with a file, an empty directory and a link in each.
inline void plant_tree(const std::filesystem::path& root) {
    std::filesystem::path deep = root;
    for (const char* name : chain) {
        deep /= name;
        std::filesystem::create_directories(deep / "empty");
        const std::ofstream file(deep / "file");
        std::filesystem::create_symlink("file", deep / "link");
    }
}

// A tree that nobody may touch.
class canary {
public:
    explicit canary(const std::filesystem::path& root) : root_(root) {
        plant_tree(root_);
        std::filesystem::path deep = root_;
        for (const char* name : chain) {
            deep /= name;
            // Not what the library would make of it.
            std::filesystem::permissions(deep, std::filesystem::perms(0755));
        }
        before_ = look();
    }
    [[nodiscard]] const std::filesystem::path& path() const { return root_; }

    // Empty when it is whole; else what is missing or has changed. What came in from elsewhere does not matter.
    [[nodiscard]] std::string damage() const {
        const auto now = look();
        std::string text;
        for (const auto& [name, mode] : before_) {
            const auto found = now.find(name);
            if (found == now.end()) {
                text += name + " is gone\n";
            } else if (found->second != mode) {
                text += name + " has another mode\n";
            }
        }
        return text;
    }

private:
    [[nodiscard]] std::map<std::string, mode_t> look() const {
        std::map<std::string, mode_t> all;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
            struct stat is {};
            if (::lstat(entry.path().c_str(), &is) == 0) {
                all[entry.path().string()] = is.st_mode;
            }
        }
        return all;
    }

    std::filesystem::path root_;
    std::map<std::string, mode_t> before_;
};

}  // namespace tempfile::test
