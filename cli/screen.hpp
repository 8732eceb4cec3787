// Standard output and standard error where people look at them: how wide they are, and whether there are colours.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

// How many columns a line of it has; none where it is no terminal.
std::optional<std::size_t> columns_of_output();
std::optional<std::size_t> columns_of_error();

// True on a terminal that has some and where nobody set NO_COLOR (no-color.org).
bool output_has_colours();

// How many columns of a terminal `text`, which is printable, takes.
std::size_t width_of(std::string_view text);

// Whether no line of `text` is wider than that.
bool fits(std::string_view text, std::optional<std::size_t> columns);

// Stands for a blank at which no line is broken. No path and no argument can have that byte in it.
constexpr char hard_blank = '\0';

// `text`, a path or what is to be copied, with all its blanks hard ones.
std::string unbroken(std::string_view text);

// `text` in lines of at most `columns`, if words are not longer than that, each but the first behind `indent` blanks.
// The first has `indent` columns less, too. As one line without `columns`. Ends with a newline. What is between quotes
// of any kind, or in brackets, as paths are in messages, is one word.
std::string wrapped(std::string_view text, std::size_t indent, std::optional<std::size_t> columns);

// What CLI11 lays out as the help of a command, in lines of at most `columns`. Examples stay as they are: they are
// there to be copied.
std::string wrapped_help(std::string_view help, std::optional<std::size_t> columns);

}  // namespace tool
