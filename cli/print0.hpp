// -0, --print0: paths for programs. NUL is the one byte that no path can have in it, so that names with newlines stay
// whole: tmp ls --print0 | xargs -0 ls -d.

#pragma once

#include <initializer_list>
#include <string_view>

namespace tool {

class command;

void add_print0_option(command& command);

// Whether it is given. Throws std::invalid_argument when one of `others` is, too, which print something else.
bool is_print0(const command& command, std::initializer_list<const char*> others);

// As it is, and then a NUL or a newline.
void print_path(std::string_view path, bool print0);

}  // namespace tool
