#include "names.hpp"

#include "command.hpp"
#include "print0.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/location.hpp>
#include <tempfile/report.hpp>

#include <fmt/core.h>

#include <cstdlib>
#include <string_view>

namespace tool {
void add_name_options(command& command, tempfile::name_options& options) {
    command.add_option("--prefix", options.prefix, "What the name begins with (default: tmp)");
    command.add_option("--suffix", options.suffix, "What the name ends with; say the dot yourself");
    command.add_option("--dir", options.dir, "Where (default: $TMPDIR, $TEMP, $TMP or /tmp, as `tmp recipe` explains)",
                       "DIR");
}

// Most often $TMPDIR is the directory, letter for letter, or not set. Else all candidates are tried again to see why.
void warn_of_unused_tmpdir(const command& command, const tempfile::name_options& options,
                           const std::filesystem::path& made) {
    const char* const tmpdir = std::getenv("TMPDIR");
    const std::string_view dir = std::string_view(made.native()).substr(0, made.native().rfind('/'));
    if (!options.dir.empty() || tmpdir == nullptr || *tmpdir == '\0' || dir == tmpdir) {
        return;
    }
    for (const tempfile::candidate& c : tempfile::explain().candidates) {
        if (c.origin == "$TMPDIR" && c.error) {
            complain(fmt::format("{}: $TMPDIR \"{}\" cannot be used ({}); using {}", command.name(), tmpdir,
                                 c.error.message(), dir.empty() ? "/" : unbroken(dir)));
        }
    }
}

void tell_of_kept(const char* who) {
    static const char* speaker = nullptr;
    speaker = who;
    tempfile::set_report_hook([](const tempfile::report& r) noexcept {
        if (r.what == tempfile::report_event::kept) {
            complain(fmt::format("{}: kept {}", speaker, unbroken(r.path)));
        }
    });
}

void hand_over(const command& command, const tempfile::name_options& options, const std::filesystem::path& made) {
    try {
        warn_of_unused_tmpdir(command, options, made);
        print_path(made.native(), is_print0(command, {}));
        close_output();
    } catch (...) {
        std::error_code ec;
        if (!std::filesystem::remove(made, ec) && ec) {
            complain("tmp: cannot remove " + unbroken(made.native()) + ", which nobody was told of: " + ec.message());
        }
        throw;
    }
}

}  // namespace tool
