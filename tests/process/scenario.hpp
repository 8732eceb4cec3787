// A little of everything, for surroundings that are not what one is used to. Throws when something is not as it should
// be.

#pragma once

#include <tempfile/tempfile.hpp>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace tempfile::test {

inline void must(bool holds, const std::string& what) {
    if (!holds) {
        throw std::runtime_error("not true: " + what);
    }
}

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void use_unnamed_files() {
    temporary_file fp;
    fp.write("Stack Overflow!");
    fp.seek(0);
    must(fp.read() == "Stack Overflow!", "a temporary_file reads back what was written");
    fp.close();

    spooled_temporary_file spool({.max_size = 1000});
    spool << "small";
    must(!spool.rolled(), "a small spool is in memory");
    spool.write(std::string(2000, 'x'));
    must(spool.rolled(), "a large spool is in a file");
    spool.seek(0);
    must(spool.read() == "small" + std::string(2000, 'x'), "a spool reads back what was written");
}

inline void use_named_files() {
    named_temporary_file named({.prefix = "report-", .suffix = ".csv"});
    named << "a,b\n" << 1 << ',' << 2 << '\n';
    named.flush();
    must(contents(named.path()) == "a,b\n1,2\n", "a named_temporary_file can be opened by name");
    named.close();
    must(!std::filesystem::exists(named.path()), "a closed named_temporary_file is gone");

    auto [file, path] = mkstemp();
    file.write("text");
    must(file.size() == 4, "what mkstemp made is as long as what was written");
    file.close();
    must(std::filesystem::remove(path), "mkstemp leaves the name to its caller");
}

inline void use_directories() {
    temporary_directory dir({.prefix = "build-"});
    std::filesystem::create_directories(dir / "one/two/three");
    std::ofstream(dir / "one/two/a.txt") << "hello";
    temporary_directory outside;
    std::ofstream(outside / "canary") << "stays";
    std::filesystem::create_symlink(outside.path(), dir / "one/link");
    dir.cleanup();
    must(!std::filesystem::exists(dir.path()), "a temporary_directory is gone after cleanup");
    must(contents(outside / "canary") == "stays", "a link in it was not followed");

    const auto made = mkdtemp();
    must(std::filesystem::remove(made), "mkdtemp leaves the name to its caller");
}

inline void use_everything() {
    must(std::filesystem::is_directory(gettempdir()), "gettempdir() is a directory");
    use_unnamed_files();
    use_named_files();
    use_directories();
}

}  // namespace tempfile::test
