#include "screen.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace tool {
namespace {

std::optional<std::size_t> columns_of(int descriptor) {
    constexpr std::size_t usual = 80;
    winsize size = {};
    if (::isatty(descriptor) != 1) {
        return std::nullopt;
    }
    return ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : usual;
}

// What ends the quotation that `text` begins with; empty if it begins with none. An apostrophe is within a word.
std::string_view end_of_quotation(std::string_view text, bool is_at_begin_of_word) {
    struct quotes {
        std::string_view open;
        std::string_view close;
        bool only_at_begin;
    };
    constexpr std::array<quotes, 6> all = {{{"\"", "\"", false},
                                            {"`", "`", false},
                                            {"‘", "’", false},
                                            {"$(", ")", false},
                                            {"'", "'", true},
                                            {"[", "]", true}}};
    for (const quotes& q : all) {
        if (text.starts_with(q.open) && (is_at_begin_of_word || !q.only_at_begin)) {
            return q.close;
        }
    }
    return {};
}

// The length of the word that `text` begins with, which ends at a blank or with the text.
std::size_t length_of_word(std::string_view text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::string_view close = end_of_quotation(text.substr(at), at == 0);
        const std::size_t end = close.empty() ? text.npos : text.find(close, at + 1);
        if (end != text.npos) {
            at = end + close.size() - 1;
        } else if (text[at] == ' ') {
            return at;
        }
    }
    return text.size();
}

std::string with_blanks(std::string text) {
    std::replace(text.begin(), text.end(), hard_blank, ' ');
    return text;
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

// The help of a command, line after line. What belongs together is gathered before it is broken anew.
class help_layout {
public:
    explicit help_layout(std::size_t columns) : columns_(columns) {}

    void add(std::string_view line);
    std::string finish();

private:
    void add_item(std::string_view line);
    void gather(std::string_view more);
    void flush();

    static constexpr std::size_t left = 30;  // columns in which CLI11 puts the names of options and commands

    std::size_t columns_;
    std::string laid_out_;
    std::string name_;      // of an option, an operand or a command, with the blanks in front of it
    std::string gathered_;  // what is said of it; a paragraph if there is no name
    bool in_examples_ = false;
};

void help_layout::gather(std::string_view more) {
    gathered_ += gathered_.empty() || more.empty() ? "" : " ";
    gathered_ += trimmed(more);
}

void help_layout::flush() {
    constexpr std::size_t least = 40;  // with less beside the names a text is a column of single words
    constexpr std::size_t below = 6;
    if (name_.empty()) {
        laid_out_ += gathered_.empty() ? "" : wrapped(gathered_, 0, columns_);
    } else if (columns_ < left + least || name_.size() >= left) {
        const std::size_t indent = columns_ < left + least ? below : left;
        laid_out_ += name_ + '\n' + std::string(indent, ' ') + wrapped(gathered_, indent, columns_);
    } else {
        laid_out_ += name_ + std::string(left - name_.size(), ' ') + wrapped(gathered_, left, columns_);
    }
    name_.clear();
    gathered_.clear();
}

// An option, an operand or a command, and what is said of it; or only more of that.
void help_layout::add_item(std::string_view line) {
    const bool has_text = line.size() > left && line[left - 1] == ' ';
    const std::string_view name = trimmed(has_text ? line.substr(0, left) : line);
    if (!name.empty()) {
        flush();
        name_ = "  " + std::string(name);
    }
    gather(has_text ? line.substr(left) : "");
}

void help_layout::add(std::string_view line) {
    const auto begins = [line](std::string_view what) { return line.starts_with(what); };
    in_examples_ = in_examples_ || begins("Example");
    if (line.empty() || (in_examples_ && begins("  "))) {
        flush();
        laid_out_ += std::string(line) + '\n';
    } else if (begins("  ")) {
        add_item(line);
    } else {
        if (!name_.empty() || begins("Usage: ") || begins("Exit status") || begins("Example")) {
            flush();
        }
        gather(line);
    }
}

std::string help_layout::finish() {
    flush();
    return std::move(laid_out_);
}

}  // namespace

std::optional<std::size_t> columns_of_output() {
    return columns_of(STDOUT_FILENO);
}

std::optional<std::size_t> columns_of_error() {
    return columns_of(STDERR_FILENO);
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

bool fits(std::string_view text, std::optional<std::size_t> columns) {
    for (std::size_t begin = 0; columns && begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        if (width_of(text.substr(begin, end - begin)) > *columns) {
            return false;
        }
        begin = end + 1;
    }
    return true;
}

std::string unbroken(std::string_view text) {
    std::string result(text);
    std::replace(result.begin(), result.end(), ' ', hard_blank);
    return result;
}

std::string wrapped(std::string_view text, std::size_t indent, std::optional<std::size_t> columns) {
    std::string lines;
    std::size_t used = indent;
    if (!columns) {
        return with_blanks(std::string(text)) + '\n';
    }
    while (!text.empty()) {
        const std::string_view word = text.substr(0, length_of_word(text));
        text.remove_prefix(std::min(word.size() + 1, text.size()));
        if (used > indent && used + 1 + width_of(word) > *columns) {
            lines += '\n' + std::string(indent, ' ');
            used = indent;
        } else if (used > indent) {
            lines += ' ';
            ++used;
        }
        lines += word;
        used += width_of(word);
    }
    return with_blanks(std::move(lines)) + '\n';
}

std::string wrapped_help(std::string_view help, std::optional<std::size_t> columns) {
    if (fits(help, columns)) {
        return std::string(help);
    }
    help_layout layout(*columns);
    while (!help.empty()) {
        const std::size_t end = std::min(help.find('\n'), help.size());
        layout.add(help.substr(0, end));
        help.remove_prefix(std::min(end + 1, help.size()));
    }
    return layout.finish();
}

}  // namespace tool
