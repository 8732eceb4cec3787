// Real file systems of many kinds, to be mounted for a test (mounted.hpp).

#pragma once

namespace tempfile::test {

struct file_system {
    const char* name;
    const char* commands;
    bool has_unnamed_files;
};

namespace file_systems {

inline constexpr file_system tmpfs = {"tmpfs", "mount -t tmpfs -o size=16m tmpfs $M", true};
inline constexpr file_system ext4 = {
    "ext4", "truncate -s 32M $W/image; mkfs.ext4 -q -F $W/image; mount -o loop $W/image $M; rmdir $M/lost+found", true};
inline constexpr file_system xfs = {"xfs", "truncate -s 320M $W/image; mkfs.xfs -q $W/image; mount -o loop $W/image $M",
                                    true};
inline constexpr file_system btrfs = {
    "btrfs", "truncate -s 128M $W/image; mkfs.btrfs -q $W/image; mount -o loop $W/image $M", true};
inline constexpr file_system overlay = {
    "overlay",
    "mount -t tmpfs -o size=16m tmpfs $W; mkdir $W/lower $W/upper $W/work; mount -t overlay "
    "-o lowerdir=$W/lower,upperdir=$W/upper,workdir=$W/work overlay $M",
    true};
inline constexpr file_system bindfs = {
    "bindfs", "mount -t tmpfs -o size=16m tmpfs $W; mkdir $W/source; bindfs $W/source $M", false};
inline constexpr file_system fuse_overlay = {
    "fuse_overlay",
    "mount -t tmpfs -o size=16m tmpfs $W; mkdir $W/lower $W/upper $W/work; fuse-overlayfs "
    "-o lowerdir=$W/lower,upperdir=$W/upper,workdir=$W/work,allow_other $M",
    false};

// The client with the part of the server that keeps files, in one process and without a network.
inline constexpr file_system gluster = {"gluster",
                                        "mkdir $W/source; printf 'volume files\\ntype storage/posix\\noption directory "
                                        "%s/source\\nend-volume\\n' $W >$W/volume; "
                                        "glusterfs -f $W/volume -l $W/log $M",
                                        false};

}  // namespace file_systems

}  // namespace tempfile::test
