// tmp: temporary files and directories for the shell.

#include "command.hpp"
#include "streams.hpp"
#include "supervisor.hpp"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
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

struct command {
    std::string_view name;
    const char* description;
    void (*add)(CLI::App&);
};

constexpr std::array commands = {
    command{"file", "Make a file that nobody else can open, and print its path", tool::add_file},
    command{"dir", "Make a directory that nobody else can enter, and print its path", tool::add_dir},
    command{"run", "Run a command with a directory of its own, and remove that when it ends", tool::add_run},
    command{"shell", "Run a shell in a directory of its own, and remove that when it ends", tool::add_shell},
    command{"rm", "Remove files and directories with all that is in them, as rm -rf does", tool::add_rm},
    command{"write", "Replace a file by standard input, or by what a command prints, when all of it is there",
            tool::add_write},
    command{"edit", "Replace a file by what a command makes of it, if that succeeds", tool::add_edit},
    command{"spool", "Soak up all of standard input, then write it to standard output", tool::add_spool},
    command{"ls", "List what programs have registered, living and dead ones", tool::add_ls},
    command{"sweep", "Remove what dead programs left behind", tool::add_sweep},
    command{"recipe", "Show a temporary file come and go, with the proof that nothing is left", tool::add_recipe},
};

enum exit_status { success = 0, failure = 1, usage = 2 };

// The command that was asked for, and only that: it takes CLI11 as long to set up the options of all of them as
// everything else takes together. All of them where none was named, for `tmp --help`.
// @return who speaks in messages: `tmp file`, or `tmp` where no command was named.
std::string add_commands(CLI::App& app, std::string_view asked) {
    const auto is_asked = [asked](const command& c) { return c.name == asked; };
    const bool found = std::any_of(commands.begin(), commands.end(), is_asked);
    for (const command& c : commands) {
        if (!found || is_asked(c)) {
            c.add(*app.add_subcommand(std::string(c.name), c.description));
        }
    }
    return found ? fmt::format("tmp {}", asked) : "tmp";
}

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

// Why CLI11 refused the arguments of `command` with `e`, in our own words: its words are about types and numbers of
// results ("--dir: 1 required TEXT missing") and change from release to release.
std::string what_is_wrong(const CLI::App& command, const CLI::ParseError& e, const std::string& last_argument) {
    // What stands behind "--" remains with the program, the rest with the command.
    const std::vector<std::string> remaining = command.get_parent()->remaining(true);
    if (!remaining.empty()) {
        return unknown(remaining.front());
    }
    const auto repeated = [](const CLI::Option& o) { return takes_value(o) && o.count() > 1; };
    if (const CLI::Option* const option = find_option(command, repeated)) {
        return fmt::format("option \"{}\" is given more than once", option->get_name());
    }
    const auto unfinished = [&](const CLI::Option& o) { return takes_value(o) && o.get_name() == last_argument; };
    if (const CLI::Option* const option = find_option(command, unfinished)) {
        return fmt::format("option \"{}\" needs a value", option->get_name());
    }
    const auto flag = [](const CLI::Option& o) { return !takes_value(o) && o.count() > 0; };
    if (const CLI::Option* const option = find_option(command, flag)) {
        return fmt::format("option \"{}\" takes no value", option->get_name());
    }
    return e.what();
}

void complain_of_usage(const CLI::App& app, const CLI::ParseError& e, const std::string& who, int argc, char** argv) {
    if (argc < 2) {
        tool::complain_as_is(app.help());
        return;
    }
    const std::string asked = argv[1];
    if (who != "tmp") {
        tool::complain(fmt::format("{}: {}", who, what_is_wrong(*app.get_subcommand(asked), e, argv[argc - 1])));
    } else if (asked.starts_with('-')) {
        tool::complain("tmp: " + unknown(asked));
    } else {
        tool::complain(fmt::format("tmp: there is no command \"{}\"", asked));
    }
    tool::complain(fmt::format("Try `{} --help`.", who));
}

// In reverse, as CLI11 wants them, and an empty `--prefix=` in two: CLI11 takes what follows for its value.
std::vector<std::string> arguments(int argc, char** argv) {
    std::vector<std::string> reversed;
    for (int i = argc - 1; i > 0; --i) {
        std::string argument = argv[i];
        if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
            argument.pop_back();
            reversed.emplace_back();
        }
        reversed.push_back(std::move(argument));
    }
    return reversed;
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
int take_off_operands(const CLI::App& app, const std::string& who, int argc, char** argv) {
    if (who == "tmp write" || who == "tmp edit" || who == "tmp shell") {
        return take_off_what_is_behind_dashes(argc, argv);
    }
    if (who != "tmp run" && who != "tmp rm") {
        return argc;
    }
    const int end =
        who == "tmp rm" ? put_options_first(argc, argv) : end_of_options(*app.get_subcommand("run"), argc, argv);
    tool::operands = argv + end + (end < argc && std::string_view(argv[end]) == "--" ? 1 : 0);
    return end;
}

int parse_and_run(CLI::App& app, const std::string& who, int argc, char** argv) {
    try {
        app.parse(arguments(argc, argv));
    } catch (const CLI::CallForVersion& version) {
        tool::print(fmt::format("tmp {}\n", version.what()));
    } catch (const CLI::CallForHelp&) {
        tool::print(app.help());
    } catch (const CLI::RuntimeError& ended) {
        return ended.get_exit_code();
    } catch (const CLI::ParseError& e) {
        complain_of_usage(app, e, who, argc, argv);
        return usage;
    }
    tool::close_output();
    return success;
}

}  // namespace

int main(int argc, char** argv) {
    tool::ignore_signals_of_writing();
    CLI::App app("Temporary files and directories that do not stay behind.", "tmp");
    app.set_version_flag("--version", TEMPFILE_VERSION);
    app.require_subcommand(1);
    const std::string who = add_commands(app, argc > 1 ? argv[1] : "");
    argc = take_off_operands(app, who, argc, argv);
    const bool runs_command = who == "tmp shell" || (tool::operands != nullptr && who != "tmp rm");
    try {
        return parse_and_run(app, who, argc, argv);
    } catch (const std::invalid_argument& e) {
        tool::complain(fmt::format("{}: {}", who, tool::message_of(e)));
        return usage;
    } catch (const std::exception& e) {
        tool::complain(fmt::format("{}: {}", who, tool::message_of(e)));
        return runs_command ? static_cast<int>(tool::run_failed) : failure;
    }
}
