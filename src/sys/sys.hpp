// The operating-system contract: everything the library asks of the system, declared once. A system is added by
// implementing this header in whole files of its own (src/sys/CMakeLists.txt chooses them); nothing outside src/sys
// includes a system header.
//
// Rules for every call:
// - It answers 0, or the system's error number, which std::system_category() understands. Outputs are set only on
//   success.
// - It resumes when a signal interrupts it (EINTR), but for close, which must never be repeated: the handle is gone
//   (close(2)).
// - It has no policy, and no fallback but an older call that asks the same. It allocates nothing, throws nothing, and
//   prints nothing.
// - It changes no global state.
// - Every handle it makes is close-on-exec from the first instant.
// - It may be called from any thread; on the same handle as the system allows.
//
// All calls go through `sys::call`, a table that tests replace entry by entry to force each error at each place. It is
// not to be changed while another thread is in the library.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tempfile::sys {

using error = int;
using handle = int;
inline constexpr handle no_handle = -1;

// The lowest handle that is none of the three standard streams.
inline constexpr handle first_free_handle = 3;

// For the `at` parameters: names are relative to the working directory (and absolute names to nothing).
inline constexpr handle working_directory = -100;

inline constexpr std::size_t name_max = 255;

// The size of the buffer for `list`: larger ones gained nothing when measured.
inline constexpr std::size_t list_bytes = 32 * 1024;

enum class kind : std::uint8_t { unknown, file, directory, link, other };

struct identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const identity&, const identity&) = default;
};

struct metadata {
    identity id;
    std::uint64_t mount = 0;  // tells mounts apart, also two of the same device; 0 where the system cannot say
    std::uint64_t size = 0;   // bytes
    std::uint64_t links = 0;
    std::uint64_t owner = 0;
    std::uint64_t group = 0;
    std::uint64_t born = 0;         // nanoseconds since 1970; 0 where the system or file system cannot say
    std::uint32_t permissions = 0;  // the twelve bits of chmod
    kind what = kind::unknown;
};

struct piece {
    void* data;
    std::size_t bytes;
};

// The last two: to the next contents behind that offset, and to the next hole, or the end; ENXIO where no contents
// follow, EINVAL where the system cannot tell.
enum class origin { beginning, offset, end, contents, hole };

// Tells a process from all others there ever were, also after a reboot and on another machine.
struct process_identity {
    std::uint64_t pid = 0;             // in its own process namespace
    std::uint64_t start = 0;           // when it started
    std::uint64_t pid_namespace = 0;   // which namespace that is
    std::uint64_t time_namespace = 0;  // which one `start` is told in; 0 where there are none
    std::array<char, 40> boot{};       // which start of which system
    std::array<char, 72> host{};       // the name of the machine
    std::array<char, 64> program{};    // for people
};

enum class medium : std::uint8_t { unknown, memory, storage, network };

// Kinds of file systems, as far as something depends on them. `memory`: whatever keeps everything there; `ext`: ext2,
// ext3 and ext4, which cannot be told apart.
enum class file_system : std::uint8_t { other, memory, ext, btrfs };

inline constexpr std::uint64_t no_limit = ~std::uint64_t{0};

struct space {
    std::uint64_t bytes = no_limit;   // that are free for an ordinary user
    std::uint64_t inodes = no_limit;  // likewise
    medium kept_in = medium::unknown;
    bool syncs = true;       // sync_file_system waits for the disk: FUSE and network file systems may only say so
    bool swappable = true;   // where it is kept in memory: that may be swapped out, as far as the kind of it tells
    bool executable = true;  // not mounted with noexec
};

struct allowance {
    std::uint64_t bytes = no_limit;
    std::uint64_t inodes = no_limit;
};

struct mount_entry {
    std::array<char, 32> type{};  // "tmpfs"
    bool never_swapped = false;   // a tmpfs that was mounted with noswap
};

struct entry {
    const char* name;    // in the buffer it was listed into
    kind what;           // unknown where the file system does not say
    std::uint64_t next;  // `seek` to here, and `list` goes on behind this entry, or near it if others were removed
    std::uint64_t inode;
};

// What a thread is to do. It must outlive the thread.
struct thread_body {
    void (*run)(void* with) noexcept;
    void* with;
};

struct thread {
    alignas(std::uint64_t) std::array<unsigned char, 8> id{};  // the system's own type
};

struct calls {
    // --- Files ---

