/// @file
/// `tempfile::temporary_directory`: a private directory, removed with everything in it; Python's `TemporaryDirectory`.
///
/// @code
/// tempfile::temporary_directory dir({.prefix = "build-"});
/// std::ofstream(dir / "a.txt") << "hello";
/// std::filesystem::create_directory(dir / "sub");
/// dir.cleanup();                                        // reports errors; the destructor cannot
/// assert(!std::filesystem::exists(dir.path()));
/// @endcode
///
/// **Ownership.** The object owns the directory and all that is in it when its time comes. `keep()` gives it to the
/// caller.
///
/// **Nobody else gets in.** The mode is exactly 0700 from the first instant. Removal goes through the descriptor held
/// since the creation and down from there relative to descriptors: no symbolic link is ever followed, no mount is
/// entered, and nothing outside the tree is touched, also while somebody swaps entries. If the name leads to something
/// else by then, because the directory was moved away or replaced, neither is emptied (what goes is an empty directory
/// at the name, which is ours). Any depth is removed with a constant number of descriptors. Where the modes of our own
/// directories stand in the way, they are changed through a held descriptor.
///
/// **Fork.** It belongs to the process that made it: in a forked child the destructor deletes nothing.
///
/// **After a kill** the next sweep removes it (sweep.hpp). **Cleaners**: it holds a shared lock on its descriptor, so
/// that systemd-tmpfiles leaves it alone while it lives (tmpfiles.d(5)).

#pragma once

#include <tempfile/cleanup.hpp>
#include <tempfile/file.hpp>
#include <tempfile/name.hpp>
#include <tempfile/named_temporary_file.hpp>
#include <tempfile/persist.hpp>
#include <tempfile/registration.hpp>
#include <tempfile/remove_tree.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace tempfile {

/// What a `temporary_directory` can be told.
struct temporary_directory_options {
    std::string prefix{gettempprefix()};  ///< What the name begins with.
    std::string suffix{};                 ///< What it ends with.
    std::filesystem::path dir{};          ///< Where; empty means `gettempdir()`.
    delete_when deletion =
        delete_when::destroyed;          ///< `never` leaves it to the caller (`closed` means the same as `destroyed`).
    bool ignore_cleanup_errors = false;  ///< `cleanup()` removes what it can and does not complain.
    tempfile::cleanup cleanup = tempfile::cleanup::now;  ///< Who removes what is in it (cleanup.hpp).
};

/// A private directory that goes, with everything in it, when its time comes.
class [[nodiscard]] temporary_directory {
public:
    /// Makes the directory, empty.
    /// @throws std::filesystem::filesystem_error with the parent and the system's code;
    ///         std::invalid_argument for a bad prefix or suffix (name.hpp).
    [[nodiscard]] temporary_directory();
    [[nodiscard]] explicit temporary_directory(const temporary_directory_options& options);
    /// As above; on error `ec` is set and the object owns nothing.
    [[nodiscard]] temporary_directory(const temporary_directory_options& options, std::error_code& ec);

    /// The moved-from object owns nothing.
    temporary_directory(temporary_directory&& other) noexcept;
    /// Ends what was here as the destructor does, then takes over.
    temporary_directory& operator=(temporary_directory&& other) noexcept;
    temporary_directory(const temporary_directory&) = delete;
    temporary_directory& operator=(const temporary_directory&) = delete;

    /// Removes it, unless it is to be kept. Errors are told to the report hook (report.hpp); `cleanup()` throws them.
    ~temporary_directory();

    /// Exchanges everything.
    void swap(temporary_directory& other) noexcept;
    friend void swap(temporary_directory& a, temporary_directory& b) noexcept { a.swap(b); }

    /// Its absolute name (Python: `name`), also after cleanup; empty when moved from. Not on a temporary object: the
    /// directory would be gone before the name is used.
    [[nodiscard]] std::filesystem::path path() const& { return path_; }
    std::filesystem::path path() const&& = delete;

    /// `dir / "a.txt"`: a path inside.
    [[nodiscard]] friend std::filesystem::path operator/(const temporary_directory& dir,
                                                         const std::filesystem::path& inside) {
        return dir.path() / inside;
    }
    friend std::filesystem::path operator/(temporary_directory&& dir, const std::filesystem::path& inside) = delete;

