#include "spool_buf.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "create.hpp"
#include "file_object.hpp"
#include "location.hpp"

namespace tempfile {

spool_buf::spool_buf(spool_place place, std::size_t max_size, std::ios_base::openmode mode,
                     std::size_t buffering) noexcept
    : file_buf(file(), mode, buffering), place_(std::move(place)), max_size_(max_size) {}

// All of the contents settled in the window, none of it in a file.
void spool_buf::gather() noexcept {
    settle();
    window_.base = 0;  // a seek in an empty spool moved the empty window
    window_.dirty_begin = 0;
    window_.dirty_end = window_.length;
}

problem spool_buf::rollover() {
    if (!in_memory()) {
        return no_problem();
    }
    file made;
    problem p = in_directory(place_.dir, [&](const std::string& dir) {
        return create_unnamed({.dir = dir, .prefix = place_.prefix, .suffix = place_.suffix}, appends(), made,
                              place_.linkable ? &place_.linkable : nullptr);
    });
    return p ? std::move(p) : move_into(std::move(made), place_.dir, place_.linkable);
}

problem spool_buf::move_into(file made, const std::string& dir, bool linkable) {
    gather();
    std::error_code ec;
    made.write(std::as_bytes(std::span(window_.data, window_.length)), ec);
    if (ec) {
        return system_problem("cannot write a spooled temporary file to the disk", dir, ec);
    }
    file_ = std::move(made);
    place_.linkable = linkable;
    state_ = state::rolled;
    free_window();
    return no_problem();
}

file& spool_buf::underlying() {
    succeed(rollover());
    return file_;
}

// --- Writing ---

// Room for a length of `length` bytes; doubling keeps the cost of a byte constant.
void spool_buf::grow(std::size_t length) {
    constexpr std::size_t first = 4096;
    if (length > window_.capacity) {
        reserve(std::min(std::max({length, 2 * window_.capacity, first}), max_size_));
    }
}

// A put area at the position with room for `n` bytes; false when memory is not the place for them.
bool spool_buf::make_room_in_memory(std::size_t n) {
    require(std::ios_base::out);
    gather();
    const std::uint64_t at = appends() ? window_.length : position_;
    if (at > max_size_ || n > max_size_ - at) {
        return false;
    }
    const auto offset = static_cast<std::size_t>(at);
    grow(offset + n);
    if (offset > window_.length) {  // behind the end, as after a seek: the gap reads as zeros
        std::memset(window_.data + window_.length, 0, offset - window_.length);
        window_.length = offset;
    }
    start_writing(offset);
    return true;
}

std::streamsize spool_buf::xsputn(const char* bytes, std::streamsize count) {
    if (count <= 0) {
        require(std::ios_base::out);
        return 0;
    }
    const auto n = static_cast<std::size_t>(count);
    if (n <= static_cast<std::size_t>(epptr() - pptr())) {
        put(bytes, n);
        return count;
    }
    if (in_memory()) {
        if (make_room_in_memory(n)) {
            put(bytes, n);
            return count;
        }
        if (const problem p = rollover()) {
            lose(p.code());
            raise(p);
        }
    }
    return file_buf::xsputn(bytes, count);
}

spool_buf::int_type spool_buf::overflow(int_type c) {
    if (traits_type::eq_int_type(c, traits_type::eof())) {
        return traits_type::not_eof(c);
    }
    const char byte = traits_type::to_char_type(c);
    spool_buf::xsputn(&byte, 1);
    return c;
}

void spool_buf::flush() {
    require({});
    if (!in_memory()) {
        file_buf::flush();
    }
}

// --- Reading ---

spool_buf::int_type spool_buf::underflow() {
    if (!in_memory()) {
        return file_buf::underflow();
    }
    require(std::ios_base::in);
    gather();
    if (position_ >= window_.length) {
        return traits_type::eof();
    }
    start_reading(static_cast<std::size_t>(position_));
    return traits_type::to_int_type(*gptr());
}

std::streamsize spool_buf::xsgetn(char* into, std::streamsize n) {
    return in_memory() ? std::streambuf::xsgetn(into, n) : file_buf::xsgetn(into, n);
}

// --- Length and end ---

std::uint64_t spool_buf::size() {
    if (!in_memory()) {
        return file_buf::size();
    }
    gather();
    return window_.length;
}

bool spool_buf::resize_in_memory(std::uint64_t bytes) {
    gather();
    if (bytes > max_size_) {
        return false;
    }
    const auto length = static_cast<std::size_t>(bytes);
    grow(length);
    if (length > window_.length) {
        std::memset(window_.data + window_.length, 0, length - window_.length);
    }
    window_.length = length;
    gather();
    return true;
}

void spool_buf::truncate(std::uint64_t bytes) {
    require(std::ios_base::out);
    if (in_memory()) {
        if (resize_in_memory(bytes)) {
            return;
        }
        succeed(rollover());
    }
    file_buf::truncate(bytes);
}

bool spool_buf::closed() const noexcept {
    return state_ == state::closed || (state_ == state::rolled && file_buf::closed());
}

void spool_buf::close() {
    if (in_memory()) {
        settle();
        free_window();
        state_ = state::closed;
    } else {
        file_buf::close();
    }
}

}  // namespace tempfile
