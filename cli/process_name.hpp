#pragma once

#include <string>
#include <string_view>

namespace tool {

// The name of the program that process `number` runs, as the system keeps it: 15 bytes. Empty when it is gone.
std::string process_name(std::string_view number);

}  // namespace tool
