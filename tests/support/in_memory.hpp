// Where tests make very many small files: in memory where that can be had, since on some disks it takes minutes
// (measured: `rm -rf` of 50,000 nested directories, 0.8 s on tmpfs, 175 s on an ext4 without a journal).
//
//     scratch dir(in_memory());

#pragma once

#include <unistd.h>

#include <filesystem>

namespace tempfile::test {

inline std::filesystem::path in_memory() {
    return ::access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

}  // namespace tempfile::test
