#include "amount.hpp"

#include <fmt/core.h>

#include <array>
#include <cstddef>
#include <system_error>

namespace tool {

namespace fs = std::filesystem;

amount amount_in(const fs::path& directory) {
    amount found;
    std::error_code ec;
    fs::recursive_directory_iterator entry(directory, ec);
    for (; !ec && entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
        ++found.entries;
        std::error_code gone;
        if (fs::is_regular_file(entry->symlink_status(gone))) {
            const std::uintmax_t size = entry->file_size(gone);
            found.bytes += gone ? 0 : size;
        }
    }
    found.complete = !ec;
    return found;
}

std::string human(std::uintmax_t bytes) {
    constexpr std::array units = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        return fmt::format("{} bytes", bytes);
    }
    double number = static_cast<double>(bytes) / 1000;
    std::size_t unit = 0;
    for (; number >= 999.5; number /= 1000) {
        ++unit;
    }
    return number < 9.95 ? fmt::format("{:.1f} {}", number, units.at(unit))
                         : fmt::format("{:.0f} {}", number, units.at(unit));
}

std::string text_of(const amount& found) {
    return fmt::format("{}{} {}, {}", found.complete ? "" : "at least ", found.entries,
                       found.entries == 1 ? "entry" : "entries", human(found.bytes));
}

}  // namespace tool
