#include "orphan.hpp"

#include <cerrno>

#include "remove_tree.hpp"
#include "repair.hpp"

namespace tempfile {
namespace {

using registry_format::kind;

bool is_recorded(const registry_record& record, const sys::metadata& there, bool rebooted) noexcept {
    if (there.owner != sys::call.effective_user()) {
        return false;
    }
    if (record.what == kind::file) {
        return there.what == sys::kind::file;
    }
    // Not identified yet: its maker was killed before it could open it, so that it must be empty.
    const bool same = record.id.inode == 0 ||
                      (record.id.inode == there.id.inode && (rebooted || record.id.device == there.id.device));
    // ext4 gives the inode of a directory that went to the next one that is made.
    const bool born_then = record.born == 0 || there.born == 0 || record.born == there.born;
    return there.what == sys::kind::directory && same && born_then;
}

problem remove_directory(const registry_record& record, bool rebooted, std::uint64_t end) {
    if (record.id.inode == 0) {
        const sys::error e = sys::call.remove_directory(sys::working_directory, record.path.c_str());
        return e == 0 || e == ENOENT ? no_problem()
                                     : system_problem("cannot remove a temporary directory", record.path, e);
    }
    sys::handle h = sys::no_handle;
    sys::error e = sys::call.open_directory(sys::working_directory, record.path.c_str(), h);
    if (e == EACCES) {  // its mode was changed
        e = open_inaccessible(sys::working_directory, record.path.c_str(), h,
                              [&](const sys::metadata& m) { return is_recorded(record, m, rebooted); });
    }
    const file held(h);
    sys::metadata there;
    if (e == 0) {
        e = sys::call.stat(h, there);
    }
    if (e == 0 && !is_recorded(record, there, rebooted)) {
        e = ESTALE;
    }
    return e == ENOENT ? no_problem()
           : e != 0    ? system_problem("cannot remove a temporary directory", record.path, e)
                       : remove_tree(record.path, held, end);
}

}  // namespace

sys::error examine_orphan(const registry_record& record, bool rebooted) noexcept {
    sys::metadata there;
    if (const sys::error e = sys::call.stat_at(sys::working_directory, record.path.c_str(), there)) {
        return e == ENOTDIR ? ENOENT : e;
    }
    return is_recorded(record, there, rebooted) ? 0 : ESTALE;
}

problem remove_orphan(const registry_record& record, bool rebooted, std::uint64_t end) {
    sys::error e = examine_orphan(record, rebooted);
    if (e == 0 && record.what == kind::directory) {
        return remove_directory(record, rebooted, end);
    }
    if (e == 0) {
        e = sys::call.remove_file(sys::working_directory, record.path.c_str());
    }
    return e == 0 || e == ENOENT ? no_problem()
           : e == ESTALE         ? system_problem("something else stands at the recorded path", record.path, e)
                                 : system_problem("cannot remove a temporary file", record.path, e);
}

}  // namespace tempfile
