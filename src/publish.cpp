#include "publish.hpp"

#include <cerrno>
#include <utility>

#include "copy_contents.hpp"
#include "create.hpp"
#include "file_metadata.hpp"
#include "handle.hpp"

namespace tempfile {
namespace {

constexpr std::uint32_t permissions_for_everybody = 0666;

// Handles of what has no name are nobody's but ours: it may be of any mode while it is written.
std::uint32_t permissions_at_first(const publish_target& target, const persist_options& rules, bool& for_everybody) {
    constexpr std::uint32_t for_owner = 0600;  // so that it can be opened anew
    constexpr std::uint32_t without_rights_of_owner = 0777;
    const bool of_existing =
        rules.metadata == metadata_of::existing && target.existing && target.existing->what == sys::kind::file;
    for_everybody = !rules.mode && !of_existing;
    if (for_everybody) {
        return permissions_for_everybody;
    }
    const std::uint32_t in_the_end =
        rules.mode ? static_cast<std::uint32_t>(*rules.mode) : target.existing->permissions;
    return (in_the_end & without_rights_of_owner) | for_owner;
}

}  // namespace

problem stage(const publish_target& target, const persist_options& rules, file& made, staged_name& name, staging how) {
    const std::uint32_t permissions = permissions_at_first(target, rules, name.for_everybody);
    problem p = create_beside(target.held(), target.directory_path, made, name.path, name.owner, permissions, how);
    name.can_be_linked = !p && name.path.empty();
    name.for_everybody = name.for_everybody && name.can_be_linked;
    return p;
}

problem check_ownership(const registration& owner, const std::string& path) {
    return owner.ours() ? no_problem()
                        : cannot_publish("it belongs to the parent process, or was published already", path, EPERM);
}

problem publication::prepare() {
    problem p = check_ownership(what_.owner, target_.path());
    p = p ? std::move(p) : check_target();
    p = p ? std::move(p) : leave_if_same();
    if (p || !result_.path.empty() || has_to_be_copied()) {
        return p;
    }
    p = make_presentable();
    if (p) {
        restore();
    }
    return p;
}

sys::handle publication::to_wait_for() const noexcept {
    const bool waits = (presentable_ || is_left()) && options_.durable != durability::none;
    return waits ? what_.handle.native_handle() : sys::no_handle;
}

problem publication::wait() {
    const sys::handle h = to_wait_for();
    return waited(h == sys::no_handle ? 0 : sys::call.sync(h));
}

problem publication::waited(sys::error e) {
    if (is_left()) {
        return waited_for_left(e);
    }
    if (!presentable_) {
        return no_problem();  // to be copied
    }
    problem p = check_contents(e);
    if (p) {
        restore();
    }
    return p;
}

problem publication::give_name() {
    if (is_left()) {
        return sync_directory(no_problem());
    }
    if (!presentable_) {
        return copy_beside(staging::without_a_name_if_possible);
    }
    problem p = move_to_name();
    if (p && result_.path.empty()) {
        restore();
    }
    return p;
}

problem publication::check_target() {
    if (problem p = target_.look(there_)) {
        return p;
    }
    if (problem p = check_existing(target_, there_, options_.existing)) {
        return p;
    }
    if (const sys::error e = sys::call.stat(what_.handle.native_handle(), ours_)) {
        return cannot_publish("looking at it failed", target_.path(), e);
    }
    // Of two names of one file rename(2) removes neither, and says that it did.
    return there_ && there_->id == ours_.id
               ? cannot_publish("the target is the file itself; keep() keeps it", target_.path(), EINVAL)
               : no_problem();
}

// A file on another file system is not touched: others could see it there with the mode it is to have here. Numbers of
// devices would not do: an overlay shows those of its layers.
bool publication::has_to_be_copied() const noexcept {
    if (what_.path.empty()) {
        return !what_.can_be_linked;
    }
    sys::metadata theirs;
    return source().first != directory() && sys::call.stat(directory(), theirs) == 0 && ours_.mount != theirs.mount;
}

// --- The same contents ---

problem publication::leave_if_same() {
    if (options_.same == if_same::replace || !there_ || there_->what != sys::kind::file) {
        return no_problem();
    }
    if (options_.mode && there_->permissions != static_cast<std::uint32_t>(*options_.mode)) {
        return no_problem();
    }
    // What cannot be read cannot be compared: it is replaced.
    sys::handle h = sys::no_handle;
    if (sys::call.open_file(directory(), name(), h) != 0 && sys::call.open_to_read(directory(), name(), h) != 0) {
        return no_problem();
    }
    sys::error e = keep_off_standard_streams(h);
    file existing(h);
    bool left = false;
    if (e == 0 && ours_.size == there_->size) {
        e = same_contents(h, what_.handle.native_handle(), left);
    }
    if (e != 0) {
        return cannot_publish("comparing it with the target failed", target_.path(), e);
    }
    if (!left) {
        return no_problem();
    }
    build_answer();
    if (!what_.path.empty()) {
        const auto [at, path] = source();
        e = sys::call.remove_file(at, path);
        if (e != 0 && e != ENOENT) {
            return cannot_publish("it has the same contents, but it could not be removed", what_.path, e);
        }
        what_.path.clear();
    }
    what_.owner.leave();
    what_.handle = std::move(existing);
    result_.method = persist_method::left;
    result_.atomic = true;
    result_.path = std::move(answer_);
    return no_problem();
}

// Whoever wrote it may not have waited.
problem publication::waited_for_left(sys::error e) {
    if (e != 0) {
        return system_problem("the target was left alone, but it may not survive a power cut", target_.path(), e);
    }
    result_.durable = options_.durable == durability::none ? durability::none : durability::data;
    return no_problem();
}

// --- From elsewhere ---

namespace {

// A copy beside the target; what has not been published when this goes, goes with it.
struct copied_file {
    file handle;
    staged_name name;
    copied_file() = default;
    ~copied_file() { name.remove(); }
    copied_file(const copied_file&) = delete;
    copied_file& operator=(const copied_file&) = delete;
};

}  // namespace

problem publication::copy_beside(staging how) {
    if (options_.elsewhere == if_elsewhere::refuse) {
        return cannot_publish("it would have to be copied, which was not asked for", target_.path(), EXDEV);
    }
    copied_file copy;
    if (problem p = stage(target_, options_, copy.handle, copy.name, how)) {
        return p;
    }
    copy_method way = copy_method::none;
    const sys::error e =
        copy_contents(what_.handle.native_handle(), copy.handle.native_handle(), options_.progress, way);
    if (e != 0) {
        return cannot_publish("copying it failed", target_.path(), e);
    }
    persist_options rest = options_;
    rest.elsewhere = if_elsewhere::refuse;
    rest.same = if_same::replace;
    rest.durable = copies_wait_ ? durability::data : rest.durable;
    std::error_code of_the_copy;  // which is made anew when it is tried again
    problem p = publish({.handle = copy.handle,
                         .path = copy.name.path,
                         .owner = copy.name.owner,
                         .can_be_linked = copy.name.can_be_linked,
                         .for_everybody = copy.name.for_everybody},
                        target_, rest, result_, of_the_copy);
    if (result_.path.empty()) {
        return p;
    }
    result_.copied = way;
    std::swap(what_.handle, copy.handle);
    const sys::error left = what_.path.empty() ? 0 : sys::call.remove_file(sys::working_directory, what_.path.c_str());
    const std::string original = std::exchange(what_.path, {});
    if (left == 0 || left == ENOENT) {
        what_.owner.leave();
    } else if (!p) {  // it stays in the registry, for the next sweep
        p = system_problem("the file was published, but its original could not be removed", original, left);
    }
    return p;
}

// --- Before it has the name ---

// Whatever is to be seen of it is right before it can be seen: chmod after the rename would be a moment too late.
problem publication::make_presentable() {
    std::optional<file_metadata> chosen;
    presentable_ = true;
    if (problem p = choose_metadata(chosen)) {
        return p;
    }
    if (!what_.path.empty()) {
        what_.owner.identify(ours_.id.device, ours_.id.inode, ours_.born);  // it may be somebody else's in a moment
    }
    what_.for_everybody = what_.for_everybody && !chosen && !options_.mode;
    build_answer();
    if (const sys::error e =
            looks_.give(what_.handle.native_handle(), ours_, std::move(chosen), options_.mode, result_.not_copied)) {
        return cannot_publish("setting its mode failed", target_.path(), e);
    }
    return no_problem();
}

problem publication::choose_metadata(std::optional<file_metadata>& chosen) {
    if (options_.metadata == metadata_of::existing && there_ && there_->what == sys::kind::file) {
        sys::handle h = sys::no_handle;
        sys::call.open_to_read(directory(), name(), h);  // of what cannot be opened the attributes cannot be copied
        const file existing(h);
        chosen = file_metadata::of(h, *there_);
    } else if (!options_.mode && !what_.for_everybody) {
        if (problem p = look_at_new_file(directory(), target_.directory_path, file_metadata::looking(chosen))) {
            return p;
        }
    }
    if (chosen && options_.mode) {
        chosen->set_mode(static_cast<std::uint32_t>(*options_.mode));
    }
    return no_problem();
}

// What came of waiting for the disk, if that was asked for.
problem publication::check_contents(sys::error waited) {
    if (options_.durable != durability::none) {
        damage_ = code_of(waited);
        result_.durable = waited == 0 ? durability::data : durability::none;
        return waited == 0 ? no_problem() : cannot_publish("writing it to the disk failed", target_.path(), waited);
    }
    // Network and FUSE file systems tell of a failed write when a handle is closed (close(2)). Afterwards it would be
    // too late, so a second handle is closed now, if there can be one.
    sys::handle second = sys::no_handle;
    if (sys::call.duplicate(what_.handle.native_handle(), second) != 0) {
        return no_problem();
    }
    const sys::error e = sys::call.close(second);
    damage_ = code_of(e);
    return e != 0 ? cannot_publish("writing it failed", target_.path(), e) : no_problem();
}

void publication::build_answer() {
    answer_ = target_.path();
}

void publication::restore() noexcept {
    const sys::handle h = what_.handle.native_handle();
    looks_.take_back(h);
    if (got_a_name_) {  // by which others could open it, with a mode that was meant for another owner, group and ACL
        constexpr std::uint32_t for_owner = 0600;
        sys::call.set_permissions(h, for_owner);
        what_.for_everybody = false;
    }
}

// --- The name ---

// A nameless file that cannot be linked (no /proc, an old kernel, a sandbox) is copied, as one from elsewhere.
bool publication::is_elsewhere(sys::error e) const noexcept {
    return e == EXDEV || (what_.path.empty() && (e == ENOENT || e == EPERM || e == EACCES || e == EOPNOTSUPP));
}

// A file that was linked and unlinked once can never be linked again (open(2), O_TMPFILE): the name beside the target
// stays until it is exchanged for the final one, also when that fails, for the next try.
sys::error publication::get_a_name() {
    if (!what_.path.empty()) {
        return 0;
    }
    const problem p =
        link_beside(what_.handle.native_handle(), ours_, directory(), target_.directory_path, what_.path, what_.owner);
    got_a_name_ = !what_.path.empty();
    return p.code().value();
}

sys::error publication::rename_over() {
    if (const sys::error e = get_a_name()) {
        return e;
    }
    const auto [at, path] = source();
    return sys::call.rename(at, path, directory(), name());
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
    return rename_over();
}

// Once they are exchanged, what stands at our name is the caller's: no kill and no power cut may let a sweep remove it.
// So ours is given up before, and what a kill in between leaves is a file of ours.
sys::error publication::exchange() {
    if (const sys::error e = get_a_name()) {
        return e;
    }
    result_.method = persist_method::exchange;
    result_.previous = what_.path;
    const auto [at, path] = source();
    what_.owner.leave_for_good();
    const sys::error e = sys::call.exchange(at, path, directory(), name());
    if (e != 0) {
        result_.previous.clear();
        what_.owner.enter(registered_kind::file, what_.path);
    }
    return e;
}

sys::error publication::name_it() {
    switch (options_.existing) {
        case if_exists::refuse:
            return rename_new();
        case if_exists::exchange:
            return exchange();
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
        return cannot_publish(barred ? "its file system cannot do that" : "giving it the name failed", target_.path(),
                              e);
    }
    result_.path = std::move(answer_);
    result_.atomic = true;
    return finish();
}

// The file is there.
problem publication::finish() {
    problem p;
    if (result_.method == persist_method::link && !what_.path.empty()) {
        const auto [at, path] = source();
        if (const sys::error e = sys::call.remove_file(at, path)) {
            p = system_problem("the file was published, but its first name could not be removed", what_.path, e);
        } else {
            what_.owner.leave();
        }
    } else {
        what_.owner.leave();
    }
    what_.path.clear();
    return sync_directory(std::move(p));
}

problem publication::sync_directory(problem before) {
    if (options_.durable == durability::data_and_directory) {
        const sys::error e = target_.sync(what_.handle.native_handle());
        if (e == 0) {
            result_.durable = durability::data_and_directory;
        } else if (!before) {
            return system_problem("the file was published, but its name may not survive a power cut", target_.path(),
                                  e);
        }
    }
    return before;
}

persisted succeed(const problem& p, persisted&& result) {
    try {
        succeed(p);
    } catch (const std::filesystem::filesystem_error& e) {
        throw persist_error(e, std::move(result));
    }
    return std::move(result);
}

problem publish(unpublished what, const publish_target& target, const persist_options& options, persisted& result,
                std::error_code& damage) {
    result = {};
    publication one(what, target, options, result);
    try {
        problem p = one.prepare();
        p = p ? std::move(p) : one.wait();
        p = p ? std::move(p) : one.give_name();
        damage = one.damage();
        return p;
    } catch (...) {  // from somebody's progress, or for want of memory
        damage = one.damage();
        if (result.path.empty()) {
            one.restore();
        }
        throw;
    }
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
    const once_published stays{result, [&]() noexcept { buffer.stay(); }};
    struct damaged {
        file_buf& buffer;
        std::error_code by;
        ~damaged() {
            if (by) {
                buffer.lose(by);
            }
        }
    } damage{buffer, {}};
    return publish({.handle = buffer.underlying(),
                    .path = name.path,
                    .owner = name.owner,
                    .can_be_linked = name.can_be_linked,
                    .for_everybody = name.for_everybody},
                   target, options, result, damage.by);
}

}  // namespace tempfile
