// From the path that somebody names to a directory that is held open and a name in it.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "problem.hpp"
#include "tempfile/file.hpp"
#include "tempfile/persist.hpp"

namespace tempfile {

struct held_directory {
    file handle;
    bool readable = true;                     // else the handle is good for names in it only (sys::call.open_path)
    std::optional<sys::metadata> about = {};  // once somebody asked
};

struct publish_target {
    std::shared_ptr<held_directory> directory;  // those of a batch share one
    std::string directory_path;                 // absolute
    std::string name;
    std::optional<sys::metadata> existing;  // what stood there when it was found

    [[nodiscard]] sys::handle held() const noexcept { return directory->handle.native_handle(); }
    [[nodiscard]] std::string path() const {
        return directory_path + (directory_path.ends_with('/') ? "" : "/") + name;
    }
    // What stands there now; nothing is no problem.
    problem look(std::optional<sys::metadata>& found) const;
    // Waits until the names in the directory are on the disk: fsync(2) wants a directory that may be read. Else the
    // whole file system is waited for, by the handle of what has just got its name there.
    sys::error sync(sys::handle published) const noexcept;
};

// FUSE answers syncfs(2) without asking its server, and what a network file system does is not known here.
bool can_sync_file_system(sys::handle h) noexcept;

// "cannot publish: ", which step of it, and what to do about this error.
problem cannot_publish(std::string_view step, const std::string& path, sys::error e);

// A slash at the end of the path means a directory.
enum class target_kind { file, directory };

// The directory that `neighbour` holds is used again where the path leads to it.
problem resolve_target(const std::filesystem::path& path, if_symlink links, publish_target& found,
                       target_kind kind = target_kind::file, const publish_target* neighbour = nullptr);

// Whether a file may take the place of what was found. EISDIR, EINVAL, EEXIST, ENOENT (for an exchange).
problem check_existing(const publish_target& target, const std::optional<sys::metadata>& found, if_exists policy);

}  // namespace tempfile
