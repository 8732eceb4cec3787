// What the commands share that make a named file or directory.

#pragma once

#include <tempfile/mkstemp.hpp>

#include <filesystem>

namespace tool {

class command;

// --prefix, --suffix and --dir, written into `options`.
void add_name_options(command& command, tempfile::name_options& options);

// That $TMPDIR cannot be used is a warning, not an error: as in Python, the next directory of the list serves. Said by
// `command`, which made `made`; nothing is said where --dir was given.
void warn_of_unused_tmpdir(const command& command, const tempfile::name_options& options,
                           const std::filesystem::path& made);

// From now on what $TEMPFILE_KEEP has the library keep is told by `who`, a text that stays.
void tell_of_kept(const char* who);

// Prints the path of what `command`, which has --print0, just made. What nobody could be told of is removed again.
// Warns as above.
void hand_over(const command& command, const tempfile::name_options& options, const std::filesystem::path& made);

}  // namespace tool
