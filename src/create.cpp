#include "create.hpp"

#include <atomic>
#include <cerrno>
#include <utility>

#include "handle.hpp"
#include "try_names.hpp"

namespace tempfile {

std::string_view advice(sys::error e) noexcept {
    switch (e) {
        case ENOSPC:
            return "; free some space, or name another directory";
        case EDQUOT:
            return "; remove something of yours, or name another directory";
        case EROFS:
            return "; name another directory";
        case ENOENT:
            return "; make the directory, or name one in which files can be made";
        case ENOTDIR:
            return "; name a directory";
        case ELOOP:
            return "; name a directory that can be reached";
        case EACCES:
            return "; name a directory you may write to";
        case EMFILE:
        case ENFILE:
            return "; close some, or raise the limit (ulimit -n)";
        case ENAMETOOLONG:
            return "; shorten prefix, suffix or directory";
        case EEXIST:
            return "; every name that was tried is taken";
        default:
            return "";
    }
}

namespace {

// What we make is for its owner, and a umask can take the owner's bits too. It cannot be read without changing it
// (umask(2)), so the first file and the first directory of a process are looked at, and the others only if that one was
// made with too few bits.
struct owner_mode {
    enum class umask_effect { unknown, none, narrows };

    const std::uint32_t permissions;
    std::atomic<umask_effect> effect{umask_effect::unknown};

    [[nodiscard]] bool is_sure() const noexcept { return effect.load(std::memory_order_relaxed) == umask_effect::none; }
    void narrowed() noexcept { effect.store(umask_effect::narrows, std::memory_order_relaxed); }

