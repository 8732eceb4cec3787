// The table for Linux. Order and names are those of struct calls.

#include "sys/linux/linux.hpp"
#include "sys/posix/posix.hpp"

namespace tempfile::sys {

constinit calls call = {
    .create_unnamed = linux_os::create_unnamed,
    .create_file = posix::create_file,
    .create_file_in = posix::create_file_in,
    .open_file = posix::open_file,
    .rename = posix::rename,
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
    .lock = linux_os::lock,
    .map = posix::map,
    .unmap = posix::unmap,
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
    .this_process = linux_os::this_process,
    .this_thread = linux_os::this_thread,
    .thread_runs = linux_os::thread_runs,
    .start_time = linux_os::start_time,
    .process_namespace = linux_os::process_namespace,
    .wall_clock = linux_os::wall_clock,
    .steady_clock = posix::steady_clock,
    .current_directory = posix::current_directory,
};

}  // namespace tempfile::sys
