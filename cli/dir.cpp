#include "command.hpp"
#include "names.hpp"

#include <memory>

namespace tool {

void add_dir(command& command) {
    auto options = std::make_shared<tempfile::name_options>();
    add_name_options(command, *options);
    command.footer("Example:\n  scratch=$(tmp dir --prefix build-) && trap 'rm -rf \"$scratch\"' EXIT");
    command.callback([&command, options] { hand_over(command, *options, tempfile::mkdtemp(*options)); });
}

}  // namespace tool
