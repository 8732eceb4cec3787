/// @file
/// Where temporary files go when nobody says: the directory, how it was found, and how to choose another.
///
/// @code
/// std::cout << tempfile::gettempdir() << '\n';           // "/tmp", most often
///
/// for (const auto& c : tempfile::explain().candidates)   // why that one, and why no other
///     std::cout << c.origin << ' ' << c.dir << ": " << c.error.message() << '\n';
///
/// auto mine = tempfile::mkdtemp();
/// {
///     tempfile::scoped_tempdir here(mine);               // for this thread, until the end of the block
///     assert(tempfile::gettempdir() == mine);
/// }
/// std::filesystem::remove(mine);
/// @endcode
///
/// **The order is Python's**: the directories named by the environment variables `TMPDIR`, `TEMP` and `TMP`, then
/// `/tmp`, `/var/tmp`, `/usr/tmp`, then the working directory. The first one wins in which a file can be made and
/// written: each is tried for real, since permission bits say nothing about a read-only or full file system. In a
/// set-user-id program the environment is not looked at (secure_getenv(3)), because it belongs to the caller. The
/// search runs once in a process; its answer is kept, and looked for again when the directory is gone.
///
/// **Threads.** Everything here may be called from any thread at any time, but for a search while another thread
/// changes the environment (setenv(3) is not thread-safe beside getenv(3)): ask once before there are others.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace tempfile {

/// The directory in which temporary files are made by default, as an absolute path.
///
/// It is, in this order: the innermost `scoped_tempdir` of this thread, the value of `tempdir`, the first usable
/// candidate.
/// @throws std::filesystem::filesystem_error with the last candidate's code when no candidate is usable; the message
/// names them all.
[[nodiscard]] std::filesystem::path gettempdir();
[[nodiscard]] std::filesystem::path gettempdir(std::error_code& ec);

/// A place where temporary files could go, and what came of trying it.
struct candidate {
    std::filesystem::path dir;  ///< Absolute.
    std::string origin;  ///< `scoped_tempdir`, `tempdir`, `$TMPDIR`, `$TEMP`, `$TMP`, `default` or `working directory`.
    std::error_code error;  ///< Why it cannot be used; no error when it can.
    bool chosen = false;    ///< The one that `gettempdir()` answers.
    /// Others can rename and remove what is made in it: it is theirs, or they may write to it and it has no sticky bit.
    bool exposed = false;
};

/// The answer of `explain()`.
struct explanation {
    std::filesystem::path dir;          ///< What `gettempdir()` answers; empty when no candidate is usable.
    std::vector<candidate> candidates;  ///< All of them, in order, also those behind the chosen one.
    bool environment_ignored = false;   ///< True in a set-user-id program.
};

/// Tries every candidate anew and tells the verdict on each: a `TMPDIR` that is set but unusable is found here. An
/// override (`scoped_tempdir`, `tempdir`) is listed first; being the program's explicit wish it is chosen even when it
/// is unusable, so that its error shows.
///
/// Makes and removes a small file in each candidate; changes nothing that `gettempdir()` answers.
[[nodiscard]] explanation explain();

/// The type of `tempdir`.
class tempdir_variable {
public:
    constexpr tempdir_variable() noexcept = default;
    tempdir_variable(const tempdir_variable&) = delete;

    /// Makes `dir` the default directory of the whole process, from now on and for all threads. A relative path is made
    /// absolute now. It need not exist yet; it is not tried. `std::nullopt` forgets both the override and the kept
    /// answer of the search, so that the next use searches again.
    /// @throws std::filesystem::filesystem_error when a relative path cannot be made absolute;
    ///         std::invalid_argument when `dir` is empty or contains a NUL byte.
    void operator=(std::optional<std::filesystem::path> dir) const;  // NOLINT(misc-unconventional-assign-operator)

    /// The override in force, if any.
    [[nodiscard]] std::optional<std::filesystem::path> value() const;
};

/// Python's settable `tempfile.tempdir`:
/// @code
/// tempfile::tempdir = "/var/tmp";
/// assert(tempfile::gettempdir() == "/var/tmp");
/// tempfile::tempdir = std::nullopt;
/// @endcode
inline constexpr tempdir_variable tempdir;

/// Overrides `gettempdir()` for the thread that makes it, as long as it lives. They nest like blocks: the innermost
/// counts. Does not own the directory.
class [[nodiscard]] scoped_tempdir {
public:
    /// @throws as `tempdir_variable::operator=`.
    [[nodiscard]] explicit scoped_tempdir(const std::filesystem::path& dir);
    ~scoped_tempdir();
    scoped_tempdir(const scoped_tempdir&) = delete;
    scoped_tempdir& operator=(const scoped_tempdir&) = delete;

private:
    friend struct location_access;
    std::string dir_;
    const scoped_tempdir* outer_;
};

}  // namespace tempfile
