// What `tmp file` and `tmp dir` share.

#pragma once

#include <tempfile/mkstemp.hpp>

#include <filesystem>

namespace CLI {
class App;
}

namespace tool {

// --prefix, --suffix and --dir, written into `options`.
void add_name_options(CLI::App& command, tempfile::name_options& options);

// Prints the path of what was just made. What nobody could be told of is removed again.
void hand_over(const std::filesystem::path& made);

}  // namespace tool
