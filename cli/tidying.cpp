#include "tidying.hpp"

#include "interrupt.hpp"
#include "removal_line.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/remove_tree.hpp>
#include <tempfile/sweep.hpp>

#include <fmt/core.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <system_error>

#include <unistd.h>

namespace tool {
namespace {

// Then a descriptor of it answers with EIO, and did so before the first SIGHUP was sent (__tty_hangup in the kernel).
bool is_terminal_gone() {
    const auto is_hung_up = [](int descriptor) { return ::isatty(descriptor) == 0 && errno == EIO; };
    return is_hung_up(STDIN_FILENO) || is_hung_up(STDOUT_FILENO) || is_hung_up(STDERR_FILENO);
}

// A terminal that goes away may end the command before its SIGHUP gets to us; that ends the command, and is no wish of
// anybody that something be left.
bool is_to_stop() {
    return interrupted() != 0 && !(interrupted() == SIGHUP && is_terminal_gone());
}

std::string what_is_left(const std::string& path, const tempfile::removal_report& report) {
    const char* const part = report.entries == 0 ? "" : " in part";
    return tempfile::explain_crash_safety().on
               ? fmt::format("{} is left{}; the next sweep removes it", unbroken(path), part)
               : fmt::format("{} is left{}, and stands in no registry; remove it with tmp rm", unbroken(path), part);
}

}  // namespace

void remove_after_command(const char* who, tempfile::temporary_directory& directory) {
    const std::string path = directory.path().native();
    removal_line line;
    const auto go_on = [&](const tempfile::removal_progress& now) {
        line.show(now.entries, now.path, [&] { return removal_line::paths{path}; });
        return !is_to_stop();
    };
    try {
        directory.cleanup(go_on);
        line.erase();
    } catch (const tempfile::removal_error& e) {
        line.erase();
        if (e.code() != std::errc::operation_canceled || interrupted() == 0) {
            throw;
        }
        complain(fmt::format("{}: {}: {}", who, ::strsignal(interrupted()), what_is_left(path, e.report())));
    }
}

}  // namespace tool
