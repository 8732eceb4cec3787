// Emptying a directory, however deep, whoever meddles: one thread's way through a tree.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "name_batch.hpp"
#include "removal_crew.hpp"
#include "removal_job.hpp"
#include "tempfile/file.hpp"
#include "waiting_names.hpp"

namespace tempfile {

// Everything is done relative to descriptors, and no symbolic link is followed: an entry that is swapped for something
// else between two calls is refused by the system, or removed as what it is now. At most eight descriptors are open at
// any depth; the stack does not grow with it, and memory grows by about a hundred bytes a level, and long names.
class tree_remover {
public:
    // `root` is held by the caller, and stays; `path` is its name in messages. If `stays`, nobody removes it later.
    tree_remover(removal_job& job, removal_crew& crew, sys::handle root, std::string path, bool stays);
    // What another one has entered.
    tree_remover(removal_job& job, removal_crew& crew, errand& what, bool may_help);
    ~tree_remover();
    tree_remover(const tree_remover&) = delete;
    tree_remover& operator=(const tree_remover&) = delete;

    // Removes everything in it.
    left_directory run();

private:
    // What is known of entries of a directory.
    struct contents {
        waiting_names pending = {};                         // directories that are still to be emptied
        std::vector<std::shared_ptr<errand>> errands = {};  // those that others empty
        std::unordered_set<std::string> failed = {};        // what stays, and has been reported
        bool forgetful = false;                             // more of that than is remembered
        int swapped = 0;                                    // times a file became a directory before it was removed
        std::uint64_t place = 0;                            // where the list goes on, if it is not at its beginning
        [[nodiscard]] bool worth_keeping() const noexcept {
            return !pending.empty() || !errands.empty() || !failed.empty() || swapped != 0 || place != 0;
        }
    };
    // A directory on the way from the root to where we are.
    struct level {
        entered_directory dir;
        std::unique_ptr<contents> parked = {};  // while we are further down, if it is worth keeping
        unsigned pending_above = 0;             // in the levels above it
        bool listed = false;                    // to the end
        bool removed_something = false;         // since the list began
        bool comes_back = false;
    };

    // Levels that keep their descriptor, so that coming back costs nothing in trees of common depth.
    static constexpr std::size_t held_levels = 4;
    // How often a directory is gone through again at once because something appeared in it that we did not see.
    static constexpr int most_visits = 100;
    // So many entries that stay are told apart from others in one directory.
    static constexpr std::size_t most_remembered = 4096;
    // So many directories may wait in the root, in others the half of what is left of twice as many by what waits above
    // them, and so many in any: then its list is left, and goes on later.
    static constexpr unsigned most_pending = 10'000;
    static constexpr unsigned always_pending = 16;
    // Bytes of a path in messages. Nobody can use longer ones, and there is one for each failure that is kept.
    static constexpr std::size_t longest_path = 16 * 1024;

    [[nodiscard]] sys::handle here() const noexcept {
        return levels_.size() == 1 ? root_ : levels_.back().dir.handle.native_handle();
    }
    [[nodiscard]] std::string path_of(std::string_view name) const;
    void fail(std::string_view operation, const std::string& name, sys::error e, bool may_pass = false);
    void stays(const std::string& name);
    [[nodiscard]] bool is_mount_point(const char* name) const;
    void did_something();
    void look_up_from_work();
    void removed(std::uint64_t bytes);

    [[nodiscard]] std::size_t most_pending_here() const noexcept;
    [[nodiscard]] bool is_to_be_listed();
    void list_here();
    sys::error go_to_place();
    sys::error list_in_order();
    sys::error list_in_order_of_inodes(sys::file_system on);
    bool may_others_remove(const sys::entry& entry) const;
    void remove_batch(sys::file_system on);
    void take_of_batch();
    void remove_item(name_batch::item& i);
    void remove_entry(const char* name, sys::kind what);
    void remove_other(const char* name);
    void refused(const char* name, sys::error e);
    sys::error remove_directory(const char* name);
    template <class Call>
    sys::error with_repair(Call call);
    sys::error repair_here();

    void enter(const std::string& name, int visits);
    sys::error open_child(const std::string& name, entered_directory& child, sys::metadata& meta);
    void go_down(entered_directory child);
    bool hand_over(entered_directory& child);
    std::shared_ptr<errand> take_done();
    void wait_for_one();
    void drop_errands(contents& of);
    void drop_all_errands();
    void park();
    void unpark() noexcept;
    void leave();
    bool go_up(level& child);
    bool descend_again();
    void finish(const std::string& name, const left_directory& left, bool is_mount);
    void walk();
    [[nodiscard]] std::size_t levels_to_changed_mode() const noexcept;
    void give_modes_back();

    removal_job& job_;
    removal_crew& crew_;
    std::string path_;
    sys::handle root_;
    bool stays_;
    bool may_help_ = true;      // others, while it waits for them
    std::deque<level> levels_;  // the first is the root, whose handle is not ours
    contents inside_;           // of the last level
    removal_tally tally_{job_};
    name_batch batch_;
    alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer_;
};

}  // namespace tempfile
