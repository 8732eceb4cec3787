#include "progress.hpp"

#include "amount.hpp"
#include "printable.hpp"
#include "streams.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr std::chrono::milliseconds until_it_appears{500};
constexpr std::chrono::milliseconds between_two{100};

std::size_t columns_of_terminal() {
    constexpr std::size_t usual = 80;
    winsize size = {};
    return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual;
}

// At most: what is not ASCII may take two, and which of it does is another question for each terminal.
std::size_t columns_of(std::string_view text) {
    std::size_t columns = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        columns += byte < 0x80 ? 1 : byte >= 0xc0 ? 2 : 0;
    }
    return columns;
}

// The end of a path says more than its beginning.
std::string end_of(std::string text, std::size_t columns) {
    constexpr std::string_view dots = "...";
    if (columns_of(text) <= columns) {
        return text;
    }
    std::string_view rest = text;
    while (columns_of(rest) + dots.size() > columns) {
        do {
            rest.remove_prefix(1);
        } while (!rest.empty() && (static_cast<unsigned char>(rest.front()) & 0xc0U) == 0x80U);
    }
    return std::string(dots) + std::string(rest);
}

std::string quantity(std::uint64_t n, progress_unit unit) {
    return unit == progress_unit::bytes ? human(n) : std::to_string(n);
}

std::string rest_of_time(double seconds) {
    return seconds < 100      ? fmt::format("{:.0f} s left", seconds)
           : seconds < 6000   ? fmt::format("{:.0f} min left", seconds / 60)
           : seconds < 360000 ? fmt::format("{:.0f} h left", seconds / 3600)
                              : "days left";
}

std::string bar(double part) {
    constexpr std::size_t length = 16;
    const auto full = static_cast<std::size_t>(part * length);
    return '[' + std::string(full, '#') + std::string(length - full, '.') + ']';
}

}  // namespace

std::string progress_text(const progress& now, progress_unit unit, double seconds, std::size_t columns) {
    struct field {
        std::string text;
        int rank;  // the first to be there is 0
        bool shown = false;
    };
    const double rate = static_cast<double>(now.done) / std::max(seconds, 1e-3);
    std::array<field, 5> fields;
    fields[2] = {quantity(now.done, unit), 0};
    fields[3] = {quantity(static_cast<std::uint64_t>(rate), unit) + "/s", 2};
    if (now.total) {
        const std::uint64_t total = std::max(*now.total, now.done);
        const double part = total == 0 ? 1 : static_cast<double>(now.done) / static_cast<double>(total);
        fields[0] = {bar(part), 4};
        fields[1] = {fmt::format("{:3.0f}%", 100 * part), 1};
        fields[4] = {rest_of_time(static_cast<double>(total - now.done) / std::max(rate, 1e-3)), 3};
    }
    constexpr std::size_t gap = 2;
    std::size_t used = 0;
    for (int rank = 0; rank < static_cast<int>(fields.size()); ++rank) {
        for (field& f : fields) {
            const std::size_t needed = f.text.size() + (used == 0 ? 0 : gap);
            if (f.rank == rank && !f.text.empty() && used + needed <= columns) {
                f.shown = true;
                used += needed;
            }
        }
    }
    std::string line;
    for (const field& f : fields) {
        line += f.shown ? (line.empty() ? "" : std::string(gap, ' ')) + f.text : "";
    }
    constexpr std::size_t least = 10;  // a name that is cut further says nothing
    if (used + gap + least <= columns) {
        line += std::string(gap, ' ') + end_of(printable(now.where), columns - used - gap);
    }
    return line;
}

progress_line::progress_line(progress_unit unit)
    : unit_(unit), on_terminal_(::isatty(STDERR_FILENO) == 1), next_(begin_ + until_it_appears) {}

bool progress_line::is_due() {
    return on_terminal_ && clock::now() >= next_ && ::tcgetpgrp(STDERR_FILENO) == ::getpgrp();
}

// Blanks over what was there, rather than sequences that not every terminal knows; and never the last column, behind
// which some begin a new line.
void progress_line::draw(const progress& now) {
    const std::size_t columns = columns_of_terminal() - 1;
    const double seconds = std::chrono::duration<double>(clock::now() - begin_).count();
    const std::string text = progress_text(now, unit_, seconds, columns);
    complain_as_is('\r' + std::string(std::min(drawn_, columns), ' ') + '\r' + text);
    drawn_ = columns_of(text);
    next_ = clock::now() + between_two;
}

void progress_line::erase() {
    if (drawn_ != 0) {
        complain_as_is('\r' + std::string(std::min(drawn_, columns_of_terminal() - 1), ' ') + '\r');
        drawn_ = 0;
    }
}

}  // namespace tool
