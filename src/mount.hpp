// Which mount something is on.

#pragma once

#include <cstdint>

#include "sys/sys.hpp"

namespace tempfile {

// A bind mount has the device of its source, so the number of the mount decides where the system can tell mounts apart.
struct mount {
    std::uint64_t number = 0;
    std::uint64_t device = 0;
    friend bool operator==(const mount&, const mount&) = default;
};

inline mount mount_of(const sys::metadata& meta) noexcept {
    return {.number = meta.mount, .device = meta.mount != 0 ? 0 : meta.id.device};
}

}  // namespace tempfile
