/// @file
/// How the ends of lines are translated when a file is used as text.
///
/// @code
/// tempfile::temporary_file page({.newline = tempfile::newlines::crlf});
/// page << "one\ntwo\n";                  // "one\r\ntwo\r\n" in the file
/// assert(page.size() == 10);
/// page.seek(0);
/// assert(page.readline() == "one\n");    // and back
/// @endcode
///
/// The type is called `newlines`, like the attribute of Python's text files, so that the option can be called
/// `newline`, like Python's parameter.

#pragma once

namespace tempfile {

/// What stands at the end of a line in the file, where the program says `\n`.
///
/// With anything but `raw`, positions (`seek`, `tell`, `size`, `truncate`) still count bytes of the file.
///
/// A line ends at `\n`, for `readline()` and `lines()` as for `std::getline`. So Python's `newline=""`, which ends
/// lines at `\n`, `\r` and `\r\n` and leaves them as they are, has no equivalent; and with `crlf` and `cr` a `\n` that
/// stands in the file ends a line too, which in Python it does not.
enum class newlines {
    raw,        ///< No translation; the default. Python: binary mode, or `newline="\n"`.
    universal,  ///< Reading: `\r\n` and `\r` become `\n`. Writing: `\n`, the system's own. Python: `None`, its default.
    crlf,       ///< Writing: `\n` becomes `\r\n`. Reading: `\r\n` becomes `\n`. Python: `newline="\r\n"` (writes only).
    cr,         ///< Writing: `\n` becomes `\r`. Reading: `\r` becomes `\n`. Python: `newline="\r"` (writes only).
};

}  // namespace tempfile
