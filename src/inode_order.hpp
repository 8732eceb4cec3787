// Entries of a directory in the order of their inodes. File systems on disks keep a directory in the order of hashes of
// the names; who removes in that order goes back and forth through the tables of inodes.

#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "sys/sys.hpp"

namespace tempfile {

class inode_order {
public:
    // As many as GNU rm sorts at a time: beyond that it is memory that counts.
    static constexpr std::size_t most = 100'000;

    void add(const sys::entry& entry) {
        const std::string_view name = entry.name;
        entries_.push_back({.inode = entry.inode, .name = names_.size(), .what = entry.what});
        names_.insert(names_.end(), name.begin(), name.end());
        names_.push_back('\0');
    }
    [[nodiscard]] bool full() const noexcept { return entries_.size() >= most; }

    // Takes all out: f(name, kind) for each.
    template <class F>
    void take_all(F f) {
        std::sort(entries_.begin(), entries_.end(), [](const item& a, const item& b) { return a.inode < b.inode; });
        for (const item& i : entries_) {
            f(&names_[i.name], i.what);
        }
        entries_ = {};
        names_ = {};
    }

private:
    struct item {
        std::uint64_t inode;
        std::size_t name;  // where in the names
        sys::kind what;
    };

    std::vector<item> entries_;
    std::vector<char> names_;
};

}  // namespace tempfile
