// How much is in a directory; and sizes as people write them.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

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

// Bytes, as K or KiB (1024), KB (1000) and so on up to P, with a fraction if one likes: "20G", "1.5GiB".
// @throws std::invalid_argument for anything else.
std::uint64_t parse_size(std::string_view text);

}  // namespace tool
