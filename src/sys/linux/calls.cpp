// The table for Linux. Order and names are those of struct calls.

#include "sys/linux/linux.hpp"
#include "sys/posix/posix.hpp"

namespace tempfile::sys {

constinit calls call = {
    .create_unnamed = linux_os::create_unnamed,
    .create_file = posix::create_file,
    .remove_file = posix::remove_file,
    .reopen = linux_os::reopen,
    .duplicate = posix::duplicate,
    .close = posix::close,
    .read = posix::read,
    .write = posix::write,
    .pread = posix::pread,
    .pwrite = posix::pwrite,
    .readv = posix::readv,
    .writev = posix::writev,
    .preadv = posix::preadv,
    .pwritev = posix::pwritev,
    .seek = posix::seek,
    .truncate = posix::truncate,
    .allocate = linux_os::allocate,
    .sync = posix::sync,
    .stat = linux_os::stat,
    .set_permissions = posix::set_permissions,
    .create_directory = posix::create_directory,
    .open_directory = posix::open_directory,
    .open_path = linux_os::open_path,
    .set_path_permissions = linux_os::set_path_permissions,
    .remove_directory = posix::remove_directory,
    .stat_at = linux_os::stat_at,
    .list = linux_os::list,
    .rewind = posix::rewind,
    .random = linux_os::random,
    .random_device = posix::random_device,
    .environment = linux_os::environment,
    .set_user_id = linux_os::set_user_id,
    .effective_user = posix::effective_user,
    .current_directory = posix::current_directory,
};

}  // namespace tempfile::sys
