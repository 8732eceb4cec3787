#include "publish.hpp"

#include <cerrno>
#include <utility>

#include "copy_contents.hpp"
#include "create.hpp"
#include "file_metadata.hpp"
#include "handle.hpp"

namespace tempfile {
namespace {

problem cannot(std::string_view step, const std::string& path, sys::error e) {
    return system_problem("cannot publish a file: " + std::string(step) + std::string(advice(e)), path, e);
}

}  // namespace

problem publication::prepare() {
    if (!what_.owner.ours()) {
        return cannot("it belongs to the parent process, or was published already", target_.path(), EPERM);
    }
    if (problem p = target_.look(there_)) {
        return p;
    }
    if (problem p = check_existing(target_, there_, options_.existing)) {
        return p;
    }
    if (problem p = leave_if_same()) {
        return p;
    }
    if (result_.path.empty() && !has_to_be_copied()) {
        return make_presentable();
    }
    return no_problem();
}

problem publication::give_name() {
    if (!result_.path.empty()) {
        return no_problem();  // left alone
    }
    if (!before_) {
        return copy_beside(staging::without_a_name_if_possible);
    }
    problem p = move_to_name();
    if (p && result_.path.empty()) {
        restore();
    }
    return p;
}

// A file on another file system is not touched: others could see it there with the mode it is to have here.
bool publication::has_to_be_copied() const noexcept {
    if (what_.path.empty()) {
        return !what_.can_be_linked;
    }
    sys::metadata ours;
    sys::metadata theirs;
    return sys::call.stat(what_.handle.native_handle(), ours) == 0 && sys::call.stat(directory(), theirs) == 0 &&
           ours.id.device != theirs.id.device;
}

// --- The same contents ---

problem publication::leave_if_same() {
    if (options_.same == if_same::replace || !there_ || there_->what != sys::kind::file) {
        return no_problem();
    }
    sys::handle h = sys::no_handle;
    if (sys::call.open_to_read(directory(), name(), h) != 0 || keep_off_standard_streams(h) != 0) {
        return no_problem();  // what cannot be read cannot be compared: it is replaced
    }
    file existing(h);
    bool left = false;
    sys::metadata ours;
    sys::error e = sys::call.stat(what_.handle.native_handle(), ours);
    if (e == 0 && ours.size == there_->size) {
        e = same_contents(h, what_.handle.native_handle(), left);
    }
    if (e != 0) {
        return cannot("comparing it with the target failed", target_.path(), e);
    }
    if (left) {
        if (!what_.path.empty()) {
            e = sys::call.remove_file(sys::working_directory, what_.path.c_str());
            if (e != 0 && e != ENOENT) {
                return cannot("it has the same contents, but it could not be removed", what_.path, e);
            }
            what_.path.clear();
        }
        what_.owner.leave();
        what_.handle = std::move(existing);
        result_.method = persist_method::left;
        result_.atomic = true;
        result_.path = target_.path();
    }
    return no_problem();
}

// --- From elsewhere ---

problem publication::copy_beside(staging how) {
    if (options_.elsewhere == if_elsewhere::refuse) {
        return cannot("it would have to be copied, which was not asked for", target_.path(), EXDEV);
    }
    file copy;
    std::string path;
    registration owner;
    if (problem p = create_beside(directory(), target_.directory_path, copy, path, owner, how)) {
        return p;
    }
    copy_method way = copy_method::none;
    const sys::error e = copy_contents(what_.handle.native_handle(), copy.native_handle(), options_.progress, way);
    problem p = e != 0 ? cannot("copying it failed", target_.path(), e) : no_problem();
    if (!p) {
        persist_options rest = options_;
        rest.elsewhere = if_elsewhere::refuse;
        rest.same = if_same::replace;
        p = publish({.handle = copy, .path = path, .owner = owner, .can_be_linked = path.empty()}, target_, rest,
                    result_);
    }
    if (result_.path.empty()) {  // what could not be published goes
        if (!path.empty() && sys::call.remove_file(sys::working_directory, path.c_str()) == 0) {
            owner.leave();
        }
        return p;
    }
    result_.copied = way;
    std::swap(what_.handle, copy);
    if (!what_.path.empty()) {
        const sys::error left = sys::call.remove_file(sys::working_directory, what_.path.c_str());
        if (left != 0 && left != ENOENT) {
            if (!p) {
                p = system_problem("the file was published, but its original could not be removed", what_.path, left);
            }
            what_.path.clear();
            return p;  // it stays in the registry, for the next sweep
        }
    }
    what_.path.clear();
    what_.owner.leave();
    return p;
}

// --- Before it has the name ---

// Whatever is to be seen of it is right before it can be seen: chmod after the rename would be a moment too late.
problem publication::make_presentable() {
    sys::metadata ours;
    if (const sys::error e = sys::call.stat(what_.handle.native_handle(), ours)) {
        return cannot("looking at it failed", target_.path(), e);
    }
    before_ = ours;
    std::optional<file_metadata> chosen;
    if (problem p = choose_metadata(chosen)) {
        return p;
    }
    if (chosen) {
        if (const sys::error e = chosen->apply(what_.handle.native_handle(), ours, result_.not_copied)) {
            return cannot("setting its mode failed", target_.path(), e);
        }
    } else if (const sys::error e = sys::call.set_permissions(what_.handle.native_handle(),
                                                              static_cast<std::uint32_t>(*options_.mode))) {
        return cannot("setting its mode failed", target_.path(), e);
    }
    return sync_contents();
}

problem publication::choose_metadata(std::optional<file_metadata>& chosen) {
    const bool of_existing = options_.metadata == metadata_of::existing && there_ && there_->what == sys::kind::file;
    if (of_existing) {
        sys::handle h = sys::no_handle;
        const sys::error e = sys::call.open_to_read(directory(), name(), h);
        const file existing(h);
        chosen = file_metadata::of(h, *there_);
        if (e != 0) {
            result_.not_copied.emplace_back("extended attributes");
        }
    } else if (!options_.mode) {
        if (problem p = look_at_new_file(directory(), target_.directory_path, file_metadata::looking(chosen))) {
            return p;
        }
    }
    if (chosen && options_.mode) {
        chosen->set_mode(static_cast<std::uint32_t>(*options_.mode));
    }
    return no_problem();
}

problem publication::sync_contents() {
    if (options_.durable != durability::none) {
        if (const sys::error e = sys::call.sync(what_.handle.native_handle())) {
            return cannot("writing it to the disk failed", target_.path(), e);
        }
        result_.durable = durability::data;
        return no_problem();
    }
    // Network and FUSE file systems tell of a failed write when a handle is closed (close(2)). Afterwards it would be
    // too late, so a second handle is closed now.
    sys::handle second = sys::no_handle;
    sys::error e = sys::call.duplicate(what_.handle.native_handle(), second);
    e = e == 0 ? sys::call.close(second) : e;
    return e != 0 ? cannot("writing it failed", target_.path(), e) : no_problem();
}

void publication::restore() noexcept {
    sys::metadata now;
    if (sys::call.stat(what_.handle.native_handle(), now) == 0 &&
        (now.owner != before_->owner || now.group != before_->group)) {
        sys::call.set_owner(what_.handle.native_handle(), before_->owner, before_->group);
    }
    sys::call.set_permissions(what_.handle.native_handle(), before_->permissions);
}

// --- The name ---

// A nameless file that cannot be linked (no /proc, an old kernel, a sandbox) is copied, as one from elsewhere.
bool publication::is_elsewhere(sys::error e) const noexcept {
    return e == EXDEV || (what_.path.empty() && (e == ENOENT || e == EPERM || e == EOPNOTSUPP));
}

sys::error publication::move_over(move how) {
    if (what_.path.empty()) {
        // A file that was linked and unlinked once can never be linked again (open(2), O_TMPFILE): the name beside the
        // target stays until it is exchanged for the final one, also when that fails, for the next try.
        if (const problem p = link_beside(what_.handle.native_handle(), directory(), target_.directory_path, what_.path,
                                          what_.owner)) {
            return p.code().value();
        }
    }
    const auto [at, path] = source();
    return how(at, path, directory(), name());
}

// The name beside the target is one in the directory that is held, whatever its path leads to by now.
std::pair<sys::handle, const char*> publication::source() const noexcept {
    const std::string_view path = what_.path;
    const std::size_t slash = path.rfind('/');
    const bool beside = slash != path.npos && path.substr(0, slash) == target_.directory_path;
    return beside ? std::pair(directory(), what_.path.c_str() + slash + 1)
                  : std::pair(sys::working_directory, what_.path.c_str());
}

sys::error publication::link_new() {
    result_.method = persist_method::link;
    return link_nameless(what_.handle.native_handle(), directory(), name());
}

// Never a look and then a rename: whoever came in between would lose his file.
sys::error publication::rename_new() {
    if (what_.path.empty()) {
        return link_new();
    }
    const auto [at, path] = source();
    const sys::error e = sys::call.rename_new(at, path, directory(), name());
    if (e != EINVAL && e != ENOSYS) {
        return e;
    }
    if (const sys::error wrong = sys::call.link(at, path, directory(), name())) {
        return wrong;
    }
    result_.method = persist_method::link;
    return 0;
}

sys::error publication::link_or_rename() {
    if (what_.path.empty() && !there_) {
        const sys::error e = link_new();
        if (e != EEXIST) {
            return e;
        }
        result_.method = persist_method::rename;
    }
    return move_over(sys::call.rename);
}

sys::error publication::name_it() {
    switch (options_.existing) {
        case if_exists::refuse:
            return rename_new();
        case if_exists::exchange:
            result_.method = persist_method::exchange;
            return move_over(sys::call.exchange);
        default:
            return link_or_rename();
    }
}

problem publication::move_to_name() {
    result_.method = persist_method::rename;
    const sys::error e = name_it();
    if (is_elsewhere(e) && options_.elsewhere == if_elsewhere::copy) {
        restore();
        return copy_beside(e == EXDEV ? staging::without_a_name_if_possible : staging::named);
    }
    if (e != 0) {
        const bool barred = e == EINVAL || e == ENOSYS;
        return cannot(barred ? "its file system cannot do that" : "giving it the name failed", target_.path(), e);
    }
    result_.path = target_.path();
    result_.atomic = true;
    return finish();
}

// The file is there.
problem publication::finish() {
    problem p;
    if (result_.method == persist_method::exchange) {
        result_.previous = what_.path;
        what_.owner.leave_for_good();
    } else if (result_.method == persist_method::link && !what_.path.empty()) {
        if (const sys::error e = sys::call.remove_file(sys::working_directory, what_.path.c_str())) {
            p = system_problem("the file was published, but its first name could not be removed", what_.path, e);
        } else {
            what_.owner.leave();
        }
    } else {
        what_.owner.leave();
    }
    what_.path.clear();
    if (options_.durable == durability::data_and_directory) {
        const sys::error e = sys::call.sync(directory());
        if (e == 0) {
            result_.durable = durability::data_and_directory;
        } else if (!p) {
            p = system_problem("the file was published, but its name may not survive a power cut", target_.path(), e);
        }
    }
    return p;
}

problem publish(unpublished what, const publish_target& target, const persist_options& options, persisted& result) {
    result = {};
    publication one(what, target, options, result);
    problem p = one.prepare();
    return p ? std::move(p) : one.give_name();
}

problem publish(file_buf& buffer, staged_name& name, const std::filesystem::path& target,
                const persist_options& options, persisted& result) {
    publish_target to;
    if (problem p = resolve_target(target, options.symlink, to)) {
        return p;
    }
    return publish(buffer, name, to, options, result);
}

problem publish(file_buf& buffer, staged_name& name, const publish_target& target, const persist_options& options,
                persisted& result) {
    problem p = publish(
        {.handle = buffer.underlying(), .path = name.path, .owner = name.owner, .can_be_linked = name.can_be_linked},
        target, options, result);
    if (!result.path.empty()) {
        buffer.stay();
    }
    return p;
}

}  // namespace tempfile
