// What `tmp file` and `tmp dir` share.

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

// Prints the path of what `command` just made. What nobody could be told of is removed again. Warns
// as above.
void hand_over(const command& command, const tempfile::name_options& options, const std::filesystem::path& made);

}  // namespace tool
