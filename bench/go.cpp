// Go: its usual recipe, in a process of its own that keeps the time itself.
#include "participant.hpp"

#include <string>

namespace {

using namespace bench;

double seconds(std::string_view row, std::int64_t times) {
    return number_from("'" GO_PEER "' " + std::string(row) + ' ' + std::to_string(times) + " '" + target() + "'");
}

[[maybe_unused]] const bool entered = enter("Go", {"replace", "replace_durable"}, seconds);

}  // namespace
