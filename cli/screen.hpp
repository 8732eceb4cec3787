// Standard output where people look at it: how wide it is, and whether it has colours.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

// How many columns a line of it has; none where it is no terminal.
std::optional<std::size_t> columns_of_output();

// True on a terminal that has some and where nobody set NO_COLOR (no-color.org).
bool output_has_colours();

// `text` in lines of at most `columns`, if words are not longer than that, each but the first behind `indent` blanks.
// The first has `indent` columns less, too. As one line without `columns`. Ends with a newline.
std::string wrapped(std::string_view text, std::size_t indent, std::optional<std::size_t> columns);

// How many columns of a terminal `text`, which is printable, takes.
std::size_t width_of(std::string_view text);

}  // namespace tool
