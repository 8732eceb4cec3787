// Giving a directory its final name.

#pragma once

#include <filesystem>
#include <string>

#include "problem.hpp"
#include "registry.hpp"
#include "tempfile/persist.hpp"

namespace tempfile {

// A directory on its way: what its object has of it.
struct unpublished_directory {
    sys::handle handle;
    std::string& path;
    registration& owner;
    std::error_code& damage;  // of a disk that may have lost what was written, and tells of it once (fsync(2))
};

// When it succeeds, the registration is empty and the path the new one. When there is a problem although result.path is
// set, it was published all the same, and something after that went wrong.
problem publish_directory(unpublished_directory what, const std::filesystem::path& target,
                          const persist_options& options, persisted& result);

}  // namespace tempfile
