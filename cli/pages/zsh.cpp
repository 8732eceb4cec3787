// Completion for zsh, by _arguments (zshcompsys(1)).

#include "page.hpp"

#include <fmt/core.h>

namespace pages {
namespace {

constexpr std::string_view before = R"shell(#compdef tmp
# Completion for tmp in zsh. Made from what --help prints.

_tmp() {
    local -a tmp_commands=(
COMMANDS    )
    if ((CURRENT == 2)); then
        if [[ $words[CURRENT] == -* ]]; then
            _arguments OPTIONS
        else
            _describe command tmp_commands
        fi
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    local -i dashes=${words[(i)--]}
    if [[ $command == (DASHES) ]] && ((dashes < CURRENT)); then
        shift $dashes words
        ((CURRENT -= dashes))
        _normal
        return
    fi
    case $command in
)shell";

constexpr std::string_view after = R"shell(    esac
}

_tmp "$@"
)shell";

std::string quoted(const std::string& text) {
    return fmt::format("'{}'", replaced(text, "'", "'\\''"));
}

std::string action_for(offer values) {
    switch (values) {
        case offer::files:
            return "_files";
        case offer::directories:
            return "_directories";
        case offer::command:
            return "_normal";
        case offer::keep:
            return "(never always on-failure)";
        case offer::processes:
            return "_pids";
        case offer::nothing:
            break;
    }
    return " ";
}

// Without what _arguments takes for its own.
std::string explanation(const std::string& text) {
    return replaced(replaced(replaced(text, "[", "\\["), "]", "\\]"), ":", "\\:");
}

// One argument for each name; none is offered where another one of them stands already.
std::string arguments_for(const option& o) {
    const std::string others = o.names.size() > 1 ? fmt::format("({})", joined(o.names, " ")) : "";
    std::string result;
    for (const std::string& name : o.names) {
        const bool is_long = name.starts_with("--");
        const std::string value =
            o.value.empty() ? "" : fmt::format(":{}:{}", explanation(o.value), action_for(o.values));
        result += result.empty() ? "" : " ";
        result += quoted(fmt::format("{}{}{}[{}]{}", others, name,
                                     o.value.empty() ? ""
                                     : is_long       ? "="
                                                     : "+",
                                     explanation(o.text), value));
    }
    return result;
}

// An operand without anything behind it is one word; others are all that is left, and a command has its own completion.
// What is behind "--" never comes here.
std::string arguments_for(const operand& o, std::size_t number) {
    if (o.values == offer::command) {
        const std::string first = number == 1 ? quoted("(-)1:command: _command_names -e") + ' ' : "";
        return first + quoted(fmt::format("(-)*::{}:_normal", explanation(o.name)));
    }
    const std::string which = o.more.empty() ? std::to_string(number) : "*";
    return quoted(fmt::format("{}:{}:{}", which, explanation(o.name), action_for(o.values)));
}

std::string case_of(const page& command) {
    const bool is_other_behind_dashes = where_other_begins(command) == "dashes";
    std::string result = fmt::format("        {})\n            _arguments -S", command.name);
    for (const option& o : command.options) {
        result += " \\\n                " + arguments_for(o);
    }
    for (std::size_t i = 0; i < command.operands.size(); ++i) {
        if (is_other_behind_dashes && command.operands[i].values == offer::command) {
            continue;
        }
        result += " \\\n                " + arguments_for(command.operands[i], i + 1);
    }
    return result + "\n            ;;\n";
}

}  // namespace

std::string zsh(const std::vector<page>& commands) {
    std::string descriptions;
    std::string options;
    for (const page& command : commands) {
        descriptions += "        " + quoted(command.name + ':' + replaced(command.summary, ":", "\\:")) + '\n';
    }
    for (const option& o : options_of_all()) {
        options += options.empty() ? "" : " ";
        options += arguments_for(o);
    }
    std::string dashes;
    for (const page& command : commands) {
        if (where_other_begins(command) == "dashes") {
            dashes += (dashes.empty() ? "" : "|") + command.name;
        }
    }
    std::string result = replaced(replaced(std::string(before), "COMMANDS", descriptions), "OPTIONS", options);
    result = replaced(result, "DASHES", dashes);
    for (const page& command : commands) {
        result += case_of(command);
    }
    return result + std::string(after);
}

}  // namespace pages
