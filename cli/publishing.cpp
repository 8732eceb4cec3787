#include "publishing.hpp"

#include "command.hpp"
#include "streams.hpp"
#include "supervisor.hpp"

#include <tempfile/signals.hpp>

#include <fmt/core.h>

#include <stdexcept>
#include <string>

namespace tool {

const char* const statuses_of_publishing =
    "Exit status with COMMAND: that of COMMAND, or 128+n if signal n killed it; 127 if it is not found, 126 if it\n"
    "cannot be executed, 125 if its output cannot be published; 2 for wrong usage. Unless it is 0, TARGET stays as it\n"
    "is; only with --durable it may be replaced all the same, which the message then says.\n";

void add_publishing_options(command& command, publishing& p) {
    command.add_operand("TARGET", p.target, "The file; a symbolic link is followed");
    command.add_operands("COMMAND", p.misplaced, "Behind \"--\": what to run, and its arguments", "ARGUMENT...");
    command.add_flag("--if-changed", p.if_changed,
                     "Leave TARGET alone, with its times and mode, if it has the same contents already");
    command.add_flag("--durable", p.durable,
                     "Wait until the name is on the disk too: after a power cut TARGET is the new file");
}

tempfile::persist_options rules_of(const publishing& p) {
    if (p.target.empty()) {
        throw std::invalid_argument("there is no TARGET; name the file, before \"--\"");
    }
    check_command(p.misplaced);
    tempfile::persist_options rules;
    rules.same = p.if_changed ? tempfile::if_same::leave : tempfile::if_same::replace;
    rules.durable = p.durable ? tempfile::durability::data_and_directory : tempfile::durability::data;
    return rules;
}

void publish(const command& command, tempfile::atomic_file& whole) {
    const tempfile::persisted done = whole.commit();
    std::string lost;
    for (const std::string& one : done.not_copied) {
        lost += (lost.empty() ? "" : ", ") + one;
    }
    if (!lost.empty()) {
        complain(fmt::format("{}: the new file is not given, as the old one had it: {} [{}]", command.name(), lost,
                             done.path.native()));
    }
}

int publish_output(const command& command, supervisor& s, tempfile::atomic_file& whole, surroundings around) {
    around.output = whole.fileno();
    const ending end = s.run(operands, around);
    if (end.status() == 0) {
        tempfile::cleanup_on_signals();
        s.let_signals_through();
        publish(command, whole);
    }
    return status_like(end);
}

}  // namespace tool
