/// @file
/// `tempfile::atomic_file`: writes a file anew, so that everybody sees the old one until the new one is complete.
///
/// @code
/// tempfile::atomic_file config("settings.ini");
/// config << "[window]\nwidth = " << 800 << '\n';
/// config.commit();                               // now, and only now, settings.ini is the new one
///
/// tempfile::write_file("version", "1.2.3\n");    // the same in one call
/// @endcode
///
/// **Until `commit()`** the target is untouched, whatever happens: an exception, a full disk, a kill. The new contents
/// are in a file without a name in the target's directory, which the system takes back by itself; on a file system that
/// has no such files, in one called `.tmp` and 13 random characters, which is in the registry (sweep.hpp).
///
/// **Without `commit()`** the destructor and `close()` give up: what was written is gone.
///
/// **A write error is sticky**: when a write was refused (a full disk) and the program goes on all the same, `commit()`
/// fails. A truncated file is never published.
///
/// The rules for links, modes, existing targets and power cuts are in persist.hpp.
///
/// **Fork.** It belongs to the process that made it: in a forked child `commit()` fails with EPERM.

#pragma once

#include <tempfile/file_object.hpp>
#include <tempfile/persist.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace tempfile {

class problem;

/// What an `atomic_file` can be told as a stream.
struct atomic_file_options {
    std::uint64_t expected_size = 0;            ///< Bytes that will be written, if that is known: room for a MiB or
                                                ///< more is reserved at once, so that a full disk is told early.
    std::size_t buffering = default_buffering;  ///< Bytes; 0 for none.
    newlines newline = newlines::raw;           ///< Translation of line ends.
};

/// A stream whose contents get their name when they are complete.
class [[nodiscard]] atomic_file : public file_object {
public:
    /// Opens the target's directory and makes an empty file there; what is in the target is not read. A relative path
    /// means the working directory of now.
    /// @throws std::filesystem::filesystem_error with the target or its directory; std::invalid_argument for an empty
    ///         path or a buffer that is too large.
    [[nodiscard]] explicit atomic_file(const std::filesystem::path& target, const persist_options& rules = {},
                                       const atomic_file_options& options = {});
    /// As above; on error `ec` is set and the object is closed.
    [[nodiscard]] atomic_file(const std::filesystem::path& target, const persist_options& rules,
                              const atomic_file_options& options, std::error_code& ec);
    [[nodiscard]] atomic_file(const std::filesystem::path& target, const persist_options& rules, std::error_code& ec)
        : atomic_file(target, rules, {}, ec) {}

    /// The moved-from object is closed.
    atomic_file(atomic_file&& other) noexcept;
    /// Ends what was here as the destructor does, then takes over.
    atomic_file& operator=(atomic_file&& other) noexcept;

    /// As `cancel()`.
    ~atomic_file() override;

    /// Exchanges everything.
    void swap(atomic_file& other) noexcept;
    friend void swap(atomic_file& a, atomic_file& b) noexcept { a.swap(b); }

    /// The target, absolute, links followed; empty when moved from.
    [[nodiscard]] std::filesystem::path path() const;

    /// Publishes, and closes. When it fails the target is untouched, and it can be called again.
    /// @return what was achieved (persist.hpp).
    /// @throws std::system_error; the first error of an earlier write, if there was one. EBADF when closed.
    persisted commit();
    persisted commit(std::error_code& ec);

    /// Gives up: the target stays as it is, nothing is left behind. So does `close()`, which reports what could not be
    /// written all the same.
    void cancel() noexcept;

private:
    friend class publish_batch;
    struct state;

    void do_close() override;
    // A neighbour's directory is used again, if it is the same.
    atomic_file(const std::filesystem::path& target, const persist_options& rules, const atomic_file_options& options,
                const atomic_file* neighbour);
    problem make(const std::filesystem::path& target, const persist_options& rules, const atomic_file_options& options,
                 const atomic_file* neighbour);
    void write_all_and_no_more();
    problem publish_now(persisted& result);

    std::unique_ptr<state> state_;
};

/// Writes a whole file as an `atomic_file` with `commit()` does.
persisted write_file(const std::filesystem::path& target, std::span<const std::byte> bytes,
                     const persist_options& rules = {});
persisted write_file(const std::filesystem::path& target, std::string_view text, const persist_options& rules = {});
persisted write_file(const std::filesystem::path& target, std::span<const std::byte> bytes,
                     const persist_options& rules, std::error_code& ec);
persisted write_file(const std::filesystem::path& target, std::string_view text, const persist_options& rules,
                     std::error_code& ec);

}  // namespace tempfile
