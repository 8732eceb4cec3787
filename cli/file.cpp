#include "command.hpp"
#include "names.hpp"

#include <CLI/CLI.hpp>

#include <memory>

namespace tool {

void add_file(CLI::App& command) {
    auto options = std::make_shared<tempfile::name_options>();
    add_name_options(command, *options);
    command.footer("Example:\n  log=$(tmp file --prefix build- --suffix .log)");
    command.callback([options] { hand_over(tempfile::mkstemp(*options).path); });
}

}  // namespace tool
