// What a command left in its directory.

#pragma once

#include "amount.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace tool {

// Where to look for it.
struct place {
    std::filesystem::path directory;
    // What the command had there: a path is told as "/tmp/x". Empty: a directory that nobody else has, in which a path
    // is told as "x".
    std::string as{};
};

struct opener {
    std::string process;  // its number
    std::string program;
};

// A file that is there, or was and is still open.
struct remaining {
    std::string path;
    std::uint64_t bytes = 0;
    bool deleted = false;
    std::vector<opener> opened_by{};
};

struct remains {
    amount all;  // of what is there
    // Those that are open first, and the largest of the others.
    std::vector<remaining> files;
    std::size_t unseen = 0;      // how many processes could not be looked at
    std::error_code not_looked;  // why none could
};

amount amount_in(const std::vector<place>& places);

// Of other users' processes root alone is told.
remains remains_in(const std::vector<place>& places);

// For people, in lines: how much there is, and the first 20 files.
std::string text_of(const remains& left);

}  // namespace tool
