// The process, with nothing but POSIX.

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "sys/posix/posix.hpp"

namespace tempfile::sys {

void at_fork(void (*before)(), void (*after)()) noexcept {
    ::pthread_atfork(before, after, after);  // can only fail for want of memory; then a fork may meet a held lock
}

}  // namespace tempfile::sys

namespace tempfile::sys::posix {

error random_device(void* into, std::size_t bytes) noexcept {
    handle device = no_handle;
    if (const error e = result([] { return ::open("/dev/urandom", O_RDONLY | O_CLOEXEC); }, device)) {
        return e;
    }
    std::size_t done = 0;
    error e = read(device, into, bytes, done);
    if (e == 0 && done != bytes) {
        e = EIO;
    }
    ::close(device);
    return e;
}

std::uint64_t effective_user() noexcept {
    return ::geteuid();
}

error current_directory(char* into, std::size_t bytes) noexcept {
    if (::getcwd(into, bytes) == nullptr) {
        return errno;
    }
    // A working directory outside the root directory has a path that begins with "(unreachable)" (getcwd(3)).
    return into[0] == '/' ? 0 : ENOENT;
}

}  // namespace tempfile::sys::posix
