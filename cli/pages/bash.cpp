// Completion for bash: a function that needs nothing else, and knows where the command of another one begins.

#include "page.hpp"

#include <fmt/core.h>

namespace pages {
namespace {

constexpr std::string_view before = R"shell(# Completion for tmp in bash. Made from what --help prints.

_tmp_offer() {
    compopt -o filenames 2>/dev/null
    case $1 in
        directories) mapfile -t COMPREPLY < <(compgen -d -- "$2") ;;
        files) mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
        command) mapfile -t COMPREPLY < <(compgen -c -- "$2") ;;
        keep) _tmp_words 'never always on-failure' "$2" ;;
        processes) _tmp_words "$(cd /proc && echo [0-9]*)" "$2" ;;
    esac
}

_tmp_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_tmp() {
    local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]}
    local options='' with_value=' ' value='' operands=nothing other_at=never i
    COMPREPLY=()
    # --dir=x is three words to bash.
    if [[ $word == = ]]; then
        word=''
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if ((COMP_CWORD == 1)); then
        _tmp_words 'COMMANDS' "$word"
        return
    fi
    case ${COMP_WORDS[1]} in
)shell";

// Where the command line of another program begins is found by going over the words before.
constexpr std::string_view after = R"shell(        *) return ;;
    esac
    local dashes='' other=0
    for ((i = 2; i < COMP_CWORD && other == 0; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            dashes=yes
            [[ $other_at == never ]] || other=$((i + 1))
        elif [[ ${COMP_WORDS[i]} != -* ]]; then
            [[ $other_at != operand ]] || other=$i
        elif [[ ${COMP_WORDS[i + 1]} == = ]]; then
            ((i += 2))
        elif [[ $with_value == *" ${COMP_WORDS[i]} "* ]]; then
            ((i += 1))
        fi
    done
    if [[ $other_at == operand && $other == 0 && -z $value && $word != -* ]]; then
        other=$COMP_CWORD
    fi
    if ((other > 0 && other < COMP_CWORD)) && declare -F _command_offset >/dev/null; then
        _command_offset "$other"
    elif ((other == COMP_CWORD)); then
        _tmp_offer command "$word"
    elif ((other > 0)); then
        _tmp_offer files "$word"
    elif [[ -n $value ]]; then
        _tmp_offer "$value" "$word"
    elif [[ $word == -* && -z $dashes ]]; then
        _tmp_words "$options" "$word"
    else
        _tmp_offer "$operands" "$word"
    fi
}

complete -F _tmp tmp
)shell";

std::string name_of(offer values) {
    switch (values) {
        case offer::files:
            return "files";
        case offer::directories:
            return "directories";
        case offer::command:
            return "command";
        case offer::keep:
            return "keep";
        case offer::processes:
            return "processes";
        case offer::nothing:
            break;
    }
    return "nothing";
}

std::string case_of(const page& command) {
    std::string options;
    std::string with_value;
    std::string values;
    for (const option& o : command.options) {
        options += ' ' + joined(o.names, " ");
        if (!o.value.empty()) {
            with_value += joined(o.names, " ") + ' ';
            values += fmt::format("                {}) value={} ;;\n", joined(o.names, " | "), name_of(o.values));
        }
    }
    std::string result = fmt::format("        {})\n            options='{}'\n", command.name, options.substr(1));
    if (!command.operands.empty()) {
        const offer first = command.operands.front().values;  // what is behind "--" is not offered in front of it
        result += fmt::format("            operands={} other_at={}\n",
                              name_of(first == offer::command ? offer::nothing : first), where_other_begins(command));
    }
    if (!values.empty()) {
        result += fmt::format("            with_value+='{}'\n            case $option in\n{}            esac\n",
                              with_value, values);
    }
    return result + "            ;;\n";
}

}  // namespace

std::string bash(const std::vector<page>& commands) {
    std::string first_words;
    for (const page& command : commands) {
        first_words += command.name + ' ';
    }
    for (const option& o : options_of_all()) {
        first_words += joined(o.names, " ") + (&o == &options_of_all().back() ? "" : " ");
    }
    std::string result = replaced(std::string(before), "COMMANDS", first_words);
    for (const page& command : commands) {
        result += case_of(command);
    }
    return result + std::string(after);
}

}  // namespace pages
