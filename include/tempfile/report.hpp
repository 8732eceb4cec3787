/// @file
/// What destructors have to say: `tempfile::set_report_hook`. A destructor cannot throw, and this library never prints;
/// a program that wants to know names a function. `cleanup()` tells it, too, when it keeps what it should remove.
///
/// @code
/// tempfile::set_report_hook([](const tempfile::report& r) noexcept {
///     if (r.what == tempfile::report_event::kept)
///         std::clog << "look at " << r.path << '\n';
///     else
///         std::clog << r.path << ": " << r.error.message() << '\n';
/// });
/// @endcode
///
/// **Keep it, so that one can look.** With `TEMPFILE_KEEP=1` in the environment of a program its named temporary files
/// and temporary directories stay when their time comes, whatever ends it; with `TEMPFILE_KEEP=on-error` those stay
/// that are destroyed while an exception unwinds the block they are in. The hook is told each path. Such a file or
/// directory is not in the registry any more, so that no sweep removes it. A set-user-id program does not look at its
/// environment. The variable is read once, with the first named object.

#pragma once

#include <string_view>
#include <system_error>

namespace tempfile {

/// What happened in a destructor, for `kept` in `cleanup()`, or in the background (cleanup.hpp).
enum class report_event {
    kept,         ///< It was to be removed and stays, because TEMPFILE_KEEP asks for that.
    not_removed,  ///< It, or something in the directory, could not be removed: one report for each such path, but for
                  ///< more than `removal_report::kept` in a directory one for all the rest, with the path of the
                  ///< directory. It stays in the registry: a sweep tries again when this process is dead.
    not_written,  ///< A file that stays could not take what was still buffered, or could not be closed.
    not_closed,   ///< Closing a large file in the background (cleanup.hpp) was an error. The file, which has no name
                  ///< (any more), is gone all the same.
};

/// What the hook is told.
struct report {
    report_event what;      ///< What happened.
    std::string_view path;  ///< To which file or directory: an absolute path, valid during the call. Empty when it has
                            ///< no name.
    std::error_code error;  ///< Why; none when it was kept.
};

/// Is called from destructors and `cleanup()`, in whatever thread they run, also while an exception unwinds; and from
/// the worker of cleanup.hpp, at any time.
using report_hook = void (*)(const report&) noexcept;

/// From now on this function is told, instead of the one before; null for none, as at the beginning. Of the whole
/// process; may be called from any thread. @return the one before.
report_hook set_report_hook(report_hook hook) noexcept;

}  // namespace tempfile
