/// @file
/// Removing in the background: `tempfile::cleanup::background`, `tempfile::wait_for_cleanup` and
/// `tempfile::cleanup_at_exit`. For large trees and large files, whose removal nobody wants to wait for.
///
/// @code
/// tempfile::temporary_directory dir({.cleanup = tempfile::cleanup::background});
/// std::ofstream(dir / "a.txt") << "hello";
/// dir.cleanup();                                        // takes no longer for a million files
/// assert(!std::filesystem::exists(dir.path()));         // the name is gone; the rest goes meanwhile
/// assert(tempfile::wait_for_cleanup());                 // now all of it is
/// @endcode
///
/// **A directory** is given another name beside its own, of fresh random characters, and a thread of the library, the
/// worker, removes it there. It stays in the registry under that name, so that a sweep finishes what a killed process
/// had begun. One that is empty is removed at once, and so is one that cannot be renamed.
///
/// **A file** whose last handle is closed can take long, too: the system gives its pages back one by one, 50
/// microseconds for each MiB and more. One of at least `large_file` bytes is closed by the worker. That holds for files
/// without a name, and for named ones that are open when their name is removed. Writing what was buffered is not
/// handed over: `close()` reports it as ever.
///
/// **What the worker cannot do** is told to the report hook (report.hpp), in the worker's thread; what could not be
/// removed stays in the registry.
///
/// **The thread** is started with the first hand-over and ends when there is nothing more to be done. It handles no
/// signals. At most 64 directories and files wait for it, with a descriptor each; what comes then, or when no thread
/// can be started, is removed at once, by whoever asked for it. **Fork:** a child has no worker, and does nothing of
/// what its parent handed over; what it hands over itself is done. `exec` and `_exit` leave to the next sweep what is
/// not done. Before chroot(2), before rights are given up as by setuid(2), or before a file system is unmounted, wait
/// for the worker. **Signals:** `cleanup_on_signals` and `cleanup_all()` remove what was handed over as well.

#pragma once

#include <chrono>
#include <cstdint>

namespace tempfile {

/// Who removes a directory or gives up a large file when its time comes.
enum class cleanup {
    now,         ///< The thread in which the object is destroyed, closed or cleaned up: then it is gone afterwards.
    background,  ///< The worker: then its name is gone afterwards, and the rest soon.
};

/// Smaller files are closed at once: that takes less than a millisecond.
inline constexpr std::uint64_t large_file = 16 * 1024 * 1024;

/// Waits until all that was handed over is gone, or could not be removed, which the report hook was told; but not
/// longer than `at_most`. From any thread; in the report hook itself it does not wait.
/// @return whether nothing is left to be done.
bool wait_for_cleanup(std::chrono::milliseconds at_most = std::chrono::milliseconds::max()) noexcept;

/// From now on the end of the process, by the end of `main`, `std::exit` or `quick_exit`, waits at most so long for
/// what was handed over; without this call, until all of it is gone. Then the worker stops, within some milliseconds
/// where nothing in the tree is busy, and what is left is removed by the next sweep (sweep.hpp). Where no sweep could
/// find it, because there is no registry (`explain_crash_safety()`), it waits until all is gone nevertheless. It waits
/// before static objects are destroyed that were there at the first hand-over, so that the report hook can use them;
/// what such objects hand over when they are destroyed, once more after that. From any thread.
void cleanup_at_exit(std::chrono::milliseconds at_most) noexcept;

}  // namespace tempfile
