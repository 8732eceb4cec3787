// Whether a process that wrote something down still runs.

#pragma once

#include "sys/sys.hpp"

namespace tempfile {

enum class liveness {
    dead,
    alive,
    unknown,  // it cannot be seen from here: another machine, or a process namespace that may still be in use
};

// As the process `self` sees it.
liveness liveness_of(const sys::process_identity& process, const sys::process_identity& self);

}  // namespace tempfile
