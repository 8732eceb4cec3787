// The end of `tmp run` and `tmp shell`: the removal of the directory when the command has ended.

#pragma once

#include <tempfile/temporary_directory.hpp>

namespace tool {

// Shows on a terminal how far it is. A signal that is noted (interrupt.hpp) ends it between two steps: then `who` says
// what is left, and it is for the caller to die of the signal before the directory's destructor removes the rest.
void remove_after_command(const char* who, tempfile::temporary_directory& directory);

}  // namespace tool
