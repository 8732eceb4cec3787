#include "amount.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace tool {

namespace fs = std::filesystem;

namespace {

// What stands behind a number, without the blank that may be between them.
struct quantity {
    std::uint64_t whole = 0;
    double fraction = 0;
    std::string unit;  // in small letters
};

std::optional<quantity> quantity_in(std::string_view text) {
    quantity q;
    const char* const end = text.data() + text.size();
    const auto [whole_end, error] = std::from_chars(text.data(), end, q.whole);
    if (error == std::errc::invalid_argument) {
        return std::nullopt;
    }
    if (error == std::errc::result_out_of_range) {
        q.whole = std::numeric_limits<std::uint64_t>::max();
    }
    std::string_view rest(whole_end, static_cast<std::size_t>(end - whole_end));
    if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
        if (digits == 0) {
            return std::nullopt;
        }
        double weight = 1;
        for (const char digit : rest.substr(0, digits)) {
            weight /= 10;
            q.fraction += weight * (digit - '0');
        }
        rest.remove_prefix(digits);
    }
    if (rest.starts_with(' ') && rest.size() > 1) {
        rest.remove_prefix(1);
    }
    q.unit = rest;
    std::transform(q.unit.begin(), q.unit.end(), q.unit.begin(),
                   [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return q;
}

// The power of two that a unit stands for.
std::optional<unsigned> bits_of(const std::string& unit) {
    unsigned bits = 0;
    for (const std::string power : {"", "k", "m", "g", "t", "p", "e"}) {
        if (unit == power || unit == power + "b" || unit == power + "ib") {
            return unit == "ib" ? std::nullopt : std::optional(bits);
        }
        bits += 10;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> seconds_in(const std::string& unit) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> units = {
        {{"", 1}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86'400}}};
    const auto* const found = std::find_if(units.begin(), units.end(), [&](const auto& u) { return u.first == unit; });
    return found == units.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

amount amount_in(const fs::path& directory) {
    amount found;
    std::error_code ec;
    fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, ec);
    bool all = true;
    for (; !ec && entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
        ++found.entries;
        std::error_code gone;
        if (fs::is_directory(entry->symlink_status(gone))) {
            std::error_code closed;
            static_cast<void>(fs::directory_iterator(entry->path(), closed));
            all = all && !closed;
        } else if (fs::is_regular_file(entry->symlink_status(gone))) {
            const std::uintmax_t size = entry->file_size(gone);
            found.bytes += gone ? 0 : size;
        }
    }
    found.complete = all && !ec;
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

std::string human_binary(std::uint64_t bytes) {
    constexpr std::array units = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    std::uint64_t tenths = bytes < 1024 ? bytes * 10 : 0;
    for (; bytes >= 1024; bytes /= 1024) {
        tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
        ++unit;
    }
    return tenths % 10 == 0 ? fmt::format("{} {}", tenths / 10, units.at(unit))
                            : fmt::format("{}.{} {}", tenths / 10, tenths % 10, units.at(unit));
}

std::uint64_t bytes_of(const std::string& option, const std::string& value) {
    const std::optional<quantity> q = quantity_in(value);
    const std::optional<unsigned> bits = q ? bits_of(q->unit) : std::nullopt;
    if (!bits || (*bits == 0 && q->fraction != 0)) {
        throw std::invalid_argument(fmt::format(
            "{0} \"{1}\" is no size; say a number of bytes, or of k, M, G or T, as {0} 8M or {0} 1.5G", option, value));
    }
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const auto part = static_cast<std::uint64_t>(std::ceil(std::ldexp(q->fraction, static_cast<int>(*bits))));
    return q->whole > most >> *bits ? most : (q->whole << *bits) + std::min(part, most - (q->whole << *bits));
}

std::chrono::seconds time_of(const std::string& option, const std::string& value) {
    const std::optional<quantity> q = quantity_in(value);
    const std::optional<std::uint64_t> unit = q ? seconds_in(q->unit) : std::nullopt;
    if (!unit || q->fraction != 0) {
        throw std::invalid_argument(fmt::format(
            "{0} \"{1}\" is no time; say a whole number of seconds, or of min, h or d, as {0} 90 or {0} 5min", option,
            value));
    }
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    return std::chrono::seconds(static_cast<std::int64_t>(q->whole > most / *unit ? most : q->whole * *unit));
}

std::string text_of(const amount& found) {
    return fmt::format("{}{} {}, {}", found.complete ? "" : "at least ", found.entries,
                       found.entries == 1 ? "entry" : "entries", human(found.bytes));
}

}  // namespace tool
