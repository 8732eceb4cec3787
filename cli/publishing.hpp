// What `tmp write` and `tmp edit` share.

#pragma once

#include <tempfile/atomic_file.hpp>

#include <string>
#include <vector>

namespace tool {

class command;
class supervisor;
struct surroundings;

struct publishing {
    std::string target;
    bool if_changed = false;
    bool durable = false;
    std::vector<std::string> misplaced;  // arguments that are not behind "--"
};

// TARGET, the flags, and for the help the command, written into `p`.
void add_publishing_options(command& command, publishing& p);

// What the options ask for. std::invalid_argument where there is no target, or a "--" but no command.
tempfile::persist_options rules_of(const publishing& p);

// Gives `whole` its name. What could not be kept of the file that was replaced is a warning of `command`.
void publish(const command& command, tempfile::atomic_file& whole);

// Runs the command that was asked for, with its output into `whole`, which is published if it succeeds.
// @return its status.
int publish_output(const command& command, supervisor& s, tempfile::atomic_file& whole, surroundings around);

// For the help of both.
extern const char* const statuses_of_publishing;

}  // namespace tool