    sys::error see_to(sys::handle h) noexcept {
        sys::metadata made;
        if (is_sure()) {
            return 0;
        }
        if (const sys::error e = sys::call.stat(h, made)) {
            return e;
        }
        if ((made.permissions & permissions) != permissions) {
            narrowed();
            return sys::call.set_permissions(h, permissions);
        }
        umask_effect expected = umask_effect::unknown;
        effect.compare_exchange_strong(expected, umask_effect::none, std::memory_order_relaxed);
        return 0;
    }
};

constinit owner_mode file_mode{0600};
constinit owner_mode directory_mode{0700};

// What is done to every new handle; closes it when that fails.
sys::error finish(sys::handle& h, owner_mode& mode) noexcept {
    sys::error e = keep_off_standard_streams(h);
    if (e == 0) {
        e = mode.see_to(h);
    }
    if (e != 0 && h != sys::no_handle) {
        sys::call.close(std::exchange(h, sys::no_handle));
    }
    return e;
}

bool means_no_unnamed_files(sys::error e) noexcept {
    return e == ENOENT || e == EISDIR || e == EOPNOTSUPP || e == EINVAL || e == ENOSYS;
}

// Then nothing can be made there under a name either, for which a registry would be made first.
bool is_missing(const std::string& dir) {
    sys::metadata meta;
    return sys::call.stat_at(sys::working_directory, (dir + "/.").c_str(), meta) == ENOENT;
}

// Opens a new directory that the umask does not let us read.
sys::error open_narrowed_directory(const char* path, sys::handle& h) noexcept {
    directory_mode.narrowed();
    sys::handle by_path = sys::no_handle;
    if (const sys::error e = sys::call.open_path(sys::working_directory, path, by_path)) {
        return e;
    }
    sys::error e = sys::call.set_path_permissions(by_path, directory_mode.permissions);
    if (e == 0) {
        e = sys::call.open_directory(by_path, ".", h);
    }
    sys::call.close(by_path);
    return e == ENOENT ? EACCES : e;  // what does not exist is /proc, not the directory
}

// Opens the new directory at `path` and sees to its mode.
sys::error open_new_directory(const char* path, sys::handle& h) noexcept {
    sys::error e = sys::call.open_directory(sys::working_directory, path, h);
    if (e == EACCES) {
        e = open_narrowed_directory(path, h);
    }
    return e == 0 ? finish(h, directory_mode) : e;
}

constexpr const char* making_unnamed = "cannot make a temporary file";
constexpr const char* making_named = "cannot make a named temporary file";
constexpr const char* making_directory = "cannot make a temporary directory";

}  // namespace

problem create_unnamed(const place& where, bool append, file& made, bool* linkable) {
    if (problem p = check_affixes(where.prefix, where.suffix)) {
        return p;
    }
    sys::handle h = sys::no_handle;
    // The answer belongs to this file system: it is asked anew each time, since another directory may be on another
    // one.
    sys::error e = linkable == nullptr ? sys::call.create_unnamed(where.dir.c_str(), append, h)
                                       : sys::call.create_linkable(sys::working_directory, where.dir.c_str(), append,
                                                                   file_mode.permissions, h);
    if (linkable != nullptr) {
        *linkable = e == 0;
    }
    if (e == ENOENT && is_missing(where.dir)) {
        return creation_problem(making_unnamed, where.dir, e);
    }
    if (means_no_unnamed_files(e)) {
        std::string path;
        registration owner;
        const auto make = [&](const char* name) { return sys::call.create_file(name, append, h); };
        if (problem p = try_names(where, path, making_unnamed, registered_first(&owner, registered_kind::file, make))) {
            return p;
        }
        e = sys::call.remove_file(sys::working_directory, path.c_str());
        if (e != 0) {
            sys::call.close(h);
            return system_problem("cannot take away the name of a temporary file", path, e);
        }
        owner.leave();
    }
    if (e == 0) {
        e = finish(h, file_mode);
    }
    if (e != 0) {
        return creation_problem(making_unnamed, where.dir, e);
    }
    made = file(h);
    return no_problem();
}

problem create_named(const place& where, bool append, file& made, std::string& path, registration* owner) {
    sys::handle h = sys::no_handle;
    const auto make = [&](const char* name) { return sys::call.create_file(name, append, h); };
    if (problem p = try_names(where, path, making_named, registered_first(owner, registered_kind::file, make))) {
        return p;
    }
    if (const sys::error e = finish(h, file_mode)) {
        if (sys::call.remove_file(sys::working_directory, path.c_str()) == 0 && owner != nullptr) {
            owner->leave();
        }
        return creation_problem(making_named, where.dir, e);
    }
    made = file(h);
    return no_problem();
}

problem create_directory(const place& where, std::string& path, file& handle, registration* owner) {
    if (problem p = try_names(where, path, making_directory,
                              registered_first(owner, registered_kind::directory, sys::call.create_directory))) {
        return p;
    }
    sys::handle h = sys::no_handle;
    sys::error e = open_new_directory(path.c_str(), h);
    sys::metadata made;
    if (e == 0 && owner != nullptr) {
        e = sys::call.stat(h, made);
    }
    if (e != 0) {
        if (sys::call.remove_directory(sys::working_directory, path.c_str()) == 0 && owner != nullptr) {
            owner->leave();
        }
        if (h != sys::no_handle) {
            sys::call.close(h);
        }
        return creation_problem(making_directory, where.dir, e);
    }
    handle = file(h);
    if (owner != nullptr) {
        owner->identify(made.id.device, made.id.inode, made.born);
        // systemd-tmpfiles leaves a directory alone whose lock somebody holds (tmpfiles.d(5)). Where there are no locks
        // there is nothing to be done about it.
        sys::call.lock(h, true);
    }
    return no_problem();
}

problem create_directory(const place& where, std::string& path) {
    if (!directory_mode.is_sure()) {
        file handle;
        return create_directory(where, path, handle, nullptr);
    }
    return try_names(where, path, making_directory, sys::call.create_directory);
}

problem rename_directory(const std::string& from, sys::handle held, std::string& path, registration& owner) {
    constexpr const char* renaming = "cannot rename a temporary directory";
    sys::metadata meta;
    if (const sys::error e = sys::call.stat(held, meta)) {
        return system_problem(renaming, from, e);
    }
    const std::string directory = from + '/';  // a file or a link is refused then (path_resolution(7))
    const auto rename = [&](const char* name) {
        owner.identify(meta.id.device, meta.id.inode, meta.born);
        return owner.is_recorded()
                   ? sys::call.rename(sys::working_directory, directory.c_str(), sys::working_directory, name)
                   : ENOSPC;
    };
    const std::string parent = from.substr(0, from.rfind('/') + 1);
    return try_names({.dir = parent, .prefix = gettempprefix(), .suffix = {}}, path, renaming,
                     registered_first(&owner, registered_kind::directory, rename));
}

// --- For what is to be published ---

namespace {

constexpr std::string_view staged_prefix = ".tmp";  // hidden: it stands in somebody's directory

// make(name) relative to the directory that is held, while the path is written down.
template <class Make>
problem try_names_beside(const std::string& dir, std::string& path, registration* owner, registered_kind what,
                         Make make) {
    const std::size_t name_at = dir.size() + (dir.ends_with('/') ? 0 : 1);
    const auto relative = [&](const char* whole) { return make(whole + name_at); };
    problem p = try_names({.dir = dir, .prefix = staged_prefix, .suffix = ""}, path,
                          "cannot make a file to be published", registered_first(owner, what, relative));
    if (p) {
        path.clear();
        owner->enter_nowhere();
    }
    return p;
}

}  // namespace

problem create_beside(sys::handle directory, const std::string& dir, file& made, std::string& path, registration& owner,
                      std::uint32_t permissions, staging how) {
    sys::handle h = sys::no_handle;
    owner.enter_nowhere();
    sys::error e =
        how == staging::named ? EOPNOTSUPP : sys::call.create_linkable(directory, ".", false, permissions, h);
    if (means_no_unnamed_files(e)) {
        const auto make = [&](const char* name) { return sys::call.create_file_in(directory, name, h); };
        if (problem p = try_names_beside(dir, path, &owner, registered_kind::file, make)) {
            return p;
        }
        e = 0;
    }
    e = e == 0 ? keep_off_standard_streams(h) : e;
    if (e != 0) {
        if (!path.empty() && sys::call.remove_file(sys::working_directory, path.c_str()) == 0) {
            owner.leave();
            path.clear();
        }
        return creation_problem("cannot make a file to be published", dir, e);
    }
    made = file(h);
    return no_problem();
}

namespace {

// Looks at it, closes it, and takes away its name, if it has one. What cannot be removed stays written down.
problem look_and_take_away(sys::handle h, sys::error opened, const look_at_new& look, const std::string& dir,
                           const std::string& path, sys::error (*remove)(sys::handle, const char*) noexcept,
                           registration& owner) {
    // As long as it has its name: some FUSE file systems can say nothing of what has none any more.
    sys::error e = opened;
    if (opened == 0) {
        const file held(h);
        e = look(h);
    }
    if (!path.empty()) {
        if (const sys::error stays = remove(sys::working_directory, path.c_str())) {
            return system_problem("cannot remove what was made to find out the mode of a new one", path, stays);
        }
        owner.leave();
    }
    return e == 0 ? no_problem() : creation_problem("cannot find out what mode a new one gets", dir, e);
}

}  // namespace

problem look_at_new_file(sys::handle directory, const std::string& dir, const look_at_new& look) {
    std::string path;
    registration owner;
    sys::handle h = sys::no_handle;
    sys::error e = sys::call.create_linkable(directory, ".", false, 0666, h);
    if (means_no_unnamed_files(e)) {
        const auto make = [&](const char* name) { return sys::call.create_public_in(directory, name, h); };
        if (problem p = try_names_beside(dir, path, &owner, registered_kind::file, make)) {
            return p;
        }
        e = 0;
    }
    return look_and_take_away(h, e, look, dir, path, sys::call.remove_file, owner);
}

problem look_at_new_directory(sys::handle directory, const std::string& dir, const look_at_new& look) {
    std::string path;
    registration owner;
    sys::handle h = sys::no_handle;
    const auto make = [&](const char* name) { return sys::call.create_public_directory(directory, name); };
    if (problem p = try_names_beside(dir, path, &owner, registered_kind::directory, make)) {
        return p;
    }
    const sys::error e = sys::call.open_directory(sys::working_directory, path.c_str(), h);
    return look_and_take_away(h, e, look, dir, path, sys::call.remove_directory, owner);
}

sys::error link_nameless(sys::handle nameless, sys::handle directory, const char* name) noexcept {
    // The first needs no /proc, but after a change of credentials it is refused with ENOENT, and before Linux 6.10 it
    // wants a privilege when the handle came from somebody else (open(2), O_TMPFILE; linkat(2), AT_EMPTY_PATH).
    const sys::error e = sys::call.link_handle(nameless, directory, name);
    return e == ENOENT || e == EPERM || e == EINVAL ? sys::call.link_through_proc(nameless, directory, name) : e;
}

problem link_beside(sys::handle nameless, const sys::metadata& known, sys::handle directory, const std::string& dir,
                    std::string& path, registration& owner) {
    return try_names_beside(dir, path, &owner, registered_kind::file, [&](const char* name) {
        owner.identify(known.id.device, known.id.inode, known.born);  // it may be somebody else's by now
        return link_nameless(nameless, directory, name);
    });
}

problem unused_path(const place& where, std::string& path) {
    return try_names(where, path, "cannot find an unused name", [](const char* name) {
        sys::metadata there;
        const sys::error e = sys::call.stat_at(sys::working_directory, name, there);
        return e == 0 ? EEXIST : e == ENOENT ? 0 : e;
    });
}

}  // namespace tempfile
