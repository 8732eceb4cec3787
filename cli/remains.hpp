// What a command left in its directory.

#pragma once

#include <filesystem>
#include <string>

namespace tool {

// For people, in lines: how much there is, the files that are still open and by which process, and the largest others.
std::string report_on(const std::filesystem::path& directory);

}  // namespace tool
