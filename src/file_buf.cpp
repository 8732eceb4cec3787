#include "tempfile/file_buf.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <limits>
#include <new>

#include "cleanup.hpp"
#include "problem.hpp"

namespace tempfile {
namespace {

// What is read ahead after a seek, which may be one of many; four times as much each time reading goes on from there.
// 64 KiB at once made seeking and reading 16 bytes five times as slow as with a std::ifstream.
constexpr std::size_t first_read_ahead = 4096;

constexpr std::uint64_t largest_offset = std::numeric_limits<std::int64_t>::max();

std::span<const std::byte> bytes_of(const char* data, std::size_t n) noexcept {
    return std::as_bytes(std::span(data, n));
}

}  // namespace

file_buf::file_buf(file f, std::ios_base::openmode mode, std::size_t buffering) noexcept
    : file_(std::move(f)),
      // pbump() and gbump() take an int.
      buffering_(std::min(buffering, std::size_t{std::numeric_limits<int>::max()})),
      mode_((mode & std::ios_base::app) != 0 ? mode | std::ios_base::out : mode) {}

file_buf::~file_buf() {
    try {
        file_buf::close();
    } catch (const std::exception&) {
        // Nobody can be told from a destructor; close() tells.
    }
    free_window();
}

// --- The window ---

void file_buf::settle() noexcept {
    if (pptr() != nullptr) {
        const auto offset = static_cast<std::size_t>(pptr() - window_.data);
        position_ = window_.base + offset;
        if (offset > write_begin_) {
            const bool was_dirty = window_.dirty();
            window_.dirty_begin = was_dirty ? std::min(window_.dirty_begin, write_begin_) : write_begin_;
            window_.dirty_end = was_dirty ? std::max(window_.dirty_end, offset) : offset;
            window_.length = std::max(window_.length, offset);
        }
        setp(nullptr, nullptr);
    } else if (gptr() != nullptr) {
        position_ = window_.base + static_cast<std::size_t>(gptr() - window_.data);
        setg(nullptr, nullptr, nullptr);
    }
}

void file_buf::start_writing(std::size_t offset) {
    setp(window_.data + offset, window_.data + window_.capacity);
    write_begin_ = offset;
}

void file_buf::start_reading(std::size_t offset) {
    setg(window_.data, window_.data + offset, window_.data + window_.length);
}

void file_buf::reserve(std::size_t capacity) {
    if (window_.capacity < capacity) {
        auto* grown = static_cast<char*>(std::realloc(window_.data, capacity));
        if (grown == nullptr) {
            throw std::bad_alloc();
        }
        window_.data = grown;
        window_.capacity = capacity;
    }
}

void file_buf::drop_window() noexcept {
    window_.length = 0;
    window_.dirty_begin = 0;
    window_.dirty_end = 0;
    window_.base = position_;
}

// Forgets what was read ahead, which may have changed in the file.
void file_buf::keep_only_dirty() noexcept {
    const std::size_t dirty = window_.dirty_end - window_.dirty_begin;
    std::memmove(window_.data, window_.data + window_.dirty_begin, dirty);
    window_.base += window_.dirty_begin;
    window_.dirty_begin = 0;
    window_.dirty_end = dirty;
    window_.length = dirty;
}

void file_buf::free_window() noexcept {
    drop_window();
    std::free(window_.data);
    window_.data = nullptr;
    window_.capacity = 0;
}

bool file_buf::in_window() const noexcept {
    return position_ >= window_.base && position_ - window_.base <= window_.length &&
           position_ - window_.base < window_.capacity;
}

void file_buf::require(std::ios_base::openmode what) const {
    const auto refused = code_of(EBADF);
    if (closed()) {
        raise("use a closed file", refused);
    }
    if ((what & mode_) != what) {
        raise(what == std::ios_base::in ? "read: the file was not opened for reading"
                                        : "write: the file was not opened for writing",
              refused);
    }
}

void file_buf::require_representable(std::size_t n) const {
    if (position_ > largest_offset || n > largest_offset - position_) {
        raise("write beyond what a file can be", code_of(EFBIG));
    }
}

bool file_buf::appends() const noexcept {
    return (mode_ & std::ios_base::app) != 0;
}

// --- To the file ---

void file_buf::write_dirty() {
    if (!window_.dirty()) {
        return;
    }
    std::error_code ec;
    const auto bytes = bytes_of(window_.data + window_.dirty_begin, window_.dirty_end - window_.dirty_begin);
    if (appends()) {
        const bool behind = position_ == window_.base + window_.dirty_end;
        file_.seek(0, std::ios_base::end, ec);  // for a handle that was not opened to append
        window_.dirty_begin += ec ? 0 : file_.write(bytes, ec);
        if (!ec) {
            drop_window();
            position_ = behind ? file_.tell(ec) : position_;  // others may append too: the system says where ours went
        }
    } else {
        window_.dirty_begin += file_.pwrite(bytes, window_.base + window_.dirty_begin, ec);
    }
    if (ec) {
        raise("write", ec);
    }
}

void file_buf::write_through(const char* bytes, std::size_t n) {
    drop_window();  // also when it fails: then a part may be in the file
    if (appends()) {
        file_.seek(0, std::ios_base::end);
        file_.write(bytes_of(bytes, n));
        position_ = file_.tell();
    } else {
        file_.pwrite(bytes_of(bytes, n), position_);
        position_ += n;
    }
}

// Afterwards there is a put area at the position with at least `n` bytes of room; n <= buffering_.
void file_buf::make_room(std::size_t n) {
    require(std::ios_base::out);
    settle();
    const bool appending_elsewhere = appends() && !(window_.dirty() && position_ == window_.base + window_.dirty_end);
    if (appending_elsewhere) {
        write_dirty();
        position_ = file_.size();
        drop_window();
    }
    require_representable(n);
    const std::uint64_t offset = position_ - window_.base;
    const bool fits = in_window() && window_.capacity - offset >= n;
    // Bytes between two dirty stretches would be written too, and another handle may have changed them in the file.
    const bool adjoins = !window_.dirty() || (offset >= window_.dirty_begin && offset <= window_.dirty_end);
    if (!fits || !adjoins) {
        write_dirty();
    }
    if (!fits) {
        drop_window();
        reserve(std::max<std::size_t>(buffering_, 1));
    }
    start_writing(static_cast<std::size_t>(position_ - window_.base));
}

std::streamsize file_buf::xsputn(const char* bytes, std::streamsize count) {
    if (count <= 0) {
        require(std::ios_base::out);
        return 0;
    }
    const auto n = static_cast<std::size_t>(count);
    if (n <= static_cast<std::size_t>(epptr() - pptr())) {
        put(bytes, n);
        return count;
    }
    require(std::ios_base::out);
    try {
        take(bytes, n);
    } catch (const std::system_error& e) {
        lose(e.code());
        throw;
    } catch (const std::bad_alloc&) {
        lose(std::make_error_code(std::errc::not_enough_memory));
        throw;
    }
    return count;
}

void file_buf::take(const char* bytes, std::size_t n) {
    if (n < buffering_) {
        make_room(n);
        put(bytes, n);
        return;
    }
    settle();
    require_representable(n);
    write_dirty();
    write_through(bytes, n);
}

file_buf::int_type file_buf::overflow(int_type c) {
    if (traits_type::eq_int_type(c, traits_type::eof())) {
        return traits_type::not_eof(c);
    }
    const char byte = traits_type::to_char_type(c);
    file_buf::xsputn(&byte, 1);
    return c;
}

int file_buf::sync() {
    flush();
    return 0;
}

void file_buf::flush() {
    require({});
    settle();
    write_dirty();
    drop_window();
}

// --- From the file ---

// What readsome() and in_avail() go by: a file never makes a reader wait.
std::streamsize file_buf::showmanyc() {
    require(std::ios_base::in);
    const std::uint64_t length = size();
    const std::uint64_t rest = length - std::min(length, tell());
    return rest == 0 ? -1
                     : static_cast<std::streamsize>(
                           std::min<std::uint64_t>(rest, std::numeric_limits<std::streamsize>::max()));
}

file_buf::int_type file_buf::underflow() {
    return fill(1);
}

// As underflow(), for somebody who wants `wanted` bytes.
file_buf::int_type file_buf::fill(std::size_t wanted) {
    require(std::ios_base::in);
    if (gptr() != egptr()) {
        return traits_type::to_int_type(*gptr());
    }
    settle();
    if (!(in_window() && position_ - window_.base < window_.length)) {
        write_dirty();
        drop_window();
        reserve(std::max<std::size_t>(buffering_, 1));
        const std::size_t ahead = std::min(std::max(read_ahead_, wanted), window_.capacity);
        read_ahead_ = std::min(4 * ahead, window_.capacity);
        // One call, also when it brings less than asked: most often that is the whole rest of the file.
        if (const auto e = sys::call.pread(file_.native_handle(), window_.data, ahead, position_, window_.length)) {
            raise("read", code_of(e));
        }
        if (window_.length == 0) {
            return traits_type::eof();
        }
    }
    start_reading(static_cast<std::size_t>(position_ - window_.base));
    return traits_type::to_int_type(*gptr());
}

std::streamsize file_buf::xsgetn(char* into, std::streamsize count) {
    require(std::ios_base::in);
    const std::uint64_t start = tell();
    std::streamsize done = 0;
    try {
        while (done < count) {
            const std::streamsize here = std::min<std::streamsize>(egptr() - gptr(), count - done);
            if (here > 0) {
                std::memcpy(into + done, gptr(), static_cast<std::size_t>(here));
                gbump(static_cast<int>(here));
                done += here;
            } else if (static_cast<std::size_t>(count - done) >= buffering_ && !is_read_ahead()) {
                return done + static_cast<std::streamsize>(read_through(into + done, count - done));
            } else if (traits_type::eq_int_type(fill(static_cast<std::size_t>(count - done)), traits_type::eof())) {
                break;
            }
        }
    } catch (...) {
        settle();
        position_ = start;
        throw;
    }
    return done;
}

// True when the byte at the position stands in the window, if only after settling.
bool file_buf::is_read_ahead() noexcept {
    settle();
    return in_window() && position_ - window_.base < window_.length;
}

std::size_t file_buf::read_through(char* into, std::streamsize n) {
    write_dirty();
    drop_window();
    const auto got = file_.pread(std::as_writable_bytes(std::span(into, static_cast<std::size_t>(n))), position_);
    position_ += got;
    return got;
}

file_buf::int_type file_buf::pbackfail(int_type c) {
    require(std::ios_base::in);
    settle();
    if (position_ == 0) {
        return traits_type::eof();
    }
    --position_;
    int_type before = traits_type::eof();
    try {
        before = underflow();
    } catch (...) {
        ++position_;
        throw;
    }
    if (!traits_type::eq_int_type(c, traits_type::eof()) && !traits_type::eq_int_type(c, before)) {
        settle();
        ++position_;  // putting back something else would mean writing, which is not what it is for
        return traits_type::eof();
    }
    return traits_type::not_eof(before);
}

// --- Position and length ---

std::uint64_t file_buf::tell() const noexcept {
    if (pptr() != nullptr) {
        return window_.base + static_cast<std::size_t>(pptr() - window_.data);
    }
    if (gptr() != nullptr) {
        return window_.base + static_cast<std::size_t>(gptr() - window_.data);
    }
    return position_;
}

std::uint64_t file_buf::seek(std::int64_t offset, std::ios_base::seekdir from) {
    require({});
    const std::uint64_t start = from == std::ios_base::beg ? 0 : from == std::ios_base::cur ? tell() : size();
    // In unsigned numbers a step back wraps around, and lands above the largest when it leads before the beginning.
    const std::uint64_t target = start + static_cast<std::uint64_t>(offset);
    if (target > largest_offset) {
        raise("seek: before the beginning or beyond what a file can be", code_of(EINVAL));
    }
    settle();
    position_ = target;
    read_ahead_ = first_read_ahead;
    if (!window_.dirty()) {
        drop_window();
    } else if (!file_.closed()) {  // in a spool's memory the window is all there is
        keep_only_dirty();
    }
    return target;
}

file_buf::pos_type file_buf::seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) {
    if (from == std::ios_base::cur && offset == 0) {  // tellg() and tellp(): keep what was read ahead
        require({});
        return pos_type(static_cast<off_type>(tell()));
    }
    return pos_type(static_cast<off_type>(seek(offset, from)));
}

file_buf::pos_type file_buf::seekpos(pos_type position, std::ios_base::openmode which) {
    return seekoff(off_type(position), std::ios_base::beg, which);
}

std::uint64_t file_buf::size() {
    require({});
    settle();
    const std::uint64_t in_file = file_.size();
    return window_.dirty() && !appends() ? std::max(in_file, window_.base + window_.dirty_end)
                                         : in_file + (window_.dirty_end - window_.dirty_begin);
}

void file_buf::truncate(std::uint64_t bytes) {
    require(std::ios_base::out);
    flush();
    file_.truncate(bytes);
    if (bytes == 0) {
        lost_.clear();
    }
}

// --- The end ---

void file_buf::close() {
    if (closed()) {
        return;
    }
    settle();
    write_dirty();
    free_window();
    std::error_code ec;
    close_file(ec);
    if (ec) {
        raise("close", ec);
    }
}

void file_buf::discard(std::error_code& ec) noexcept {
    settle();
    free_window();
    close_file(ec);
}

void file_buf::close_file(std::error_code& ec) noexcept {
    ec.clear();
    if (!in_background_ || !close_later(file_)) {
        file_.close(ec);
    }
}

}  // namespace tempfile
