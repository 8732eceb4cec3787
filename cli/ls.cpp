#include "command.hpp"
#include "items.hpp"
#include "print0.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/sweep.hpp>

#include <fmt/core.h>

#include <memory>

namespace tool {
void add_ls(command& command) {
    auto json = std::make_shared<bool>(false);
    add_print0_option(command);
    command.add_flag("--json", *json, "Say it as JSON, for programs");
    command.footer(
        "BYTES of a directory are those of all the files in it. All that is registered is listed, with --print0 too:\n"
        "what is in use, what dead programs left, and what is of other machines or containers.\n"
        "\n"
        "Exit status: 0 if it was listed, 1 if not; 2 for wrong usage.\n"
        "\n"
        "Example: what did killed programs leave?\n"
        "  tmp ls | grep dead\n"
        "Example: how large is it, whatever the names?\n"
        "  tmp ls --print0 | xargs -0 -r du -sch");
    command.callback([&command, json] {
        const bool print0 = is_print0(command, {"--json"});
        warn_if_not_crash_safe("tmp ls");
        const auto items = tempfile::leftovers();
        if (print0) {
            for (const tempfile::registered& item : items) {
                print_path(item.path.native(), true);
            }
        } else {
            print(*json ? json_of(items) + '\n' : list_of(items, columns_of_output()));
        }
    });
}

}  // namespace tool