    /// The descriptor held since the creation, still owned by this object, for `openat` and the like; -1 when nothing
    /// is held.
    [[nodiscard]] file::native_handle_type native_handle() const noexcept { return handle_.native_handle(); }

    /// Cancels the deletion: from now on the directory is the caller's. Waits until the disk knows that it is not to be
    /// removed any more, or a power cut could undo it. @return the path.
    std::filesystem::path keep();

    /// Moves it with everything in it to its final name, on the same file system: from then on it is the caller's.
    /// `if_exists::replace` exchanges it for a directory that stands there, which is then removed; with
    /// `if_exists::exchange` that one stays, at `persisted::previous`. Mode, owner and so on are those of the one that
    /// is replaced or of a new directory there; what is in it is left as it is. Any durability waits for the whole file
    /// system. @return what was achieved: where the file system cannot rename without replacing (some FUSE) a new
    /// target is seen empty for a moment, and it is not `atomic`.
    /// @throws std::system_error; then the object still owns it, and the call can be repeated. EXDEV on another file
    ///         system; EINVAL where the file system cannot exchange; ENOTDIR when something else stands there.
    persisted persist(const std::filesystem::path& target, const persist_options& rules = {});
    persisted persist(const std::filesystem::path& target, const persist_options& rules, std::error_code& ec);

    /// The same, with EEXIST when something stands there.
    persisted persist_noclobber(const std::filesystem::path& target, persist_options rules = {}) {
        rules.existing = if_exists::refuse;
        return persist(target, rules);
    }
    persisted persist_noclobber(const std::filesystem::path& target, persist_options rules, std::error_code& ec) {
        rules.existing = if_exists::refuse;
        return persist(target, rules, ec);
    }

    /// From now on the directory belongs to the calling process, if that is a child forked since it was made; then the
    /// parent calls `keep()`. In between both own it.
    void adopt();

    /// Does the name still lead to this directory?
    [[nodiscard]] bool still_there() const noexcept;

    /// Removes it with everything in it, now, and reports; whatever `deletion` says, but not after `keep()`. An error
    /// does not stop the rest from being removed. What could not be removed is still owned: the call can be repeated.
    /// Twice is harmless; a name that leads nowhere any more is no error, also when somebody moved the directory away,
    /// who then has it, untouched. What is busy is waited for, a quarter of a second altogether, by the destructor too.
    /// Where the environment has TEMPFILE_KEEP it keeps instead (report.hpp).
    ///
    /// With `cleanup::background` only the name is removed now (cleanup.hpp); the report says `handed_over` and not
    /// `complete`. What cannot be handed over is removed as ever: then the report, or the exception, is the same, too.
    /// @return what was removed, and what was not (remove_tree.hpp).
    /// @throws removal_error with the first path that could not be removed, how many there were, and the report; ESTALE
    ///         when the name leads to something else; EPERM in a forked child, which does not own it. Nothing, with
    ///         `ignore_cleanup_errors`.
    removal_report cleanup();
    removal_report cleanup(std::error_code& ec);

    /// The same, where it may take long: `progress` is asked about every 64 entries, in this thread, and false stops
    /// the removal (remove_tree.hpp). Then the rest is still owned, the report is not `complete`, and the error is
    /// std::errc::operation_canceled, which `ignore_cleanup_errors` ignores too. The destructor does not ask: whoever
    /// leaves the rest to the next sweep ends the process without it. What is handed over to the background is not
    /// asked about.
    /// @throws what `progress` throws, besides; the rest is still owned then, too.
    removal_report cleanup(const removal_progress_callback& progress);
    removal_report cleanup(const removal_progress_callback& progress, std::error_code& ec);

private:
    problem make(const temporary_directory_options& options);
    problem remove_now(removal_report& report, const removal_progress_callback& progress = {});
    bool remove_later(removal_report& report);
    void give_away() noexcept;
    problem persist_now(const std::filesystem::path& target, const persist_options& rules, persisted& result);

    std::string path_;
    file handle_;
    registration registration_;
    delete_when deletion_ = delete_when::never;
    bool ignore_cleanup_errors_ = false;
    tempfile::cleanup cleanup_ = tempfile::cleanup::now;
    bool owns_ = false;
    std::error_code damage_;  // of a disk that failed in persist()
};

}  // namespace tempfile
