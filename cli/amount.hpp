// How much is in a directory.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace tool {

struct amount {
    std::uintmax_t entries = 0;
    std::uintmax_t bytes = 0;  // of regular files
    bool complete = true;      // false where it cannot be looked into: then this is what was found until then
};

amount amount_in(const std::filesystem::path& directory);

// As people say it: "12 MB"; "3 entries, 12 MB".
std::string human(std::uintmax_t bytes);
std::string text_of(const amount& found);

}  // namespace tool
