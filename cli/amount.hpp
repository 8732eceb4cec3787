// How much is in a directory; and amounts as people write them.

#pragma once

#include <chrono>
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

// In the units that `bytes_of` takes, rounded down: "12.5 MiB", to be compared with what was asked for.
std::string human_binary(std::uint64_t bytes);

// What the value of an option says: "8M", "1.5GiB", "20 G", "100". k, kB and KiB alike are 1024; what is more than
// there can be is as much as can be said. @throws std::invalid_argument, with a message that names the option.
std::uint64_t bytes_of(const std::string& option, const std::string& value);

// The same for a time: "300", "30s", "5min", "2h", "1d". A minute is also "m".
std::chrono::seconds time_of(const std::string& option, const std::string& value);

}  // namespace tool
