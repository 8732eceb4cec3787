#include "remove_tree.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "repair.hpp"
#include "tempfile/file.hpp"

namespace tempfile {
namespace {

// A directory on the way from the root to where we are.
struct level {
    std::string name;                        // in its parent
    sys::identity id;                        // what was opened, proved again when we come back
    file handle;                             // closed for those far from the root
    std::vector<std::string> pending;        // directories in it that are still to be emptied
    std::unordered_set<std::string> failed;  // entries that cannot be removed, and have been reported
    bool listed = false;
    bool removed_something = false;  // since it was listed last
    bool repaired = false;           // its mode was changed already
    int visits = 0;                  // times it was listed
    int swapped = 0;                 // times a file in it became a directory before it was removed
};

class tree_remover {
public:
    tree_remover(sys::handle root, const std::string& path, removal_report& report, std::uint64_t end)
        : path_(path), report_(report), end_(end) {
        levels_.emplace_back();
        root_ = root;
    }

    void run();

private:
    // Levels that keep their descriptor, so that coming back costs nothing in trees of common depth.
    static constexpr std::size_t held_levels = 4;
    // How often a directory is gone through again because something appeared in it that we did not see.
    static constexpr int most_visits = 100;

    [[nodiscard]] sys::handle here() const noexcept {
        return levels_.size() == 1 ? root_ : levels_.back().handle.native_handle();
    }
    [[nodiscard]] std::string path_of(std::string_view name) const;
    void fail(const char* what, const std::string& name, sys::error e);

    bool is_late();
    void list_here();
    void remove_entry(const sys::entry& entry);
    void remove_other(const char* name);
    sys::error remove_directory(const char* name);
    template <class Call>
    sys::error with_repair(Call call);
    sys::error repair_here();

    [[nodiscard]] bool same_mount(const sys::metadata& meta) const noexcept {
        // A bind mount has the device of its source, so the mount decides where the system can tell mounts apart.
        return meta.mount == root_meta_.mount && (meta.mount != 0 || meta.id.device == root_meta_.id.device);
    }
    bool enter(const std::string& name);
    sys::error open_child(const std::string& name, file& child, sys::metadata& meta);
    void leave();
    void climb();
    bool descend_again();

