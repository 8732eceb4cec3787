// Removing what a process left.

#pragma once

#include "problem.hpp"
#include "registry_file.hpp"
#include "tempfile/remove_tree.hpp"

namespace tempfile {

// Removes what stands at the path of the record, if it is what was written down: a regular file of this user, or the
// very directory. ESTALE when something else stands there, ENOENT when nothing does. `rebooted` says that the record is
// from before the last start of the system: numbers of devices may have changed since. A large tree stops some
// milliseconds after `end`, on the steady clock, or when `progress` says so: ECANCELED. The report says what went.
problem remove_orphan(const registry_record& record, bool rebooted, std::uint64_t end,
                      const removal_progress_callback& progress, removal_report& report);

// What remove_orphan() would answer before it removes anything; 0 when it would begin.
sys::error examine_orphan(const registry_record& record, bool rebooted) noexcept;

// Whether it is certain that something else stands there, so that ours is gone for good. Of another owner's it is not,
// nor where only the number of the device tells them apart.
bool is_replaced(const registry_record& record) noexcept;

}  // namespace tempfile
