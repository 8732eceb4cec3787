#include "command.hpp"
#include "items.hpp"
#include "streams.hpp"

#include <tempfile/sweep.hpp>

#include <fmt/core.h>

#include <memory>

namespace tool {
namespace {

// Nothing of what is killed while that is so will ever stand in this list.
void warn_if_not_crash_safe() {
    const tempfile::crash_safety is = tempfile::explain_crash_safety();
    if (is.on) {
        return;
    }
    complain(fmt::format("tmp ls: what killed programs leave is not written down, since no registry can be made ({})",
                         why_not(is)));
}

}  // namespace

void add_ls(command& command) {
    auto json = std::make_shared<bool>(false);
    command.add_flag("--json", *json, "As JSON, for programs");
    command.footer(
        "BYTES of a directory are those of all the files in it.\n\nExample: what did killed programs leave?\n  tmp ls "
        "| grep dead");
    command.callback([json] {
        warn_if_not_crash_safe();
        const auto items = tempfile::leftovers();
        if (*json) {
            print(json_of(items) + '\n');
            return;
        }
        if (!items.empty()) {
            print(heading());
        }
        for (const tempfile::registered& item : items) {
            print(line_of(item));
        }
    });
}

}  // namespace tool
