#include "signal_safe_removal.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>

#include "mount.hpp"
#include "repair.hpp"

namespace tempfile {
namespace {

// A directory that was left for one in it.
struct level {
    sys::identity id;                   // proved when we come back
    std::uint64_t place;                // where the list of its entries goes on
    std::optional<std::uint32_t> mode;  // what it had, if that was changed
};

// The levels are a ring: those far above are forgotten, and then the walk begins again at the root.
constexpr std::size_t most_levels = 2048;

struct {
    alignas(std::uint64_t) std::array<char, sys::list_bytes> list;
    std::array<level, most_levels> levels;
} constinit workspace{};

bool is_not_empty(sys::error e) noexcept {
    return e == ENOTEMPTY || e == EEXIST;
}

class walk {
public:
    walk(sys::handle root, const sys::metadata& meta, std::optional<std::uint32_t> mode) noexcept
        : root_(root), here_(root), mount_(mount_of(meta)), here_id_(meta.id), here_mode_(mode) {}
    ~walk() {
        give_mode_back();
        if (here_ != root_) {
            sys::call.close(here_);
        }
    }
    walk(const walk&) = delete;
    walk& operator=(const walk&) = delete;

    void run() noexcept {
        while (list_here() || (depth_ != 0 && climb())) {
        }
    }
    [[nodiscard]] bool removed_something() const noexcept { return removed_something_; }

private:
    [[nodiscard]] level& level_at(std::size_t depth) const noexcept { return workspace.levels[depth % most_levels]; }
    [[nodiscard]] bool same_mount(const sys::metadata& meta) const noexcept { return mount_of(meta) == mount_; }
    bool list_here() noexcept;
    bool is_left(const sys::entry& entry) noexcept;
    template <class Call>
    sys::error with_repair(Call call) noexcept;
    bool enter(const char* name) noexcept;
    bool climb() noexcept;
    void go_to(sys::handle h, const sys::identity& id) noexcept;
    void give_mode_back() noexcept;

