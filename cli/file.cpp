#include "command.hpp"
#include "names.hpp"

#include <memory>

namespace tool {

void add_file(command& command) {
    auto options = std::make_shared<tempfile::name_options>();
    add_name_options(command, *options);
    command.footer("Example:\n  log=$(tmp file --prefix build- --suffix .log)");
    command.callback([&command, options] { hand_over(command, *options, tempfile::mkstemp(*options).path); });
}

}  // namespace tool
