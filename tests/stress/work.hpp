// One round of each object: make, write, read back, close.

#pragma once

#include <tempfile/tempfile.hpp>

#include <array>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tempfile::test {

inline void must(bool holds, const char* what) {
    if (!holds) {
        throw std::runtime_error(what);
    }
}

inline void round_of_unnamed(const std::filesystem::path& dir) {
    temporary_file fp({.dir = dir});
    fp << "line " << 1 << '\n' << "line " << 2 << '\n';
    fp.seek(0);
    must(fp.readline() == "line 1\n" && fp.read() == "line 2\n", "a temporary_file reads back what was written");
    fp.close();
}

inline void round_of_named(const std::filesystem::path& dir) {
    named_temporary_file fp({.dir = dir});
    fp.write(std::string_view("contents"));
    fp.flush();
    must(fp.reopen().size() == 8, "a named_temporary_file can be opened anew");
    fp.close();
}

inline void round_of_spool(const std::filesystem::path& dir) {
    spooled_temporary_file spool({.max_size = 100, .dir = dir});
    for (int i = 0; i < 20; ++i) {
        spool.write(std::string_view("0123456789"));
    }
    must(spool.rolled() && spool.size() == 200, "a spool rolls over");
    spool.seek(100);
    must(spool.read(10) == "0123456789", "a spool reads back what was written");
}

inline void round_of_directory(const std::filesystem::path& dir) {
    temporary_directory made({.dir = dir});
    std::filesystem::create_directory(made / "sub");
    std::ofstream(made / "sub/file") << "text";
    made.cleanup();
}

inline void round_of_functions(const std::filesystem::path& dir) {
    auto [file, path] = mkstemp({.dir = dir});
    file.write("text");
    file.close();
    must(std::filesystem::remove(path), "mkstemp made a file");
    must(std::filesystem::remove(mkdtemp({.dir = dir})), "mkdtemp made a directory");
    must(std::filesystem::remove(temporary_directory({.dir = dir}).keep()), "a kept directory is there");
    must(std::filesystem::remove(named_temporary_file({.dir = dir}).keep()), "a kept file is there");
}

using round = void (*)(const std::filesystem::path& dir);
inline constexpr std::array<round, 5> all_rounds = {round_of_unnamed, round_of_named, round_of_spool,
                                                    round_of_directory, round_of_functions};

}  // namespace tempfile::test
