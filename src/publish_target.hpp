// From the path that somebody names to a directory that is held open and a name in it.

#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "problem.hpp"
#include "tempfile/file.hpp"
#include "tempfile/persist.hpp"

namespace tempfile {

struct publish_target {
    file directory;
    std::string directory_path;  // absolute
    std::string name;
    std::optional<sys::metadata> existing;  // what stood there when it was found

    [[nodiscard]] std::string path() const {
        return directory_path + (directory_path.ends_with('/') ? "" : "/") + name;
    }
    // What stands there now; nothing is no problem.
    problem look(std::optional<sys::metadata>& found) const;
};

// A slash at the end of the path means a directory.
enum class target_kind { file, directory };

problem resolve_target(const std::filesystem::path& path, if_symlink links, publish_target& found,
                       target_kind kind = target_kind::file);

// Whether a file may take the place of what was found. EISDIR, EINVAL, EEXIST, ENOENT (for an exchange).
problem check_existing(const publish_target& target, const std::optional<sys::metadata>& found, if_exists policy);

}  // namespace tempfile
