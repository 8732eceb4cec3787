/// @file
/// What all names made here have in common.
///
/// A name is prefix, 13 random characters (64 bits from the system's generator, as lower-case letters and digits),
/// suffix:
///
/// @code
/// auto path = tempfile::mkdtemp({.prefix = "build-", .suffix = ".d"});
/// std::string name = path.filename().string();  // build-k3v9x0d2m7q4a.d, say
/// assert(name.starts_with("build-") && name.ends_with(".d") && name.size() == 6 + 13 + 2);
/// std::filesystem::remove(path);
/// @endcode
///
/// **Refused**, with `std::invalid_argument` (or `std::errc::invalid_argument`) and before anything is made: a prefix
/// or suffix with a separator or a NUL byte, one that is `..`, and a name longer than 255 bytes altogether. Any other
/// bytes are taken as they are, also those that are not UTF-8.
///
/// **Fork and threads.** Two threads, or a parent and its forked child, never draw the same random bits.

#pragma once

#include <string_view>

namespace tempfile {

/// What a name begins with when nobody says otherwise: `tmp`.
[[nodiscard]] constexpr std::string_view gettempprefix() noexcept {
    return "tmp";
}

/// How many names are tried before giving up with `std::errc::file_exists`; Python's `TMP_MAX`, spelled in lower case
/// because `<cstdio>` has a macro of that name. With 64 random bits a second try means that something is wrong.
inline constexpr int tmp_max = 10'000;

}  // namespace tempfile
