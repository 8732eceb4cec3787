#include "survey.hpp"

#include <fmt/core.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

using tempfile::removal_report;

// Which file, and on which mount, as far as the kernel tells (5.8).
struct identity {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t mount = 0;

    [[nodiscard]] bool is_same_file(const identity& other) const {
        return device == other.device && inode == other.inode;
    }
    [[nodiscard]] bool is_same_mount(const identity& other) const {
        return mount == other.mount && (mount != 0 || device == other.device);
    }
};

identity identity_of(const struct statx& about) {
    const bool told = (about.stx_mask & STATX_MNT_ID) != 0;
    return {.device = std::uint64_t{about.stx_dev_major} << 32U | about.stx_dev_minor,
            .inode = about.stx_ino,
            .mount = told ? about.stx_mnt_id : 0};
}

int look(int at, const char* name, struct statx& about) {
    constexpr int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;
    return ::statx(at, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &about) == 0 ? 0 : errno;
}

int open_directory(int at, const char* name, tempfile::file& into) {
    const int handle = ::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    const int error = handle < 0 ? errno : 0;
    into = tempfile::file(handle);
    return error;
}

// Who may remove what is in a directory (unlink(2), path_resolution(7)).
struct rights {
    int error = 0;          // for all of it
    bool only_own = false;  // the sticky bit

