#include "process_name.hpp"

#include <fmt/core.h>

#include <fstream>

namespace tool {

std::string process_name(std::string_view number) {
    std::ifstream file(fmt::format("/proc/{}/comm", number));
    std::string name;
    std::getline(file, name);
    return name;
}

}  // namespace tool
