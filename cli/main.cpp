// tmp: temporary files and directories for the shell.

#include "commands.hpp"
#include "mktemp.hpp"
#include "screen.hpp"
#include "streams.hpp"
#include "supervisor.hpp"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

enum exit_status { success = 0, failure = 1, usage = 2 };

bool takes_value(const CLI::Option& option) {
    return option.get_items_expected_max() > 0;
}

template <class Predicate>
const CLI::Option* find_option(const CLI::App& command, Predicate is_wanted) {
    const auto options = command.get_options();
    const auto found =
        std::find_if(options.begin(), options.end(), [&](const CLI::Option* o) { return is_wanted(*o); });
    return found == options.end() ? nullptr : *found;
}

// `argument`, of which we make nothing.
std::string unknown(const std::string& argument) {
    return fmt::format("{} \"{}\"", argument.starts_with('-') ? "there is no option" : "unexpected argument", argument);
}

// "-v" of the "-nv=x" that was typed, of which CLI11 leaves `rest`, "-=x". Empty if it is not that.
std::string flag_with_value(const CLI::App& command, const std::vector<std::string>& typed, const std::string& rest) {
    if (!rest.starts_with("-=")) {
        return "";
    }
    const std::string value = rest.substr(1);
    for (const std::string& argument : typed) {
        const std::size_t letters = argument.size() - std::min(argument.size(), value.size());
        if (letters > 1 && argument.starts_with('-') && !argument.starts_with("--") && argument.ends_with(value)) {
            const std::string flag = {'-', argument[letters - 1]};
            if (command.get_option_no_throw(flag) != nullptr) {
                return flag;
            }
        }
    }
    return "";
}

// Why CLI11 refused `typed` with `e`, in our own words: its words are about types and numbers of results ("--dir: 1
// required TEXT missing") and change from release to release.
std::string what_is_wrong(const CLI::App& command, const CLI::ParseError& e, const std::vector<std::string>& typed) {
    const CLI::Option* const other = command.get_option_no_throw("COMMAND");
    if (other != nullptr && other->count() > 0) {
        return tool::misplaced_text(other->results().front());
    }
    const std::vector<std::string> remaining = command.remaining();
    const auto first = std::find_if(remaining.begin(), remaining.end(), [](const auto& one) { return one != "--"; });
    if (first != remaining.end()) {
        const std::string flag = flag_with_value(command, typed, *first);
        return flag.empty() ? unknown(*first) : fmt::format("option \"{}\" takes no value", flag);
    }
    const auto repeated = [](const CLI::Option& o) { return takes_value(o) && o.count() > 1; };
    if (const CLI::Option* const option = find_option(command, repeated)) {
        return fmt::format("option \"{}\" is given more than once", option->get_name());
    }
    const auto unfinished = [&](const CLI::Option& o) { return takes_value(o) && o.get_name() == typed.back(); };
    if (const CLI::Option* const option = find_option(command, unfinished)) {
        return fmt::format("option \"{}\" needs a value", option->get_name());
    }
    // "verbose was given a disallowed flag override": in its message it has no dashes.
    const std::string said = e.what();
    const std::string name = said.substr(0, said.find(' '));
    const auto named = [&](const CLI::Option& o) { return !takes_value(o) && o.check_lname(name); };
    if (find_option(command, named) != nullptr) {
        return fmt::format("option \"--{}\" takes no value", name);
    }
    const auto given = [&](const CLI::Option& o) { return !takes_value(o) && o.count() > 0; };
    if (const CLI::Option* const option = find_option(command, given)) {
        return fmt::format("option \"{}\" takes no value", option->get_name());
    }
    return e.what();
}

// @return the exit status.
int print_and_close(std::string_view who, std::string_view text) {
    try {
        tool::print(text);
        tool::close_output();
    } catch (const std::exception& e) {
        tool::complain(fmt::format("{}: {}", who, tool::message_of(e)));
        return failure;
    }
    return success;
}

int wrong_usage(const std::string& who, const std::string& what) {
    tool::complain(fmt::format("{}: {}", who, what));
    tool::complain(fmt::format("Try `{} --help`.", who));
    return usage;
}

bool is_option_with_value(const CLI::App& command, const std::string& argument) {
    const CLI::Option* const option = argument.starts_with('-') ? command.get_option_no_throw(argument) : nullptr;
    return option != nullptr && takes_value(*option);
}

// Those of a command: in reverse, as CLI11 wants them, and an empty `--prefix=` in two: CLI11 takes what follows for
// its value.
std::vector<std::string> arguments(const CLI::App& command, int argc, char** argv) {
    std::vector<std::string> all;
    for (int i = 2; i < argc; ++i) {
        const std::string argument = argv[i];
        const std::string name = argument.substr(0, argument.size() - argument.ends_with('='));
        const bool is_value = i > 2 && is_option_with_value(command, argv[i - 1]);
        if (!is_value && name != argument && name.starts_with("--") && command.get_option_no_throw(name) != nullptr) {
            all.push_back(name);
            all.emplace_back();
        } else {
            all.push_back(argument);
        }
    }
    std::reverse(all.begin(), all.end());
    return all;
}

