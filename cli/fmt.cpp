// {fmt}, compiled once. Debian has only a shared library of it; as headers alone (FMT_HEADER_ONLY) each source that
// includes it would compile all of it, for six of its nine seconds.

#define FMT_HEADER_ONLY
#include <fmt/format.h>

#include <string>

namespace tool {

// What fmt/core.h declares and its templates call. Being inline here, it is only made where its address is taken.
extern const auto vformat = static_cast<std::string (*)(fmt::string_view, fmt::format_args)>(&fmt::vformat);

}  // namespace tool
