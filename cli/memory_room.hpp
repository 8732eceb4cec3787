// How much can be kept in memory here.

#pragma once

#include <cstdint>
#include <string>

namespace tool {

struct memory_room {
    std::uint64_t bytes = 0;  // with swap
    std::string limited_by;   // the file of a control group that says so; empty: the whole machine has no more
};

memory_room room_in_memory();

}  // namespace tool
