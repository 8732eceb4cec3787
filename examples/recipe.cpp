// Make a temporary file, write, go back to the beginning, read it, see the same text.

#include <tempfile/tempfile.hpp>

#include <cassert>
#include <filesystem>
#include <iostream>
#include <string>

int main() {
    tempfile::temporary_file fp;
    fp.write("Stack Overflow!");
    fp.seek(0);
    const std::string text = fp.read();
    std::cout << text << '\n';  // Stack Overflow!
    assert(text == "Stack Overflow!");

    // It has no name: no directory has an entry for it.
    const std::filesystem::path link = "/proc/self/fd/" + std::to_string(fp.fileno());
    assert(std::filesystem::hard_link_count(link) == 0);

    // It lives in the system's default place for temporary files.
    const std::filesystem::path shown = std::filesystem::read_symlink(link);
    std::cout << shown.native() << '\n';  // /tmp/#1234 (deleted)
    assert(std::filesystem::equivalent(shown.parent_path(), tempfile::gettempdir()));

    // It is gone as soon as it is closed.
    fp.close();
    assert(fp.closed());
    assert(!std::filesystem::exists(std::filesystem::symlink_status(link)));
}
