#include "screen.hpp"

#include <algorithm>
#include <cstdlib>

#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {

std::optional<std::size_t> columns_of_output() {
    constexpr std::size_t usual = 80;
    winsize size = {};
    if (::isatty(STDOUT_FILENO) != 1) {
        return std::nullopt;
    }
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual;
}

bool output_has_colours() {
    const char* const refused = std::getenv("NO_COLOR");
    const char* const terminal = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0') && terminal != nullptr &&
           std::string_view(terminal) != "dumb";
}

// One for each character: what is wider, in some scripts, only sets a line askew.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string wrapped(std::string_view text, std::size_t indent, std::optional<std::size_t> columns) {
    std::string lines;
    std::size_t used = indent;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (used > indent && columns && used + 1 + width_of(word) > *columns) {
            lines += '\n' + std::string(indent, ' ');
            used = indent;
        } else if (used > indent) {
            lines += ' ';
            ++used;
        }
        lines += word;
        used += width_of(word);
    }
    return lines + '\n';
}

}  // namespace tool
