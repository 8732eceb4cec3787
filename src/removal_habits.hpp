// What makes a removal faster on which kind of file system, by measurement (docs/design.md, "On ext4 two threads share
// one large directory").

#pragma once

#include "sys/sys.hpp"

namespace tempfile {

// The order of inodes in a large directory.
constexpr bool gains_by_order(sys::file_system on) noexcept {
    return on != sys::file_system::memory;
}

// Several threads in one directory: unlink(2) gives the inode back when it has let go of the directory. Where nearly
// all of the work is before that, threads wait for each other, and turning to the next one makes it slower than one
// alone.
constexpr bool gains_by_threads_in_one_directory(sys::file_system on) noexcept {
    return on == sys::file_system::ext;
}

// Several threads in different directories: on btrfs they meet in the one tree that holds all of these.
constexpr bool gains_by_threads(sys::file_system on) noexcept {
    return on != sys::file_system::btrfs;
}

}  // namespace tempfile