    // A new file in directory `dir` that has no name and can never get one; mode 0600 less the umask; for reading and
    // writing. ENOENT, EISDIR, EOPNOTSUPP, EINVAL and ENOSYS can mean that this system or file system has no such files
    // (open(2), O_TMPFILE).
    error (*create_unnamed)(const char* dir, bool append, handle& made) noexcept;
    // The same, relative to `at`, of a kind that can get a name later (`link_handle`), and with these permissions less
    // the umask, or by the directory's default ACL.
    error (*create_linkable)(handle at, const char* dir, bool append, std::uint32_t permissions, handle& made) noexcept;
    // As `create_file_in`, with the mode and whatever else a new file gets there that is for everybody whom the umask
    // and the directory allow: 0666 less the umask, or by the directory's default ACL.
    error (*create_public_in)(handle at, const char* name, handle& made) noexcept;
    // A new file at `path`; EEXIST whatever stands there, a link included. Mode and use as above.
    error (*create_file)(const char* path, bool append, handle& made) noexcept;
    // The same in directory `at`, and an existing regular file or whatever else stands at `name`, a link excepted: it
    // is never waited for, as a FIFO would be.
    error (*create_file_in)(handle at, const char* name, handle& made) noexcept;
    error (*open_file)(handle at, const char* name, handle& made) noexcept;
    // The same for reading.
    error (*open_to_read)(handle at, const char* name, handle& made) noexcept;
    // From one name to another, replacing what stands there; EEXIST when something stands there; exchanging the two.
    // The last two answer EINVAL where the file system cannot do that, ENOSYS where the system cannot. EXDEV from one
    // file system, or mount of it, to another.
    error (*rename)(handle from_at, const char* from, handle to_at, const char* to) noexcept;
    error (*rename_new)(handle from_at, const char* from, handle to_at, const char* to) noexcept;
    error (*exchange)(handle from_at, const char* from, handle to_at, const char* to) noexcept;
    // Another name for a file; EEXIST when something stands there. `link_handle` and `link_through_proc` are two ways
    // for a `create_linkable` one: ENOENT or EPERM where that way is barred.
    error (*link)(handle from_at, const char* from, handle to_at, const char* to) noexcept;
    error (*link_handle)(handle of, handle to_at, const char* to) noexcept;
    error (*link_through_proc)(handle of, handle to_at, const char* to) noexcept;
    // Where a symbolic link leads, `used` bytes of it without a terminator; as many as there is room for.
    error (*read_link)(handle at, const char* name, char* into, std::size_t bytes, std::size_t& used) noexcept;
    // Takes away the name of anything but a directory.
    error (*remove_file)(handle at, const char* name) noexcept;
    // A new open file for the same file, also for one without a name.
    error (*reopen)(handle of, handle& made) noexcept;
    // A second handle for the same open file, at least `first_free_handle`.
    error (*duplicate)(handle of, handle& made) noexcept;
    error (*close)(handle h) noexcept;

    // These may do less than asked; `done` says how many bytes.
    error (*read)(handle h, void* into, std::size_t bytes, std::size_t& done) noexcept;
    error (*write)(handle h, const void* from, std::size_t bytes, std::size_t& done) noexcept;
    error (*pread)(handle h, void* into, std::size_t bytes, std::uint64_t at, std::size_t& done) noexcept;
    error (*pwrite)(handle h, const void* from, std::size_t bytes, std::uint64_t at, std::size_t& done) noexcept;
    // At most 64 pieces.
    error (*readv)(handle h, const piece* pieces, std::size_t n, std::size_t& done) noexcept;
    error (*writev)(handle h, const piece* pieces, std::size_t n, std::size_t& done) noexcept;
    error (*preadv)(handle h, const piece* pieces, std::size_t n, std::uint64_t at, std::size_t& done) noexcept;
    error (*pwritev)(handle h, const piece* pieces, std::size_t n, std::uint64_t at, std::size_t& done) noexcept;

