/// @file
/// `tempfile::file`: an owning native file handle, for people who want no stream.
///
/// @code
/// auto [file, path] = tempfile::mkstemp({.suffix = ".log"});
/// file.write("first line\n");
/// file.pwrite("F", 0);
///
/// char first[5];
/// file.pread(std::as_writable_bytes(std::span(first)), 0);
/// std::cout << std::string_view(first, 5) << '\n';  // First
///
/// file.close();                                     // reports what the system had to say
/// std::filesystem::remove(path);                    // mkstemp's caller removes the name
/// @endcode
///
/// **Ownership.** A `file` owns its handle: it closes it when it is destroyed, and nothing else does. It knows no name
/// and removes nothing. `release()` gives the handle away.
///
/// **Errors.** Each operation has two forms, as in `std::filesystem`: one that throws `std::system_error` with the
/// system's code, and one that takes a `std::error_code&` and throws nothing. On a closed file both report
/// `std::errc::bad_file_descriptor`. Calls interrupted by a signal (EINTR) are resumed.
///
/// **Threads.** Different objects are independent. On one object `pread`, `pwrite`, `size` and `sync` may run at the
/// same time; everything that uses or moves the offset may not. **Fork:** the child's copy refers to the same open file
/// and shares its offset. **Exec:** every handle made by this library is close-on-exec.

#pragma once

#include <cstddef>
#include <cstdint>
#include <ios>
#include <span>
#include <string_view>
#include <system_error>

namespace tempfile {

/// An owning handle of an open file; movable, swappable, not copyable.
class [[nodiscard]] file {
public:
    /// What the operating system calls an open file: a descriptor.
    using native_handle_type = int;

    /// A closed file.
    file() noexcept = default;

    /// Takes ownership of an open handle. A negative one makes a closed file.
    [[nodiscard]] explicit file(native_handle_type handle) noexcept : handle_(handle < 0 ? none : handle) {}

    /// The moved-from file is closed.
    file(file&& other) noexcept : handle_(other.release()) {}
    /// Closes what was here as the destructor does, then takes over.
    file& operator=(file&& other) noexcept;
    file(const file&) = delete;
    file& operator=(const file&) = delete;

    /// Closes; an error of closing is lost here, which is why there is `close()`.
    ~file();

    /// Exchanges the handles.
    void swap(file& other) noexcept;
    friend void swap(file& a, file& b) noexcept { a.swap(b); }

    /// True when there is no open file here: default-made, closed, released or moved from.
    [[nodiscard]] bool closed() const noexcept { return handle_ == none; }

    /// The handle, still owned by this object; -1 when closed.
    [[nodiscard]] native_handle_type native_handle() const noexcept { return handle_; }

    /// Gives the handle and the duty to close it to the caller; -1 when closed.
    [[nodiscard]] native_handle_type release() noexcept;

    /// @name Reading and writing at the offset
    /// @{

    /// Reads until `into` is full or the file ends, and moves the offset behind what was read.
    /// @return the number of bytes read; fewer than asked only at the end of the file. In the `error_code` form, what
    ///         was read before the error.
    std::size_t read(std::span<std::byte> into);
    std::size_t read(std::span<std::byte> into, std::error_code& ec) noexcept;

    /// Writes all of `bytes` at the offset (at the end, for a file that appends) and moves the offset behind them.
    /// @throws std::system_error ENOSPC, EDQUOT, EFBIG, EIO ... as the system says it. What was written before the
    ///         error stays in the file; the `error_code` form tells how many bytes that is.
    void write(std::span<const std::byte> bytes);
    std::size_t write(std::span<const std::byte> bytes, std::error_code& ec) noexcept;
    void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
    std::size_t write(std::string_view text, std::error_code& ec) noexcept {
        return write(std::as_bytes(std::span(text)), ec);
    }

    /// Scatter: fills the pieces one after the other, as if they were one. Gather: writes them likewise.
    std::size_t readv(std::span<const std::span<std::byte>> pieces);
    std::size_t readv(std::span<const std::span<std::byte>> pieces, std::error_code& ec) noexcept;
    void writev(std::span<const std::span<const std::byte>> pieces);
    std::size_t writev(std::span<const std::span<const std::byte>> pieces, std::error_code& ec) noexcept;
    /// @}

