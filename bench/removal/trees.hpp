// What is removed: made in the working directory, by the same code for everybody.
#pragma once

#include <string>
#include <vector>

namespace bench {

using paths = std::vector<std::string>;

// Files are empty: it is the removal of names that is compared. Of `files`, those in 1,111 directories, ten in each one
// down to the third level, and as many files in each; or all in one; or a hundred each.
paths make_branches(int files);
paths make_one_directory(int files);
paths make_hundreds(int files);
// A directory in a directory, and so on.
paths make_chain(int directories);
paths make_empty_directory(int ignored);

}  // namespace bench
