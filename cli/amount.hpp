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

// As people say it, in the units that `bytes_of` takes: "1 byte", "12.5 MiB"; "3 entries, 12 MiB". Rounded down: what
// is free must not look like enough for a need when it is not.
std::string human(std::uintmax_t bytes);
std::string text_of(const amount& found);

// "1 entry", "2 entries".
std::string counted(std::uintmax_t n, std::string_view one, std::string_view several);

// What the value of an option says: "8M", "1.5GiB", "20 G", "100". k, kB and KiB alike are 1024; what is more than
// there can be is as much as can be said. @throws std::invalid_argument, with a message that names the option.
std::uint64_t bytes_of(const std::string& option, const std::string& value);

// The same for a time: "300", "30s", "5min", "1.5h", "1h 30min", "2 days".
std::chrono::milliseconds time_of(const std::string& option, const std::string& value);

}  // namespace tool