    /// @name Reading and writing at a given place; the offset does not move
    /// @{

    /// As `read`, from `offset` bytes after the beginning.
    std::size_t pread(std::span<std::byte> into, std::uint64_t offset);
    std::size_t pread(std::span<std::byte> into, std::uint64_t offset, std::error_code& ec) noexcept;

    /// As `write`, `offset` bytes after the beginning. On Linux a file opened for appending is appended to all the same
    /// (pwrite(2), BUGS).
    void pwrite(std::span<const std::byte> bytes, std::uint64_t offset);
    std::size_t pwrite(std::span<const std::byte> bytes, std::uint64_t offset, std::error_code& ec) noexcept;
    void pwrite(std::string_view text, std::uint64_t offset) { pwrite(std::as_bytes(std::span(text)), offset); }
    std::size_t pwrite(std::string_view text, std::uint64_t offset, std::error_code& ec) noexcept {
        return pwrite(std::as_bytes(std::span(text)), offset, ec);
    }

    /// As `readv` and `writev`, from `offset` bytes after the beginning.
    std::size_t preadv(std::span<const std::span<std::byte>> pieces, std::uint64_t offset);
    std::size_t preadv(std::span<const std::span<std::byte>> pieces, std::uint64_t offset,
                       std::error_code& ec) noexcept;
    void pwritev(std::span<const std::span<const std::byte>> pieces, std::uint64_t offset);
    std::size_t pwritev(std::span<const std::span<const std::byte>> pieces, std::uint64_t offset,
                        std::error_code& ec) noexcept;
    /// @}

    /// Moves the offset, relative to the beginning, the present offset or the end.
    /// @return the new offset in bytes from the beginning.
    /// @throws std::system_error EINVAL when it would be negative.
    std::uint64_t seek(std::int64_t offset, std::ios_base::seekdir from = std::ios_base::beg);
    std::uint64_t seek(std::int64_t offset, std::ios_base::seekdir from, std::error_code& ec) noexcept;

    /// The offset in bytes from the beginning.
    [[nodiscard]] std::uint64_t tell() const;
    [[nodiscard]] std::uint64_t tell(std::error_code& ec) const noexcept;

    /// The length of the file in bytes.
    [[nodiscard]] std::uint64_t size() const;
    [[nodiscard]] std::uint64_t size(std::error_code& ec) const noexcept;

    /// Makes the file exactly `bytes` long, cutting or adding zeros. The offset does not move.
    void truncate(std::uint64_t bytes);
    void truncate(std::uint64_t bytes, std::error_code& ec) noexcept;

    /// Reserves room on the disk for the first `bytes` bytes, so that writing there cannot fail with ENOSPC; makes a
    /// shorter file that long (fallocate(2)).
    /// @throws std::system_error ENOSPC; EOPNOTSUPP where the file system cannot reserve: nothing is done then, since
    ///         writing zeros instead would be neither a reservation nor cheap.
    void allocate(std::uint64_t bytes);
    void allocate(std::uint64_t bytes, std::error_code& ec) noexcept;

    /// Waits until the data and what is needed to find it are on the disk (fsync(2)). After an error the state of the
    /// data on the disk is unknown, and a second call may succeed without having written it (fsyncgate, LWN 752063):
    /// write anew.
    void sync();
    void sync(std::error_code& ec) noexcept;

    /// A second, independent handle of the same file, with its own offset at 0, also of a file that has no name;
    /// readable and writable, not appending.
    /// @throws std::system_error ENOENT where /proc is not mounted.
    [[nodiscard]] file reopen() const;
    [[nodiscard]] file reopen(std::error_code& ec) const noexcept;

    /// Closes now and reports what close(2) said. The handle is gone in every case, and never closed twice. Closing a
    /// closed file does nothing.
    void close();
    void close(std::error_code& ec) noexcept;

private:
    static constexpr native_handle_type none = -1;
    native_handle_type handle_ = none;
};

}  // namespace tempfile
