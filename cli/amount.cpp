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

namespace tool {

namespace fs = std::filesystem;

namespace {

struct quantity {
    std::uint64_t whole = 0;
    double fraction = 0;
    std::string_view unit{};  // the letters behind it, and behind the blank that may be between them
};

bool is_letter(char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z');
}

// The digits behind a point, which `text` begins with. They are taken off it; nothing when there are none.
std::optional<double> take_fraction(std::string_view& text) {
    text.remove_prefix(1);
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    double fraction = 0;
    double weight = 1;
    for (const char digit : text.substr(0, digits)) {
        weight /= 10;
        fraction += weight * (digit - '0');
    }
    text.remove_prefix(digits);
    return digits == 0 ? std::nullopt : std::optional(fraction);
}

// What `text` begins with, which is taken off it.
std::optional<quantity> take_quantity(std::string_view& text) {
    quantity q;
    const char* const end = text.data() + text.size();
    const auto [whole_end, error] = std::from_chars(text.data(), end, q.whole);
    if (error == std::errc::invalid_argument) {
        return std::nullopt;
    }
    if (error == std::errc::result_out_of_range) {
        q.whole = std::numeric_limits<std::uint64_t>::max();
    }
    text.remove_prefix(static_cast<std::size_t>(whole_end - text.data()));
    if (text.starts_with('.')) {
        const std::optional<double> fraction = take_fraction(text);
        if (!fraction) {
            return std::nullopt;
        }
        q.fraction = *fraction;
    }
    if (text.size() > 1 && text.front() == ' ' && is_letter(text[1])) {
        text.remove_prefix(1);
    }
    const auto unit_end = std::find_if_not(text.begin(), text.end(), is_letter);
    q.unit = text.substr(0, static_cast<std::size_t>(unit_end - text.begin()));
    text.remove_prefix(q.unit.size());
    return q;
}

// The power of two that a unit stands for, in letters of any size.
std::optional<unsigned> bits_of(std::string_view unit) {
    std::string small(unit);
    std::transform(small.begin(), small.end(), small.begin(),
                   [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    unsigned bits = 0;
    for (const std::string power : {"", "k", "m", "g", "t", "p", "e"}) {
        if (small == power || small == power + "b" || small == power + "i" || small == power + "ib") {
            return small == "ib" || small == "i" ? std::nullopt : std::optional(bits);
        }
        bits += 10;
    }
    return std::nullopt;
}

// Those of systemd.time(7), but for months and years, of which nobody knows how long they are.
std::optional<std::uint64_t> milliseconds_in(std::string_view unit) {
    struct unit_of_time {
        std::uint64_t milliseconds;
        std::array<std::string_view, 5> names;
    };
    constexpr std::array<unit_of_time, 6> units = {{{1, {"ms", "msec"}},
                                                    {1000, {"s", "sec", "secs", "second", "seconds"}},
                                                    {60'000, {"m", "min", "mins", "minute", "minutes"}},
                                                    {3'600'000, {"h", "hr", "hrs", "hour", "hours"}},
                                                    {86'400'000, {"d", "day", "days"}},
                                                    {604'800'000, {"w", "week", "weeks"}}}};
    for (const unit_of_time& one : units) {
        if (!unit.empty() && std::find(one.names.begin(), one.names.end(), unit) != one.names.end()) {
            return one.milliseconds;
        }
    }
    return std::nullopt;
}

constexpr std::uint64_t longest_time = std::numeric_limits<std::int64_t>::max();

std::uint64_t milliseconds_of(const quantity& q, std::uint64_t unit) {
    const auto part = static_cast<std::uint64_t>(std::ceil(q.fraction * static_cast<double>(unit)));
    const std::uint64_t time = q.whole > longest_time / unit ? longest_time : q.whole * unit;
    return time + std::min(part, longest_time - time);
}

// The sum of all its parts, as in "1h 30min"; or seconds, if it is a number alone.
std::optional<std::uint64_t> time_in(std::string_view text) {
    std::uint64_t sum = 0;
    for (bool is_first = true; is_first || !text.empty(); is_first = false) {
        const std::optional<quantity> q = take_quantity(text);
        const bool is_number = q && q->unit.empty() && is_first && text.empty();
        const std::optional<std::uint64_t> unit = !q ? std::nullopt : milliseconds_in(is_number ? "s" : q->unit);
        if (!unit) {
            return std::nullopt;
        }
        sum += std::min(milliseconds_of(*q, *unit), longest_time - sum);
        text.remove_prefix(text.size() > 1 && text.front() == ' ' ? 1 : 0);
    }
    return sum;
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
    std::string_view rest = value;
    const std::optional<quantity> q = take_quantity(rest);
    const std::optional<unsigned> bits = q && rest.empty() ? bits_of(q->unit) : std::nullopt;
    if (!bits || (*bits == 0 && q->fraction != 0)) {
        throw std::invalid_argument(fmt::format(
            "{0} \"{1}\" is no size; say a number of bytes, or of k, M, G or T, as {0} 8M or {0} 1.5G", option, value));
    }
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const auto part = static_cast<std::uint64_t>(std::ceil(std::ldexp(q->fraction, static_cast<int>(*bits))));
    return q->whole > most >> *bits ? most : (q->whole << *bits) + std::min(part, most - (q->whole << *bits));
}

std::chrono::milliseconds time_of(const std::string& option, const std::string& value) {
    const std::optional<std::uint64_t> time = time_in(value);
    if (!time) {
        throw std::invalid_argument(
            fmt::format("{0} \"{1}\" is no time; say a number of seconds, or of min, h or d, as {0} 90 or {0} 1h30min",
                        option, value));
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(*time));
}

std::string text_of(const amount& found) {
    return fmt::format("{}{}, {}", found.complete ? "" : "at least ", counted(found.entries, "entry", "entries"),
                       human(found.bytes));
}

}  // namespace tool
