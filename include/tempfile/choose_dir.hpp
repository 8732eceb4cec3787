/// @file
/// Which directory to use for a need: room for so much, in memory or not, executable, secret, beside something.
///
/// @code
/// const auto dir = tempfile::choose_dir({.bytes = 1 << 20});           // room for a mebibyte
/// tempfile::temporary_file scratch({.dir = dir});
///
/// // A file that is to become one of this directory's by a rename, which no other device allows.
/// const auto near = tempfile::choose_dir({.same_device_as = dir});
///
/// for (const auto& c : tempfile::explain({.bytes = 1 << 20, .large = true}).candidates)
///     std::cout << c.dir << (c.chosen ? ": taken" : ": " + c.why_not) << '\n';
/// @endcode
///
/// **The order** is that of `gettempdir()` (location.hpp), and the first directory wins that fits. Some needs change
/// it: large things go to `/var/tmp` before `/tmp` (file-hierarchy(7)); with `memory` the memory file systems
/// `/dev/shm` and
/// `$XDG_RUNTIME_DIR` come before the defaults, with `secret` in the opposite order; with `same_device_as` the
/// directory of that path and those it is in come before the working directory. A directory in which others can rename
/// and remove
/// (`candidate::exposed`) is taken only where no other fits, and never for a secret.
///
/// **It is an answer for now.** Nothing is reserved: others may use the room in the next instant. Free bytes are those
/// for an ordinary user, less what quotas forbid (of user and group; those of btrfs are noticed only when they are used
/// up), in memory no more than the memory that is available. Limits of control groups are not looked at.
///
/// **Threads.** As location.hpp.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <tempfile/location.hpp>

namespace tempfile {

/// What a directory for temporary files must have. Nothing that is said here: anything in which a file can be made.
struct need {
    std::uint64_t bytes = 0;   ///< Room for so much.
    std::uint64_t inodes = 0;  ///< Room for so many files and directories.
    bool large = false;        ///< No memory, which is dear: what lies on storage, or on a server.
    bool memory = false;       ///< A file system that keeps everything in memory.
    bool exec = false;         ///< Programs in it can be executed: it is not mounted with noexec.
    bool secret = false;       ///< In memory that is not swapped out, and where nobody else can rename.
    std::filesystem::path same_device_as = {};  ///< A rename to here works. It need not exist; its directory must.
};

/// What a file system keeps its data in.
enum class medium {
    unknown,  ///< The system does not tell: overlays, which may lie on anything, and FUSE.
    memory,   ///< tmpfs, ramfs.
    storage,  ///< A disk, or what passes for one.
    network,  ///< Another machine, or the host of this one.
};

/// What a directory lacks.
enum class misfit {
    unusable,      ///< No file can be made and written in it; `candidate::error` says why.
    no_room,       ///< Too few bytes are free.
    no_inodes,     ///< Too few files can be made.
    over_quota,    ///< The bytes or files that a quota leaves are too few.
    in_memory,     ///< It is in memory, and storage is needed.
    not_memory,    ///< It is not in memory, or the system does not say that it is.
    swappable,     ///< It is in memory that may be swapped out, or nobody can tell.
    noexec,        ///< Nothing in it can be executed.
    other_device,  ///< A rename from it to there does not work.
    exposed,       ///< Others can rename and remove what is made in it.
};

/// A place where temporary files could go, and how it fits the need. Its `origin` may also be `memory`,
/// `$XDG_RUNTIME_DIR` and `same device`. What is told of a file system is not told where it cannot be looked at.
struct dir_candidate : candidate {
    std::string file_system;                   ///< Its type: `tmpfs`, `ext4`; empty where the system does not say.
    medium kind = medium::unknown;             ///< What it keeps data in.
    std::optional<std::uint64_t> free_bytes;   ///< Nothing where there is no limit, or none that is told.
    std::optional<std::uint64_t> free_inodes;  ///< Likewise.
    bool noexec = false;                       ///< Nothing in it can be executed.
    std::vector<misfit> misfits;               ///< All that it lacks; empty when it fits.
    std::string why_not;                       ///< Why it was not taken, in words; empty for the chosen one.
};

/// The answer of `explain(need)`.
struct choice {
    std::filesystem::path dir;              ///< What `choose_dir` answers; empty when nothing fits.
    std::vector<dir_candidate> candidates;  ///< All of them, in order, each path once.
    bool environment_ignored = false;       ///< True in a set-user-id program.
    std::error_code error;                  ///< When nothing fits: what `choose_dir` answers then,
    std::string message;                    ///< and why: the need, and what the nearest lacks.
};

/// The directory to use for a need, as an absolute path.
/// @throws std::filesystem::filesystem_error when none fits: the message names the need, and the directory that comes
/// nearest to it, whose lack is the code; also when `same_device_as` leads nowhere. std::invalid_argument for a need
/// that contradicts itself (`large` and `memory` or `secret`), or a path with a NUL byte.
[[nodiscard]] std::filesystem::path choose_dir(const need& what = {});
[[nodiscard]] std::filesystem::path choose_dir(const need& what, std::error_code& ec);

/// Tries every candidate, and tells how each fits. Makes and removes a small file in each.
/// @throws as `choose_dir`, but not when none fits.
[[nodiscard]] choice explain(const need& what);

}  // namespace tempfile
