#include "names.hpp"

#include "streams.hpp"

#include <CLI/CLI.hpp>

namespace tool {

void add_name_options(CLI::App& command, tempfile::name_options& options) {
    command.add_option("--prefix", options.prefix, "What the name begins with (default: tmp)");
    command.add_option("--suffix", options.suffix, "What the name ends with; say the dot yourself");
    command.add_option("--dir", options.dir, "Where (default: $TMPDIR, $TEMP, $TMP or /tmp, as `tmp recipe` explains)")
        ->option_text("DIR");
}

void hand_over(const std::filesystem::path& made) {
    try {
        print(made.native() + '\n');
        close_output();
    } catch (...) {
        std::error_code ec;
        if (!std::filesystem::remove(made, ec) && ec) {
            complain("tmp: cannot remove " + made.native() + ", which nobody was told of: " + ec.message());
        }
        throw;
    }
}

}  // namespace tool
