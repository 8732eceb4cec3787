// Completion for fish: a line for each command and option.

#include "page.hpp"

#include <fmt/core.h>

namespace pages {
namespace {

constexpr std::string_view before = R"shell(# Completion for tmp in fish. Made from what --help prints.

# How many words stand in front of the command line of another program; fails where there is none.
function __tmp_before_other
    set -l words (commandline -opc)
    set -l next (math (count $words) + 1)
    set -l with_value
    switch "$words[2]"
DASHES            contains -i -- -- $words
            return
OPERAND        case '*'
            return 1
    end
    set -l i 3
    while test $i -lt $next
        switch $words[$i]
            case --
                echo $i
                return
            case '-*'
                contains -- $words[$i] $with_value; and set i (math $i + 1)
            case '*'
                math $i - 1
                return
        end
        set i (math $i + 1)
    end
    test $i -eq $next; and not string match -q -- '-*' (commandline -ct); and math $i - 1
end

function __tmp_has_other
    __tmp_before_other >/dev/null
end

function __tmp_complete_other
    set -l words (commandline -opc) (commandline -ct)
    __fish_complete_subcommand --commandline $words[(math (__tmp_before_other) + 1)..-1]
end

function __tmp_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = $argv[1]; and not __tmp_has_other
end

function __tmp_is_first
    test (count (commandline -opc)) -eq 1
end

complete -c tmp -f
complete -c tmp -n __tmp_has_other -x -a '(__tmp_complete_other)'
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
        case offer::keep:
            return " -x -a 'never always on-failure'";
        case offer::processes:
            return " -x -a '(__fish_complete_pids)'";
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
        case offer::keep:
        case offer::processes:
        case offer::nothing:
            break;
    }
    return "";
}

// The cases for those whose other program begins behind "--", and for those where it is the first operand.
std::string behind_dashes(const std::vector<page>& commands) {
    std::string names;
    for (const page& command : commands) {
        names += where_other_begins(command) == "dashes" ? ' ' + command.name : "";
    }
    return fmt::format("        case{}\n", names);
}

std::string as_operand(const std::vector<page>& commands) {
    std::string result;
    for (const page& command : commands) {
        if (where_other_begins(command) == "operand") {
            result += fmt::format("        case {}\n            set with_value", command.name);
            for (const option& o : command.options) {
                result += o.value.empty() ? "" : ' ' + joined(o.names, " ");
            }
            result += '\n';
        }
    }
    return result;
}

}  // namespace

std::string fish(const std::vector<page>& commands) {
    std::string result = replaced(std::string(before), "DASHES", behind_dashes(commands));
    result = replaced(result, "OPERAND", as_operand(commands));
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