    const std::string& path_;
    removal_report& report_;
    std::uint64_t end_;
    sys::handle root_ = sys::no_handle;
    sys::metadata root_meta_;
    std::vector<level> levels_;  // the first is the root, whose handle is not ours
    alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer_;
};

std::string tree_remover::path_of(std::string_view name) const {
    std::string path = path_;
    for (const level& l : levels_) {
        if (!l.name.empty()) {
            path += '/';
            path += l.name;
        }
    }
    if (!name.empty()) {
        path += '/';
        path += name;
    }
    return path;
}

// Reports once, and keeps the entry from being tried again in the next pass.
void tree_remover::fail(const char* what, const std::string& name, sys::error e) {
    levels_.back().failed.insert(name);
    report_.add(system_problem(what, report_.failed < removal_report::kept ? path_of(name) : std::string(), e));
}

// --- One directory ---

sys::error tree_remover::repair_here() {
    return std::exchange(levels_.back().repaired, true) ? EACCES : make_accessible(here());
}

// Once more after a refusal, when the mode of the present directory was the reason and could be changed.
template <class Call>
sys::error tree_remover::with_repair(Call call) {
    const sys::error e = call();
    return e == EACCES && repair_here() == 0 ? call() : e;
}

sys::error tree_remover::remove_directory(const char* name) {
    const sys::error e = with_repair([&] { return sys::call.remove_directory(here(), name); });
    levels_.back().removed_something |= e == 0;
    return e;
}

void tree_remover::remove_other(const char* name) {
    const sys::error e = with_repair([&] { return sys::call.remove_file(here(), name); });
    level& l = levels_.back();
    l.removed_something |= e == 0;
    if (e == EISDIR && l.swapped < most_visits) {  // swapped for a directory
        ++l.swapped;
        l.pending.emplace_back(name);
    } else if (e != 0 && e != ENOENT) {
        fail("cannot remove", name, e);
    }
}

// A directory is tried as if it were empty, since most are; if it is not, it is looked after later.
void tree_remover::remove_entry(const sys::entry& entry) {
    const std::string_view name = entry.name;
    level& l = levels_.back();
    if (name == "." || name == ".." || (!l.failed.empty() && l.failed.contains(std::string(name)))) {
        return;
    }
    if (entry.what == sys::kind::directory || entry.what == sys::kind::unknown) {
        const sys::error e = remove_directory(entry.name);
        if (e == 0 || e == ENOENT) {
            return;
        }
        if (e != ENOTDIR) {
            l.pending.emplace_back(name);
            return;
        }
    }
    remove_other(entry.name);
}

bool tree_remover::is_late() {
    report_.late = report_.late || (end_ != no_end && sys::call.steady_clock() >= end_);
    return report_.late;
}

// A whole pass before any directory is entered: the place in the list is lost with the descriptor.
void tree_remover::list_here() {
    level& l = levels_.back();
    l.listed = true;
    l.removed_something = false;
    ++l.visits;
    sys::error e = sys::call.rewind(here());
    std::size_t used = 0;
    while (e == 0 && !is_late() && (e = sys::call.list(here(), buffer_.data(), used)) == 0 && used != 0) {
        sys::entry entry{};
        for (std::size_t position = 0; sys::next_entry(buffer_.data(), used, position, entry);) {
            remove_entry(entry);
        }
    }
    if (e != 0 && e != ENOENT) {  // ENOENT: somebody else has removed the directory
        fail("cannot list the directory", "", e);
    }
    std::reverse(l.pending.begin(), l.pending.end());
}

// --- Down ---

sys::error tree_remover::open_child(const std::string& name, file& child, sys::metadata& meta) {
    sys::handle h = sys::no_handle;
    sys::error e = with_repair([&] { return sys::call.open_directory(here(), name.c_str(), h); });
    if (e == EACCES) {
        e = open_inaccessible(here(), name.c_str(), h, [this](const sys::metadata& m) { return same_mount(m); });
    }
    child = file(h);
    return e == 0 ? sys::call.stat(child.native_handle(), meta) : e;
}

// False when there is nothing to enter: it was removed as something else, or reported.
bool tree_remover::enter(const std::string& name) {
    file child;
    sys::metadata meta;
    const sys::error e = open_child(name, child, meta);
    if (e == ENOTDIR || e == ELOOP) {  // swapped for something else since it was listed
        remove_other(name.c_str());
        return false;
    }
    if (e != 0) {
        if (e != ENOENT) {
            fail("cannot enter the directory", name, e);
        }
        return false;
    }
    if (!same_mount(meta)) {
        fail("a file system is mounted there; cannot remove", name, EBUSY);
        return false;
    }
    if (levels_.size() > held_levels) {
        std::error_code ignored;
        levels_.back().handle.close(ignored);  // found again through ".."
    }
    level& l = levels_.emplace_back();
    l.name = name;
    l.id = meta.id;
    l.handle = std::move(child);
    return true;
}

// --- Up ---

// Opens the last level again, from the deepest one whose descriptor was kept, and proves each on the way. False when
// the tree was rearranged; then the last level is the deepest that is still where it was.
bool tree_remover::descend_again() {
    const std::size_t wanted = levels_.size();
    std::vector<level> rest;
    while (levels_.size() > 1 && levels_.back().handle.closed()) {
        rest.push_back(std::move(levels_.back()));
        levels_.pop_back();
    }
    for (; !rest.empty(); rest.pop_back()) {
        file child;
        sys::metadata meta;
        const sys::error e = open_child(rest.back().name, child, meta);
        if (e != 0 || meta.id != rest.back().id) {
            fail("the directory was moved while it was being removed", rest.back().name, e != 0 ? e : ESTALE);
            return false;
        }
        if (levels_.size() > held_levels) {
            std::error_code ignored;
            levels_.back().handle.close(ignored);
        }
        levels_.push_back(std::move(rest.back()));
        levels_.back().handle = std::move(child);
    }
    return levels_.size() == wanted;
}

// Back to the parent: by its kept descriptor, else by "..", and only if that is the directory we came from
// (CVE-2022-21658 and its kin).
void tree_remover::climb() {
    level child = std::move(levels_.back());
    levels_.pop_back();
    level& parent = levels_.back();
    if (levels_.size() > 1 && parent.handle.closed()) {
        sys::handle h = sys::no_handle;
        sys::metadata meta;
        if (sys::call.open_directory(child.handle.native_handle(), "..", h) == 0) {
            file up(h);
            if (sys::call.stat(h, meta) == 0 && meta.id == parent.id) {
                parent.handle = std::move(up);
            }
        }
        child.handle = file();
        if (parent.handle.closed() && !descend_again()) {
            return;
        }
    }
    // Now the parent is held: what is left of the child goes, or is gone through once more.
    child.handle = file();
    const bool all_reported = !child.failed.empty();
    const sys::error e = all_reported ? ENOTEMPTY : remove_directory(child.name.c_str());
    if (e == 0 || e == ENOENT) {
        return;
    }
    if (all_reported) {
        levels_.back().failed.insert(child.name);
    } else if (e == ENOTDIR) {  // swapped for something else
        remove_other(child.name.c_str());
    } else if ((e == ENOTEMPTY || e == EEXIST) && child.visits < most_visits) {
        if (enter(child.name)) {
            levels_.back().visits = child.visits;
        }
    } else {
        fail("cannot remove the directory", child.name, e);
    }
}

// --- The walk ---

void tree_remover::run() {
    if (const sys::error e = sys::call.stat(root_, root_meta_)) {
        fail("cannot look at the directory", "", e);
        return;
    }
    while (!is_late()) {
        level& l = levels_.back();
        if (!l.pending.empty()) {
            const std::string name = std::move(l.pending.back());
            l.pending.pop_back();
            enter(name);
            continue;
        }
        // Entries may be skipped when others are removed during listing, and may appear: until a pass removes nothing.
        if (!l.listed || (l.removed_something && !l.failed.empty() && l.visits < most_visits)) {
            list_here();
        } else if (levels_.size() > 1) {
            climb();
        } else {
            return;
        }
    }
}

}  // namespace

void empty_directory(sys::handle root, const std::string& path, removal_report& report, std::uint64_t end) {
    tree_remover(root, path, report, end).run();
}

namespace {

// The first of the failures, and how many others there are.
problem summary(removal_report& report) {
    problem first = std::move(report.failures.front());
    if (report.failed > 1) {
        first->what += " (and " + std::to_string(report.failed - 1) + " more)";
    }
    return first;
}

}  // namespace

sys::error is_still_there(const std::string& path, sys::handle handle) noexcept {
    sys::metadata held;
    sys::metadata named;
    if (const sys::error e = sys::call.stat(handle, held)) {
        return e;
    }
    if (const sys::error e = sys::call.stat_at(sys::working_directory, path.c_str(), named)) {
        return e;
    }
    return held.id == named.id ? 0 : ESTALE;
}

problem remove_tree(const std::string& path, const file& handle, std::uint64_t end) {
    constexpr int most_passes = 100;  // somebody may keep on making entries in it
    for (int pass = 0;; ++pass) {
        // As if it were empty, since many are; a directory with something in it is left alone by this.
        const sys::error e = sys::call.remove_directory(sys::working_directory, path.c_str());
        if (e == 0 || e == ENOENT) {
            return no_problem();
        }
        const sys::error there = is_still_there(path, handle.native_handle());
        if (there == ENOENT) {
            return no_problem();
        }
        if (there != 0) {
            return system_problem(there == ESTALE ? "the name of a temporary directory leads to something else"
                                                  : "cannot look at a temporary directory",
                                  path, there);
        }
        const bool not_empty = e == ENOTEMPTY || e == EEXIST;
        if (pass == most_passes || (pass > 0 && !not_empty)) {
            return system_problem("cannot remove a temporary directory", path, e);
        }
        removal_report report;
        empty_directory(handle.native_handle(), path, report, end);
        if (report.late) {
            return system_problem("there was no time to remove all of a temporary directory", path, ECANCELED);
        }
        if (report.failed != 0) {
            return summary(report);
        }
    }
}

}  // namespace tempfile