    sys::handle root_;
    sys::handle here_;
    mount mount_;
    sys::identity here_id_;
    std::optional<std::uint32_t> here_mode_;  // as in level
    std::size_t depth_ = 0;
    std::size_t remembered_ = 0;  // levels above this one that are in the ring
    std::uint64_t place_ = 0;     // in the list of this directory
    std::uint64_t idle_ = 0;      // directories that were entered since something was removed
    bool came_back_ = false;      // the entry at this place was gone through already
    bool removed_something_ = false;
};

// Once more after a refusal, when the mode of the present directory was the reason and could be changed.
template <class Call>
sys::error walk::with_repair(Call call) noexcept {
    const sys::error e = call();
    std::uint32_t before = 0;
    if (e != EACCES || make_accessible(here_, before) != 0) {
        return e;
    }
    here_mode_ = before;
    return call();
}

// When it is left: an rmdir does not ask for it, and if it stays it is as it was.
void walk::give_mode_back() noexcept {
    if (here_mode_) {
        sys::call.set_permissions(here_, *here_mode_);
        here_mode_.reset();
    }
}

// Removes the entry. True when it is a directory that is not empty.
bool walk::is_left(const sys::entry& entry) noexcept {
    sys::error e = ENOTDIR;
    if (entry.what == sys::kind::directory || entry.what == sys::kind::unknown) {
        e = with_repair([&] { return sys::call.remove_directory(here_, entry.name); });
    }
    if (e == ENOTDIR) {
        e = with_repair([&] { return sys::call.remove_file(here_, entry.name); });
    }
    if (e == 0) {
        idle_ = 0;
    }
    // What is gone by now another thread has removed, which is at work here, too: a list that it changes may skip some.
    removed_something_ = removed_something_ || e == 0 || e == ENOENT;
    return is_not_empty(e) || e == EISDIR;
}

// Goes through the list from place_ on; true when it entered a directory.
bool walk::list_here() noexcept {
    bool skip_one = std::exchange(came_back_, false);
    std::uint64_t now = 0;
    if (sys::call.seek(here_, static_cast<std::int64_t>(place_), sys::origin::beginning, now) != 0) {
        return false;
    }
    std::size_t used = 0;
    while (sys::call.list(here_, workspace.list.data(), used) == 0 && used != 0) {
        sys::entry entry{};
        for (std::size_t position = 0; sys::next_entry(workspace.list.data(), used, position, entry);
             place_ = entry.next) {
            const std::string_view name = entry.name;
            if (name == "." || name == "..") {
                continue;
            }
            if (is_left(entry) && !skip_one && enter(entry.name)) {
                return true;
            }
            skip_one = skip_one && entry.what != sys::kind::directory && entry.what != sys::kind::unknown;
        }
    }
    return false;
}

void walk::go_to(sys::handle h, const sys::identity& id) noexcept {
    if (here_ != root_) {
        sys::call.close(here_);
    }
    here_ = h;
    here_id_ = id;
}

bool walk::enter(const char* name) noexcept {
    // Where a list does not go on exactly where it was left, a directory could be entered for ever.
    constexpr std::uint64_t most_idle = 1'000'000;
    if (++idle_ > most_idle) {
        return false;
    }
    sys::handle child = sys::no_handle;
    std::optional<std::uint32_t> mode;
    sys::error e = with_repair([&] { return sys::call.open_directory(here_, name, child); });
    if (e == EACCES) {
        std::uint32_t before = 0;
        e = open_inaccessible(here_, name, child, before, [this](const sys::metadata& m) { return same_mount(m); });
        if (e == 0) {
            mode = before;
        }
    }
    sys::metadata meta;
    if (e == 0) {
        e = sys::call.stat(child, meta);
        // From one that may not be searched nobody comes back, and nothing in it can be removed; ours is made
        // accessible.
        if (sys::metadata itself; e == 0 && meta.owner != sys::call.effective_user()) {
            e = sys::call.stat_at(child, ".", itself);
        }
        if (e != 0 || !same_mount(meta)) {
            sys::call.close(child);
            return false;
        }
    }
    if (e != 0) {
        return false;
    }
    level_at(depth_) = {.id = here_id_, .place = place_, .mode = std::exchange(here_mode_, mode)};
    ++depth_;
    remembered_ = std::min(remembered_ + 1, most_levels);
    go_to(child, meta.id);
    place_ = 0;
    return true;
}

// By "..", if that is the directory we came from (CVE-2022-21658 and its kin).
bool walk::climb() noexcept {
    if (remembered_ == 0) {
        return false;
    }
    const level& above = level_at(depth_ - 1);
    sys::handle up = sys::no_handle;
    sys::metadata meta;
    if (sys::call.open_directory(here_, "..", up) != 0) {
        return false;
    }
    if (sys::call.stat(up, meta) != 0 || meta.id != above.id) {
        sys::call.close(up);
        return false;
    }
    give_mode_back();
    here_mode_ = above.mode;
    --depth_;
    --remembered_;
    if (depth_ == 0) {
        sys::call.close(up);
        up = root_;
    }
    go_to(up, above.id);
    place_ = above.place;
    came_back_ = true;
    return true;
}

// One walk through everything. ESTALE when it is another directory.
sys::error walk_once(const char* path, const sys::identity& id, bool& removed_something) noexcept {
    sys::handle root = sys::no_handle;
    sys::error e = sys::call.open_directory(sys::working_directory, path, root);
    std::optional<std::uint32_t> mode;
    if (e == EACCES) {
        std::uint32_t before = 0;
        e = open_inaccessible(sys::working_directory, path, root, before,
                              [&](const sys::metadata& m) { return m.id == id; });
        if (e == 0) {
            mode = before;
        }
    }
    if (e != 0) {
        return e;
    }
    sys::metadata meta;
    e = sys::call.stat(root, meta);
    if (e == 0 && meta.id != id) {
        e = ESTALE;
    }
    if (e == 0) {
        walk all(root, meta, mode);
        all.run();
        removed_something = all.removed_something();
    }
    sys::call.close(root);
    return e;
}

}  // namespace

sys::error remove_tree_signal_safe(const char* path, const sys::identity& id) noexcept {
    // What is deeper than the ring takes another walk, and so does what appears meanwhile, but not for ever.
    constexpr int most_walks = 10'000;
    bool removed_something = true;
    for (int walks = 0;; ++walks) {
        const sys::error e = sys::call.remove_directory(sys::working_directory, path);
        if (e == 0 || e == ENOENT) {
            return 0;
        }
        if (!is_not_empty(e) || id.inode == 0 || walks == most_walks || !removed_something) {
            return e;
        }
        if (const sys::error wrong = walk_once(path, id, removed_something)) {
            return wrong == ENOENT ? 0 : wrong;
        }
    }
}

}  // namespace tempfile
