// All commands, in the order of `tmp --help`.

#pragma once

#include "command.hpp"

#include <array>
#include <string_view>

namespace tool {

constexpr const char* description = "Temporary files and directories that do not stay behind.";

struct command {
    std::string_view name;
    const char* description;
    void (*add)(CLI::App&);
};

inline constexpr std::array commands = {
    command{"file", "Make a file that nobody else can open, and print its path", add_file},
    command{"dir", "Make a directory that nobody else can enter, and print its path", add_dir},
    command{"mktemp", "Make a file or a directory as GNU mktemp does, and print its path", add_mktemp},
    command{"run", "Run a command with a directory of its own, and remove that when it ends", add_run},
    command{"rm", "Remove files and directories with all that is in them, as rm -rf does", add_rm},
    command{"write", "Replace a file by standard input, or by what a command prints, when all of it is there",
            add_write},
    command{"edit", "Replace a file by what a command makes of it, if that succeeds", add_edit},
    command{"spool", "Soak up all of standard input, then write it to standard output", add_spool},
    command{"ls", "List what programs have registered, living and dead ones", add_ls},
    command{"sweep", "Remove what dead programs left behind", add_sweep},
    command{"recipe", "Show a temporary file come and go, with the proof that nothing is left", add_recipe},
};

}  // namespace tool
