// Reading a registry: somebody else's, or our own. Nothing in it is believed before it is checked.

#pragma once

#include "problem.hpp"
#include "registry_format.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace tempfile {

// A path in a registry.
struct registry_record {
    std::uint32_t number = 0;  // of its slot
    registry_format::kind what = registry_format::kind::file;
    std::uint64_t created = 0;  // nanoseconds since 1970
    std::uint64_t thread = 0;   // of its process, that made it
    sys::identity id;           // of a directory, when it was written down; else zeros
    std::uint64_t born = 0;     // likewise; nanoseconds since 1970
    std::string path;
};

struct registry_contents {
    registry_format::header head;
    std::vector<registry_record> records;
    std::uint64_t damaged = 0;  // slots that make no sense
};

// EINVAL for a file that is no registry or a damaged one, ENOTSUP for one of a newer version.
sys::error read_registry(sys::handle h, registry_contents& out);

// Writes down that the path of the record is gone.
sys::error forget_record(sys::handle h, std::uint32_t number) noexcept;

}  // namespace tempfile
