// Entries of a large directory that are removed together, by one thread or by several.

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "sys/sys.hpp"

namespace tempfile {

// Filled and emptied by the thread that it belongs to; only `take` and `all_taken` are for others too.
class name_batch {
public:
    struct item {
        std::uint64_t inode;
        std::size_t name;  // where in the names
        sys::kind what;
        bool for_all;  // whoever takes it may remove it
        bool done;     // nothing more is to be done about it
    };

    // As many as GNU rm sorts at a time: beyond that it is memory that counts.
    static constexpr std::size_t most = 100'000;

    void add(const sys::entry& entry, bool for_all) {
        const std::string_view name = entry.name;
        items_.push_back(
            {.inode = entry.inode, .name = names_.size(), .what = entry.what, .for_all = for_all, .done = false});
        names_.insert(names_.end(), name.begin(), name.end());
        names_.push_back('\0');
        directories_ += entry.what == sys::kind::directory || entry.what == sys::kind::unknown ? 1U : 0U;
    }
    [[nodiscard]] bool full() const noexcept { return items_.size() >= most; }
    // And what may be one.
    [[nodiscard]] std::size_t directories() const noexcept { return directories_; }
    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] const char* name_of(const item& i) const noexcept { return &names_[i.name]; }

    // File systems on disks keep a directory in the order of hashes of the names; who removes in that order goes back
    // and forth through the tables of inodes.
    void sort_by_inode() {
        std::sort(items_.begin(), items_.end(), [](const item& a, const item& b) { return a.inode < b.inode; });
    }

    // The next ones, for whoever takes them; none when all are taken. They lie together in the tables of inodes, and
    // are so few that nobody waits long for the last ones of another.
    std::span<item> take() noexcept {
        const std::size_t some = std::clamp(items_.size() / 16, std::size_t{1}, std::size_t{256});
        const std::size_t begin = std::min(taken_.fetch_add(some, std::memory_order_relaxed), items_.size());
        return all().subspan(begin, std::min(some, items_.size() - begin));
    }
    [[nodiscard]] bool all_taken() const noexcept { return taken_.load(std::memory_order_relaxed) >= items_.size(); }
    std::span<item> all() noexcept { return items_; }

    // Gives the memory back, too.
    void clear() noexcept {
        items_ = {};
        names_ = {};
        directories_ = 0;
        taken_ = 0;
    }

private:
    std::vector<item> items_;
    std::vector<char> names_;
    std::size_t directories_ = 0;
    std::atomic<std::size_t> taken_{0};
};

}  // namespace tempfile
