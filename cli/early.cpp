// What needs no CLI11 is done before its static objects are made, and those of iostreams, which it includes. They cost
// every start 130 thousand instructions, most of them for validators that nobody uses, made anew for each of our
// sources, and another 80 thousand to read three options. mktemp itself takes 22 thousand and `tmp file` 29 thousand;
// GNU mktemp takes 140 thousand, and 310 thousand in a locale of UTF-8.

#include "mktemp.hpp"
#include "names.hpp"
#include "streams.hpp"
#include "supervisor.hpp"

#include <fmt/core.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace tool {
namespace {

// `tmp file` and `tmp dir` with no options but those of the name. Everything else is for main().
std::optional<int> run_file_or_dir(int argc, char** argv) {
    const std::string_view asked = argc > 1 ? argv[1] : "";
    tempfile::name_options options;
    if ((asked != "file" && asked != "dir") ||
        !read_name_options({argv + 2, static_cast<std::size_t>(argc - 2)}, options)) {
        return std::nullopt;
    }
    ignore_signals_of_writing();
    try {
        hand_over(asked, options, asked == "file" ? tempfile::mkstemp(options).path : tempfile::mkdtemp(options));
    } catch (const std::exception& e) {
        complain(fmt::format("tmp {}: {}", asked, message_of(e)));
        return dynamic_cast<const std::invalid_argument*>(&e) != nullptr ? 2 : EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

// glibc hands main()'s arguments to constructors, too; elsewhere main() does the same. The number is the first that is
// not reserved: before all static objects of ours, none of which may be used here.
#ifdef __GLIBC__
[[gnu::constructor(101)]] void run_early(int argc, char** argv) {
    auto status = run_as_mktemp(argc, argv);
    if (!status) {
        status = run_file_or_dir(argc, argv);
    }
    if (status) {
        std::exit(*status);
    }
}
#endif

}  // namespace
}  // namespace tool
