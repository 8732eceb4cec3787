// Directories of ours whose mode stands in the way of their removal are made accessible: through a descriptor that
// holds them, never through a name, which may lead to something else by now (CVE-2023-6597).

#pragma once

#include <cerrno>
#include <cstdint>

#include "sys/sys.hpp"
#include "tempfile/file.hpp"

namespace tempfile {

// Gives its owner every right on an open directory; EACCES when that is not us, or the mode was not the reason.
// `before` is the mode that it had.
sys::error make_accessible(sys::handle directory, std::uint32_t& before) noexcept;

// Opens a directory that may not be read. EACCES when it is not ours, or accept(metadata) says no. `before` as above.
template <class Accept>
sys::error open_inaccessible(sys::handle at, const char* name, sys::handle& opened, std::uint32_t& before,
                             Accept accept) {
    sys::handle by_path = sys::no_handle;
    sys::metadata meta;
    if (const sys::error e = sys::call.open_path(at, name, by_path)) {
        return e;
    }
    const file held(by_path);
    sys::error e = sys::call.stat(by_path, meta);
    if (e == 0 && (meta.owner != sys::call.effective_user() || !accept(meta))) {
        e = EACCES;
    }
    if (e == 0) {
        e = sys::call.set_path_permissions(by_path, meta.permissions | 0700U);
        e = e == ENOENT ? EACCES : e;  // what does not exist is /proc, not the directory
        if (e == 0) {
            before = meta.permissions;
            e = sys::call.open_directory(by_path, ".", opened);
            if (e != 0) {
                sys::call.set_path_permissions(by_path, before);
            }
        }
    }
    return e;
}

}  // namespace tempfile
