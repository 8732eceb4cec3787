// Python: its tempfile module, in a process of its own that keeps the time itself, so that its start is not counted.
#include "participant.hpp"

#include <string>

namespace {

using namespace bench;

double seconds(std::string_view row, std::int64_t times) {
    const std::string command = "'" PYTHON_COMMAND "' '" PYTHON_SCRIPT "' " + std::string(row) + ' ' +
                                std::to_string(times) + (row == "stream_read" ? ' ' + large_path() : "");
    return number_from(command);
}

[[maybe_unused]] const bool entered =
    enter("Python",
          {"unnamed", "roundtrip", "named", "directory", "directory_100", "spool_direct", "spool_rolled", "replace",
           "replace_durable", "stream_write", "stream_read"},
          seconds);

}  // namespace
