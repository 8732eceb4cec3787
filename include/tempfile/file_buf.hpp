/// @file
/// `tempfile::file_buf`: a `std::streambuf` over a `tempfile::file`.
///
/// The objects of this library carry one; it can also serve a plain `std::iostream`:
///
/// @code
/// auto [file, path] = tempfile::mkstemp();
/// tempfile::file_buf buffer(std::move(file));
/// std::iostream stream(&buffer);
/// stream << "answer " << 42;
/// stream.seekg(0);
/// std::string word;
/// int n = 0;
/// stream >> word >> n;                 // no flush and no seek between writing and reading needed
/// assert(n == 42);
/// std::filesystem::remove(path);
/// @endcode
///
/// **One position, one window.** Reading and writing share one position, as in Python. The buffer is a window on a
/// stretch of the file; what was written is read back from it at once. It is filled and emptied with pread and pwrite,
/// so the file's own offset is not used (it is, for appending). Pieces as large as the buffer pass it by. A seek drops
/// what was read ahead, and so does a flush, so that what another process wrote is seen after either.
///
/// **Errors.** Members that can fail throw `std::system_error` with the system's code, the virtual ones of
/// `std::streambuf` too: a stream with `exceptions(std::ios::badbit)` passes it on to whoever wrote `<<`. A call that
/// fails leaves the position where it was and keeps every byte it held, so that it can be repeated; but a piece that
/// passed the buffer by may be in the file in part.
///
/// **Threads, fork.** Not for use by two threads at a time. After fork(2) parent and child each hold a copy of what was
/// buffered: flush before forking.

#pragma once

#include <tempfile/file.hpp>

#include <cstring>
#include <ios>
#include <streambuf>
#include <system_error>

namespace tempfile {

/// Bytes of buffer when nobody says otherwise: enough that a system call per buffer is cheap beside copying the bytes,
/// and it stays in the second-level cache. Allocated on first use.
inline constexpr std::size_t default_buffering = 64 * 1024;

/// A `std::streambuf` that owns a `file`; neither movable nor copyable.
class file_buf : public std::streambuf {
public:
    /// Takes over `f`. `mode` says what is allowed: `in`, `out`, and `app` for a file that was opened for appending;
    /// other bits are ignored. `buffering` is in bytes; 0 makes every write a system call, and every read one of a
    /// single byte.
    explicit file_buf(file f, std::ios_base::openmode mode = std::ios_base::in | std::ios_base::out,
                      std::size_t buffering = default_buffering) noexcept;

    /// Writes out what is buffered, and closes. Errors are lost: call `close()` to see them.
    ~file_buf() override;

    file_buf(const file_buf&) = delete;
    file_buf& operator=(const file_buf&) = delete;

    /// Puts `n` bytes at the position; as `sputn`, but not virtual where they fit into the buffer.
    void put(const char* bytes, std::size_t n) {
        if (n != 0 && n <= static_cast<std::size_t>(epptr() - pptr())) {
            std::memcpy(pptr(), bytes, n);
            pbump(static_cast<int>(n));  // the buffer is never larger than an int can count: see spool_buf
        } else {
            xsputn(bytes, static_cast<std::streamsize>(n));
        }
    }

    /// The position in bytes from the beginning of the file.
    [[nodiscard]] std::uint64_t tell() const noexcept;

    /// Moves the position. Does no input or output, but for asking the length when `from` is the end.
    /// @throws std::system_error EINVAL when it would be negative or beyond what a file can be, EBADF when closed.
    std::uint64_t seek(std::int64_t offset, std::ios_base::seekdir from);

    /// The length in bytes, what is still buffered included.
    [[nodiscard]] virtual std::uint64_t size();

    /// Makes the file exactly `bytes` long. The position stays.
    virtual void truncate(std::uint64_t bytes);

    /// Writes out what is buffered.
    virtual void flush();

    /// Writes out, then closes. When writing fails it stays open and keeps what it held. Closing twice is harmless.
    virtual void close();

