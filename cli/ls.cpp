#include "command.hpp"
#include "items.hpp"
#include "streams.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace tool {

void add_ls(CLI::App& command) {
    auto json = std::make_shared<bool>(false);
    command.add_flag("--json", *json, "As JSON, for programs");
    command.footer("Example: what did killed programs leave?\n  tmp ls | grep dead");
    command.callback([json] {
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
