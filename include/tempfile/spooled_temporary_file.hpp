/// @file
/// `tempfile::spooled_temporary_file`: memory first, disk when it grows; Python's `SpooledTemporaryFile`.
///
/// @code
/// tempfile::spooled_temporary_file spool({.max_size = 1000});
/// spool << "small";
/// assert(!spool.rolled());                 // still in memory: no file, no system call
/// spool.write(std::string(2000, 'x'));
/// assert(spool.rolled());                  // now in a nameless file; the same object goes on
/// spool.seek(0);
/// assert(spool.read(5) == "small");
/// @endcode
///
/// **Roll-over** moves everything to a `temporary_file` when a write would make it larger than `max_size` bytes, or
/// when `rollover()`, `fileno()` or `reopen()` ask for a real file. Position and contents stay. If it fails (disk full)
/// the exception says so, and every byte and the position are still there, in memory: the call can be repeated.
///
/// **Memory** is one contiguous block that doubles, so at most twice `max_size` for a moment while it grows.
///
/// **What is about to vanish is not written**, as in temporary_file.hpp.

#pragma once

#include <tempfile/cleanup.hpp>
#include <tempfile/file_object.hpp>
#include <tempfile/name.hpp>
#include <tempfile/persist.hpp>
#include <tempfile/staged_name.hpp>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace tempfile {

/// The `max_size` of a spool when nobody says otherwise: 8 MiB. Python's default is 0 and means "never to disk", which
/// is how programs that meant to save memory ran out of it.
inline constexpr std::size_t default_max_size = 8 * 1024 * 1024;

/// The largest `max_size`: 1 GiB. Whoever wants memory without limit wants a `std::stringstream`.
inline constexpr std::size_t largest_max_size = 1024 * 1024 * 1024;

class problem;

/// What a `spooled_temporary_file` can be told.
struct spooled_temporary_file_options {
    std::size_t max_size = default_max_size;  ///< Bytes that may stay in memory; 0 rolls over with the first byte.
    std::string prefix{gettempprefix()};      ///< As for `temporary_file`.
    std::string suffix{};                     ///< As for `temporary_file`.
    std::filesystem::path dir{};              ///< Where to roll over to; empty means `gettempdir()` at that moment.
    std::ios_base::openmode mode =
        std::ios_base::in | std::ios_base::out;          ///< `in`, `out`, `app`; the rest is ignored.
    std::size_t buffering = default_buffering;           ///< Bytes, after roll-over; 0 for none.
    newlines newline = newlines::raw;                    ///< Translation of line ends.
    tempfile::cleanup cleanup = tempfile::cleanup::now;  ///< Who closes a large file (cleanup.hpp).
    bool linkable = false;                               ///< After roll-over, as for `temporary_file`.
};

/// Memory that becomes a file without a name when it grows.
class [[nodiscard]] spooled_temporary_file : public file_object {
public:
    /// An empty spool in memory. Prefix, suffix and a relative `dir` are looked at now, the rest at roll-over.
    /// @throws std::invalid_argument for a bad prefix, suffix (name.hpp) or mode, or a `max_size` over
    /// `largest_max_size`.
    [[nodiscard]] spooled_temporary_file();
    [[nodiscard]] explicit spooled_temporary_file(const spooled_temporary_file_options& options);
    /// As above; on error `ec` is set and the object is closed.
    [[nodiscard]] spooled_temporary_file(const spooled_temporary_file_options& options, std::error_code& ec);

    /// The moved-from object is closed.
    spooled_temporary_file(spooled_temporary_file&& other) noexcept;
    /// Ends what was here as the destructor does, then takes over.
    spooled_temporary_file& operator=(spooled_temporary_file&& other) noexcept;

    /// Everything is gone.
    ~spooled_temporary_file() override;

    /// Exchanges everything.
    void swap(spooled_temporary_file& other) noexcept;
    friend void swap(spooled_temporary_file& a, spooled_temporary_file& b) noexcept { a.swap(b); }

    using file_object::write;

    /// The direct path: as `file_object::write`, but not virtual, and inlined as long as the bytes fit into what is
    /// there.
    void write(std::span<const std::byte> bytes) {
        if (file_buf* const memory = direct()) {
            memory->put(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        } else {
            file_object::write(bytes);
        }
    }
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }

    /// Gives it a name, as `temporary_file::persist`. What is in memory is written to a file beside the target.
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

    /// True once there is a real file.
    [[nodiscard]] bool rolled() const noexcept;

    /// Moves it to a file now; nothing happens if there is one already.
    /// @throws std::filesystem::filesystem_error or std::system_error; nothing is lost.
    void rollover();
    void rollover(std::error_code& ec);

private:
    void do_close() override;
    problem make(const spooled_temporary_file_options& options);
    problem roll_now();
    problem persist_now(const std::filesystem::path& target, const persist_options& rules, persisted& result);

    staged_name name_;
};

}  // namespace tempfile
