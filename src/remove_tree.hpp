// Emptying a directory, however deep, whoever meddles.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "problem.hpp"
#include "tempfile/file.hpp"

namespace tempfile {

// What could not be removed. The first failures are kept, the others counted.
struct removal_report {
    static constexpr std::size_t kept = 16;

    std::vector<problem> failures;
    std::uint64_t failed = 0;

    void add(problem p) {
        if (++failed <= kept) {
            failures.push_back(std::move(p));
        }
    }
};

// Removes everything in the directory `root`, which is held open and stays. `path` is its name in messages only.
//
// Everything is done relative to descriptors, and no symbolic link is followed: an entry that is swapped for something
// else between two calls is refused by the system, or removed as what it is now. A directory is entered only if it is
// on the same mount. At most eight descriptors are open at any depth; the stack does not grow with it, and memory grows
// by some bytes a level. An error does not stop the rest. A directory of ours whose mode stands in the way is made
// accessible, through a descriptor that holds it.
void empty_directory(sys::handle root, const std::string& path, removal_report& report);

// 0 when the name still leads to what the handle holds, ESTALE when it leads to something else. What was moved away is
// somebody's by now, and what stands at the name is not ours: neither is touched then.
sys::error is_still_there(const std::string& path, sys::handle handle) noexcept;

// Removes the directory that `handle` holds, and everything in it, by its name `path`; no problem when the name leads
// nowhere any more, ESTALE when it leads to something else.
problem remove_tree(const std::string& path, const file& handle);

}  // namespace tempfile
