// What makes a removal faster on which kind of file system, by measurement (docs/design.md, "Removing").

#pragma once

#include "sys/sys.hpp"

namespace tempfile {

// The order of inodes in a large directory.
constexpr bool gains_by_order(sys::file_system on) noexcept {
    return on != sys::file_system::memory;
}

// Several threads in one directory. unlink(2) gives the inode back when it has let go of the directory; where most of
// the work is before that, threads wait for each other, and that makes it slower than one alone (xfs, btrfs).
constexpr bool gains_by_threads_in_one_directory(sys::file_system on) noexcept {
    return on == sys::file_system::memory || on == sys::file_system::ext;
}

// Several threads in different directories. On btrfs, one tree in which all of them search and change holds all.
constexpr bool gains_by_threads(sys::file_system on) noexcept {
    return on != sys::file_system::btrfs;
}

}  // namespace tempfile
