// What the file objects share besides their base.

#pragma once

#include <ios>

#include "problem.hpp"

namespace tempfile {

// Refuses a mode that allows nothing.
problem check_mode(std::ios_base::openmode mode, std::size_t buffering);

inline bool appends(std::ios_base::openmode mode) noexcept {
    return (mode & std::ios_base::app) != 0;
}

}  // namespace tempfile
