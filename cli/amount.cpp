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
        if (unit == power || unit == power + "b" || unit == power + "i" || unit == power + "ib") {
            return unit == "ib" || unit == "i" ? std::nullopt : std::optional(bits);
        }
        bits += 10;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> milliseconds_in(const std::string& unit) {
    constexpr std::array<std::pair<std::string_view, std::uint64_t>, 6> units = {
        {{"", 1000}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
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
        all = all && (!gone || gone == std::errc::no_such_file_or_directory);  // a path may be too long, for one
    }
    found.complete = all && !ec;
    return found;
}

std::string human(std::uintmax_t bytes) {
    constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024) {
        return counted(bytes, "byte", "bytes");
    }
    std::size_t unit = 0;
    unsigned bits = 10;
    for (; bytes >> bits >= 1024; bits += 10) {
        ++unit;
    }
    const std::uintmax_t rest = bytes & ((std::uintmax_t{1} << bits) - 1);
    const std::uintmax_t tenths = rest * 10 >> bits;
    return tenths == 0 ? fmt::format("{} {}", bytes >> bits, units.at(unit))
                       : fmt::format("{}.{} {}", bytes >> bits, tenths, units.at(unit));
}

std::string counted(std::uintmax_t n, std::string_view one, std::string_view several) {
    return fmt::format("{} {}", n, n == 1 ? one : several);
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

std::chrono::milliseconds time_of(const std::string& option, const std::string& value) {
    const std::optional<quantity> q = quantity_in(value);
    const std::optional<std::uint64_t> unit = q ? milliseconds_in(q->unit) : std::nullopt;
    if (!unit) {
        throw std::invalid_argument(
            fmt::format("{0} \"{1}\" is no time; say a number of seconds, or of min, h or d, as {0} 90 or {0} 1.5h",
                        option, value));
    }
    constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
    const auto part = static_cast<std::uint64_t>(std::ceil(q->fraction * static_cast<double>(*unit)));
    const std::uint64_t time = q->whole > most / *unit ? most : q->whole * *unit;
    return std::chrono::milliseconds(static_cast<std::int64_t>(time + std::min(part, most - time)));
}

std::string text_of(const amount& found) {
    return fmt::format("{}{}, {}", found.complete ? "" : "at least ", counted(found.entries, "entry", "entries"),
                       human(found.bytes));
}

}  // namespace tool
