/// @file
/// `tempfile::temporary_file`: a file without a name; Python's `TemporaryFile`.
///
/// @code
/// tempfile::temporary_file fp;
/// fp.write("Stack Overflow!");
/// fp.seek(0);
/// std::cout << fp.read() << '\n';       // Stack Overflow!
/// @endcode
///
/// **Nothing is left behind**, whatever happens to the process, also after `kill -9` and when the power goes: the file
/// has no name, so the kernel gives its space back with the last handle. On Linux it is made with `O_TMPFILE`; on a
/// file system that has none it is made under a random name with O_EXCL and unlinked at once, and a process killed
/// between those two calls leaves an empty file. Some network and FUSE file systems keep such a file visible as `.nfs*`
/// or `.fuse_hidden*` until it is closed.
///
/// **Nobody else gets in.** Mode 0600, close-on-exec, and made with `O_EXCL`, after which not even the same user can
/// link it into a directory, unless it is to be `linkable`.
///
/// **What is about to vanish is not written**: the destructor throws away what is still buffered, unless `reopen()` or
/// `fileno()` let somebody else see the file. `close()` writes it first, and reports.

#pragma once

#include <tempfile/cleanup.hpp>
#include <tempfile/file_object.hpp>
#include <tempfile/name.hpp>
#include <tempfile/persist.hpp>
#include <tempfile/staged_name.hpp>

#include <filesystem>
#include <string>
#include <system_error>

namespace tempfile {

class problem;

/// What a `temporary_file` can be told.
struct temporary_file_options {
    std::string prefix{gettempprefix()};  ///< Of the name it has for a moment where files cannot be made without one.
    std::string suffix{};                 ///< Likewise.
    std::filesystem::path dir{};          ///< Where; empty means `gettempdir()`. Decides the file system.
    std::ios_base::openmode mode =
        std::ios_base::in | std::ios_base::out;          ///< `in`, `out`, `app`; the rest is ignored.
    std::size_t buffering = default_buffering;           ///< Bytes; 0 for none.
    newlines newline = newlines::raw;                    ///< Translation of line ends.
    tempfile::cleanup cleanup = tempfile::cleanup::now;  ///< Who closes a large one (cleanup.hpp).
    bool linkable = false;                               ///< It may get a name by `persist()` without being copied.
};

/// An open file without a name.
class [[nodiscard]] temporary_file : public file_object {
public:
    /// Makes the file, open and empty.
    /// @throws std::filesystem::filesystem_error with the directory and the system's code;
    ///         std::invalid_argument for a bad prefix, suffix (name.hpp), mode or buffer size.
    [[nodiscard]] temporary_file();
    [[nodiscard]] explicit temporary_file(const temporary_file_options& options);
    /// As above; on error `ec` is set and the object is closed.
    [[nodiscard]] temporary_file(const temporary_file_options& options, std::error_code& ec);

    /// The moved-from object is closed.
    temporary_file(temporary_file&& other) noexcept;
    /// Ends what was here as the destructor does, then takes over.
    temporary_file& operator=(temporary_file&& other) noexcept;

    /// Closes, and with that the file is gone. Never throws; nothing that can fail here matters any more.
    ~temporary_file() override;

    /// Exchanges everything.
    void swap(temporary_file& other) noexcept;
    friend void swap(temporary_file& a, temporary_file& b) noexcept { a.swap(b); }

    /// Gives it a name: from then on it is the caller's file. It stays open and usable, but what is written from then
    /// on, everybody sees at once. One that is not `linkable`, and one on another file system, is copied.
    /// @return what was achieved; persist.hpp has the rules.
    /// @throws std::system_error; then the object still has its file, and the call can be repeated. EPERM in a forked
    ///         child, and when it was persisted before.
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

private:
    void do_close() override;
    problem make(const temporary_file_options& options);
    problem persist_now(const std::filesystem::path& target, const persist_options& rules, persisted& result);

    staged_name name_;
};

}  // namespace tempfile