    // What the system would say to the removal of this entry; 0 if nothing.
    [[nodiscard]] int refuse(const struct statx& entry) const {
        const bool fixed = (entry.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
        return error != 0 ? error : fixed || (only_own && entry.stx_uid != ::geteuid()) ? EPERM : 0;
    }
};

// `is_repaired`: when it is ours, its mode will be no obstacle.
rights rights_in(int at, const char* directory, const struct statx& about, bool is_repaired) {
    const uid_t us = ::geteuid();
    const bool only_own = (about.stx_mode & S_ISVTX) != 0 && us != 0 && about.stx_uid != us;
    if ((about.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0) {
        return {.error = EPERM, .only_own = only_own};
    }
    const int error = ::faccessat(at, directory, W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
    return {.error = error == EACCES && is_repaired && about.stx_uid == us ? 0 : error, .only_own = only_own};
}

// Why the library would refuse it by its name.
void check_name(std::string_view path) {
    const std::size_t end = path.find_last_not_of('/');
    if (end == path.npos) {
        throw std::invalid_argument("the root directory is not removed");
    }
    const std::string_view last = path.substr(0, end + 1).substr(path.find_last_of('/', end) + 1);
    if (last == "." || last == "..") {
        throw std::invalid_argument(fmt::format(
            "\"{}\" ends with \"{}\", which means another directory from another place; say the directory's name", path,
            last));
    }
}

// By "..", and by names from where that does not lead on.
bool holds_working_directory(const identity& directory) {
    struct statx about {};
    tempfile::file here;
    identity below;
    for (const char* next = ".";; next = "..") {
        tempfile::file up(::openat(here.closed() ? AT_FDCWD : here.native_handle(), next, O_PATH | O_CLOEXEC));
        if (up.closed() || look(up.native_handle(), "", about) != 0) {
            break;
        }
        const identity now = identity_of(about);
        if (now.is_same_file(directory)) {
            return true;
        }
        if (now.is_same_file(below) && now.is_same_mount(below)) {
            return false;
        }
        below = now;
        here = std::move(up);
    }
    std::error_code ec;
    for (auto path = std::filesystem::current_path(ec); path.has_relative_path(); path = path.parent_path()) {
        if (look(AT_FDCWD, path.c_str(), about) == 0 && identity_of(about).is_same_file(directory)) {
            return true;
        }
    }
    return false;
}

// And by what it is: the root directory, the working directory, or what that is in.
void check_directory(const identity& directory, const std::string& path) {
    struct statx about {};
    if (look(AT_FDCWD, "/", about) == 0 && identity_of(about).is_same_file(directory)) {
        throw std::invalid_argument(fmt::format("\"{}\" is the root directory, which is not removed", path));
    }
    if (holds_working_directory(directory)) {
        throw std::invalid_argument(
            fmt::format("the working directory is \"{}\" or in it, and would be gone; go elsewhere first", path));
    }
}

}  // namespace

// One tree. Two descriptors are held, that of the present directory and that of its parent: further up it goes by "..",
// which whoever came down may open. No recursion.
class survey_walk {
public:
    survey_walk(survey& all, const std::string& path)
        : all_(all), path_(path.substr(0, path.find_last_not_of('/') + 1)), only_directory_(path_ != path) {}

    removal_report run();

private:
    struct level {
        tempfile::file handle;
        std::string name;
        identity id;
        std::vector<std::string> pending = {};  // directories that are still to be looked into
        bool stays = false;                     // for the sake of what is in it
        int forbidden = 0;                      // what the system will say to the removal of itself
        rights in = {};
    };

    [[nodiscard]] std::string path_of(std::string_view name) const {
        std::string path = path_;
        for (const level& l : levels_) {
            path += (l.name.empty() ? "" : "/") + l.name;
        }
        return name.empty() ? path : path + '/' + std::string(name);
    }
    void fail(std::string_view operation, std::string_view name, int error) {
        if (++report_.failed <= removal_report::kept) {
            report_.failures.push_back({.path = path_of(name),
                                        .operation = operation,
                                        .error = std::error_code(error, std::generic_category())});
        }
    }
    [[nodiscard]] bool goes_on() {
        stopped_ = stopped_ || (all_.options_.go_on && !all_.options_.go_on());
        return !stopped_;
    }

    [[nodiscard]] rights rights_around() const;
    void count(std::string_view name, const struct statx* about);
    void stays(std::string_view name, int error);
    void take(int at, const dirent& entry);
    void list();
    void enter(const std::string& name);
    void leave();

    survey& all_;
    std::string path_;  // without slashes at its end
    bool only_directory_;
    removal_report report_;
    std::vector<level> levels_;
    identity root_;
    bool stopped_ = false;
};

void survey_walk::count(std::string_view name, const struct statx* about) {
    ++report_.entries;
    if (about != nullptr && S_ISREG(about->stx_mode)) {
        const identity id = identity_of(*about);
        const bool is_last = about->stx_nlink == 1 || ++all_.names_seen_[{id.device, id.inode}] == about->stx_nlink;
        report_.bytes += is_last ? about->stx_size : 0;
    }
    if (all_.options_.tell) {
        all_.options_.tell(path_of(name));
    }
}

// An entry of the present directory.
void survey_walk::stays(std::string_view name, int error) {
    fail("remove", name, error);
    if (!levels_.empty()) {
        levels_.back().stays = true;
    }
}

void survey_walk::take(int at, const dirent& entry) {
    const std::string_view name = entry.d_name;
    if (name == "." || name == "..") {
        return;
    }
    const bool looks = all_.options_.details || entry.d_type == DT_UNKNOWN;
    struct statx about {};
    const int error = looks ? look(at, entry.d_name, about) : 0;
    if (error == ENOENT) {
        return;
    }
    const bool knows = looks && error == 0;
    if (knows ? S_ISDIR(about.stx_mode) : entry.d_type == DT_DIR) {
        levels_.back().pending.emplace_back(name);
    } else if (knows && !identity_of(about).is_same_mount(root_)) {
        stays(name, EBUSY);
    } else if (const int forbidden = knows ? levels_.back().in.refuse(about) : 0) {
        stays(name, forbidden);
    } else {
        count(name, knows ? &about : nullptr);
    }
}

void survey_walk::list() {
    constexpr std::uint64_t between_questions = 1024;
    level& l = levels_.back();
    tempfile::file copy(::fcntl(l.handle.native_handle(), F_DUPFD_CLOEXEC, 0));
    DIR* const opened = copy.closed() ? nullptr : ::fdopendir(copy.native_handle());
    if (opened == nullptr) {
        fail("list", "", errno);
        return;
    }
    static_cast<void>(copy.release());
    const auto close = [](DIR* d) { ::closedir(d); };
    const std::unique_ptr<DIR, decltype(close)> directory(opened, close);
    for (std::uint64_t n = 1; n % between_questions != 0 || goes_on(); ++n) {
        errno = 0;
        const dirent* const entry = ::readdir(directory.get());
        if (entry == nullptr) {
            if (errno != 0 && errno != ENOENT) {
                fail("list", "", errno);
            }
            return;
        }
        take(l.handle.native_handle(), *entry);
    }
}

void survey_walk::enter(const std::string& name) {
    const int at = levels_.empty() ? AT_FDCWD : levels_.back().handle.native_handle();
    level child{.handle = {}, .name = levels_.empty() ? "" : name, .id = {}};
    int error = open_directory(at, name.c_str(), child.handle);
    struct statx about {};
    error = error != 0 ? error : look(child.handle.native_handle(), "", about);
    if (error == ENOENT) {
        return;
    }
    if (error != 0) {
        count(child.name, nullptr);
        fail("look into", child.name, error);
        return;
    }
    child.id = identity_of(about);
    if (levels_.empty()) {
        root_ = child.id;
    } else if (!child.id.is_same_mount(root_)) {
        fail("cross into the mount", name, EBUSY);
        levels_.back().stays = true;
        return;
    }
    if (all_.options_.details) {
        child.forbidden = (levels_.empty() ? rights_around() : levels_.back().in).refuse(about);
        child.in = rights_in(child.handle.native_handle(), ".", about, true);
    }
    if (levels_.size() >= 2) {
        levels_[levels_.size() - 2].handle = tempfile::file();
    }
    levels_.push_back(std::move(child));
    list();
}

// In the directory in which the whole tree stands.
rights survey_walk::rights_around() const {
    const std::string parent = path_.substr(0, path_.rfind('/') + 1) + '.';
    struct statx about {};
    const int error = look(AT_FDCWD, parent.c_str(), about);
    return error == 0 ? rights_in(AT_FDCWD, parent.c_str(), about, false) : rights{.error = error};
}

void survey_walk::leave() {
    level child = std::move(levels_.back());
    levels_.pop_back();
    if (child.stays && !levels_.empty()) {
        levels_.back().stays = true;
    } else if (child.forbidden != 0 && !child.stays) {
        stays(child.name, child.forbidden);
    } else if (!child.stays) {
        count(child.name, nullptr);
    }
    if (levels_.empty() || !levels_.back().handle.closed()) {
        return;
    }
    level& parent = levels_.back();
    struct statx about {};
    int error = open_directory(child.handle.native_handle(), "..", parent.handle);
    error = error != 0 ? error : look(parent.handle.native_handle(), "", about);
    if (error != 0 || !identity_of(about).is_same_file(parent.id)) {
        fail("find again", "", error != 0 ? error : ESTALE);
        levels_.clear();  // somebody moves directories about: what follows would be said of others
    }
}

removal_report survey_walk::run() {
    const auto start = std::chrono::steady_clock::now();
    struct statx about {};
    const int error = look(AT_FDCWD, path_.c_str(), about);
    const bool is_mount = (about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    if (error != 0 && error != ENOENT && error != ENOTDIR) {
        fail("find", "", error);
    } else if (error == 0 && S_ISDIR(about.stx_mode)) {
        check_directory(identity_of(about), path_);
        enter(path_);
        if (is_mount && !levels_.empty()) {
            stays("", EBUSY);
        }
    } else if (error == 0 && only_directory_) {
        fail("enter", "", ENOTDIR);
    } else if (error == 0) {
        const int forbidden = is_mount ? EBUSY : all_.options_.details ? rights_around().refuse(about) : 0;
        forbidden != 0 ? stays("", forbidden) : count("", &about);
    }
    while (!levels_.empty() && goes_on()) {
        std::vector<std::string>& pending = levels_.back().pending;
        if (pending.empty()) {
            leave();
            continue;
        }
        const std::string name = std::move(pending.back());
        pending.pop_back();
        enter(name);
    }
    report_.took = std::chrono::steady_clock::now() - start;
    report_.complete = report_.failed == 0 && !stopped_;
    return std::move(report_);
}

removal_report survey::look_at(const std::string& path) {
    check_name(path);
    return survey_walk(*this, path).run();
}

}  // namespace tool