    /// Closes without writing out: for what is about to vanish.
    void discard(std::error_code& ec) noexcept;

    /// From now on a large file is closed in the background (cleanup.hpp): for one that vanishes when it is closed.
    void close_in_background() noexcept { in_background_ = true; }

    /// The file has a name that stays: what is buffered matters, and so does what closing it reports.
    void stay() noexcept {
        in_background_ = false;
        share();
    }

    /// True when closed, or made over a closed file.
    [[nodiscard]] virtual bool closed() const noexcept { return file_.closed(); }

    /// The file; in a spool made now if it is not there yet. Use of its offset or contents needs a `flush()` before.
    virtual file& underlying() { return file_; }

    /// Remembers that somebody else can read the file by now, so that what is buffered matters also when this goes.
    void share() noexcept { shared_ = true; }
    [[nodiscard]] bool shared() const noexcept { return shared_; }

    /// Why a write took less than all it was given; no error as long as none did. Bytes are missing from then on, until
    /// the file is truncated to nothing. What could not be written *out* is still here, and not meant.
    [[nodiscard]] std::error_code lost() const noexcept { return lost_; }

    /// Notes that bytes are missing.
    void lose(std::error_code why) noexcept { lost_ = why; }

    /// The handle, or -1 where there is none (yet).
    [[nodiscard]] file::native_handle_type native_handle() const noexcept { return file_.native_handle(); }

protected:
    /// What `std::streambuf` asks of those who derive from it.
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* bytes, std::streamsize n) override;
    std::streamsize showmanyc() override;
    int_type underflow() override;
    std::streamsize xsgetn(char* into, std::streamsize n) override;
    int_type pbackfail(int_type c) override;
    pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode which) override;
    pos_type seekpos(pos_type position, std::ios_base::openmode which) override;
    int sync() override;

    /// @cond spool
    // The window, for the spool, which is a window without a file. A stretch of the file stands in data[0, length),
    // from `base` on; data[dirty_begin, dirty_end) is not in the file yet. While the put or the get area of the
    // streambuf is set, it lies in the window and its pointer is the position; `settle` puts both back into these
    // numbers.
    struct window {
        char* data = nullptr;
        std::size_t capacity = 0;
        std::size_t length = 0;
        std::size_t dirty_begin = 0;
        std::size_t dirty_end = 0;
        std::uint64_t base = 0;

        [[nodiscard]] bool dirty() const noexcept { return dirty_begin != dirty_end; }
    };

    void settle() noexcept;                  // no put area, no get area
    void start_writing(std::size_t offset);  // put area from data + offset
    void start_reading(std::size_t offset);  // get area from data + offset
    void reserve(std::size_t capacity);      // keeps the contents; throws std::bad_alloc
    void drop_window() noexcept;
    void keep_only_dirty() noexcept;
    void free_window() noexcept;
    void require(std::ios_base::openmode what) const;  // throws EBADF when closed, or not opened for that
    void require_representable(std::size_t n) const;  // throws EFBIG when n bytes at the position end where no file can
    [[nodiscard]] bool appends() const noexcept;

    window window_;
    file file_;
    std::uint64_t position_ = 0;  // valid when settled
    /// @endcond

private:
    void close_file(std::error_code& ec) noexcept;
    void write_dirty();
    void write_through(const char* bytes, std::size_t n);
    void make_room(std::size_t n);
    void take(const char* bytes, std::size_t n);
    int_type fill(std::size_t wanted);
    [[nodiscard]] bool is_read_ahead() noexcept;
    std::size_t read_through(char* into, std::streamsize n);
    [[nodiscard]] bool in_window() const noexcept;

    std::size_t write_begin_ = 0;                 // where in the window the put area began
    std::size_t read_ahead_ = default_buffering;  // bytes to read when the window is used up
    std::size_t buffering_;
    bool shared_ = false;
    bool in_background_ = false;
    std::error_code lost_;
    std::ios_base::openmode mode_;
};

}  // namespace tempfile
