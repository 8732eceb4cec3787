// Removing a tree where hardly anything is allowed: in a signal handler (signal-safety(7)).

#pragma once

#include "sys/sys.hpp"

namespace tempfile {

// Removes the directory at the absolute `path`, if it is the one with that identity, and everything in it; without an
// identity, only if it is empty. 0 also when nothing stands there, ESTALE when something else does, else why something
// is left.
//
// As remove_tree() is, it is relative to descriptors, follows no link, enters no mount, and makes accessible what is
// ours, which gets its mode back if it stays (but not what is more than 2,048 levels above). But it allocates nothing,
// takes no lock, needs less than a kilobyte of stack and at most four descriptors at any depth, and does not tell what
// was left. Its memory has static storage: one call at a time.
sys::error remove_tree_signal_safe(const char* path, const sys::identity& id) noexcept;

}  // namespace tempfile
