#include "orphan.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <limits>

#include "remove_tree.hpp"
#include "repair.hpp"

namespace tempfile {
namespace {

using registry_format::kind;

constexpr std::uint64_t most_nanoseconds = std::numeric_limits<std::int64_t>::max();

bool is_recorded(const registry_record& record, const sys::metadata& there, bool rebooted) noexcept {
    const bool ours = there.owner == sys::call.effective_user();
    if (record.what == kind::file) {
        // Before it is published, a file gets the owner of the one it replaces: it was identified before that.
        const bool identified = record.born != 0 && record.born == there.born && record.id.inode == there.id.inode;
        return there.what == sys::kind::file && (ours || identified);
    }
    if (!ours) {
        return false;
    }
    // ext4 gives the inode of a directory that went to the next one that is made, but not its time of birth. And
    // numbers of devices change when a file system is mounted anew, as at the start of the system.
    const bool born_known = record.born != 0 && there.born != 0;
    const bool born_then = born_known && record.born == there.born;
    const bool same_device = record.id.device == there.id.device || rebooted || born_then;
    const bool same = record.id.inode == there.id.inode && same_device && (born_then || !born_known);
    // Not identified yet: its maker was killed before it could open it, so that it must be empty.
    return there.what == sys::kind::directory && (same || record.id.inode == 0);
}

struct how_to_remove {
    std::uint64_t end;  // on the steady clock
    const removal_progress_callback& progress;
    removal_report& report;
};

problem remove_held(const std::string& path, sys::handle held, const how_to_remove& how) {
    const std::uint64_t now = sys::call.steady_clock();
    const std::chrono::nanoseconds left(std::min(how.end - std::min(now, how.end), most_nanoseconds));
    return remove_held_tree(path, held,
                            {.threads = no_threads_of_ours,
                             .at_most = std::chrono::duration_cast<std::chrono::milliseconds>(left),
                             .progress = how.progress},
                            how.report);
}

problem remove_directory(const registry_record& record, bool rebooted, const how_to_remove& how) {
    if (record.id.inode == 0) {
        const sys::error e = sys::call.remove_directory(sys::working_directory, record.path.c_str());
        how.report.entries += e == 0 ? 1 : 0;
        return e == 0 ? no_problem() : system_problem("cannot remove a temporary directory", record.path, e);
    }
    sys::handle h = sys::no_handle;
    sys::error e = sys::call.open_directory(sys::working_directory, record.path.c_str(), h);
    std::uint32_t mode = 0;
    const bool locked = e == EACCES;  // its mode was changed
    if (locked) {
        e = open_inaccessible(sys::working_directory, record.path.c_str(), h, mode,
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
    problem p = e == 0 ? remove_held(record.path, h, how)
                       : system_problem("cannot remove a temporary directory", record.path, e);
    if (locked && !held.closed()) {
        sys::call.set_permissions(h, mode);
    }
    return p;
}

}  // namespace

sys::error examine_orphan(const registry_record& record, bool rebooted) noexcept {
    sys::metadata there;
    if (const sys::error e = sys::call.stat_at(sys::working_directory, record.path.c_str(), there)) {
        return e == ENOTDIR ? ENOENT : e;
    }
    return is_recorded(record, there, rebooted) ? 0 : ESTALE;
}

bool is_replaced(const registry_record& record) noexcept {
    sys::metadata there;
    if (sys::call.stat_at(sys::working_directory, record.path.c_str(), there) != 0) {
        return false;
    }
    if (record.what == kind::file) {
        return there.what != sys::kind::file;
    }
    const bool born_known = record.born != 0 && there.born != 0;
    return there.what != sys::kind::directory || (record.id.inode != 0 && record.id.inode != there.id.inode) ||
           (born_known && record.born != there.born);
}

problem remove_orphan(const registry_record& record, bool rebooted, std::uint64_t end,
                      const removal_progress_callback& progress, removal_report& report) {
    sys::error e = examine_orphan(record, rebooted);
    if (e == 0 && record.what == kind::directory) {
        return remove_directory(record, rebooted, {end, progress, report});
    }
    if (e == 0) {
        e = sys::call.remove_file(sys::working_directory, record.path.c_str());
        report.entries += e == 0 ? 1 : 0;
    }
    return e == 0 ? no_problem() : system_problem("cannot remove what was recorded", record.path, e);
}

}  // namespace tempfile
