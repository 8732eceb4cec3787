/// @file
/// `tempfile::remove_tree`: removes a directory with everything in it, however deep it is and whoever meddles; Python's
/// `shutil.rmtree`, the shell's `rm -rf`.
///
/// @code
/// std::filesystem::create_directories("build/deep/er");
/// std::ofstream("build/deep/a.o") << "x";
/// const tempfile::removal_report report = tempfile::remove_tree("build");
/// assert(report.entries == 4);                          // three directories and a file
/// assert(!std::filesystem::exists("build"));
/// @endcode
///
/// **Nothing else is touched.** Everything is done relative to descriptors; no symbolic link is followed, the last
/// component of the path included; no mount in it is entered unless `cross_mounts` asks for that (a path that is one
/// itself is emptied); what is not a directory is never opened. Somebody who swaps entries meanwhile gains nothing. The
/// root directory, the working directory, what that is in, and paths that end in `.` or `..` are refused.
///
/// **Modes.** A directory of ours whose mode stands in the way is made accessible, through a descriptor that holds it;
/// if it stays, it gets its mode back.
///
/// **Perseverance.** An error does not stop the rest. What appears meanwhile goes too. What is busy (but for what is
/// mounted), or comes back under another name (`.nfs*`, `.fuse_hidden*`), is tried again when all the rest is gone, for
/// `patience` altogether, and then reported.
///
/// **Bounds.** At most ten descriptors at any depth, with several threads sixteen for each and as many again while they
/// are started, and a small stack. Memory, for each thread: the names of about 20,000 directories that are still to be
/// gone through, and of 16 in each one on the way; at most 100,000 entries of a large directory; of what could not be
/// removed 4,096 names in each directory on the way; and about a hundred bytes a level: what each directory on the way
/// was, which is proved again on the way back.
///
/// **Threads.** May be called from any thread; the directory in question is the caller's business. It starts threads of
/// its own only as `remove_options::threads` says, and all of them are gone when it returns.

#pragma once

#include <tempfile/file.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace tempfile {

/// How far a removal is.
struct removal_progress {
    std::uint64_t entries;  ///< Removed so far, of whatever kind.
    std::uint64_t bytes;    ///< As in `removal_report`.
    std::string_view path;  ///< The directory that is being emptied, as in `removal_failure`; valid during the call.
};

/// Is told how far a removal is, and answers whether it goes on: false stops it.
using removal_progress_callback = std::function<bool(const removal_progress&)>;

/// What `remove_tree()` can be told.
struct remove_options {
    bool contents_only = false;  ///< Empty the directory, which stays. What is no directory is refused: ENOTDIR.
    bool cross_mounts = false;   ///< Empty file systems that are mounted in it too. (Mount points stay: EBUSY.)
    bool count_bytes = false;    ///< Fill in `removal_report::bytes`. It costs a stat(2) for each file, and one large
                                 ///< directory is not shared then.
    unsigned threads = 0;        ///< How many work at the same time, in different directories and, on ext4, two in a
                                 ///< large one. 0: one, until 1,000 entries are gone, or found in one directory, and
                                 ///< some can be shared; then as many as there are processors, at most 4, but on
                                 ///< btrfs always one. Never more than 16, and fewer where descriptors are short.
    std::chrono::milliseconds at_most = std::chrono::hours(24);  ///< Then it stops, within some milliseconds.
    std::chrono::milliseconds patience{250};  ///< How long to wait, altogether, for what is busy or comes back.
    /// Is asked about every 64 entries, whether they can be removed or not, after any that took more than about 20
    /// milliseconds, and told the end: false stops the removal.
    /// In whatever thread, but in one at a time; in those that were started for the removal all signals are blocked,
    /// and fork(2) is not for them. An exception stops the removal and reaches the caller.
    removal_progress_callback progress{};
};

/// Something that could not be removed.
struct removal_failure {
    std::filesystem::path path;  ///< Which: the path that was given, and the way from there; beyond 16 KiB `...` is for
                                 ///< what is between that and the last component.
    std::string_view operation;  ///< What was tried: "remove", "list", "enter", "cross into the mount", and so on.
    std::error_code error;       ///< What the system said.
};

/// What a removal did.
struct removal_report {
    static constexpr std::size_t kept = 16;  ///< So many failures are kept.

    std::uint64_t entries = 0;              ///< Removed, of whatever kind: files, directories, links, and so on.
    std::uint64_t bytes = 0;                ///< With `count_bytes`: the sizes of files whose last name was removed.
    std::vector<removal_failure> failures;  ///< The first ones.
    std::uint64_t failed = 0;               ///< How many there were.
    std::chrono::nanoseconds took{};        ///< How long it took.
    bool complete = true;                   ///< All is gone. False after a failure, and when it was stopped.
    bool handed_over = false;               ///< It has lost its name, and is removed in the background (cleanup.hpp):
                                            ///< the rest of this report knows nothing of that.
    std::string refusal;                    ///< Why the path is refused, in words; then nothing was removed.
};

/// Is thrown when something was left: an error of the file system, with the first failure's path and code, and the
/// report of all. ECANCELED when it was stopped, by `at_most` or by `progress`.
class removal_error : public std::filesystem::filesystem_error {
public:
    /// Of a file system's error, and the report.
    removal_error(const std::string& what, const std::filesystem::path& path, std::error_code code,
                  removal_report report);
    /// Copies share the report.
    removal_error(const removal_error&) noexcept = default;
    removal_error& operator=(const removal_error&) noexcept = default;
    ~removal_error() override;

    /// What was removed all the same, and what was not.
    [[nodiscard]] const removal_report& report() const noexcept { return *report_; }

private:
    std::shared_ptr<const removal_report> report_;  // exceptions are copied, and that must not fail
};

/// Removes what stands at `path`: a directory with everything in it, a file, a link and not what it leads to. As with
/// `std::filesystem::remove_all`, it is no error when nothing stands there. (A path that ends in a slash means a
/// directory; what is none then stays: ENOTDIR.)
/// @throws removal_error when something was left; std::invalid_argument for a path that is refused, before anything is
///         removed; what `progress` throws. That and std::bad_alloc come when all threads have ended, and directories
///         that were made accessible have their modes back, as far as the way to them is still found.
removal_report remove_tree(const std::filesystem::path& path, const remove_options& options = {});
/// As above; what is wrong is in `ec`: the first failure's code, std::errc::operation_canceled when it was stopped,
/// std::errc::invalid_argument for a path that is refused (`removal_report::refusal` says why).
removal_report remove_tree(const std::filesystem::path& path, const remove_options& options, std::error_code& ec);

/// The same for a directory that the caller holds open, and goes on holding: it is emptied through the descriptor and
/// removed by its name `path`, if that leads to it. If it leads to something else, neither is touched: ESTALE. If it
/// leads nowhere, there is nothing to be done. With `contents_only` the path is for messages.
removal_report remove_tree(file::native_handle_type directory, const std::filesystem::path& path,
                           const remove_options& options = {});
removal_report remove_tree(file::native_handle_type directory, const std::filesystem::path& path,
                           const remove_options& options, std::error_code& ec);

}  // namespace tempfile
