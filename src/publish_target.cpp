#include "publish_target.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include "create.hpp"
#include "handle.hpp"
#include "location.hpp"

namespace tempfile {
namespace {

constexpr const char* cannot = "cannot publish";

problem refused(std::string_view why, const std::string& path, sys::error e) {
    return system_problem(std::string(cannot) + ": " + std::string(why), path, e);
}

problem split(const std::string& path, publish_target& target) {
    const std::size_t slash = path.rfind('/');
    target.directory_path = slash == 0 ? "/" : path.substr(0, slash);
    target.name = path.substr(slash + 1);
    const bool names_a_directory = target.name.empty() || target.name == "." || target.name == "..";
    return names_a_directory ? refused("the target names a directory; name a file in it", path, EISDIR) : no_problem();
}

// Whether the path still leads to the directory that is held.
bool is_held(held_directory& held, const char* path) noexcept {
    sys::metadata there;
    if (!held.about && sys::call.stat(held.handle.native_handle(), there) == 0) {
        held.about = there;
    }
    return held.about && sys::call.stat_at(sys::working_directory, path, there) == 0 && there.id == held.about->id &&
           there.mount == held.about->mount;
}

problem open_directory_of(publish_target& target, const publish_target* neighbour) {
    const std::string with_links = target.directory_path + "/.";  // the directory itself may be behind a link
    if (neighbour != nullptr && neighbour->directory_path == target.directory_path &&
        is_held(*neighbour->directory, with_links.c_str())) {
        target.directory = neighbour->directory;
        return no_problem();
    }
    sys::handle h = sys::no_handle;
    sys::error e = sys::call.open_directory(sys::working_directory, with_links.c_str(), h);
    const bool readable = e != EACCES;
    e = readable ? e : sys::call.open_path(sys::working_directory, with_links.c_str(), h);
    e = e == 0 ? keep_off_standard_streams(h) : e;
    if (e != 0) {
        return system_problem(std::string(cannot) + std::string(advice(e)), target.directory_path, e);
    }
    target.directory = std::make_shared<held_directory>(held_directory{.handle = file(h), .readable = readable});
    return no_problem();
}

// Whether the directory is one for everybody, and what stands in it belongs to a stranger: neither to us nor to the
// directory's owner.
problem is_of_stranger(const publish_target& target, const sys::metadata& what, bool& yes) {
    constexpr std::uint32_t sticky_for_everybody = 01002;
    yes = what.owner != sys::call.effective_user();
    if (!yes) {
        return no_problem();
    }
    sys::metadata dir;
    if (const sys::error e = sys::call.stat(target.held(), dir)) {
        return system_problem(cannot, target.directory_path, e);
    }
    yes = (dir.permissions & sticky_for_everybody) == sticky_for_everybody && what.owner != dir.owner;
    return no_problem();
}

// A link that a stranger has put there leads where the stranger wants. The kernel's rule (proc(5),
// fs.protected_symlinks), which can be switched off, and does not hold for who reads the link.
problem check_link(const publish_target& target, const sys::metadata& link) {
    bool strange = false;
    problem p = is_of_stranger(target, link, strange);
    return !p && strange ? refused("somebody else has put this symbolic link here", target.path(), EACCES)
                         : std::move(p);
}

// What replaces a stranger's file would be the stranger's (fs.protected_regular, likewise).
problem check_file(const publish_target& target, const sys::metadata& there) {
    bool strange = false;
    problem p = is_of_stranger(target, there, strange);
    return !p && strange ? refused("somebody else has put this file here", target.path(), EACCES) : std::move(p);
}

problem follow(const publish_target& target, std::string& path) {
    std::array<char, 4096> text{};  // as long as a path can be (path_resolution(7))
    std::size_t length = 0;
    const auto e = sys::call.read_link(target.held(), target.name.c_str(), text.data(), text.size(), length);
    if (e != 0 || length == 0 || length == text.size()) {
        return system_problem("cannot follow a symbolic link", target.path(), e != 0 ? e : ENAMETOOLONG);
    }
    const std::string_view to(text.data(), length);
    path = to.starts_with('/') ? std::string(to) : target.directory_path + "/" + std::string(to);
    return no_problem();
}

}  // namespace

problem publish_target::look(std::optional<sys::metadata>& found) const {
    sys::metadata there;
    found.reset();
    const sys::error e = sys::call.stat_at(held(), name.c_str(), there);
    if (e == 0) {
        found = there;
    }
    return e == 0 || e == ENOENT ? no_problem() : system_problem(cannot, path(), e);
}

sys::error publish_target::sync(sys::handle published) const noexcept {
    if (directory->readable) {
        return sys::call.sync(held());
    }
    return can_sync_file_system(published) ? sys::call.sync_file_system(published) : EOPNOTSUPP;
}

bool can_sync_file_system(sys::handle h) noexcept {
    sys::space about;
    return sys::call.free_space(h, about) == 0 && about.syncs;
}

problem cannot_publish(std::string_view step, const std::string& path, sys::error e) {
    const bool of_making = e == EEXIST || e == ENOENT;  // such advice is for who makes a new one
    return refused(std::string(step) + std::string(of_making ? "" : advice(e)), path, e);
}

problem resolve_target(const std::filesystem::path& path, if_symlink links, publish_target& found, target_kind kind,
                       const publish_target* neighbour) {
    if (path.empty()) {
        return bad_argument("the target is an empty path; name a file");
    }
    std::string next;
    if (problem p = make_absolute(path.native(), next)) {
        return p;
    }
    if (kind == target_kind::file && path.native().ends_with('/')) {
        next += '/';
    }
    constexpr int most_links = 40;  // as in the kernel (path_resolution(7))
    for (int links_seen = 0; links_seen <= most_links; ++links_seen) {
        problem p = split(next, found);
        p = p ? std::move(p) : open_directory_of(found, neighbour);
        p = p ? std::move(p) : found.look(found.existing);
        if (p || !found.existing || found.existing->what != sys::kind::link || links == if_symlink::replace) {
            return p;
        }
        if (links == if_symlink::refuse) {
            return refused("the target is a symbolic link", found.path(), ELOOP);
        }
        p = check_link(found, *found.existing);
        p = p ? std::move(p) : follow(found, next);
        if (p) {
            return p;
        }
    }
    return refused("too many symbolic links", path.native(), ELOOP);
}

problem check_existing(const publish_target& target, const std::optional<sys::metadata>& found, if_exists policy) {
    if (!found) {
        return policy == if_exists::exchange ? refused("there is nothing to exchange it with", target.path(), ENOENT)
                                             : no_problem();
    }
    if (policy == if_exists::refuse) {
        return refused("something stands there", target.path(), EEXIST);
    }
    switch (found->what) {
        case sys::kind::file:
            return check_file(target, *found);
        case sys::kind::link:
            return no_problem();
        case sys::kind::directory:
            return refused("the target is a directory; name a file in it", target.path(), EISDIR);
        default:
            return refused("the target is a device, FIFO or socket; write to it instead", target.path(), EINVAL);
    }
}

}  // namespace tempfile