// Where the command of `tmp run` begins, at which our own options end.
int end_of_options(const CLI::App& command, int argc, char** argv) {
    int i = 2;
    for (std::string argument; i < argc; ++i) {
        argument = argv[i];
        if (argument == "--" || argument.size() < 2 || argument.front() != '-') {
            break;
        }
        const CLI::Option* const option = command.get_option_no_throw(argument);
        i += option != nullptr && takes_value(*option) ? 1 : 0;
    }
    return std::min(i, argc);
}

// The same, for `tmp rm`, whose options may stand anywhere before "--", and none of which takes a value.
int put_options_first(int argc, char** argv) {
    char** const begin = argv + 2;
    char** const end = argv + argc;
    char** const dashes = std::find_if(begin, end, [](std::string_view argument) { return argument == "--"; });
    const auto is_option = [](std::string_view argument) { return argument.size() > 1 && argument.front() == '-'; };
    // Not by std::stable_partition, which libstdc++ makes of what it has deprecated, as clang says.
    std::vector<char*> others;
    std::remove_copy_if(begin, dashes, std::back_inserter(others), is_option);
    char** const operands =
        std::copy(others.begin(), others.end(), std::remove_if(begin, dashes, std::not_fn(is_option))) -
        static_cast<std::ptrdiff_t>(others.size());
    std::rotate(operands, dashes, std::min(dashes + 1, end));
    return static_cast<int>(operands - argv);
}

// The same for `tmp write` and `tmp edit`, whose options may stand behind TARGET as well, and for `tmp shell`.
int take_off_what_is_behind_dashes(int argc, char** argv) {
    char** const end = argv + argc;
    char** const dashes = std::find_if(argv + 2, end, [](std::string_view argument) { return argument == "--"; });
    tool::operands = dashes == end ? nullptr : dashes + 1;
    return static_cast<int>(dashes - argv);
}

// @return how many arguments are left for CLI11.
int take_off_operands(const CLI::App& command, std::string_view asked, int argc, char** argv) {
    if (asked == "write" || asked == "edit" || asked == "shell") {
        return take_off_what_is_behind_dashes(argc, argv);
    }
    if (asked != "run" && asked != "rm") {
        return argc;
    }
    const int end = asked == "rm" ? put_options_first(argc, argv) : end_of_options(command, argc, argv);
    tool::operands = argv + end + (end < argc && std::string_view(argv[end]) == "--" ? 1 : 0);
    return end;
}

// The command that was asked for, and only that: it takes CLI11 as long to set up the options of all of them as
// everything else takes together.
int run(const tool::entry& asked, int argc, char** argv) {
    const std::string who = fmt::format("tmp {}", asked.name);
    CLI::App app(asked.description, who);
    tool::command command(app);
    asked.add(command);
    argc = take_off_operands(app, asked.name, argc, argv);
    const bool runs_command = asked.name == "shell" || (tool::operands != nullptr && asked.name != "rm");
    try {
        app.parse(arguments(app, argc, argv));
        if (command.status()) {
            return *command.status();
        }
        tool::close_output();
    } catch (const CLI::CallForHelp&) {
        return print_and_close(who, tool::wrapped_help(app.help(), tool::columns_of_output()));
    } catch (const CLI::ParseError& e) {
        return wrong_usage(who, what_is_wrong(app, e, {argv + 1, argv + argc}));
    } catch (const std::invalid_argument& e) {
        tool::complain(fmt::format("{}: {}", who, tool::message_of(e)));
        return usage;
    } catch (const std::exception& e) {
        tool::complain(fmt::format("{}: {}", who, tool::message_of(e)));
        return runs_command ? static_cast<int>(tool::run_failed) : failure;
    }
    return success;
}

// The help is all that CLI11 has to say where no command was asked for.
std::string help_of_all() {
    CLI::App app(tool::description, "tmp");
    app.set_version_flag("--version", TEMPFILE_VERSION, "Print the version and exit");
    app.require_subcommand(1);
    app.get_formatter()->label("SUBCOMMAND", "COMMAND");
    for (const tool::entry& one : tool::commands) {
        app.add_subcommand(std::string(one.name), one.description)->group("Commands");
    }
    app.footer(tool::footer);
    return app.help();
}

}  // namespace

int main(int argc, char** argv) {
    if (const auto status = tool::run_as_mktemp(argc, argv)) {
        return *status;
    }
    tool::prepare_to_end_like();
    tool::ignore_signals_of_writing();
    const std::string_view asked = argc > 1 ? argv[1] : "";
    if (const tool::entry* const found = tool::find_command(asked)) {
        return run(*found, argc, argv);
    }
    if (argc < 2) {
        tool::complain_as_is(tool::wrapped_help(help_of_all(), tool::columns_of_error()));
        return usage;
    }
    if (asked == "-h" || asked == "--help") {
        return print_and_close("tmp", tool::wrapped_help(help_of_all(), tool::columns_of_output()));
    }
    if (asked == "--version") {
        return print_and_close("tmp", "tmp " TEMPFILE_VERSION "\n");
    }
    return wrong_usage("tmp",
                       asked.starts_with('-') ? unknown(argv[1]) : fmt::format("there is no command \"{}\"", asked));
}
