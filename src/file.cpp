#include "tempfile/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "handle.hpp"
#include "problem.hpp"

namespace tempfile {
namespace {

constexpr std::size_t pieces_per_call = 64;  // see sys.hpp; more would not make a call noticeably cheaper a byte

sys::error set(std::error_code& ec, sys::error e) noexcept {
    if (e == 0) {
        ec.clear();
    } else {
        ec = code_of(e);
    }
    return e;
}

// Repeats call(position, rest, done) until `bytes` bytes are through, or it answers 0 bytes: the end of the file for a
// reader; for a writer something that no file does, and which must not become an endless loop.
template <class Call>
std::size_t transfer(sys::handle h, std::size_t bytes, sys::error at_nothing, std::error_code& ec, Call call) noexcept {
    std::size_t total = 0;
    set(ec, h == sys::no_handle ? EBADF : 0);  // also when there is nothing to transfer
    while (!ec && total < bytes) {
        std::size_t done = 0;
        if (set(ec, call(total, bytes - total, done)) != 0) {
            break;
        }
        if (done == 0) {
            set(ec, at_nothing);
            break;
        }
        total += done;
    }
    return total;
}

// What is left of a list of pieces, some calls into the transfer.
template <class Byte>
class piece_cursor {
public:
    explicit piece_cursor(std::span<const std::span<Byte>> pieces) noexcept : pieces_(pieces) {}

    // The next pieces in the system's form; 0 when nothing is left.
    std::size_t next(std::array<sys::piece, pieces_per_call>& batch) const noexcept {
        std::size_t n = 0;
        std::size_t skip = into_first_;
        for (std::size_t i = first_; i < pieces_.size() && n < batch.size(); ++i) {
            const auto rest = pieces_[i].subspan(skip);
            skip = 0;
            if (!rest.empty()) {
                // The system's type has no const: whether it reads or writes there is said by the call.
                batch[n++] = {.data = const_cast<std::byte*>(rest.data()), .bytes = rest.size()};
            }
        }
        return n;
    }

