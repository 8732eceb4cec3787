#include "command.hpp"
#include "names.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"
#include "supervisor.hpp"
#include "tidying.hpp"

#include <tempfile/sweep.hpp>
#include <tempfile/temporary_directory.hpp>

#include <fmt/core.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace tool {
namespace {

struct options {
    tempfile::name_options name;
    std::vector<std::string> misplaced;
};

// What stands behind "--", else $SHELL; ended by a null pointer.
std::vector<char*> shell_command() {
    if (operands != nullptr) {
        char** end = operands;
        while (*end != nullptr) {
            ++end;
        }
        return {operands, end + 1};
    }
    char* const shell = std::getenv("SHELL");
    if (shell == nullptr || *shell == '\0') {
        throw std::invalid_argument("$SHELL is not set; say which shell, as tmp shell -- bash");
    }
    if (::access(shell, X_OK) != 0) {
        throw std::invalid_argument(
            fmt::format("$SHELL \"{}\" cannot be executed; say which shell, as tmp shell -- bash", shell));
    }
    return {shell, nullptr};
}

int run(const command& command, const options& o) {
    const auto& name = o.name;
    check_command(o.misplaced);
    std::vector<char*> shell = shell_command();
    std::string absolute = std::filesystem::absolute(shell.front()).native();  // it does not start where we are
    if (std::string_view(shell.front()).find('/') != std::string_view::npos) {
        shell.front() = absolute.data();
    }
    tempfile::set_label(fmt::format("tmp shell {}", std::filesystem::path(shell.front()).filename().native()));
    tell_of_kept("tmp shell");
    supervisor s("tmp shell");  // first: a signal that comes now must not leave the directory behind
    tempfile::temporary_directory directory({.prefix = name.prefix, .suffix = name.suffix, .dir = name.dir});
    warn_of_unused_tmpdir(command, name, directory.path());
    const std::string path = directory.path().native();
    if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0) {
        report(wrapped(fmt::format("tmp shell: {} goes when this shell ends", unbroken(printable(path))), 0,
                       columns_of_error()));
    }
    // Interactive shells ignore SIGTERM.
    const ending end = s.run(shell.data(), {.directory = path, .start_in = path, .when_we_are_dead = SIGHUP});
    s.note_interrupts_from_now();
    aftermath after("tmp shell", end);
    after.then([&] { remove_after_command("tmp shell", directory); });
    return after.status();
}

}  // namespace

void add_shell(command& command) {
    auto o = std::make_shared<options>();
    command.add_operands("COMMAND", o->misplaced, "Behind \"--\": the shell, and its arguments", "ARGUMENT...");
    command.synopsis("[-- COMMAND [ARGUMENT...]]");
    add_name_options(command, o->name);
    command.footer(
        "$SHELL, or what stands behind \"--\", runs in a new directory, which is its working directory, $TMPDIR, "
        "$TEMP\n"
        "and $TMP, and goes when the shell ends, with all that is in it. SIGINT and SIGTERM end that removal:\n"
        "tmp shell says what is left to the next sweep, and dies of the signal.\n"
        "\n"
        "Exit status: that of the shell, or 128+n if signal n killed it; 127 if it is not found, 126 if it cannot be\n"
        "executed, 125 if tmp shell fails: the directory cannot be made; or the shell ends with 0, and not all can be\n"
        "removed; 2 for wrong usage, and without a $SHELL.\n"
        "\n"
        "Example: somewhere to try something out\n"
        "  tmp shell\n"
        "Example: another shell, with its options\n"
        "  tmp shell --prefix try- -- bash --norc");
    command.callback([&command, o] { return run(command, *o); });
}

}  // namespace tool
