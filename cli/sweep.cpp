#include "command.hpp"
#include "items.hpp"
#include "printable.hpp"
#include "streams.hpp"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <stdexcept>

namespace tool {
namespace {

struct options {
    bool dry_run = false;
    bool json = false;
    bool verbose = false;
};

void tell(const tempfile::sweep_report& report, const options& o) {
    if (o.dry_run || o.verbose) {
        for (const tempfile::registered& item : report.removed) {
            print(fmt::format("{} {} of {} ({}), which is dead\n", o.dry_run ? "would remove" : "removed",
                              printable(item.path.native()), printable(item.program), item.pid));
        }
    }
    for (const tempfile::registered& item : report.left) {
        complain(fmt::format("tmp sweep: {} of {} ({}) was left: {}\n", printable(item.path.native()),
                             printable(item.program), item.pid, item.error.message()));
    }
    for (const auto& file : report.unknown) {
        complain(fmt::format("tmp sweep: {} is no registry, or a damaged or newer one: left alone\n",
                             printable(file.native())));
    }
}

void run(const options& o) {
    const tempfile::sweep_report report = tempfile::sweep({.dry_run = o.dry_run});
    if (o.json) {
        print(fmt::format("{{\"{}\": {},\n\"left\": {}}}\n", o.dry_run ? "would_remove" : "removed",
                          json_of(report.removed), json_of(report.left)));
    } else {
        tell(report, o);
    }
    if (!report.left.empty()) {
        close_output();
        throw std::runtime_error("not everything could be removed");
    }
}

}  // namespace

void add_sweep(CLI::App& command) {
    auto o = std::make_shared<options>();
    command.add_flag("-n,--dry-run", o->dry_run, "Only say what would go");
    command.add_flag("-v,--verbose", o->verbose, "Say what went");
    command.add_flag("--json", o->json, "Say it as JSON, for programs");
    command.footer("Example: once an hour, for what killed programs left\n  0 * * * * tmp sweep");
    command.callback([o] { run(*o); });
}

}  // namespace tool
