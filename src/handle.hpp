// What every handle goes through before it is handed out.

#pragma once

#include "sys/sys.hpp"

namespace tempfile {

// Temporary files live long: one that took the place of a closed standard stream would get what somebody prints.
inline sys::error keep_off_standard_streams(sys::handle& h) noexcept {
    if (h >= sys::first_free_handle) {
        return 0;
    }
    sys::handle higher = sys::no_handle;
    const sys::error e = sys::call.duplicate(h, higher);
    sys::call.close(h);
    h = e == 0 ? higher : sys::no_handle;
    return e;
}

}  // namespace tempfile
