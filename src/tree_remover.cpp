#include "tree_remover.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "removal_habits.hpp"
#include "repair.hpp"

namespace tempfile {
namespace {

// What file systems call a file that was removed while somebody has it open: NFS and FUSE.
bool is_leftover(std::string_view name) noexcept {
    return name.starts_with(".nfs") || name.starts_with(".fuse_hidden");
}

bool is_not_empty(sys::error e) noexcept {
    return e == ENOTEMPTY || e == EEXIST;
}

// Directories on disks are that large with about 10,000 entries, from which on an order pays (docs/design.md).
bool is_large(const sys::metadata& meta) noexcept {
    return meta.size >= 160 * std::uint64_t{1024};
}

}  // namespace

tree_remover::tree_remover(removal_job& job, removal_crew& crew, sys::handle root, std::string path, bool stays)
    : job_(job), crew_(crew), path_(std::move(path)), root_(root), stays_(stays) {
    levels_.emplace_back();
}

tree_remover::tree_remover(removal_job& job, removal_crew& crew, errand& what, bool may_help)
    : tree_remover(job, crew, what.dir.handle.native_handle(), std::move(what.path), false) {
    may_help_ = may_help;
    levels_.front().dir.mode = std::exchange(what.dir.mode, {});
    levels_.front().dir.visits = what.dir.visits;
}

tree_remover::~tree_remover() {
    levels_.front().dir.give_mode_back(root_);  // where an exception ended it
}

std::string tree_remover::path_of(std::string_view name) const {
    std::string path = path_;
    const auto add = [&path](std::string_view component) {
        // Without a path, as a directory may be given that only its contents are asked of, it is not the root.
        path += component.empty() || path.empty() ? "" : "/";
        path += component;
    };
    for (const level& l : levels_) {
        if (path.size() > longest_path) {
            add("...");
            break;
        }
        add(l.dir.name);
    }
    add(name);
    return path;
}

// Reports once, and keeps the entry from being tried again in this pass. `may_pass`: another one may succeed.
void tree_remover::fail(std::string_view operation, const std::string& name, sys::error e, bool may_pass) {
    stays(name);
    job_.fail(operation, e, [&] { return path_of(name); });
    if (may_pass) {
        job_.expect_more();
    }
}

void tree_remover::stays(const std::string& name) {
    inside_.forgetful = inside_.forgetful || inside_.failed.size() == most_remembered;
    if (!inside_.forgetful) {
        inside_.failed.insert(name);
    }
}

void tree_remover::removed(std::uint64_t bytes) {
    levels_.back().removed_something = true;
    tally_.removed(bytes);
}

void tree_remover::did_something() {
    tally_.did_something([this] { return path_of(""); });
}

void tree_remover::look_up_from_work() {
    tally_.look_up_from_work([this] { return path_of(""); });
}

// --- One directory ---

sys::error tree_remover::repair_here() {
    std::optional<std::uint32_t>& mode = levels_.back().dir.mode;
    std::uint32_t before = 0;
    const sys::error e = mode ? EACCES : make_accessible(here(), before);
    if (e == 0) {
        mode = before;
    }
    return e;
}

// Once more after a refusal, when the mode of the present directory was the reason and could be changed.
template <class Call>
sys::error tree_remover::with_repair(Call call) {
    const sys::error e = call();
    return e == EACCES && repair_here() == 0 ? call() : e;
}

sys::error tree_remover::remove_directory(const char* name) {
    const sys::error e = with_repair([&] { return sys::call.remove_directory(here(), name); });
    if (e == 0) {
        removed(0);
    }
    return e;
}

void tree_remover::remove_other(const char* name) {
    std::uint64_t bytes = 0;
    const sys::error e = with_repair([&] { return job_.remove_file(here(), name, bytes); });
    if (e == 0) {
        levels_.back().comes_back |= is_leftover(name);
        removed(bytes);
    } else if (e != ENOENT) {
        refused(name, e);
    }
}

void tree_remover::refused(const char* name, sys::error e) {
    if (e == EISDIR && inside_.swapped < most_visits) {  // swapped for a directory
        ++inside_.swapped;
        inside_.pending.add(name);
    } else {
        fail("remove", name, e, e == EBUSY && !is_mount_point(name));
    }
}

// What is busy because it is mounted does not cease to be so by itself.
bool tree_remover::is_mount_point(const char* name) const {
    sys::metadata meta;
    return sys::call.stat_at(here(), name, meta) == 0 && mount_of(meta) != levels_.back().dir.on;
}

// A directory is tried as if it were empty, since most are; if it is not, it is looked after later.
void tree_remover::remove_entry(const char* name, sys::kind what) {
    const std::string_view text = name;
    if (text == "." || text == ".." || (!inside_.failed.empty() && inside_.failed.contains(std::string(text)))) {
        return;
    }
    if (what == sys::kind::directory || what == sys::kind::unknown) {
        const sys::error e = remove_directory(name);
        if (e == 0 || e == ENOENT) {
            return;
        }
        if (e == EBUSY && levels_.back().dir.on.number == 0 && !job_.options().cross_mounts) {
            // Where mounts have no numbers, this is what tells a bind mount of the same device (rmdir(2)).
            fail("cross into the mount", std::string(text), e, true);
            return;
        }
        if (e != ENOTDIR) {
            inside_.pending.add(text);
            return;
        }
    }
    remove_other(name);
}

std::size_t tree_remover::most_pending_here() const noexcept {
    return std::max(always_pending, most_pending - std::min(most_pending, levels_.back().pending_above / 2));
}

// Whether there may be something in it that we have not seen.
bool tree_remover::is_to_be_listed() {
    const level& l = levels_.back();
    if (!l.listed) {
        return true;
    }
    // Entries may be skipped when others are removed during listing, and may appear: until a pass removes nothing, or
    // rmdir says that nothing is left.
    const bool rmdir_tells = inside_.failed.empty() && (levels_.size() > 1 || !stays_);
    if (!l.removed_something || rmdir_tells) {
        return false;
    }
    if (l.dir.visits < most_visits && !l.comes_back && !inside_.forgetful) {
        return true;
    }
    job_.expect_more();
    if (inside_.failed.empty()) {
        fail("remove all that appears in", "", ENOTEMPTY);
    }
    return false;
}

// Before any directory in it is entered: the place in the list is lost with the descriptor.
void tree_remover::list_here() {
    level& l = levels_.back();
    sys::error e = go_to_place();
    l.listed = true;
    sys::file_system on{};
    constexpr std::size_t most_at_once = sys::list_bytes / 24;  // of the shortest names (getdents64(2))
    const bool may_collect = l.dir.large && most_pending_here() >= most_at_once;
    if (e == 0 && may_collect && sys::call.file_system_of(here(), on) == 0 && gains_by_order(on)) {
        e = list_in_order_of_inodes(on);
    } else if (e == 0) {
        e = list_in_order();
    }
    if (l.listed) {
        inside_.place = 0;
    }
    if (e != 0 && e != ENOENT) {  // ENOENT: somebody else has removed the directory
        fail("list", "", e);
    }
}

// Where the list was left, or to the beginning.
sys::error tree_remover::go_to_place() {
    level& l = levels_.back();
    std::uint64_t now = 0;
    if (const auto place = static_cast<std::int64_t>(std::exchange(inside_.place, 0));
        place != 0 && sys::call.seek(here(), place, sys::origin::beginning, now) == 0) {
        return 0;
    }
    if (l.dir.visits >= most_visits) {  // places are lost here, and what stays may be more than can be told apart
        job_.expect_more();
        return ESTALE;
    }
    l.removed_something = false;
    l.comes_back = false;
    const bool is_fresh = l.dir.visits++ == 0 && levels_.size() > 1;  // what we have just opened is at its beginning
    return is_fresh ? 0 : sys::call.rewind(here());
}

sys::error tree_remover::list_in_order() {
    level& l = levels_.back();
    std::size_t used = 0;
    sys::error e = 0;
    while (l.listed && !job_.stopped() && (e = sys::call.list(here(), buffer_.data(), used)) == 0 && used != 0) {
        sys::entry entry{};
        for (std::size_t at = 0; l.listed && !job_.stopped() && sys::next_entry(buffer_.data(), used, at, entry);) {
            remove_entry(entry.name, entry.what);
            did_something();
            inside_.place = entry.next;
            l.listed = inside_.pending.size() < most_pending_here();
        }
        job_.stop_when_late();
    }
    return e;
}

sys::error tree_remover::list_in_order_of_inodes(sys::file_system on) {
    level& l = levels_.back();
    std::size_t used = 0;
    sys::error e = 0;
    do {
        e = sys::call.list(here(), buffer_.data(), used);
        used = e == 0 ? used : 0;
        sys::entry entry{};
        for (std::size_t at = 0; sys::next_entry(buffer_.data(), used, at, entry);) {
            batch_.add(entry, may_others_remove(entry));
            inside_.place = entry.next;
        }
        look_up_from_work();
        if (used == 0 || batch_.full() || inside_.pending.size() + batch_.directories() >= most_pending_here()) {
            remove_batch(on);
            l.listed = used == 0 || inside_.pending.size() < most_pending_here();
        }
    } while (used != 0 && l.listed && !job_.stopped());
    return e;
}

// Whatever asks for more than the call itself is the owner's.
bool tree_remover::may_others_remove(const sys::entry& entry) const {
    const std::string_view name = entry.name;
    const auto& failed = inside_.failed;
    return entry.what != sys::kind::directory && entry.what != sys::kind::unknown && !is_leftover(name) &&
           (failed.empty() || !failed.contains(std::string(name)));
}

void tree_remover::remove_batch(sys::file_system on) {
    batch_.sort_by_inode();
    // Not where bytes are counted: FUSE tells two who look at two names of a file at once what was true before.
    if (gains_by_threads_in_one_directory(on) && !job_.options().count_bytes) {
        crew_.start_when_it_pays(here(), batch_.size());
        shared_directory shared{.handle = here(), .names = batch_, .path = path_of("")};
        {
            const removal_crew::sharing with_others(crew_, shared);
            try {
                take_of_batch();
            } catch (...) {
                job_.stop();  // or they would go on
                throw;
            }
        }
        levels_.back().removed_something |= shared.removed_something;
        for (name_batch::item& i : batch_.all()) {  // what others left
            remove_item(i);
        }
    } else {
        take_of_batch();
    }
    batch_.clear();
}

void tree_remover::take_of_batch() {
    for (auto some = batch_.take(); !some.empty(); some = batch_.take()) {
        for (name_batch::item& i : some) {
            remove_item(i);
        }
    }
}

void tree_remover::remove_item(name_batch::item& i) {
    if (!i.done && !job_.stopped()) {
        remove_entry(batch_.name_of(i), i.what);
        did_something();
        i.done = true;
    }
}

// --- Down ---

sys::error tree_remover::open_child(const std::string& name, entered_directory& child, sys::metadata& meta) {
    sys::handle h = sys::no_handle;
    sys::error e = with_repair([&] { return sys::call.open_directory(here(), name.c_str(), h); });
    std::uint32_t mode = 0;
    if (e == EACCES) {
        e = open_inaccessible(here(), name.c_str(), h, mode, [this](const sys::metadata& m) {
            return job_.options().cross_mounts || mount_of(m) == levels_.back().dir.on;
        });
        if (e == 0) {
            child.mode = mode;
        }
    }
    child.handle = file(h);
    return e == 0 ? sys::call.stat(child.handle.native_handle(), meta) : e;
}

void tree_remover::enter(const std::string& name, int visits) {
    did_something();
    entered_directory child;
    sys::metadata meta;
    const sys::error e = open_child(name, child, meta);
    if (e == ENOTDIR || e == ELOOP) {  // swapped for something else since it was listed
        remove_other(name.c_str());
        return;
    }
    if (e != 0) {
        if (e != ENOENT) {
            fail("enter", name, e);
        }
        return;
    }
    child.on = mount_of(meta);
    child.is_mount = child.on != levels_.back().dir.on;
    if (child.is_mount && !job_.options().cross_mounts) {
        fail("cross into the mount", name, EBUSY);
        return;
    }
    child.name = name;
    child.id = meta.id;
    child.large = is_large(meta);
    child.visits = visits;
    if (!hand_over(child)) {
        go_down(std::move(child));
    }
}

// Only if there is something else to be done here: to wait would gain nothing.
bool tree_remover::hand_over(entered_directory& child) {
    // Each has a path of its own, and there may be one for each level above.
    constexpr std::size_t deepest = 64;
    constexpr std::size_t longest_own_path = 4096;
    if (inside_.pending.empty() || levels_.size() > deepest || path_.size() > longest_own_path) {
        return false;
    }
    crew_.start_when_it_pays(here());
    if (!crew_.has_idle()) {
        return false;
    }
    const auto what = std::make_shared<errand>();
    what->path = path_of(child.name);
    what->dir = std::move(child);
    inside_.errands.push_back(what);
    if (!crew_.hand_over(what)) {
        inside_.errands.pop_back();
        child = std::move(what->dir);
        return false;
    }
    return true;
}

void tree_remover::go_down(entered_directory child) {
    const auto pending = static_cast<unsigned>(levels_.back().pending_above + inside_.pending.size());
    park();
    level& parent = levels_.back();
    levels_.push_back({.dir = std::move(child), .pending_above = pending});
    if (levels_.size() > held_levels + 1) {
        std::error_code ignored;
        parent.dir.handle.close(ignored);  // found again through ".."
    }
}

// Most levels have nothing that is worth keeping, and there may be very many.
void tree_remover::park() {
    if (inside_.worth_keeping()) {
        levels_.back().parked = std::make_unique<contents>(std::move(inside_));
        inside_ = {};
    }
}

void tree_remover::unpark() noexcept {
    const std::unique_ptr<contents> parked = std::move(levels_.back().parked);
    inside_ = parked != nullptr ? std::move(*parked) : contents();
}

// --- Up ---

// Opens the last level again, from the deepest one whose descriptor was kept, and proves each on the way. False when
// the tree was rearranged; then the last level is the deepest that is still where it was.
bool tree_remover::descend_again() {
    const std::size_t wanted = levels_.size();
    std::deque<level> rest;
    while (levels_.size() > 1 && levels_.back().dir.handle.closed()) {
        rest.push_back(std::move(levels_.back()));
        levels_.pop_back();
    }
    for (; !rest.empty(); rest.pop_back()) {
        entered_directory found;
        sys::metadata meta;
        entered_directory& lost = rest.back().dir;
        const sys::error e = open_child(lost.name, found, meta);
        if (e != 0 || meta.id != lost.id) {
            for (const level& l : rest) {
                if (l.parked != nullptr) {
                    drop_errands(*l.parked);
                }
            }
            unpark();
            fail("find again", lost.name, e != 0 ? e : ESTALE);
            return false;
        }
        lost.handle = std::move(found.handle);
        if (!lost.mode) {
            lost.mode = found.mode;
        }
        level& parent = levels_.back();
        levels_.push_back(std::move(rest.back()));
        if (levels_.size() > held_levels + 1) {
            std::error_code ignored;
            parent.dir.handle.close(ignored);
        }
    }
    return levels_.size() == wanted;
}

// From `child`, which is not among the levels any more, to its parent: by its kept descriptor, else by "..", and only
// if that is the directory we came from (CVE-2022-21658 and its kin).
bool tree_remover::go_up(level& child) {
    level& parent = levels_.back();
    const sys::handle below = child.dir.handle.native_handle();
    const bool is_lost = levels_.size() > 1 && parent.dir.handle.closed();
    if (is_lost) {
        sys::handle h = sys::no_handle;
        sys::metadata meta;
        if (sys::call.open_directory(below, "..", h) == 0) {
            file up(h);
            if (sys::call.stat(h, meta) == 0 && meta.id == parent.dir.id) {
                parent.dir.handle = std::move(up);
            }
        }
    }
    child.dir.give_mode_back(below);  // an rmdir does not ask for it
    child.dir.handle = file();
    const bool found = !is_lost || !parent.dir.handle.closed() || descend_again();
    if (found) {
        unpark();
    }
    return found;
}

void tree_remover::leave() {
    level child = std::move(levels_.back());
    levels_.pop_back();
    const bool reported = !inside_.failed.empty();
    if (go_up(child)) {
        finish(child.dir.name, {.reported = reported, .comes_back = child.comes_back, .visits = child.dir.visits},
               child.dir.is_mount);
    }
}

// A directory in the present one was gone through: it goes, or is gone through once more.
void tree_remover::finish(const std::string& name, const left_directory& left, bool is_mount) {
    if (left.stopped) {
        return;
    }
    const sys::error e = left.reported ? ENOTEMPTY : remove_directory(name.c_str());
    if (e == 0 || e == ENOENT) {
        return;
    }
    if (left.reported) {
        stays(name);
    } else if (e == ENOTDIR) {  // swapped for something else
        remove_other(name.c_str());
    } else if (is_not_empty(e) && left.visits < most_visits && !left.comes_back) {
        enter(name, left.visits);
    } else {
        fail("remove", name, e, is_not_empty(e) || (e == EBUSY && !is_mount));
    }
}

// --- What others do ---

std::shared_ptr<errand> tree_remover::take_done() {
    auto& errands = inside_.errands;
    const auto found = std::find_if(errands.begin(), errands.end(), [](const auto& e) { return e->done.load(); });
    if (found == errands.end()) {
        return nullptr;
    }
    std::shared_ptr<errand> done = std::move(*found);
    errands.erase(found);
    return done;
}

void tree_remover::wait_for_one() {
    const std::shared_ptr<errand> what = inside_.errands.back();
    if (!crew_.wait_for(*what, may_help_)) {
        inside_.errands.pop_back();
        go_down(std::move(what->dir));
    }
}

// Of a level to which we do not come back: what others do is waited for, since nobody may be at work when the walk is
// over, and what nobody has begun is left as it was.
void tree_remover::drop_errands(contents& of) {
    for (const auto& what : of.errands) {
        static_cast<void>(crew_.wait_for(*what, false));
    }
    of.errands.clear();
}

void tree_remover::drop_all_errands() {
    drop_errands(inside_);
    for (const level& l : levels_) {
        if (l.parked != nullptr) {
            drop_errands(*l.parked);
        }
    }
}

// --- The walk ---

// As many as there are if none is changed.
std::size_t tree_remover::levels_to_changed_mode() const noexcept {
    const auto found = std::find_if(levels_.begin(), levels_.end(), [](const level& l) { return l.dir.mode; });
    return static_cast<std::size_t>(found - levels_.begin());
}

// Of directories that we leave in the middle.
void tree_remover::give_modes_back() {
    // More than once only where the tree was rearranged, and the way up began again at the top.
    for (std::size_t to; (to = levels_to_changed_mode()) != levels_.size();) {
        while (levels_.size() > to + 1) {
            level child = std::move(levels_.back());
            levels_.pop_back();
            go_up(child);
        }
        levels_.back().dir.give_mode_back(here());
    }
}

void tree_remover::walk() {
    for (job_.stop_when_late(); !job_.stopped(); job_.stop_when_late()) {
        if (const auto done = take_done()) {
            finish(done->dir.name, done->left, done->dir.is_mount);
        } else if (!inside_.pending.empty()) {
            enter(inside_.pending.take(), 0);
        } else if (!inside_.errands.empty()) {
            wait_for_one();
        } else if (is_to_be_listed()) {
            list_here();
        } else if (levels_.size() > 1) {
            leave();
        } else {
            break;
        }
    }
}

left_directory tree_remover::run() {
    sys::metadata meta;
    if (const sys::error e = sys::call.stat(root_, meta)) {
        fail("look at", "", e);
        return {.reported = true};
    }
    levels_.front().dir.on = mount_of(meta);
    levels_.front().dir.large = is_large(meta);
    try {
        walk();
    } catch (...) {  // memory ran out: it reaches the caller when the modes have been given back
        job_.pass_on(std::current_exception());
    }
    const level& first = levels_.front();
    const contents* const inside_first = levels_.size() == 1 ? &inside_ : first.parked.get();
    const left_directory left = {.reported = inside_first != nullptr && !inside_first->failed.empty(),
                                 .comes_back = first.comes_back,
                                 .stopped = job_.stopped(),
                                 .visits = first.dir.visits};
    drop_all_errands();
    give_modes_back();
    look_up_from_work();
    return left;
}

}  // namespace tempfile
