#include "command.hpp"
#include "names.hpp"
#include "print0.hpp"
#include "until.hpp"

#include <tempfile/temporary_directory.hpp>

#include <memory>
#include <optional>
#include <string>

namespace tool {
namespace {

tempfile::temporary_directory make(const tempfile::name_options& options) {
    return tempfile::temporary_directory({.prefix = options.prefix, .suffix = options.suffix, .dir = options.dir});
}

}  // namespace

void add_dir(command& command) {
    auto options = std::make_shared<tempfile::name_options>();
    auto pid = std::make_shared<std::string>();
    add_name_options(command, *options);
    add_until_option(command, *pid);
    add_print0_option(command);
    command.footer(
        "Exit status: 0 if it was made and its path printed, 1 if not; 2 for wrong usage.\n"
        "\n"
        "Example: it goes with the shell, which needs no trap\n  scratch=$(tmp dir --until-pid $$)");
    command.callback([&command, options, pid] {
        if (command.is_given("--until-pid")) {
            return hand_over_until(command, *pid, *options, [&] { return make(*options); });
        }
        hand_over(command, *options, tempfile::mkdtemp(*options));
        return 0;
    });
}

}  // namespace tool
