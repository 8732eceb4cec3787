// Removing trees, for the rest of the library.

#pragma once

#include <string>

#include "problem.hpp"
#include "tempfile/remove_tree.hpp"

namespace tempfile {

// What the library removes of its own: nobody asked for threads.
inline constexpr unsigned no_threads_of_ours = 1;

// 0 when the name still leads to what the handle holds, ESTALE when it leads to something else. What was moved away is
// somebody's by now, and what stands at the name is not ours: neither is touched then.
sys::error is_still_there(const std::string& path, sys::handle handle) noexcept;

// As the public function for an open directory, but it refuses nothing.
problem remove_held_tree(const std::string& path, sys::handle handle, const remove_options& options,
                         removal_report& report);

// The throwing form: passes the report on.
removal_report succeed(const problem& p, removal_report&& report);

}  // namespace tempfile
