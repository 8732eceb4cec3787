// A private directory, removed with everything in it.

#include <tempfile/temporary_directory.hpp>

#include <cassert>
#include <filesystem>
#include <fstream>

int main() {
    tempfile::temporary_directory dir({.prefix = "build-"});
    assert(std::filesystem::status(dir.path()).permissions() == std::filesystem::perms::owner_all);

    std::ofstream(dir / "a.txt") << "hello";
    std::filesystem::create_directories(dir / "deep/er");
    std::filesystem::create_symlink("/", dir / "root");  // removed, not followed

    dir.cleanup();  // reports errors; the destructor cannot
    assert(!std::filesystem::exists(dir.path()));
}
