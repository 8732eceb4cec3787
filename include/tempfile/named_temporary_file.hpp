/// @file
/// `tempfile::named_temporary_file`: a file with a name, for other programs to open; Python's `NamedTemporaryFile`.
///
/// @code
/// tempfile::named_temporary_file report({.prefix = "report-", .suffix = ".csv"});
/// report << "a,b\n" << 1 << ',' << 2 << '\n';
/// report.flush();                                   // so that others see it
/// std::ifstream other(report.path());
/// std::string header;
/// std::getline(other, header);
/// assert(header == "a,b");
/// report.close();                                   // reports errors; the file is gone
/// assert(!std::filesystem::exists(report.path()));
/// @endcode
///
/// **Ownership.** The object owns the name and removes whatever stands there when its time comes, also what an editor
/// put there by rename: the name carries 64 random bits and is ours. `keep()` gives the name to the caller. The path is
/// absolute from birth; a change of the working directory does not matter.
///
/// **Fork.** The file belongs to the process that made it: in a forked child nothing deletes it. `close()` writes what
/// the child has in its copy of the buffer; the destructor does not, since for the child the file is none that stays.
///
/// **Nobody else gets in.** Made with O_EXCL and mode exactly 0600 in one call; close-on-exec.
///
/// **After a kill** the next sweep removes it (sweep.hpp). Use `temporary_file` where no name is needed.

#pragma once

#include <tempfile/cleanup.hpp>
#include <tempfile/file_object.hpp>
#include <tempfile/name.hpp>
#include <tempfile/persist.hpp>
#include <tempfile/registration.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace tempfile {

class problem;
struct publish_target;

/// When the name is removed; Python's `delete` and `delete_on_close` in one.
enum class delete_when {
    closed,     ///< By `close()` or the destructor. Python: delete=True, the default.
    destroyed,  ///< By the destructor or `cleanup()`, so that it can be closed and opened again by name. Python:
                ///< delete_on_close=False.
    never,      ///< By nobody: the caller's. Python: delete=False.
};

/// What a `named_temporary_file` can be told.
struct named_temporary_file_options {
    std::string prefix{gettempprefix()};         ///< What the name begins with.
    std::string suffix{};                        ///< What it ends with; say the dot yourself.
    std::filesystem::path dir{};                 ///< Where; empty means `gettempdir()`.
    delete_when deletion = delete_when::closed;  ///< When the name is removed.
    std::ios_base::openmode mode =
        std::ios_base::in | std::ios_base::out;          ///< `in`, `out`, `app`; the rest is ignored.
    std::size_t buffering = default_buffering;           ///< Bytes; 0 for none.
    newlines newline = newlines::raw;                    ///< Translation of line ends.
    tempfile::cleanup cleanup = tempfile::cleanup::now;  ///< Who closes a large one without a name (cleanup.hpp).
};

/// A file with a name that goes when its time comes.
class [[nodiscard]] named_temporary_file : public file_object {
public:
    /// Makes the file, open and empty.
    /// @throws std::filesystem::filesystem_error with the directory and the system's code;
    ///         std::invalid_argument for a bad prefix, suffix (name.hpp), mode or buffer size.
    [[nodiscard]] named_temporary_file();
    [[nodiscard]] explicit named_temporary_file(const named_temporary_file_options& options);
    /// As above; on error `ec` is set and the object is closed.
    [[nodiscard]] named_temporary_file(const named_temporary_file_options& options, std::error_code& ec);

    /// The moved-from object is closed and owns nothing.
    named_temporary_file(named_temporary_file&& other) noexcept;
    /// Ends what was here as the destructor does, then takes over.
    named_temporary_file& operator=(named_temporary_file&& other) noexcept;

    /// Closes, and removes the name unless it is to be kept. What is buffered is written only if the file stays. Errors
    /// are told to the report hook (report.hpp); `close()` and `cleanup()` throw them.
    ~named_temporary_file() override;

    /// Exchanges everything.
    void swap(named_temporary_file& other) noexcept;
    friend void swap(named_temporary_file& a, named_temporary_file& b) noexcept { a.swap(b); }

    /// Its absolute name (Python: `name`), also after it was closed; empty when moved from. Not on a temporary object:
    /// the file would be gone before the name is used.
    [[nodiscard]] std::filesystem::path path() const& { return path_; }
    std::filesystem::path path() const&& = delete;

    /// Cancels the deletion: from now on the name is the caller's. The file stays open and usable. After a `close()`
    /// that removed it there is nothing to keep. Waits until the disk knows that the file is not to be removed any
    /// more, or a power cut could undo it; `delete_when::never` from the beginning costs nothing. @return the path.
    std::filesystem::path keep();

    /// Moves it to its final name, by rename where that can be done: from then on it is the caller's file, and `path()`
    /// the new name. It stays open, if it is, and usable, but what is written from then on, everybody sees at once.
    /// When something else stands at the name by then, put there by an editor that saves by rename, that is published.
    /// @return what was achieved; persist.hpp has the rules.
    /// @throws std::system_error; then the object still owns its file, and the call can be repeated. EPERM in a forked
    ///         child, and when it is not this object's any more.
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

    /// From now on the file belongs to the calling process, if that is a child forked since the file was made; then the
    /// parent calls `keep()`. In between, and if neither or both end first, nothing is left behind: both own it.
    void adopt();

    /// Does the name still lead to this file? An editor that saves by rename, or a cleaner of `/tmp`, can change that.
    [[nodiscard]] bool still_there() const noexcept;

    /// Closes without writing out, and removes the name now, and reports; whatever `deletion` says, but not after
    /// `keep()`. A name that is gone already is no error. If it cannot be removed, the object still owns it. Where the
    /// environment has TEMPFILE_KEEP it keeps instead (report.hpp).
    /// @throws std::filesystem::filesystem_error; EPERM in a forked child, which does not own the file.
    void cleanup();
    void cleanup(std::error_code& ec);

private:
    void do_close() override;
    problem make(const named_temporary_file_options& options);
    void give_away() noexcept;
    [[nodiscard]] bool ours_to_remove() const noexcept;
    problem remove_name();
    problem remove_now();
    problem persist_now(const std::filesystem::path& target, const persist_options& rules, persisted& result);
    problem publish_what_stands_there(file& handle, const publish_target& to, const persist_options& rules,
                                      persisted& result);

    std::string path_;
    registration registration_;
    delete_when deletion_ = delete_when::never;
    tempfile::cleanup cleanup_ = tempfile::cleanup::now;
    bool owns_name_ = false;
    std::error_code damage_;  // of a disk that may have lost what was written, when the file was closed by then
};

}  // namespace tempfile
