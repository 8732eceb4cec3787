// Programs that remove what is old in the directories for temporary files.

#pragma once

#include "checkup.hpp"

namespace tool {

void check_cleaners(findings& found);

}  // namespace tool
