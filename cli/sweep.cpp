#include "all_users.hpp"
#include "amount.hpp"
#include "command.hpp"
#include "interrupt.hpp"
#include "items.hpp"
#include "print0.hpp"
#include "printable.hpp"
#include "removal_line.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include <sys/prctl.h>
#include <unistd.h>

namespace tool {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t indent = 2;  // of what goes on in a second line

struct options {
    std::string at_most = "300";
    bool all_users = false;
    bool dry_run = false;
    bool json = false;
    bool print0 = false;
    bool verbose = false;
    std::optional<std::size_t> screen{};  // how wide it is
};

std::chrono::milliseconds time_limit(const options& o) {
    const std::chrono::milliseconds limit = time_of("--at-most", o.at_most);
    if (limit > std::chrono::hours(24)) {
        throw std::invalid_argument(fmt::format("--at-most \"{}\" is more than a day; say less", o.at_most));
    }
    return limit;
}

// A path is not broken on a terminal.
std::string in_line(const std::string& path) {
    return unbroken(printable(path));
}

void tell_of_removed(const tempfile::sweep_report& report, const options& o) {
    for (const tempfile::registered& item : report.removed) {
        if (o.print0) {
            print_path(item.path.native(), true);
        } else if (o.dry_run || o.verbose) {
            print(wrapped(fmt::format("{} {} of {} ({}), which is dead", o.dry_run ? "would remove" : "removed",
                                      in_line(item.path.native()), printable(item.program), item.pid),
                          indent, o.screen));
        }
    }
}

std::string why_left(const tempfile::registered& item) {
    if (item.error == std::errc::operation_canceled) {
        return " before all of it was gone";
    }
    return item.in_the_way.empty() ? ": " + item.error.message()
                                   : fmt::format(", since {} cannot be removed: {}", unbroken(item.in_the_way.native()),
                                                 item.error.message());
}

void tell(const tempfile::sweep_report& report, const options& o) {
    tell_of_removed(report, o);
    for (const tempfile::registered& item : report.left) {
        complain(fmt::format("tmp sweep: {} of {} ({}) was left{}", unbroken(item.path.native()), item.program,
                             item.pid, why_left(item)));
    }
    for (const tempfile::skipped_registry& one : report.skipped) {
        const bool as_it_should_be =
            one.reason == tempfile::skip_reason::alive || one.reason == tempfile::skip_reason::out_of_sight;
        if (!as_it_should_be) {
            complain(fmt::format("tmp sweep: {} was left alone: {}", unbroken(one.path.native()), why_skipped(one)));
        } else if ((o.dry_run || o.verbose) && !o.print0) {
            print(wrapped(fmt::format("{} was left alone: {}", in_line(one.path.native()), printable(why_skipped(one))),
                          indent, o.screen));
        }
    }
}

ordered_json document_of(const tempfile::sweep_report& report, const options& o, std::optional<std::uint32_t> user) {
    ordered_json all = user ? ordered_json{{"user", *user}} : ordered_json::object();
    all["dry_run"] = o.dry_run;
    all["complete"] = report.complete && report.left.empty();
    all["removed"] = json_of(report.removed);
    all["left"] = json_of(report.left);
    all["skipped"] = json_of(report.skipped);
    return all;
}

removal_line::paths what_dead_programs_left() {
    removal_line::paths paths;
    for (const tempfile::registered& item : tempfile::leftovers()) {
        if (item.owner == tempfile::owner_state::dead) {
            paths.push_back(item.path.native());
        }
    }
    return paths;
}

tempfile::sweep_report sweep_now(const options& o) {
    const bool shows_progress = !o.json && !o.dry_run && !o.all_users;
    removal_line line;
    const auto go_on = [&](const tempfile::removal_progress& now) {
        if (shows_progress) {
            line.show(now.entries, now.path, what_dead_programs_left);
        }
        return interrupted() == 0;
    };
    tempfile::sweep_report report =
        tempfile::sweep({.at_most = time_limit(o), .dry_run = o.dry_run, .progress = go_on});
    line.erase();
    return report;
}

std::string text_of_number(std::size_t n) {
    return n == 0   ? "nothing was"
           : n == 1 ? "one file or directory was"
                    : fmt::format("{} files and directories were", n);
}

void tell_of_end(const tempfile::sweep_report& report, const options& o) {
    if (interrupted() != 0) {
        complain(fmt::format("tmp sweep: {}: {} removed{}", ::strsignal(interrupted()),
                             text_of_number(report.removed.size()), report.complete ? "" : "; the next sweep goes on"));
    } else if (!report.complete) {
        complain(fmt::format("tmp sweep: the time of --at-most {} was not enough; the rest is left", o.at_most));
    }
}

// True when nothing was left.
bool sweep_mine(const options& o, std::optional<std::uint32_t> user) {
    const tempfile::sweep_report report = sweep_now(o);
    if (o.json) {
        print(text_of(document_of(report, o, user)));
    } else {
        tell(report, o);
    }
    if (report.removed.empty() && report.left.empty() && report.skipped.empty() && !o.all_users) {
        warn_if_not_crash_safe("tmp sweep");  // else there was something to look at
    }
    tell_of_end(report, o);
    return report.left.empty() && report.complete;
}

// For the process of one user: it does not go on when the one that waits for it has been killed. To be called when it
// has become that user, which would undo it (prctl(2)).
void end_with(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {  // it was dead before that
        ::_exit(1);
    }
}

bool sweep_for_all_users(const options& o) {
    check_all_users("tmp sweep looks after you");
    constexpr std::chrono::seconds to_come_to_an_end(5);
    const auto limit = time_limit(o) + to_come_to_an_end;
    bool all = true;
    ordered_json users = ordered_json::array();
    const pid_t self = ::getpid();
    for (const std::uint32_t user : users_with_registries()) {
        const outcome its = run_as("tmp sweep", user, limit, [&] {
            end_with(self);
            const bool done = sweep_mine(o, user);
            close_output();
            return done;
        });
        all = all && its.done;
        if (!o.json) {
            print(its.printed);
        } else if (ordered_json one = ordered_json::parse(its.printed, nullptr, false); its.ended && one.is_object()) {
            users.push_back(std::move(one));  // who was given up may have said half of it
        }
    }
    if (o.json) {
        print(text_of(users));
    }
    return all;
}

void run(const command& command, options& o) {
    o.print0 = is_print0(command, {"--json"});
    o.screen = columns_of_output();  // with --all-users each user's part is printed by a process without a terminal
    if (!o.all_users && !o.dry_run) {
        note_interrupts();
    }
    const bool all = o.all_users ? sweep_for_all_users(o) : sweep_mine(o, std::nullopt);
    if (interrupted() != 0) {
        close_output();
        die_of(interrupted());
    }
    if (!all) {
        close_output();
        throw std::runtime_error(o.dry_run ? "not everything can be removed" : "not everything could be removed");
    }
}

}  // namespace

