// All commands, in the order of `tmp --help`.

#pragma once

#include "command.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace tool {

constexpr const char* description = "Temporary files and directories that do not stay behind.";

// What `tmp --help` ends with.
constexpr const char* footer =
    "`tmp COMMAND --help` tells the rest.\n"
    "\n"
    "Exit status: 0 if it was done, 1 if it was not, which a message explains; 2 for wrong usage. Commands that run\n"
    "another one have its status, and more of their own.\n"
    "\n"
    "Example: a directory that goes with this shell\n"
    "  scratch=$(tmp dir --until-pid $$)\n"
    "Example: a command whose temporary files go when it ends\n"
    "  tmp run make\n"
    "Example: a file that is replaced only when all of its new contents are there\n"
    "  tmp write list -- grep x big.txt";

struct entry {
    std::string_view name;
    const char* description;
    void (*add)(command&);
};

inline constexpr std::array commands = {
    entry{"file", "Make a file that nobody else can open, and print its path", add_file},
    entry{"dir", "Make a directory that nobody else can enter, and print its path", add_dir},
    entry{"mktemp", "Make a file or a directory as GNU mktemp does, and print its path", add_mktemp},
    entry{"run", "Run a command with a directory of its own, and remove that when it ends", add_run},
    entry{"shell", "Run a shell in a directory of its own, and remove that when it ends", add_shell},
    entry{"rm", "Remove files and directories with all that is in them, as rm -rf does", add_rm},
    entry{"write", "Replace a file by standard input, or by what a command prints, when all of it is there", add_write},
    entry{"edit", "Replace a file by what a command makes of it, if that succeeds", add_edit},
    entry{"spool", "Soak up all of standard input, then write it to standard output", add_spool},
    entry{"ls", "List what programs have registered, living and dead ones", add_ls},
    entry{"sweep", "Remove what dead programs left behind", add_sweep},
    entry{"where", "Say which directory to use for a need, and why no other", add_where},
    entry{"doctor", "Find what makes temporary files go wrong on this machine", add_doctor},
    entry{"recipe", "Show a temporary file come and go, with the proof that nothing is left", add_recipe},
};

// A null pointer if there is none of that name.
constexpr const entry* find_command(std::string_view name) noexcept {
    const auto* const found =
        std::find_if(commands.begin(), commands.end(), [name](const entry& e) { return e.name == name; });
    return found == commands.end() ? nullptr : found;
}

}  // namespace tool
