/// @file
/// How a file gets its final name: the rules for all `persist()` functions, for `atomic_file` and `write_file`.
///
/// @code
/// tempfile::named_temporary_file report({.suffix = ".csv"});
/// report << "a,b\n";
/// const auto how = report.persist("report.csv", {.existing = tempfile::if_exists::refuse});
/// assert(how.atomic && how.path.filename() == "report.csv");
/// assert(how.durable == tempfile::durability::data);
/// std::filesystem::remove("report.csv");
/// @endcode
///
/// **Atomic.** Whoever opens the target sees all of the old file or all of the new one, at every moment and whatever
/// becomes of the process: the new one is complete before it gets the name, which is one system call (link(2),
/// rename(2)). A file from another file system is copied beside the target first.
///
/// **Failure.** Until the name is given, a failure changes nothing: the target is as it was, the object still owns its
/// file, and the call can be repeated. What can fail after that (waiting for the disk, taking the copied original away)
/// is an error too, but then `persisted::path` is set and the object owns nothing any more; `persist_error` has it.
///
/// **A disk that failed once** may have lost what it was given, and says so only once (fsync(2)): after an error of
/// waiting for it the object refuses to be published until it is truncated to nothing and written anew; a closed file
/// and a directory refuse for good.
///
/// **Power.** With `durability::data`, the default, the contents are on the disk before the name is given: after a
/// power cut the target is the old file or the new one, never empty. `data_and_directory` waits for the name, too.
///
/// **Links, devices.** A symbolic link at the target is followed, and what it leads to is replaced; but not one that
/// somebody else has put into a directory such as `/tmp`, as with `fs.protected_symlinks` (proc(5)): EACCES, as for
/// such a file. Only a regular file is replaced: a directory is EISDIR, a device, FIFO or socket EINVAL, and so is the
/// object's own file. Other hard links of the target keep the old contents.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tempfile {

/// When the target exists.
enum class if_exists {
    replace,   ///< It is replaced.
    refuse,    ///< EEXIST, also when two come at the same time: one of them gets the name.
    exchange,  ///< It must exist, and gets another name, `persisted::previous`, which is the caller's from then on.
};

/// When the target is a symbolic link.
enum class if_symlink {
    follow,   ///< The file it leads to is meant, whether that exists or not.
    replace,  ///< The link itself is replaced.
    refuse,   ///< ELOOP.
};

/// When the target is on another file system, or on another mount of the same (bind mounts, btrfs subvolumes), and when
/// a file that has no name can be given none.
enum class if_elsewhere {
    copy,    ///< Its contents are copied beside the target, which then gets the name. Holes stay holes. The object has
             ///< another descriptor then, which the system does not open for appending (O_APPEND); it appends itself.
    refuse,  ///< EXDEV.
};

/// When the target is a file with the same contents already.
enum class if_same {
    replace,  ///< It is replaced all the same.
    leave,    ///< It is left alone with its times and its mode, so that build tools see no change; our file goes. Not
              ///< where `mode` asks for another one than it has.
};

/// Where mode, owner, group, ACL and other extended attributes come from.
enum class metadata_of {
    existing,  ///< From the file that is replaced, as far as that is allowed; `persisted::not_copied` says what was
               ///< not. Where there is none, as `new_file`.
    new_file,  ///< What a new file gets there: 0666 less the umask, or what the directory's default ACL says.
};

/// What is waited for.
enum class durability {
    none,                ///< Nothing: after a power cut the target may be empty, on some file systems.
    data,                ///< The contents: after a power cut the target is the old or the new file.
    data_and_directory,  ///< The name as well: after a power cut it is the new one.
};

/// Is called before the first piece of a copy and after each, with the bytes copied and those there are. Answers
/// whether to go on; else the call fails with `std::errc::operation_canceled`.
using copy_progress = std::function<bool(std::uint64_t done, std::uint64_t all)>;

/// What publishing can be told.
struct persist_options {
    if_exists existing = if_exists::replace;          ///< When the target exists.
    if_symlink symlink = if_symlink::follow;          ///< When it is a symbolic link.
    if_elsewhere elsewhere = if_elsewhere::copy;      ///< When it is on another file system.
    if_same same = if_same::replace;                  ///< When it has the same contents.
    metadata_of metadata = metadata_of::existing;     ///< Where mode, owner, ACL and so on come from.
    std::optional<std::filesystem::perms> mode = {};  ///< Exactly this mode instead.
    durability durable = durability::data;            ///< What is waited for.
    copy_progress progress = {};                      ///< Asked while copying.
};

/// How the file got its name.
enum class persist_method {
    link,      ///< Its first name, by link(2).
    rename,    ///< By rename(2).
    exchange,  ///< By renameat2(2), RENAME_EXCHANGE.
    left,      ///< Not at all: the target had the same contents (`if_same::leave`).
};

/// How it was copied before.
enum class copy_method {
    none,             ///< It was not.
    reflink,          ///< The file system shares the contents (FICLONE).
    copy_file_range,  ///< copy_file_range(2).
    sendfile,         ///< sendfile(2).
    read_write,       ///< pread(2), pwrite(2).
};

/// What was achieved.
struct persisted {
    std::filesystem::path path{};                    ///< The target, absolute, links followed; empty when it failed.
    persist_method method = persist_method::rename;  ///< How it got the name.
    copy_method copied = copy_method::none;          ///< How it was copied, if it was.
    bool atomic = false;                             ///< Nobody could see anything in between.
    durability durable = durability::none;           ///< What was waited for, successfully.
    std::vector<std::string> not_copied{};           ///< "owner", "group", the name of an extended attribute, or
                                                     ///< "extended attributes" when they could not be read.
    std::filesystem::path previous{};                ///< Where the old file is now (`if_exists::exchange`).
};

/// A publication that failed.
class persist_error : public std::filesystem::filesystem_error {
public:
    /// With what was achieved all the same.
    persist_error(const std::filesystem::filesystem_error& what, persisted achieved)
        : filesystem_error(what), result_(std::move(achieved)) {}
    /// Its `path` is empty unless the file was published before something went wrong.
    [[nodiscard]] const persisted& result() const noexcept { return result_; }

private:
    persisted result_;
};

}  // namespace tempfile
