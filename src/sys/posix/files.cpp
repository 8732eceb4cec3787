// Files and directories with nothing but POSIX.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <limits>

#include "sys/posix/posix.hpp"

namespace tempfile::sys::posix {
namespace {

// struct iovec has a void* and a size_t in this order (POSIX, <sys/uio.h>), as struct piece has.
static_assert(sizeof(piece) == sizeof(iovec) && offsetof(piece, data) == offsetof(iovec, iov_base) &&
              offsetof(piece, bytes) == offsetof(iovec, iov_len));

const iovec* vector(const piece* pieces) noexcept {
    return reinterpret_cast<const iovec*>(pieces);
}

static_assert(sizeof(off_t) == sizeof(std::uint64_t));

// More than an off_t can hold becomes negative, which the system refuses with EINVAL.
off_t offset(std::uint64_t bytes) noexcept {
    return static_cast<off_t>(bytes);
}

}  // namespace

error create_file(const char* path, bool append, handle& made) noexcept {
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | (append ? O_APPEND : 0);
    return result([&] { return ::open(path, flags, 0600); }, made);
}

error create_file_in(handle at, const char* name, handle& made) noexcept {
    return result([&] { return ::openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600); }, made);
}

error open_file(handle at, const char* name, handle& made) noexcept {
    return result([&] { return ::openat(at, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }, made);
}

error create_public_in(handle at, const char* name, handle& made) noexcept {
    return result([&] { return ::openat(at, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666); }, made);
}

error open_to_read(handle at, const char* name, handle& made) noexcept {
    return result([&] { return ::openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }, made);
}

error rename(handle from_at, const char* from, handle to_at, const char* to) noexcept {
    return status([&] { return ::renameat(from_at, from, to_at, to); });
}

error link(handle from_at, const char* from, handle to_at, const char* to) noexcept {
    return status([&] { return ::linkat(from_at, from, to_at, to, 0); });
}

error read_link(handle at, const char* name, char* into, std::size_t bytes, std::size_t& used) noexcept {
    return result([&] { return ::readlinkat(at, name, into, bytes); }, used);
}

error remove_file(handle at, const char* name) noexcept {
    return status([&] { return ::unlinkat(at, name, 0); });
}

error duplicate(handle of, handle& made) noexcept {
    return result([&] { return ::fcntl(of, F_DUPFD_CLOEXEC, first_free_handle); }, made);
}

error close(handle h) noexcept {
    // Linux has released the descriptor also when it answers EINTR: closing again could close a stranger's (close(2),
    // "Dealing with error returns from close"). And the data is where it would have been without the signal, so that is
    // no error.
    return ::close(h) == 0 || errno == EINTR ? 0 : errno;
}

error read(handle h, void* into, std::size_t bytes, std::size_t& done) noexcept {
    return result([&] { return ::read(h, into, bytes); }, done);
}
error write(handle h, const void* from, std::size_t bytes, std::size_t& done) noexcept {
    return result([&] { return ::write(h, from, bytes); }, done);
}
error pread(handle h, void* into, std::size_t bytes, std::uint64_t at, std::size_t& done) noexcept {
    return result([&] { return ::pread(h, into, bytes, offset(at)); }, done);
}
error pwrite(handle h, const void* from, std::size_t bytes, std::uint64_t at, std::size_t& done) noexcept {
    return result([&] { return ::pwrite(h, from, bytes, offset(at)); }, done);
}
error readv(handle h, const piece* pieces, std::size_t n, std::size_t& done) noexcept {
    return result([&] { return ::readv(h, vector(pieces), static_cast<int>(n)); }, done);
}
error writev(handle h, const piece* pieces, std::size_t n, std::size_t& done) noexcept {
    return result([&] { return ::writev(h, vector(pieces), static_cast<int>(n)); }, done);
}
error preadv(handle h, const piece* pieces, std::size_t n, std::uint64_t at, std::size_t& done) noexcept {
    return result([&] { return ::preadv(h, vector(pieces), static_cast<int>(n), offset(at)); }, done);
}
error pwritev(handle h, const piece* pieces, std::size_t n, std::uint64_t at, std::size_t& done) noexcept {
    return result([&] { return ::pwritev(h, vector(pieces), static_cast<int>(n), offset(at)); }, done);
}

error seek(handle h, std::int64_t offset, origin from, std::uint64_t& now) noexcept {
    constexpr int whence[] = {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE};
    return result([&] { return ::lseek(h, offset, whence[static_cast<int>(from)]); }, now);
}

error truncate(handle h, std::uint64_t bytes) noexcept {
    return status([&] { return ::ftruncate(h, offset(bytes)); });
}

error sync(handle h) noexcept {
    return status([&] { return ::fsync(h); });
}

error set_owner(handle h, std::uint64_t owner, std::uint64_t group) noexcept {
    return status([&] { return ::fchown(h, static_cast<uid_t>(owner), static_cast<gid_t>(group)); });
}

error set_permissions(handle h, std::uint32_t permissions) noexcept {
    return status([&] { return ::fchmod(h, static_cast<mode_t>(permissions)); });
}

error map(handle h, std::uint64_t at, std::size_t bytes, void*& memory) noexcept {
    const int flags = h == no_handle ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, h, h == no_handle ? 0 : offset(at));
    if (mapped == MAP_FAILED) {
        return errno;
    }
    memory = mapped;
    return 0;
}

error unmap(void* memory, std::size_t bytes) noexcept {
    return status([&] { return ::munmap(memory, bytes); });
}

error sync_map(void* memory, std::size_t bytes) noexcept {
    const std::uintptr_t page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(memory);
    const std::uintptr_t before = begin % page;  // msync(2) wants a whole page
    return status([&] { return ::msync(static_cast<char*>(memory) - before, bytes + before, MS_SYNC); });
}

error create_directory(const char* path) noexcept {
    return status([&] { return ::mkdir(path, 0700); });
}

error create_public_directory(handle at, const char* name) noexcept {
    return status([&] { return ::mkdirat(at, name, 0777); });
}

error open_directory(handle at, const char* name, handle& made) noexcept {
    // O_NONBLOCK is not needed: with O_DIRECTORY a FIFO is refused before it could block.
    return result([&] { return ::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }, made);
}

error remove_directory(handle at, const char* name) noexcept {
    return status([&] { return ::unlinkat(at, name, AT_REMOVEDIR); });
}

error rewind(handle dir) noexcept {
    return status([&] { return ::lseek(dir, 0, SEEK_SET); });
}

}  // namespace tempfile::sys::posix
