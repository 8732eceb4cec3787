// Removing one thing that this process registered, also in a signal handler.

#pragma once

#include <cerrno>

#include "registry.hpp"
#include "signal_safe_removal.hpp"

namespace tempfile {

// At the path of a file of ours everything goes, as when its object removes it.
inline removal remove_item(const registered_path& item) noexcept {
    const sys::error e = item.what == registered_kind::directory
                             ? remove_tree_signal_safe(item.path, item.id)
                             : sys::call.remove_file(sys::working_directory, item.path);
    return e == 0 || e == ENOENT ? removal::done : removal::failed;
}

}  // namespace tempfile
