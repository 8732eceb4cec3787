#include "amount.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <stdexcept>
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

namespace {

// How many bytes "M", "MB" and "MiB" are; 0 for what is none of them.
std::uint64_t bytes_in(std::string_view unit) {
    constexpr std::string_view prefixes = "KMGTP";
    if (unit.empty() || unit == "B") {
        return 1;
    }
    const std::size_t power = prefixes.find(unit.front() == 'k' ? 'K' : unit.front());
    unit.remove_prefix(1);
    if (power == prefixes.npos || (!unit.empty() && unit != "B" && unit != "iB")) {
        return 0;
    }
    const std::uint64_t base = unit == "B" ? 1000 : 1024;
    std::uint64_t bytes = base;
    for (std::size_t i = 0; i < power; ++i) {
        bytes *= base;
    }
    return bytes;
}

}  // namespace

std::uint64_t parse_size(std::string_view text) {
    constexpr std::string_view digits = "0123456789";
    const std::size_t point = std::min(text.find_first_not_of(digits), text.size());
    const bool has_fraction = text.substr(point).starts_with('.');
    const std::size_t unit_at = std::min(text.find_first_not_of(digits, point + (has_fraction ? 1 : 0)), text.size());
    const std::uint64_t unit = bytes_in(text.substr(unit_at));
    std::uint64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + point, whole);
    if (point == 0 || unit_at == point + 1 || unit == 0 || (has_fraction && unit == 1) || error != std::errc() ||
        whole >= std::numeric_limits<std::uint64_t>::max() / unit) {
        throw std::invalid_argument(fmt::format("\"{}\" is no size, as 4096, 512M, 20G and 1.5GiB are", text));
    }
    double fraction = 0;
    for (std::size_t i = unit_at; has_fraction && i > point + 1; --i) {
        fraction = (fraction + (text[i - 1] - '0')) / 10;
    }
    return whole * unit + static_cast<std::uint64_t>(fraction * static_cast<double>(unit));
}

}  // namespace tool
