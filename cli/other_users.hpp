// For root: what dead programs of other users left.

#pragma once

#include "checkup.hpp"

namespace tool {

// Nothing for who is not root, and where $TEMPFILE_REGISTRY names one directory in place of every user's.
findings check_other_users();

}  // namespace tool
