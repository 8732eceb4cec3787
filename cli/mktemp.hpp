// tmp in the place of GNU mktemp.

#pragma once

#include <optional>

namespace tool {

// Does what GNU mktemp does when we are called by that name or as `tmp mktemp`: same options, messages and statuses.
// Before anything else, since CLI11 would read the options in another way.
// @return the exit status; nothing if we were not asked to be mktemp.
std::optional<int> run_as_mktemp(int argc, char** argv);

}  // namespace tool