    void advance(std::size_t bytes) noexcept {
        into_first_ += bytes;
        while (first_ < pieces_.size() && into_first_ >= pieces_[first_].size()) {
            into_first_ -= pieces_[first_].size();
            ++first_;
        }
    }

private:
    std::span<const std::span<Byte>> pieces_;
    std::size_t first_ = 0;
    std::size_t into_first_ = 0;
};

// As `transfer`, for pieces: repeats call(pieces, n, total, done).
template <class Byte, class Call>
std::size_t transfer_pieces(sys::handle h, std::span<const std::span<Byte>> pieces, sys::error at_nothing,
                            std::error_code& ec, Call call) noexcept {
    std::size_t total = 0;
    piece_cursor cursor(pieces);
    std::array<sys::piece, pieces_per_call> batch;
    set(ec, h == sys::no_handle ? EBADF : 0);
    while (const std::size_t n = ec ? 0 : cursor.next(batch)) {
        std::size_t done = 0;
        if (set(ec, call(batch.data(), n, total, done)) != 0) {
            break;
        }
        if (done == 0) {
            set(ec, at_nothing);
            break;
        }
        total += done;
        cursor.advance(done);
    }
    return total;
}

// The throwing form of an operation, made from the other.
template <class Operation>
auto or_raise(const char* doing, Operation operation) {
    std::error_code ec;
    if constexpr (std::is_void_v<decltype(operation(ec))>) {
        operation(ec);
        if (ec) {
            raise(doing, ec);
        }
    } else {
        auto answer = operation(ec);
        if (ec) {
            raise(doing, ec);
        }
        return answer;
    }
}

}  // namespace

file& file::operator=(file&& other) noexcept {
    file(std::move(other)).swap(*this);
    return *this;
}

file::~file() {
    if (!closed()) {
        sys::call.close(handle_);
    }
}

void file::swap(file& other) noexcept {
    std::swap(handle_, other.handle_);
}

file::native_handle_type file::release() noexcept {
    return std::exchange(handle_, none);
}

std::size_t file::read(std::span<std::byte> into, std::error_code& ec) noexcept {
    return transfer(handle_, into.size(), 0, ec, [&](std::size_t at, std::size_t n, std::size_t& done) {
        return sys::call.read(handle_, into.data() + at, n, done);
    });
}

std::size_t file::write(std::span<const std::byte> bytes, std::error_code& ec) noexcept {
    return transfer(handle_, bytes.size(), EIO, ec, [&](std::size_t at, std::size_t n, std::size_t& done) {
        return sys::call.write(handle_, bytes.data() + at, n, done);
    });
}

std::size_t file::pread(std::span<std::byte> into, std::uint64_t offset, std::error_code& ec) noexcept {
    return transfer(handle_, into.size(), 0, ec, [&](std::size_t at, std::size_t n, std::size_t& done) {
        return sys::call.pread(handle_, into.data() + at, n, offset + at, done);
    });
}

std::size_t file::pwrite(std::span<const std::byte> bytes, std::uint64_t offset, std::error_code& ec) noexcept {
    return transfer(handle_, bytes.size(), EIO, ec, [&](std::size_t at, std::size_t n, std::size_t& done) {
        return sys::call.pwrite(handle_, bytes.data() + at, n, offset + at, done);
    });
}

std::size_t file::readv(std::span<const std::span<std::byte>> pieces, std::error_code& ec) noexcept {
    return transfer_pieces(handle_, pieces, 0, ec,
                           [&](const sys::piece* p, std::size_t n, std::size_t, std::size_t& done) {
                               return sys::call.readv(handle_, p, n, done);
                           });
}

std::size_t file::writev(std::span<const std::span<const std::byte>> pieces, std::error_code& ec) noexcept {
    return transfer_pieces(handle_, pieces, EIO, ec,
                           [&](const sys::piece* p, std::size_t n, std::size_t, std::size_t& done) {
                               return sys::call.writev(handle_, p, n, done);
                           });
}

std::size_t file::preadv(std::span<const std::span<std::byte>> pieces, std::uint64_t offset,
                         std::error_code& ec) noexcept {
    return transfer_pieces(handle_, pieces, 0, ec,
                           [&](const sys::piece* p, std::size_t n, std::size_t at, std::size_t& done) {
                               return sys::call.preadv(handle_, p, n, offset + at, done);
                           });
}

std::size_t file::pwritev(std::span<const std::span<const std::byte>> pieces, std::uint64_t offset,
                          std::error_code& ec) noexcept {
    return transfer_pieces(handle_, pieces, EIO, ec,
                           [&](const sys::piece* p, std::size_t n, std::size_t at, std::size_t& done) {
                               return sys::call.pwritev(handle_, p, n, offset + at, done);
                           });
}

std::uint64_t file::seek(std::int64_t offset, std::ios_base::seekdir from, std::error_code& ec) noexcept {
    const sys::origin origin = from == std::ios_base::beg   ? sys::origin::beginning
                               : from == std::ios_base::cur ? sys::origin::offset
                                                            : sys::origin::end;
    std::uint64_t now = 0;
    set(ec, sys::call.seek(handle_, offset, origin, now));
    return now;
}

std::uint64_t file::tell(std::error_code& ec) const noexcept {
    std::uint64_t now = 0;
    set(ec, sys::call.seek(handle_, 0, sys::origin::offset, now));
    return now;
}

std::uint64_t file::size(std::error_code& ec) const noexcept {
    sys::metadata meta;
    set(ec, sys::call.stat(handle_, meta));
    return meta.size;
}

void file::truncate(std::uint64_t bytes, std::error_code& ec) noexcept {
    set(ec, sys::call.truncate(handle_, bytes));
}

void file::allocate(std::uint64_t bytes, std::error_code& ec) noexcept {
    ec.clear();
    if (bytes != 0 || closed()) {  // fallocate(2) refuses a length of 0, which asks for nothing
        set(ec, sys::call.allocate(handle_, bytes));
    }
}

void file::sync(std::error_code& ec) noexcept {
    set(ec, sys::call.sync(handle_));
}

file file::reopen(std::error_code& ec) const noexcept {
    sys::handle made = sys::no_handle;
    if (set(ec, closed() ? EBADF : sys::call.reopen(handle_, made)) == 0) {
        set(ec, keep_off_standard_streams(made));
    }
    return file(made);
}

void file::close(std::error_code& ec) noexcept {
    ec.clear();
    if (!closed()) {
        set(ec, sys::call.close(release()));
    }
}

std::size_t file::read(std::span<std::byte> into) {
    return or_raise("read", [&](std::error_code& ec) { return read(into, ec); });
}
void file::write(std::span<const std::byte> bytes) {
    or_raise("write", [&](std::error_code& ec) { return write(bytes, ec); });
}
std::size_t file::readv(std::span<const std::span<std::byte>> pieces) {
    return or_raise("read", [&](std::error_code& ec) { return readv(pieces, ec); });
}
void file::writev(std::span<const std::span<const std::byte>> pieces) {
    or_raise("write", [&](std::error_code& ec) { return writev(pieces, ec); });
}
std::size_t file::pread(std::span<std::byte> into, std::uint64_t offset) {
    return or_raise("read", [&](std::error_code& ec) { return pread(into, offset, ec); });
}
void file::pwrite(std::span<const std::byte> bytes, std::uint64_t offset) {
    or_raise("write", [&](std::error_code& ec) { return pwrite(bytes, offset, ec); });
}
std::size_t file::preadv(std::span<const std::span<std::byte>> pieces, std::uint64_t offset) {
    return or_raise("read", [&](std::error_code& ec) { return preadv(pieces, offset, ec); });
}
void file::pwritev(std::span<const std::span<const std::byte>> pieces, std::uint64_t offset) {
    or_raise("write", [&](std::error_code& ec) { return pwritev(pieces, offset, ec); });
}
std::uint64_t file::seek(std::int64_t offset, std::ios_base::seekdir from) {
    return or_raise("seek", [&](std::error_code& ec) { return seek(offset, from, ec); });
}
std::uint64_t file::tell() const {
    return or_raise("tell the position", [&](std::error_code& ec) { return tell(ec); });
}
std::uint64_t file::size() const {
    return or_raise("tell the size", [&](std::error_code& ec) { return size(ec); });
}
void file::truncate(std::uint64_t bytes) {
    or_raise("truncate", [&](std::error_code& ec) { truncate(bytes, ec); });
}
void file::allocate(std::uint64_t bytes) {
    or_raise("reserve space", [&](std::error_code& ec) { allocate(bytes, ec); });
}
void file::sync() {
    or_raise("sync", [&](std::error_code& ec) { sync(ec); });
}
file file::reopen() const {
    std::error_code ec;
    file second = reopen(ec);
    if (ec) {
        raise(ec == std::errc::no_such_file_or_directory
                  ? "reopen: /proc is not there; mount it (mount -t proc proc /proc)"
                  : "reopen",
              ec);
    }
    return second;
}
void file::close() {
    or_raise("close", [&](std::error_code& ec) { close(ec); });
}

}  // namespace tempfile
