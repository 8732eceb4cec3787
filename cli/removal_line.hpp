// The line on a terminal of a removal: how many entries are gone, and of how many, where those can be counted.

#pragma once

#include "progress.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

class removal_line {
public:
    using paths = std::vector<std::string>;

    // For the library's progress: `gone` entries, in `where` now. `rest` are the paths that are still to be removed,
    // the one at work among them; they are asked for once.
    void show(std::uint64_t gone, std::string_view where, const std::function<paths()>& rest);
    // As progress_line has it.
    void erase() { line_.erase(); }

private:
    progress_line line_{[](std::uintmax_t n) { return std::to_string(n); }};
    std::optional<std::uint64_t> total_;
    bool has_counted_ = false;
};

}  // namespace tool
