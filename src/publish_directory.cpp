#include "publish_directory.hpp"

#include <cerrno>
#include <new>
#include <optional>
#include <utility>

#include "create.hpp"
#include "file_metadata.hpp"
#include "publish_target.hpp"
#include "remove_tree.hpp"

namespace tempfile {
namespace {

class directory_publication {
public:
    directory_publication(unpublished_directory what, const publish_target& target, const persist_options& options,
                          persisted& result)
        : what_(what), target_(target), options_(options), result_(result) {}

    problem run();

private:
    problem check();
    problem prepare();
    problem choose_metadata(std::optional<file_metadata>& chosen);
    problem give_name();
    sys::error move_to_new_name();
    sys::error exchange();
    problem finish();
    problem remove_previous();
    problem try_to_remove_previous();

    [[nodiscard]] sys::handle parent() const noexcept { return target_.held(); }
    [[nodiscard]] const char* name() const noexcept { return target_.name.c_str(); }

    unpublished_directory what_;
    const publish_target& target_;
    const persist_options& options_;
    persisted& result_;
    std::optional<sys::metadata> there_;  // at the target
    sys::metadata before_;                // of ours
    file existing_;                       // what is there, open, if it is a directory
    registration previous_;               // of the same, once it has our name
    presentation looks_;                  // of ours
    std::filesystem::path answer_;        // made before the name is given: afterwards nothing may fail but the system
    std::string final_path_;              // as text; our first name once we have it
};

problem directory_publication::run() {
    if (problem p = check()) {
        return p;
    }
    problem p = prepare();
    p = p ? std::move(p) : give_name();
    if (result_.path.empty()) {
        looks_.take_back(what_.handle);
        previous_.leave();
    }
    return p;
}

problem directory_publication::check() {
    if (!what_.owner.ours()) {
        return cannot_publish("it belongs to the parent process, or was published already", target_.path(), EPERM);
    }
    if (problem p = target_.look(there_)) {
        return p;
    }
    if (const sys::error e = sys::call.stat(what_.handle, before_)) {
        return cannot_publish("looking at it failed", target_.path(), e);
    }
    if (there_ && there_->id == before_.id) {
        return cannot_publish("the target is the directory itself; keep() keeps it", target_.path(), EINVAL);
    }
    if (there_ && options_.existing == if_exists::refuse) {
        return cannot_publish("something stands there", target_.path(), EEXIST);
    }
    if (!there_ && options_.existing == if_exists::exchange) {
        return cannot_publish("there is nothing to exchange it with", target_.path(), ENOENT);
    }
    if (there_ && there_->what != sys::kind::directory && there_->what != sys::kind::link) {
        return cannot_publish("what stands there is no directory", target_.path(), ENOTDIR);
    }
    sys::metadata parent_of_target;
    if (const sys::error e = sys::call.stat(parent(), parent_of_target)) {
        return cannot_publish("looking at its new parent failed", target_.path(), e);
    }
    return parent_of_target.mount != before_.mount
               ? cannot_publish("it cannot be moved to another file system", target_.path(), EXDEV)
               : no_problem();
}

// --- Before it has the name ---

problem directory_publication::choose_metadata(std::optional<file_metadata>& chosen) {
    if (there_ && there_->what == sys::kind::directory) {
        sys::handle h = sys::no_handle;
        if (const sys::error e = sys::call.open_directory(parent(), name(), h)) {
            return cannot_publish("opening the one that is there failed", target_.path(), e);
        }
        existing_ = file(h);
    }
    if (!existing_.closed() && options_.metadata == metadata_of::existing) {
        chosen = file_metadata::of(existing_.native_handle(), *there_);
    } else if (!options_.mode) {
        if (problem p = look_at_new_directory(parent(), target_.directory_path, file_metadata::looking(chosen))) {
            return p;
        }
    }
    if (chosen && options_.mode) {
        chosen->set_mode(static_cast<std::uint32_t>(*options_.mode));
    }
    return no_problem();
}

problem directory_publication::prepare() {
    std::optional<file_metadata> chosen;
    if (problem p = choose_metadata(chosen)) {
        return p;
    }
    if (const sys::error e = looks_.give(what_.handle, before_, std::move(chosen), options_.mode, result_.not_copied)) {
        return cannot_publish("setting its mode failed", target_.path(), e);
    }
    answer_ = target_.path();
    final_path_ = answer_.native();
    // What is in it was written by whoever: only the whole file system has it all.
    const bool waits = options_.durable != durability::none;
    if (const sys::error damaged = waits ? sys::call.sync_file_system(what_.handle) : 0) {
        what_.damage = code_of(damaged);
        return cannot_publish("writing it to the disk failed", target_.path(), damaged);
    }
    result_.durable = waits ? durability::data : durability::none;
    return no_problem();
}

// --- The name ---

// rename(2) replaces an empty directory, and somebody's could be one: where it cannot be told not to, it is given one
// that was just made for it.
sys::error directory_publication::move_to_new_name() {
    const char* const path = what_.path.c_str();
    result_.atomic = true;
    sys::error e = sys::call.rename_new(sys::working_directory, path, parent(), name());
    if (e != EINVAL && e != ENOSYS) {
        return e;
    }
    result_.atomic = false;
    e = sys::call.create_public_directory(parent(), name());
    if (e == 0) {
        e = sys::call.rename(sys::working_directory, path, parent(), name());
        if (e != 0) {
            sys::call.remove_directory(parent(), name());
        }
    }
    return e;
}

// Whatever stands at our name after a kill, ours or theirs, is in the registry; but not what the caller is to keep:
// then ours is given up before, and what a kill in between leaves is a directory of ours.
sys::error directory_publication::exchange() {
    const bool keeps = options_.existing == if_exists::exchange;
    const char* const path = what_.path.c_str();
    result_.method = persist_method::exchange;
    result_.atomic = true;
    if (keeps) {
        result_.previous = what_.path;
        what_.owner.leave_for_good();
    } else if (existing_.closed()) {
        previous_.enter(registered_kind::file, what_.path);  // a link
    } else {
        previous_.enter(registered_kind::directory, what_.path);
        previous_.identify(there_->id.device, there_->id.inode, there_->born);
    }
    const sys::error e = sys::call.exchange(sys::working_directory, path, parent(), name());
    if (e != 0 && keeps) {
        result_.previous.clear();
        what_.owner.enter(registered_kind::directory, what_.path);
        what_.owner.identify(before_.id.device, before_.id.inode, before_.born);
    }
    return e;
}

problem directory_publication::give_name() {
    result_.method = persist_method::rename;
    const sys::error e = there_ ? exchange() : move_to_new_name();
    if (e != 0) {
        const bool barred = e == EINVAL || e == ENOSYS;
        return cannot_publish(barred ? "its file system cannot exchange two directories" : "giving it the name failed",
                              target_.path(), e);
    }
    result_.path = std::move(answer_);
    what_.path.swap(final_path_);  // which is our first name from now on
    return finish();
}

problem directory_publication::finish() {
    problem p;
    if (result_.method != persist_method::exchange) {
        what_.owner.leave();
    } else if (options_.existing != if_exists::exchange) {
        what_.owner.leave();
        p = remove_previous();
    }
    if (options_.durable == durability::data_and_directory) {
        const sys::error e = target_.sync(what_.handle);
        if (e == 0) {
            result_.durable = durability::data_and_directory;
        } else if (!p) {
            p = system_problem("the directory was published, but its name may not survive a power cut", target_.path(),
                               e);
        }
    }
    return p;
}

problem directory_publication::remove_previous() {
    try {
        return try_to_remove_previous();
    } catch (const std::bad_alloc&) {
        return system_problem("the directory was published, but there is no memory to remove the one it replaces",
                              final_path_, ENOMEM);
    }
}

// What cannot be removed stays in the registry, for the next sweep.
problem directory_publication::try_to_remove_previous() {
    if (existing_.closed()) {
        const sys::error e = sys::call.remove_file(sys::working_directory, final_path_.c_str());
        if (e != 0) {
            return system_problem("the directory was published, but the link it replaces could not be removed",
                                  final_path_, e);
        }
    } else {
        removal_report report;
        if (problem p =
                remove_held_tree(final_path_, existing_.native_handle(), {.threads = no_threads_of_ours}, report)) {
            p->what = "the directory was published, but the one it replaces could not be removed";
            return p;
        }
    }
    previous_.leave();
    return no_problem();
}

}  // namespace

problem publish_directory(unpublished_directory what, const std::filesystem::path& target,
                          const persist_options& options, persisted& result) {
    result = {};
    publish_target to;
    if (problem p = resolve_target(target, options.symlink, to, target_kind::directory)) {
        return p;
    }
    return directory_publication(what, to, options, result).run();
}

}  // namespace tempfile