    error (*seek)(handle h, std::int64_t offset, origin from, std::uint64_t& now) noexcept;
    error (*truncate)(handle h, std::uint64_t bytes) noexcept;
    // For an empty file: what is reserved and written will be written again in the same place, where the file system
    // would else ask for new space each time (copy on write). EOPNOTSUPP where there is nothing to be arranged.
    error (*overwrite_in_place)(handle h) noexcept;
    // Reserves the first `bytes` bytes; EOPNOTSUPP where that cannot be done.
    error (*allocate)(handle h, std::uint64_t bytes) noexcept;
    // The same, and the file stays as long as it is.
    error (*reserve)(handle h, std::uint64_t bytes) noexcept;
    // Waits until the file, or the directory, is on the disk; the same for the whole file system it is on; and for the
    // data of a file, begins with it without waiting.
    error (*sync)(handle h) noexcept;
    error (*sync_file_system)(handle h) noexcept;
    error (*begin_sync)(handle h) noexcept;
    error (*stat)(handle h, metadata& out) noexcept;
    error (*set_permissions)(handle h, std::uint32_t permissions) noexcept;
    error (*set_owner)(handle h, std::uint64_t owner, std::uint64_t group) noexcept;

    // Makes `to` share all of the contents of `from`. EOPNOTSUPP, EINVAL, EXDEV and others where that cannot be had.
    error (*clone)(handle from, handle to) noexcept;
    // Copies within the system, from one offset to the same; `done` is 0 at the end of the file, and can be less than
    // asked. `send_range` writes at the offset that `to` has.
    error (*copy_range)(handle from, handle to, std::uint64_t at, std::size_t bytes, std::size_t& done) noexcept;
    error (*send_range)(handle from, handle to, std::uint64_t at, std::size_t bytes, std::size_t& done) noexcept;

    // Extended attributes, ACLs among them. ERANGE when the buffer is too small, ENODATA when there is none,
    // EOPNOTSUPP where there are no such. The list has the names one after the other, each with a terminator.
    error (*list_attributes)(handle h, char* into, std::size_t bytes, std::size_t& used) noexcept;
    error (*attribute)(handle h, const char* name, void* into, std::size_t bytes, std::size_t& used) noexcept;
    error (*set_attribute)(handle h, const char* name, const void* from, std::size_t bytes) noexcept;
    error (*remove_attribute)(handle h, const char* name) noexcept;

    // Locks the open file, or answers EWOULDBLOCK when somebody else holds it. The lock belongs to the open file: it
    // ends when the last handle of it is closed, which a forked child may have too (flock(2)).
    error (*lock)(handle h, bool shared) noexcept;
    // A stretch of the file as memory that is shared with everybody who maps it. `at` is a multiple of 64 KiB. With
    // `no_handle`, memory of this process alone.
    error (*map)(handle h, std::uint64_t at, std::size_t bytes, void*& memory) noexcept;
    error (*unmap)(void* memory, std::size_t bytes) noexcept;
    // Waits until what was stored in memory that is mapped from a file is on the disk.
    error (*sync_map)(void* memory, std::size_t bytes) noexcept;

    // --- Directories: the last component of a name is never followed when it is a link ---

    // A new directory, mode 0700 less the umask; EEXIST whatever stands there.
    error (*create_directory)(const char* path) noexcept;
    // The same in directory `at`, for everybody: mode 0777 less the umask, or by the directory's default ACL.
    error (*create_public_directory)(handle at, const char* name) noexcept;
    // For `list` and as `at`. ENOTDIR or ELOOP when it is something else, which is not opened then.
    error (*open_directory)(handle at, const char* name, handle& made) noexcept;
    // The same for one that may not be read: good for `stat`, `set_path_permissions` and as `at` only.
    error (*open_path)(handle at, const char* name, handle& made) noexcept;
    // The permissions of exactly what `open_path` opened.
    error (*set_path_permissions)(handle path, std::uint32_t permissions) noexcept;
    error (*remove_directory)(handle at, const char* name) noexcept;
    error (*stat_at)(handle at, const char* name, metadata& out) noexcept;
    // The same, by who keeps the file, if that is somebody else: FUSE and NFS remember it for some seconds (statx(2),
    // AT_STATX_FORCE_SYNC), and bindfs under each name of a file for itself.
    error (*stat_at_now)(handle at, const char* name, metadata& out) noexcept;
    // The next entries, `used` bytes of them, for `next_entry`; 0 bytes at the end. `buffer` has `list_bytes` bytes and
    // the alignment of std::uint64_t.
    error (*list)(handle dir, void* buffer, std::size_t& used) noexcept;
    error (*rewind)(handle dir) noexcept;
    // Which kind of file system it is on.
    error (*file_system_of)(handle h, file_system& out) noexcept;
    // How much room there is in the file system of `h`, which may be from `open_path`, and what it is like.
    error (*free_space)(handle h, space& out) noexcept;
    // How much of it the quota of the effective user, or of the effective group, leaves. An error where there are no
    // quotas.
    error (*quota)(handle h, bool of_group, allowance& out) noexcept;
    // What is mounted there (metadata::mount). ENOENT when it is not in sight.
    error (*mounted)(std::uint64_t mount, mount_entry& out) noexcept;
    // Whether memory may be written to a disk; and how much of it could be used without that.
    error (*swaps)(bool& yes) noexcept;
    error (*available_memory)(std::uint64_t& bytes) noexcept;

