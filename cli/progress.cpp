#include "progress.hpp"

#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr std::chrono::milliseconds until_it_appears{500};
constexpr std::chrono::milliseconds between_two{100};

std::size_t columns_of_terminal() {
    return columns_of_error().value_or(80);
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

// After Ctrl-S a terminal does not, and who writes waits.
bool takes_text() {
    pollfd terminal{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    return ::poll(&terminal, 1, 0) == 1 && (terminal.revents & POLLOUT) != 0;
}

constexpr std::string_view gap = "  ";

struct field {
    std::string text;
    int rank;  // the first to be there is 0
};

// As many of them as fit, by rank, in the order in which they stand here.
std::string join(std::span<const field> fields, std::size_t columns) {
    std::string best;
    for (int last = 0; last < static_cast<int>(fields.size()); ++last) {
        std::string line;
        for (const field& f : fields) {
            if (f.rank <= last && !f.text.empty()) {
                line += line.empty() ? f.text : std::string(gap) + f.text;
            }
        }
        if (line.size() > columns) {
            break;
        }
        best = std::move(line);
    }
    return best;
}

}  // namespace

std::string progress_text(const progress& now, amount_text text_of, double seconds, std::size_t columns) {
    constexpr double least_of_all = 1e-3;  // nothing is divided by 0
    const double rate = static_cast<double>(now.done) / std::max(seconds, least_of_all);
    std::array<field, 5> fields = {{{"", 4}, {"", 1}, {text_of(now.done), 0}, {"", 2}, {"", 3}}};
    fields[3].text = text_of(static_cast<std::uint64_t>(rate)) + "/s";
    if (now.total) {
        const auto total = static_cast<double>(std::max<std::uint64_t>({*now.total, now.done, 1}));
        const double rest = total - static_cast<double>(now.done);
        fields[0].text = bar(1 - rest / total);
        fields[1].text = fmt::format("{:3}%", static_cast<int>(100 * (1 - rest / total)));
        fields[4].text = rest_of_time(rest / std::max(rate, least_of_all));
    }
    std::string line = join(fields, columns);
    constexpr std::size_t least = 10;  // a name that is cut further says nothing
    if (line.size() + gap.size() + least <= columns) {
        line += gap;
        line += end_of(printable(now.where), columns - line.size());
    }
    return line;
}

progress_line::progress_line(amount_text text_of)
    : text_of_(text_of), on_terminal_(::isatty(STDERR_FILENO) == 1), next_(begin_ + until_it_appears) {}

bool progress_line::is_due() {
    return on_terminal_ && clock::now() >= next_ && ::tcgetpgrp(STDERR_FILENO) == ::getpgrp() && takes_text();
}

// Blanks over what was there, rather than sequences that not every terminal knows; and never the last column, behind
// which some begin a new line.
void progress_line::draw(const progress& now) {
    const std::size_t columns = columns_of_terminal() - 1;
    const double seconds = std::chrono::duration<double>(clock::now() - begin_).count();
    const std::string text = progress_text(now, text_of_, seconds, columns);
    complain_as_is('\r' + std::string(std::min(drawn_, columns), ' ') + '\r' + text);
    drawn_ = columns_of(text);
    next_ = clock::now() + between_two;
}

// With the "^C" that the terminal may have put behind it.
void progress_line::erase() {
    if (drawn_ != 0) {
        complain_as_is('\r' + std::string(std::min(drawn_ + 2, columns_of_terminal() - 1), ' ') + '\r');
        drawn_ = 0;
    }
}

}  // namespace tool