void add_sweep(command& command) {
    auto o = std::make_shared<options>();
    command.add_flag("-n,--dry-run", o->dry_run, "Only say what would go");
    command.add_flag("-v,--verbose", o->verbose, "Say what went");
    add_print0_option(command);
    command.add_flag("--json", o->json, "Say it as JSON, for programs");
    command.add_flag("--all-users", o->all_users, "For root: what programs of all users left, with their rights");
    command.add_option(
        "--at-most", o->at_most,
        "After so long, as 90, 5min or 1.5h, leave the rest to the next time; with --all-users for each\n"
        "user (default: 300)",
        "TIME");
    command.footer(
        "With --print0 it prints what went, with --dry-run what would go. What could not be removed is told on "
        "standard\n"
        "error. On a terminal it shows how far it is when it takes longer than half a second, but not with "
        "--all-users.\n"
        "After Ctrl-C it says what went and what is left, which the next sweep removes.\n"
        "\n"
        "Exit status: 0 if nothing of dead programs is left, or would be with --dry-run, but for registries that were\n"
        "left alone, which it says; 1 if something is; 2 for wrong usage.\n"
        "\n"
        "Example: once an hour, for what killed programs left\n"
        "  0 * * * * tmp sweep");
    command.callback([&command, o] { run(command, *o); });
}

}  // namespace tool
