#include "repair.hpp"

namespace tempfile {

sys::error make_accessible(sys::handle directory, std::uint32_t& before) noexcept {
    sys::metadata meta;
    const bool lacks_rights = sys::call.stat(directory, meta) == 0 && meta.owner == sys::call.effective_user() &&
                              (meta.permissions & 0700U) != 0700U;
    if (!lacks_rights) {
        return EACCES;
    }
    before = meta.permissions;
    return sys::call.set_permissions(directory, meta.permissions | 0700U);
}

}  // namespace tempfile
