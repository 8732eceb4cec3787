// Emptying a directory, however deep, whoever meddles.

#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "problem.hpp"
#include "tempfile/file.hpp"

namespace tempfile {

inline constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

// What could not be removed. The first failures are kept, the others counted.
struct removal_report {
    static constexpr std::size_t kept = 16;

    std::vector<problem> failures;
    std::uint64_t failed = 0;
    bool late = false;  // the time was up

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
// It stops some milliseconds after `end`, on the steady clock.
void empty_directory(sys::handle root, const std::string& path, removal_report& report, std::uint64_t end = no_end);

// 0 when the name still leads to what the handle holds, ESTALE when it leads to something else. What was moved away is
// somebody's by now, and what stands at the name is not ours: neither is touched then.
sys::error is_still_there(const std::string& path, sys::handle handle) noexcept;

// Removes the directory that `handle` holds, and everything in it, by its name `path`; no problem when the name leads
// nowhere any more, ESTALE when it leads to something else, ECANCELED when the time was up.
problem remove_tree(const std::string& path, const file& handle, std::uint64_t end = no_end);

}  // namespace tempfile
