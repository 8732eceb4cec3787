/// @file
/// What dead processes left behind: `tempfile::sweep` removes it, `tempfile::leftovers` shows it, and what living
/// processes own.
///
/// @code
/// const tempfile::sweep_report report = tempfile::sweep();
/// for (const auto& gone : report.removed)
///     std::cout << gone.path << " of " << gone.program << " (" << gone.pid << ") is gone\n";
/// @endcode
///
/// **How it is known.** Every named file and every temporary directory is written into the registry of its process
/// before it exists and taken out after it is gone: a file in `/var/tmp/tempfile-UID`, else `/tmp/tempfile-UID`, mapped
/// into memory, so that a process that is killed at any instruction leaves a readable list. It costs no system call.
///
/// **Who is dead.** The registry's lock is free, and no process runs that has its number, its time of start, its
/// process namespace and its boot. Where that cannot be seen (another machine, or a process namespace that may still be
/// in use) its owner is out of sight, and everything is left alone.
///
/// **What goes.** What was written down, if it is a regular file or the very directory, and belongs to the calling
/// user. Something else at the same path is not touched: it is reported once, with ESTALE, and the record forgotten.
///
/// **When.** Whenever it is called; and once by itself, for at most 100 milliseconds, when a process makes its first
/// named file or directory, unless `sweep_at_first_use(false)` or `TEMPFILE_SWEEP=0` in the environment turn that off.
///
/// **Threads.** May be called from any thread, beside other sweeps of this and other processes.

#pragma once

#include <tempfile/remove_tree.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tempfile {

/// What is known of a process that wrote something down.
enum class owner_state {
    alive,         ///< It runs, or another sweep is at what it left.
    dead,          ///< It runs no more.
    out_of_sight,  ///< It is of another machine, or in a process namespace that cannot be looked into.
};

/// A file or directory in a registry.
struct registered {
    std::filesystem::path path;                     ///< Where it is, or may be.
    bool directory = false;                         ///< A temporary directory, else a file.
    std::chrono::system_clock::time_point created;  ///< When it was made.
    std::uint64_t pid = 0;                          ///< Of the process that made it, in that one's process namespace.
    std::string program;                            ///< That process's name or label, at most 63 bytes.
    owner_state owner = owner_state::out_of_sight;  ///< Whether that process runs.
    std::error_code error;  ///< Why it was left: ESTALE when something else stands there, ECANCELED when the time was
                            ///< up, or `progress` said so.
    std::filesystem::path in_the_way{};  ///< Of a directory that was left because of something in it: the first that
                                         ///< could not be removed; `error` is of that.
};

/// Why `sweep()` left a registry alone.
enum class skip_reason {
    alive,         ///< Its process runs, or another sweep is at it.
    out_of_sight,  ///< Its process is of another machine, or in a process namespace that cannot be looked into.
    damaged,       ///< It is no registry, or a damaged one. Nothing in it is believed, and all of it is left.
    newer,         ///< A newer version of this library made it.
    refused,       ///< A directory for registries that somebody else made or may enter: neither used nor repaired.
    unreadable,    ///< The system refuses to show it; `error` says why.
};

/// A registry, or a directory of them, that `sweep()` left alone.
struct skipped_registry {
    std::filesystem::path path;                    ///< Its own.
    skip_reason reason = skip_reason::unreadable;  ///< Why.
    std::uint64_t pid = 0;                         ///< Of its process, 0 when that cannot be read.
    std::string program;                           ///< Likewise; empty when that cannot be read.
    std::error_code error;                         ///< When it is unreadable.
};

/// What `sweep()` did.
struct sweep_report {
    std::vector<registered> removed;        ///< What is gone now; with `dry_run`, what would be.
    std::vector<registered> left;           ///< What dead processes left and could not be removed, each with its error.
    std::vector<skipped_registry> skipped;  ///< What was left alone, and why.
    bool complete = true;                   ///< False when the time was up, or `progress` said so.
};

/// How `sweep()` goes about it.
struct sweep_options {
    std::chrono::milliseconds at_most = std::chrono::hours(24);  ///< Then it stops, within some milliseconds.
    bool dry_run = false;                                        ///< Only tell what would go.
    /// Is asked, in this thread, before each file and directory that was written down, and about every 64 entries of a
    /// directory: false stops the sweep, as when the time is up. `removal_progress::entries` counts through the whole
    /// sweep, and `bytes` is 0.
    removal_progress_callback progress{};
};

/// Removes what dead processes of this user left. @throws nothing but std::bad_alloc, and what `progress` throws: what
/// fails is in the report.
sweep_report sweep(const sweep_options& options = {});

/// Whether this process sweeps by itself at its first named file or directory: false turns it off, if called before
/// that. `TEMPFILE_SWEEP=0` in the environment turns it off in any case.
void sweep_at_first_use(bool on) noexcept;

/// What `tmp ls` and others are told about this process from now on, in place of the program's name: its first 63
/// bytes, up to a NUL; the program's name again when it is empty. A forked child inherits it. May be called from any
/// thread.
void set_label(std::string_view label) noexcept;

/// What this process owns stands in its registry under the name of process `pid` from now on: should this process be
/// killed, a sweep leaves it alone until that one has ended, too. It is known by its time of start, so that the next
/// process of the same number is not taken for it. Our own number ends that. A forked child inherits it. May be called
/// from any thread. Who must be certain that the number does not change hands during the call opens a pidfd before it,
/// and sees afterwards that the process still runs (pidfd_open(2)).
/// @throws std::system_error: ESRCH when there is no such process, or it has ended; EACCES when it is hidden from us
///         (proc(5), hidepid); ENOTSUP and ENOENT without a /proc of our process namespace.
void set_owner(std::uint64_t pid);
void set_owner(std::uint64_t pid, std::error_code& ec) noexcept;

/// Everything in the registries of this user's processes, dead and alive, this one's included.
[[nodiscard]] std::vector<registered> leftovers();

/// A directory in which no registry could be made.
struct refused_directory {
    std::filesystem::path path;  ///< Its own.
    std::error_code error;       ///< Why: EPERM when somebody else made it or may enter it.
};

/// Whether what this process makes would be found by a sweep if it were killed now.
struct crash_safety {
    bool on = false;                         ///< It would.
    std::filesystem::path registry;          ///< Of this process, when on.
    std::error_code error;                   ///< Why not, when off; ENOENT when `TEMPFILE_REGISTRY` names no directory.
    std::vector<refused_directory> refused;  ///< What was tried before, in this order; also when on.
};
/// Makes the registry of this process, if that has not been tried yet, and tells about it.
[[nodiscard]] crash_safety explain_crash_safety();

}  // namespace tempfile
