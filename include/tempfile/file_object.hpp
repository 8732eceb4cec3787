/// @file
/// `tempfile::file_object`: what all file objects of this library can do, after Python's glossary: a `std::iostream`
/// that also has `read()`, `write()`, `seek()`, `tell()` and the rest.
///
/// @code
/// tempfile::temporary_file fp;               // a file_object
/// fp << "one\ntwo\n" << 3 << '\n';
/// fp.seek(0);
/// for (const std::string& line : fp.lines())
///     std::cout << line;                     // each with its '\n'
/// fp.seek(-2, std::ios::end);
/// assert(fp.read() == "3\n");
/// fp.truncate(4);
/// assert(fp.size() == 4);
/// @endcode
///
/// It is also a stream for any `file`, as `os.fdopen` in Python:
///
/// @code
/// auto [file, path] = tempfile::mkstemp();
/// tempfile::file_object fp(std::move(file));
/// fp << "text";
/// fp.close();                                // reports; the destructor cannot
/// std::filesystem::remove(path);
/// @endcode
///
/// **Errors.** A failed operation throws `std::system_error` with the system's code (ENOSPC stays ENOSPC), whether it
/// was called as a member or as `<<`: the stream starts with `exceptions(std::ios::badbit)`. As with every standard
/// stream, a failed `<<` also sets `badbit`; `clear()` it and go on. The members named here do not set it, and work
/// whatever the state is. Once reading has met the end, `<<` writes nothing, without a word, as with every
/// standard stream, until `clear()` or `seek()`: a loop of `std::getline` is followed by one of them, or by `write()`.
/// The `std::error_code&` forms do not throw for what the system refuses. On a closed or moved-from object everything
/// but `close`, `closed` and assignment fails with `std::errc::bad_file_descriptor`.
///
/// **Threads.** An object is for one thread at a time. **Fork.** Flush before forking: parent and child each have a
/// copy of the buffer. **Signals.** Nothing here may be called from a signal handler.

#pragma once

#include <tempfile/file.hpp>
#include <tempfile/file_buf.hpp>
#include <tempfile/newline.hpp>

#include <concepts>
#include <cstddef>
#include <iostream>
#include <iterator>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

namespace tempfile {

/// How a `file` is used as a stream.
struct file_object_options {
    std::ios_base::openmode mode =
        std::ios_base::in | std::ios_base::out;  ///< `in`, `out`, `app`; the rest is ignored.
    std::size_t buffering = default_buffering;   ///< Bytes; 0 for none.
    newlines newline = newlines::raw;            ///< Translation of line ends.
};

/// A `std::iostream` over an open file, with Python's members; movable, swappable, not copyable.
class [[nodiscard]] file_object : public std::iostream {
public:
    class line_range;

    /// A closed one.
    file_object();

    /// A stream over `f`, which it owns from now on. The position starts at the offset of `f`. Say `app` in the mode
    /// when the descriptor was opened with O_APPEND: otherwise the position is not where the system writes.
    /// @throws std::invalid_argument when `options.mode` has neither `in` nor `out` nor `app`, or the buffer is too
    /// large.
    [[nodiscard]] explicit file_object(file f, const file_object_options& options = {});

    /// The moved-from object is closed. References to the stream follow the object, not its contents.
    file_object(file_object&& other) noexcept;
    /// Closes what was here as the destructor does, then takes over.
    file_object& operator=(file_object&& other) noexcept;
    file_object(const file_object&) = delete;
    file_object& operator=(const file_object&) = delete;

    /// Writes out and closes; errors are lost here, which is why there is `close()`.
    ~file_object() override;

    /// Exchanges everything but the address: references to the streams stay where they were.
    void swap(file_object& other) noexcept;
    /// Of two that are exactly this type: two of different types derived from it must not exchange what they own.
    template <std::same_as<file_object> T>
    friend void swap(T& a, T& b) noexcept {
        a.swap(b);
    }

    using std::iostream::read;

    /// Everything from the position to the end.
    std::string read();
    std::string read(std::error_code& ec);

    /// The next `n` bytes; fewer only at the end of the file.
    std::string read(std::size_t n);
    std::string read(std::size_t n, std::error_code& ec);

    /// Fills `into`; Python's `readinto`. @return the number of bytes read, fewer only at the end of the file.
    std::size_t read(std::span<std::byte> into);
    std::size_t read(std::span<std::byte> into, std::error_code& ec);

    /// The next line with its `\n` (the last one may have none), or at most `limit` bytes of it. Empty at the end of
    /// the file.
    std::string readline(std::size_t limit = std::numeric_limits<std::size_t>::max());
    std::string readline(std::size_t limit, std::error_code& ec);
    std::string readline(std::error_code& ec);

    /// The remaining lines, one after the other, each as `readline()` gives it; Python's `for line in fp`. A single
    /// pass.
    [[nodiscard]] line_range lines() &;
    line_range lines() && = delete;

    /// Writes all of it at the position, through the buffer.
    void write(std::string_view text);
    void write(std::string_view text, std::error_code& ec);
    void write(std::span<const std::byte> bytes);
    file_object& write(const char* bytes, std::streamsize n);
    void write(std::span<const std::byte> bytes, std::error_code& ec);

