#include "all_users.hpp"
#include "amount.hpp"
#include "command.hpp"
#include "items.hpp"
#include "print0.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <fmt/core.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>

namespace tool {
namespace {

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

void tell(const tempfile::sweep_report& report, const options& o) {
    tell_of_removed(report, o);
    for (const tempfile::registered& item : report.left) {
        complain(fmt::format("tmp sweep: {} of {} ({}) was left: {}", unbroken(item.path.native()), item.program,
                             item.pid, item.error.message()));
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

std::string json_members(const tempfile::sweep_report& report, const options& o) {
    return fmt::format("\"dry_run\": {},\n\"complete\": {},\n\"removed\": {},\n\"left\": {},\n\"skipped\": {}",
                       o.dry_run, report.complete, json_of(report.removed), json_of(report.left),
                       json_of(report.skipped));
}

// True when nothing was left.
bool sweep_mine(const options& o, const std::string& json_before) {
    const tempfile::sweep_report report = tempfile::sweep({.at_most = time_limit(o), .dry_run = o.dry_run});
    if (o.json) {
        print(fmt::format("{{{}{}}}", json_before, json_members(report, o)));
    } else {
        tell(report, o);
    }
    if (report.removed.empty() && report.left.empty() && report.skipped.empty() && !o.all_users) {
        warn_if_not_crash_safe("tmp sweep");  // else there was something to look at
    }
    if (!report.complete) {
        complain(fmt::format("tmp sweep: the time of --at-most {} was not enough; the rest is left", o.at_most));
    }
    return report.left.empty() && report.complete;
}

bool sweep_for_all_users(const options& o) {
    check_all_users("tmp sweep looks after you");
    constexpr std::chrono::seconds to_come_to_an_end(5);
    const auto limit = time_limit(o) + to_come_to_an_end;
    bool all = true;
    std::string json;
    for (const std::uint32_t user : users_with_registries()) {
        const outcome its = run_as("tmp sweep", user, limit, [&] {
            const bool done = sweep_mine(o, fmt::format("\"user\": {},\n", user));
            close_output();
            return done;
        });
        all = all && its.done;
        if (!o.json) {
            print(its.printed);
        } else if (its.ended && its.printed.ends_with('}')) {  // who was given up may have said half of it
            json += (json.empty() ? "" : ",\n") + its.printed;
        }
    }
    if (o.json) {
        print('[' + json + ']');
    }
    return all;
}

void run(const command& command, options& o) {
    o.print0 = is_print0(command, {"--json"});
    o.screen = columns_of_output();  // with --all-users each user's part is printed by a process without a terminal
    const bool all = o.all_users ? sweep_for_all_users(o) : sweep_mine(o, "");
    if (o.json) {
        print("\n");
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
        "error.\n"
        "\n"
        "Exit status: 0 if nothing of dead programs is left, or would be with --dry-run, but for registries that were\n"
        "left alone, which it says; 1 if something is; 2 for wrong usage.\n"
        "\n"
        "Example: once an hour, for what killed programs left\n"
        "  0 * * * * tmp sweep");
    command.callback([&command, o] { run(command, *o); });
}

}  // namespace tool
