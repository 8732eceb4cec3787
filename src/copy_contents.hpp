// All of one file into another, by the fastest way there is.

#pragma once

#include "problem.hpp"
#include "tempfile/persist.hpp"

namespace tempfile {

// `to` is empty. ECANCELED when `progress` says so. `how` is the last way that was taken.
sys::error copy_contents(sys::handle from, sys::handle to, const copy_progress& progress, copy_method& how);

// Whether both have the same bytes.
sys::error same_contents(sys::handle a, sys::handle b, bool& same);

}  // namespace tempfile
