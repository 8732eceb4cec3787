#include "names.hpp"

#include "streams.hpp"

#include <tempfile/location.hpp>

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>

namespace tool {
namespace {

constexpr const char* prefix = "--prefix";
constexpr const char* suffix = "--suffix";
constexpr const char* dir = "--dir";

struct name_option {
    std::string_view name;
    const char* value = nullptr;
};

// Most often $TMPDIR is the directory, letter for letter, or not set. Else all candidates are tried again to see why.
void warn_of_unused_tmpdir(std::string_view command, const tempfile::name_options& options,
                           const std::filesystem::path& made) {
    const char* const tmpdir = std::getenv("TMPDIR");
    const std::string_view used = std::string_view(made.native()).substr(0, made.native().rfind('/'));
    if (!options.dir.empty() || tmpdir == nullptr || *tmpdir == '\0' || used == tmpdir) {
        return;
    }
    for (const tempfile::candidate& c : tempfile::explain().candidates) {
        if (c.origin == "$TMPDIR" && c.error) {
            complain(fmt::format("tmp {}: $TMPDIR \"{}\" cannot be used ({}); using {}", command, tmpdir,
                                 c.error.message(), used.empty() ? "/" : used));
        }
    }
}

}  // namespace

void add_name_options(CLI::App& command, tempfile::name_options& options) {
    command.add_option(prefix, options.prefix, "What the name begins with (default: tmp)");
    command.add_option(suffix, options.suffix, "What the name ends with; say the dot yourself");
    command.add_option(dir, options.dir, "Where (default: $TMPDIR, $TEMP, $TMP or /tmp, as `tmp recipe` explains)")
        ->option_text("DIR");
}

bool read_name_options(std::span<char* const> arguments, tempfile::name_options& options) {
    std::array<name_option, 3> known = {{{prefix}, {suffix}, {dir}}};
    for (auto argument = arguments.begin(); argument != arguments.end(); ++argument) {
        const std::string_view given = *argument;
        const std::size_t equals = given.find('=');
        const auto found = std::find_if(known.begin(), known.end(), [&](const name_option& option) {
            return option.name == given.substr(0, equals);
        });
        if (found == known.end() || found->value != nullptr) {
            return false;
        }
        if (equals != given.npos) {
            found->value = *argument + equals + 1;
        } else if (++argument != arguments.end() && **argument != '-') {
            found->value = *argument;
        } else {
            return false;
        }
    }
    options.prefix = known[0].value != nullptr ? known[0].value : options.prefix;
    options.suffix = known[1].value != nullptr ? known[1].value : options.suffix;
    options.dir = known[2].value != nullptr ? known[2].value : options.dir;
    return true;
}

void warn_of_unused_tmpdir(const CLI::App& command, const tempfile::name_options& options,
                           const std::filesystem::path& made) {
    warn_of_unused_tmpdir(std::string_view(command.get_name()), options, made);
}

void hand_over(const CLI::App& command, const tempfile::name_options& options, const std::filesystem::path& made) {
    hand_over(std::string_view(command.get_name()), options, made);
}

void hand_over(std::string_view command, const tempfile::name_options& options, const std::filesystem::path& made) {
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
