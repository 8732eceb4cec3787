// Names that wait, in the order in which they came.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tempfile {

// One behind the other: there may be 10,000 of them, and a string for each would take several times as much. In blocks,
// which are given back one by one, since what is left may have to wait for long.
class waiting_names {
public:
    void add(std::string_view name) {
        if (blocks_.empty() || blocks_.back().size() + name.size() >= block_bytes) {
            blocks_.emplace_back().reserve(blocks_.size() == 1 ? 0 : block_bytes);  // most have a few names only
        }
        blocks_.back() += name;
        blocks_.back() += '\0';
        ++count_;
    }
    // The first one, of at least one.
    std::string take() {
        std::string name = &blocks_.front()[next_];
        next_ += name.size() + 1;
        if (--count_ == 0) {
            *this = {};
        } else if (next_ == blocks_.front().size()) {
            blocks_.erase(blocks_.begin());
            next_ = 0;
        }
        return name;
    }
    [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

private:
    static constexpr std::size_t block_bytes = 4096;

    std::vector<std::string> blocks_;
    std::size_t next_ = 0;  // where in the first block
    std::size_t count_ = 0;
};

}  // namespace tempfile