    // --- The process ---

    // Random bytes from the system's generator; EAGAIN when it is not ready yet, rather than waiting for it.
    error (*random)(void* into, std::size_t bytes) noexcept;
    // The same from the random device, which never waits; ENOENT and the like where there is none.
    error (*random_device)(void* into, std::size_t bytes) noexcept;
    // Null when unset, and always in a set-user-id program. Valid until the environment changes.
    const char* (*environment)(const char* name) noexcept;
    // True in a program that runs with more rights than its caller.
    bool (*set_user_id)() noexcept;
    std::uint64_t (*effective_user)() noexcept;
    // Which process this is. An error when the system does not say all that tells it from others; what it does say is
    // there all the same.
    error (*this_process)(process_identity& out) noexcept;
    // Its number now, also in a child that shares our memory (vfork(2)).
    std::uint64_t (*process_number)() noexcept;
    // A number for the calling thread, and whether a thread of this process with that number still runs.
    std::uint64_t (*this_thread)() noexcept;
    bool (*thread_runs)(std::uint64_t thread) noexcept;
    // False only when it is certain that no other thread runs.
    bool (*other_threads)() noexcept;
    // A thread in which no signal is handled but those of its own faults; EAGAIN when there cannot be another one.
    error (*start_thread)(const thread_body& body, thread& made) noexcept;
    // Waits for its end.
    void (*join_thread)(const thread& t) noexcept;
    // Does nothing for so long.
    void (*pause)(std::uint64_t nanoseconds) noexcept;
    // When the process `pid` of our own process namespace started, in a unit of the system's; ESRCH when there is none,
    // EACCES when there is one that we are not shown.
    error (*start_time)(std::uint64_t pid, std::uint64_t& out) noexcept;
    // The process namespace that `pid` of ours lives in; EACCES when it is none of our business.
    error (*process_namespace)(std::uint64_t pid, std::uint64_t& out) noexcept;
    // Nanoseconds since 1970, exact to some milliseconds; and since some moment, exactly.
    std::uint64_t (*wall_clock)() noexcept;
    std::uint64_t (*steady_clock)() noexcept;
    // The absolute path of the working directory, with a terminator; ERANGE when the buffer is too small.
    error (*current_directory)(char* into, std::size_t bytes) noexcept;
};

extern calls call;

// Takes one entry out of a buffer that `list` filled; false behind the last. `position` starts at 0.
bool next_entry(const void* buffer, std::size_t used, std::size_t& position, entry& out) noexcept;

// From now on, `before` runs in the thread that calls fork(3), just before it, and `after` in parent and child, just
// after it. For locks, which a child would otherwise find locked by a thread that it does not have.
void at_fork(void (*before)(), void (*after)()) noexcept;

// From now on, `last` runs at the end of the process: after every static object is gone, and by quick_exit(3). Not when
// it is killed, nor by _exit(2). One function only.
void at_end_of_process(void (*last)() noexcept) noexcept;

// Whether a signal ends a process that has arranged nothing for it, and lets arrange something.
bool can_end_process(int signal) noexcept;

// From now on, when one of these signals arrives, `first` runs before what was arranged for that signal until now,
// which then happens as ever: its handler is called, or the process ends by the signal. `ends` says which. All signals
// that were ever given are blocked meanwhile in the thread. A signal that is ignored stays ignored; one that was given
// before stays as it is.
error before_signals(const int* signals, std::size_t n, void (*first)(bool ends) noexcept) noexcept;

// Blocks the signals that were given to before_signals in the calling thread, as long as it lives.
class held_signals {
public:
    held_signals() noexcept;
    ~held_signals();
    held_signals(const held_signals&) = delete;
    held_signals& operator=(const held_signals&) = delete;

private:
    alignas(std::uint64_t) std::array<unsigned char, 128> before_;  // the system's own type
};

// A number that differs between a process and every process it descends from that asked before the fork, without a
// system call: who made an object deletes it, its forked children do not. Never 0.
std::uint64_t process_generation() noexcept;

}  // namespace tempfile::sys
