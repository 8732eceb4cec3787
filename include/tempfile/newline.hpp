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
enum class newlines {
    raw,        ///< No translation; the default. Python: binary mode, or `newline="\n"` or `""`.
    universal,  ///< Reading: `\r\n` and `\r` become `\n`. Writing: `\n`, the system's own. Python: `newline=None`.
    crlf,       ///< Writing: `\n` becomes `\r\n`. Reading: `\r\n` becomes `\n`. Python: `newline="\r\n"` (writes only).
    cr,         ///< Writing: `\n` becomes `\r`. Reading: `\r` becomes `\n`. Python: `newline="\r"` (writes only).
};

}  // namespace tempfile
