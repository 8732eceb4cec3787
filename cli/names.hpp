// What `tmp file` and `tmp dir` share.

#pragma once

#include <tempfile/mkstemp.hpp>

#include <filesystem>
#include <span>
#include <string_view>

namespace CLI {
class App;
}

namespace tool {

// --prefix, --suffix and --dir, written into `options`.
void add_name_options(CLI::App& command, tempfile::name_options& options);

// The same without CLI11. False if there is anything else among the arguments, or anything wrong, which is for CLI11 to
// say.
bool read_name_options(std::span<char* const> arguments, tempfile::name_options& options);

// That $TMPDIR cannot be used is a warning, not an error: as in Python, the next directory of the list serves. Said by
// `command`, which made `made`; nothing is said where --dir was given.
void warn_of_unused_tmpdir(const CLI::App& command, const tempfile::name_options& options,
                           const std::filesystem::path& made);

// Prints the path of what `command` just made. What nobody could be told of is removed again. Warns
// as above.
void hand_over(const CLI::App& command, const tempfile::name_options& options, const std::filesystem::path& made);
void hand_over(std::string_view command, const tempfile::name_options& options, const std::filesystem::path& made);

}  // namespace tool
