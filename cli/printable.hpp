// Text from elsewhere on its way to a terminal.

#pragma once

#include <string>
#include <string_view>

namespace tool {

// `text` with each control character and each byte that is not UTF-8 as an escape sequence (\n, \x1b). A path that
// somebody else chose must not move the cursor, forge a second message or set the title of the window (CWE-150).
std::string printable(std::string_view text);

}  // namespace tool
