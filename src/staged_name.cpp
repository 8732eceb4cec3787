#include "tempfile/staged_name.hpp"

#include <cerrno>

#include "sys/sys.hpp"

namespace tempfile {

void staged_name::remove() noexcept {
    if (!path.empty() && owner.ours()) {
        const sys::error e = sys::call.remove_file(sys::working_directory, path.c_str());
        if (e == 0 || e == ENOENT) {
            owner.leave();
        }
    }
    path.clear();
}

}  // namespace tempfile
