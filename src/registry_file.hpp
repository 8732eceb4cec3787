// Where registries are, and reading one: somebody else's, or our own. Nothing in it is believed before it is checked.

#pragma once

#include "problem.hpp"
#include "registry_format.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tempfile {

// Where registries are: the directories in order of preference, each for one user alone.
std::vector<std::string> registry_directories();

// Opens such a directory, making it when it is not there. EPERM when it is not ours alone: it is refused, not repaired.
sys::error open_registry_directory(const std::string& dir, bool make, sys::handle& opened) noexcept;

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

// EINVAL for a file that is no registry or a damaged one, ENOTSUP for one of a newer version.
sys::error read_header(sys::handle h, registry_format::header& head) noexcept;

// Calls visit(record) for one path after the other, until it answers false, and with a null pointer for a slot that
// makes no sense. How many there are is for the writer of the file to say; so they are not
// collected.
// Before each stretch of the file it asks go_on().
sys::error visit_records(sys::handle h, const std::function<bool()>& go_on,
                         const std::function<bool(const registry_record* record)>& visit);

// Writes down that the path of the record is gone.
sys::error forget_record(sys::handle h, std::uint32_t number) noexcept;

// Writes down when it was that not everything could be removed.
sys::error note_failure(sys::handle h, std::uint64_t when) noexcept;

}  // namespace tempfile
