#include "copy_contents.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace tempfile {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;

// A copy on its way: each way goes on where the one before it gave up.
struct copying {
    sys::handle from;
    sys::handle to;
    std::uint64_t size;  // when it began
    const copy_progress& progress;
    std::uint64_t done = 0;
    std::uint64_t until = 0;  // up to here there are contents, which are being copied

    [[nodiscard]] bool may_go_on() const { return !progress || progress(done, std::max(done, size)); }
};

// Not what the disk says (ENOSPC, EIO), but that this way is not for these two files.
bool means_another_way(sys::error e) noexcept {
    return e == EXDEV || e == EINVAL || e == ENOSYS || e == EOPNOTSUPP || e == EPERM || e == EBADF || e == ENOTTY ||
           e == ETXTBSY;
}

// Calls step(at, bytes, done) until it does nothing any more. No further than the file was long in the beginning:
// somebody who appends to it must not keep us busy for ever.
template <class Step>
sys::error in_pieces(copying& c, std::size_t piece, Step step) {
    for (std::size_t done = 1; done != 0 && c.done < c.until;) {
        const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(piece, c.until - c.done));
        if (const sys::error e = step(c.done, bytes, done)) {
            return e;
        }
        c.done += done;
        if (done != 0 && !c.may_go_on()) {
            return ECANCELED;
        }
    }
    return 0;
}

// So large that each is worth a call, so small that the progress is seen.
constexpr std::size_t within_system = std::size_t{16} << 20;

sys::error by_copy_range(copying& c) {
    return in_pieces(c, within_system, [&](std::uint64_t at, std::size_t bytes, std::size_t& done) {
        return sys::call.copy_range(c.from, c.to, at, bytes, done);
    });
}

sys::error by_send_range(copying& c) {
    std::uint64_t now = 0;
    if (const sys::error e = sys::call.seek(c.to, static_cast<std::int64_t>(c.done), sys::origin::beginning, now)) {
        return e;
    }
    return in_pieces(c, within_system, [&](std::uint64_t at, std::size_t bytes, std::size_t& done) {
        return sys::call.send_range(c.from, c.to, at, bytes, done);
    });
}

sys::error write_all(sys::handle to, const char* from, std::size_t bytes, std::uint64_t at) {
    for (std::size_t done = 0; bytes != 0; bytes -= done, from += done, at += done) {
        if (const sys::error e = sys::call.pwrite(to, from, bytes, at, done)) {
            return e;
        }
        if (done == 0) {
            return EIO;
        }
    }
    return 0;
}

sys::error by_read_write(copying& c) {
    const auto buffer = std::make_unique_for_overwrite<char[]>(buffer_bytes);
    return in_pieces(c, buffer_bytes, [&](std::uint64_t at, std::size_t bytes, std::size_t& done) {
        const sys::error e = sys::call.pread(c.from, buffer.get(), bytes, at, done);
        return e != 0 ? e : write_all(c.to, buffer.get(), done, at);
    });
}

}  // namespace

namespace {

// One that says it is at the end, before the end, is none for these two either: /proc and some FUSE do that.
sys::error copy_until(copying& c, copy_method& how) {
    struct way {
        copy_method name;
        sys::error (*take)(copying&);
    };
    for (const way w : {way{copy_method::copy_file_range, by_copy_range}, way{copy_method::sendfile, by_send_range},
                        way{copy_method::read_write, by_read_write}}) {
        if (w.name < how) {
            continue;  // it gave up before
        }
        how = w.name;
        const sys::error e = w.take(c);
        if (w.name == copy_method::read_write || (e == 0 ? c.done >= c.until : !means_another_way(e))) {
            return e;
        }
    }
    return 0;
}

// The next contents behind what is done; false where there are none any more. Where the system cannot tell, all is.
bool find_contents(copying& c) noexcept {
    std::uint64_t begin = c.done;
    std::uint64_t end = c.size;
    if (c.done >= c.size) {
        return false;
    }
    const sys::error e = sys::call.seek(c.from, static_cast<std::int64_t>(c.done), sys::origin::contents, begin);
    if (e == ENXIO) {
        return false;
    }
    const bool known = e == 0 && sys::call.seek(c.from, static_cast<std::int64_t>(begin), sys::origin::hole, end) == 0;
    if (known && end > begin) {
        c.done = begin;
    } else {  // a hole that begins right there came in between
        end = c.size;
    }
    c.until = std::min(end, c.size);
    return c.done < c.until;
}

sys::error reserve_all(const copying& c) noexcept {
    const sys::error e = sys::call.reserve(c.to, c.size);
    return e == ENOSPC || e == EDQUOT || e == EFBIG ? e : 0;
}

// The search for holes changes the offset, which is the user's.
class kept_offset {
public:
    explicit kept_offset(sys::handle of) noexcept
        : of_(of), known_(sys::call.seek(of, 0, sys::origin::offset, offset_) == 0) {}
    ~kept_offset() {
        std::uint64_t there = 0;
        if (known_) {
            sys::call.seek(of_, static_cast<std::int64_t>(offset_), sys::origin::beginning, there);
        }
    }
    kept_offset(const kept_offset&) = delete;
    kept_offset& operator=(const kept_offset&) = delete;

private:
    std::uint64_t offset_ = 0;
    sys::handle of_;
    bool known_;
};

// Holes stay holes.
sys::error copy_all(copying& c, copy_method& how) {
    bool more = find_contents(c);
    if (more && c.done == 0 && c.until == c.size) {
        if (const sys::error no_room = reserve_all(c)) {
            return no_room;
        }
    }
    for (; more; more = find_contents(c)) {
        const std::uint64_t until = c.until;
        if (const sys::error e = copy_until(c, how)) {
            return e;
        }
        if (c.done < until) {
            return 0;  // somebody has cut it off
        }
    }
    if (c.done == c.size) {
        return 0;
    }
    sys::metadata now;
    if (const sys::error e = sys::call.stat(c.from, now)) {
        return e;
    }
    c.done = c.size;
    return c.may_go_on() ? sys::call.truncate(c.to, std::min(c.size, now.size))
                         : ECANCELED;  // it may have been cut off
}

}  // namespace

sys::error copy_contents(sys::handle from, sys::handle to, const copy_progress& progress, copy_method& how) {
    sys::metadata meta;
    if (const sys::error e = sys::call.stat(from, meta)) {
        return e;
    }
    copying c{.from = from, .to = to, .size = meta.size, .progress = progress};
    if (!c.may_go_on()) {
        return ECANCELED;
    }
    if (sys::call.clone(from, to) == 0) {
        how = copy_method::reflink;
        c.done = meta.size;
        return c.may_go_on() ? 0 : ECANCELED;
    }
    how = copy_method::copy_file_range;
    const kept_offset users(from);
    return copy_all(c, how);
}

sys::error same_contents(sys::handle a, sys::handle b, bool& same) {
    same = false;
    const auto buffers = std::make_unique_for_overwrite<std::array<std::array<char, buffer_bytes>, 2>>();
    auto& [of_a, of_b] = *buffers;
    for (std::uint64_t at = 0;;) {
        std::size_t n = 0;
        std::size_t m = 0;
        sys::error e = sys::call.pread(a, of_a.data(), of_a.size(), at, n);
        e = e != 0 ? e : sys::call.pread(b, of_b.data(), of_b.size(), at, m);
        if (e != 0) {
            return e;
        }
        const std::size_t both = std::min(n, m);
        if (both == 0 || std::memcmp(of_a.data(), of_b.data(), both) != 0) {
            same = n == 0 && m == 0;
            return 0;
        }
        at += both;
    }
}

}  // namespace tempfile
