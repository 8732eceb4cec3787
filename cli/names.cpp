#include "names.hpp"

#include "streams.hpp"

#include <tempfile/location.hpp>
#include <tempfile/report.hpp>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <string_view>

namespace tool {
void add_name_options(CLI::App& command, tempfile::name_options& options) {
    command.add_option("--prefix", options.prefix, "What the name begins with (default: tmp)");
    command.add_option("--suffix", options.suffix, "What the name ends with; say the dot yourself");
    command.add_option("--dir", options.dir, "Where (default: $TMPDIR, $TEMP, $TMP or /tmp, as `tmp recipe` explains)")
        ->option_text("DIR");
}

// Most often $TMPDIR is the directory, letter for letter, or not set. Else all candidates are tried again to see why.
void warn_of_unused_tmpdir(const CLI::App& command, const tempfile::name_options& options,
                           const std::filesystem::path& made) {
    const char* const tmpdir = std::getenv("TMPDIR");
    const std::string_view dir = std::string_view(made.native()).substr(0, made.native().rfind('/'));
    if (!options.dir.empty() || tmpdir == nullptr || *tmpdir == '\0' || dir == tmpdir) {
        return;
    }
    for (const tempfile::candidate& c : tempfile::explain().candidates) {
        if (c.origin == "$TMPDIR" && c.error) {
            complain(fmt::format("tmp {}: $TMPDIR \"{}\" cannot be used ({}); using {}", command.get_name(), tmpdir,
                                 c.error.message(), dir.empty() ? "/" : dir));
        }
    }
}

void tell_of_kept(const char* who) {
    static const char* speaker = nullptr;
    speaker = who;
    tempfile::set_report_hook([](const tempfile::report& r) noexcept {
        if (r.what == tempfile::report_event::kept) {
            complain(fmt::format("{}: kept {}", speaker, r.path));
        }
    });
}

void hand_over(const CLI::App& command, const tempfile::name_options& options, const std::filesystem::path& made) {
    try {
        warn_of_unused_tmpdir(command, options, made);
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
