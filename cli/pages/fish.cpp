// Completion for fish: a line for each command and option.

#include "page.hpp"

#include <fmt/core.h>

namespace pages {
namespace {

constexpr std::string_view before = R"shell(# Completion for tmp in fish. Made from what --help prints.

function __tmp_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]
end

function __tmp_is_first
    test (count (commandline -opc)) -eq 1
end

complete -c tmp -f
)shell";

std::string quoted(const std::string& text) {
    return fmt::format("'{}'", replaced(replaced(text, "\\", "\\\\"), "'", "\\'"));
}

std::string switches(const option& o) {
    std::string result;
    for (const std::string& name : o.names) {
        result += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    return result;
}

std::string value_of(const option& o) {
    if (o.value.empty()) {
        return "";
    }
    switch (o.values) {
        case offer::directories:
            return " -x -a '(__fish_complete_directories)'";
        case offer::files:
            return " -r -F";
        default:
            return " -x";
    }
}

std::string line_for(std::string_view condition, const option& o) {
    return fmt::format("complete -c tmp -n {}{}{} -d {}\n", condition, switches(o), value_of(o), quoted(o.text));
}

std::string line_for(std::string_view condition, const operand& o) {
    switch (o.values) {
        case offer::files:
        case offer::directories:
            return fmt::format("complete -c tmp -n {} -F\n", condition);
        case offer::command:
            return fmt::format("complete -c tmp -n {} -x -a '(__fish_complete_subcommand --fcs-skip=2)'\n", condition);
        case offer::nothing:
            break;
    }
    return "";
}

}  // namespace

std::string fish(const std::vector<page>& commands) {
    std::string result(before);
    for (const option& o : options_of_all()) {
        result += line_for("__tmp_is_first", o);
    }
    for (const page& command : commands) {
        const std::string condition = "'__tmp_is " + command.name + "'";
        result +=
            fmt::format("\ncomplete -c tmp -n __tmp_is_first -a {} -d {}\n", command.name, quoted(command.summary));
        for (const option& o : command.options) {
            result += line_for(condition, o);
        }
        if (!command.operands.empty()) {
            result += line_for(condition, command.operands.front());
        }
    }
    return result;
}

}  // namespace pages