    /// Moves the position, and clears `eofbit` and `failbit`, so that reading can begin anew after a loop that hit the
    /// end.
    /// @return the new position in bytes from the beginning.
    std::uint64_t seek(std::int64_t offset, std::ios_base::seekdir from = std::ios_base::beg);
    std::uint64_t seek(std::int64_t offset, std::ios_base::seekdir from, std::error_code& ec);
    std::uint64_t seek(std::int64_t offset, std::error_code& ec);

    /// The position in bytes from the beginning.
    [[nodiscard]] std::uint64_t tell();
    [[nodiscard]] std::uint64_t tell(std::error_code& ec);

    /// Cuts the file off at the position, or makes it exactly `bytes` long. The position stays. @return the new length.
    std::uint64_t truncate();
    std::uint64_t truncate(std::error_code& ec);
    std::uint64_t truncate(std::uint64_t bytes);
    std::uint64_t truncate(std::uint64_t bytes, std::error_code& ec);

    /// The length in bytes, what is still buffered included.
    [[nodiscard]] std::uint64_t size();
    [[nodiscard]] std::uint64_t size(std::error_code& ec);

    /// Writes out what is buffered, to the kernel (not to the disk: `tempfile::file` has `sync`).
    file_object& flush();
    void flush(std::error_code& ec);

    /// Finishes now and reports: writes out, and closes. If that cannot be written the object stays as it was, open and
    /// with every byte, so that the call can be repeated; when only close(2) itself fails, it is closed all the same.
    /// Closing twice is harmless.
    void close();
    void close(std::error_code& ec);

    /// True when closed, moved from, or never opened.
    [[nodiscard]] bool closed() const noexcept;

    /// The descriptor, ready to be used by others: flushed, and with its own offset at `tell()`, so that a child
    /// process that inherits it goes on where this object is. Still owned by this object. Others who use it move its
    /// offset, not this object's position: `seek()` before going on with what they did. It is close-on-exec: for a
    /// program that is started by exec(3), dup2(2) it.
    [[nodiscard]] file::native_handle_type fileno();
    [[nodiscard]] file::native_handle_type fileno(std::error_code& ec);

    /// The descriptor as it is, without flush or seek; -1 where there is none.
    [[nodiscard]] file::native_handle_type native_handle() const noexcept;

    /// An independent handle on the same file, offset at 0, after flushing. It keeps the contents alive when this
    /// object is gone.
    [[nodiscard]] file reopen();
    [[nodiscard]] file reopen(std::error_code& ec);

protected:
    /// Takes over a buffer that is ready for use.
    void open(std::unique_ptr<file_buf> buffer, newlines newline);

    /// What `close()` does on an open object.
    virtual void do_close();

    /// Closes without writing out, which is for what is about to vanish.
    void discard(std::error_code& ec) noexcept;

    /// What the destructor of a file that vanishes does: discards, unless `reopen()` or `fileno()` let somebody else
    /// see it.
    void vanish() noexcept;

    /// For what is about to be published: writes out, and makes sure that nothing is missing.
    /// @throws std::system_error that of an earlier write that took less than all it was given (file_buf::lost), that
    /// of
    ///         this one, EBADF when closed, EIO when the stream is bad for another reason.
    void finish_writing();

    /// Null when never opened or moved from.
    [[nodiscard]] file_buf* buffer() const noexcept { return buffer_.get(); }

    /// The buffer that may be written to past the stream: null also when line ends are translated.
    [[nodiscard]] file_buf* direct() const noexcept { return text_ ? nullptr : buffer_.get(); }

    /// @throws std::system_error EBADF when closed.
    file_buf& opened() const;

private:
    template <class Read>
    std::string all_or_nothing(Read read);
    std::string take(std::size_t n);
    std::string take_all();
    std::string take_up_to(std::size_t n);
    std::string take_line(std::size_t limit);
    void attach() noexcept;

    std::unique_ptr<file_buf> buffer_;
    std::unique_ptr<std::streambuf> text_;  // translates line ends, in front of buffer_; null for newlines::raw
};

/// The lines of a file object, as an input range.
class file_object::line_range {
public:
    /// Holds nothing of its own: the line is in the range.
    class iterator {
    public:
        /// What the standard library asks of an input iterator.
        using iterator_category = std::input_iterator_tag;
        using value_type = std::string;
        using difference_type = std::ptrdiff_t;
        using pointer = const std::string*;
        using reference = const std::string&;

        /// Good for nothing but assignment.
        iterator() noexcept = default;
        /// Reads the first line.
        explicit iterator(line_range& range) : range_(&range) { ++*this; }
        /// The present line.
        reference operator*() const noexcept { return range_->line_; }
        pointer operator->() const noexcept { return &range_->line_; }
        /// Reads the next line. @throws std::system_error as `readline()`.
        iterator& operator++() {
            range_->line_ = range_->object_->readline();
            return *this;
        }
        void operator++(int) { ++*this; }
        /// True behind the last line.
        bool operator==(std::default_sentinel_t) const noexcept { return range_->line_.empty(); }

    private:
        line_range* range_ = nullptr;
    };

    /// The lines of `object` from its position on; it must live as long.
    explicit line_range(file_object& object) noexcept : object_(&object) {}
    /// Reads the first line.
    [[nodiscard]] iterator begin() { return iterator(*this); }
    /// The end, which is reached when `readline()` has nothing more.
    [[nodiscard]] static std::default_sentinel_t end() noexcept { return {}; }

private:
    file_object* object_;
    std::string line_;
};

}  // namespace tempfile
