/// @file
/// What goes when a signal ends the process: `tempfile::cleanup_on_signals`, and `tempfile::cleanup_all` for handlers
/// of your own.
///
/// @code
/// tempfile::cleanup_on_signals();                       // SIGHUP, SIGINT, SIGTERM: once, at the beginning of main
/// tempfile::named_temporary_file scratch;               // gone after Ctrl-C, too
/// tempfile::temporary_directory dir;                    // with everything in it
/// @endcode
///
/// Without this a signal leaves to the next sweep what has a name (sweep.hpp), as `kill -9` does in any case. What has
/// no name is gone anyway.

#pragma once

#include <csignal>
#include <initializer_list>
#include <system_error>

namespace tempfile {

/// Arranges that these signals remove every named file and temporary directory of the process, and then do what they
/// did before: end the process, so that its parent sees that signal, or call the handler that was there. (Process 1 of
/// a container, which the system does not end by a signal, ends with status 128 and the signal's number.) A process
/// that goes on after its handler goes on without its temporary files; if it shall keep them, do not name that signal
/// here.
///
/// A signal that is ignored, as `nohup` does with SIGHUP, stays ignored. One that was named before stays as it is. Set
/// your own handlers first: one that is set later replaces this, and can call `cleanup_all()`.
///
/// **Between any two instructions.** What is being made, closed or kept when the signal comes is either still the
/// object's, and goes, or not, and is not touched. Other threads go on meanwhile: they may find their files gone, and
/// what they make at that very moment may be left to the next sweep. Nothing is allocated and no lock is taken
/// (signal-safety(7)). A process that was forked removes only what it made itself.
///
/// @throws std::invalid_argument for a signal that cannot be caught or does not end a process;
///         std::system_error if the system refuses.
void cleanup_on_signals(std::initializer_list<int> signals = {SIGHUP, SIGINT, SIGTERM});
/// As above, with EINVAL for a signal that makes no sense. When `ec` is set, nothing was arranged for that signal.
void cleanup_on_signals(std::initializer_list<int> signals, std::error_code& ec);

/// Removes every named file and temporary directory of the process, now; for signal handlers, in which it may be
/// called, and wherever the process ends in a way that runs no destructors. The objects stay usable as far as a file
/// without a name is; destroying them is harmless. What cannot be removed is left to the next sweep.
void cleanup_all() noexcept;

}  // namespace tempfile
