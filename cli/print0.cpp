#include "print0.hpp"

#include "command.hpp"
#include "streams.hpp"

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace tool {

void add_print0_option(command& command) {
    command.add_flag("-0,--print0", "Print paths alone, each ended by a NUL byte instead of a newline, for xargs -0");
}

bool is_print0(const command& command, std::initializer_list<const char*> others) {
    const bool given = command.is_given("--print0");
    for (const char* other : others) {
        if (given && command.is_given(other)) {
            throw std::invalid_argument(fmt::format("--print0 prints paths alone; leave out that, or {}", other));
        }
    }
    return given;
}

void print_path(std::string_view path, bool print0) {
    print(std::string(path) + (print0 ? '\0' : '\n'));
}

}  // namespace tool
