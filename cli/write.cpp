#include "amount.hpp"
#include "command.hpp"
#include "progress.hpp"
#include "publishing.hpp"
#include "streams.hpp"
#include "supervisor.hpp"

#include <tempfile/signals.hpp>

#include <fmt/core.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace tool {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece = 256 * 1024;
constexpr std::uint64_t large = 1 << 20;  // from here on progress is shown

struct options {
    publishing publish;
    bool noclobber = false;
    std::string mode;
};

fs::perms mode_of(const std::string& text) {
    constexpr unsigned largest = 07777;
    unsigned mode = 0;
    const char* const end = text.data() + text.size();
    const auto [digits_end, error] = std::from_chars(text.data(), end, mode, 8);
    if (error != std::errc() || digits_end != end || mode > largest) {
        throw std::invalid_argument(
            fmt::format("--mode \"{}\" is no mode; say it in octal digits, as --mode 0644", text));
    }
    return static_cast<fs::perms>(mode);
}

tempfile::persist_options rules_of(const command& command, const options& o) {
    tempfile::persist_options rules = rules_of(o.publish);
    if (o.noclobber) {
        rules.existing = tempfile::if_exists::refuse;
    }
    if (command.is_given("--mode")) {
        rules.mode = mode_of(o.mode);
    }
    return rules;
}

void copy_input(tempfile::atomic_file& whole, progress_line& line, const std::string& target) {
    const std::optional<std::uint64_t> total = rest_of_input();
    std::vector<std::byte> bytes(piece);
    std::uint64_t done = 0;
    while (const std::size_t n = read_some_input(bytes)) {
        std::error_code ec;
        whole.write(std::span(bytes).first(n), ec);
        if (ec) {
            throw fs::filesystem_error("cannot write the new contents; TARGET stays as it is", whole.path(), ec);
        }
        done += n;
        if (done >= large && line.is_due()) {
            line.draw({.done = done, .total = total, .where = target});
        }
    }
}

void publish_input(const command& command, const options& o) {
    tempfile::cleanup_on_signals();
    tempfile::atomic_file whole(o.publish.target, rules_of(command, o), {.expected_size = rest_of_input().value_or(0)});
    progress_line line(human);
    try {
        copy_input(whole, line, o.publish.target);
    } catch (...) {
        line.erase();
        throw;
    }
    line.erase();
    publish(command, whole);
}

int run(const command& command, const options& o) {
    if (operands == nullptr) {
        publish_input(command, o);
        return 0;
    }
    supervisor s("tmp write");  // first: a signal that comes now must not leave a file behind
    tempfile::atomic_file whole(o.publish.target, rules_of(command, o));
    return publish_output(command, s, whole, {});
}

// What --noclobber found is what it was given for.
int run_or_explain(const command& command, const options& o) {
    try {
        return run(command, o);
    } catch (const fs::filesystem_error& e) {
        if (o.noclobber && e.code() == std::errc::file_exists) {
            throw fs::filesystem_error("TARGET is left as it is; without --noclobber it is replaced", e.path1(),
                                       e.code());
        }
        throw;
    }
}

}  // namespace

void add_write(command& command) {
    auto o = std::make_shared<options>();
    add_publishing_options(command, o->publish);
    command.synopsis("TARGET [-- COMMAND [ARGUMENT...]]");
    command.add_flag("--noclobber", o->noclobber, "Fail if TARGET exists");
    command.add_option("--mode", o->mode,
                       "Exactly this mode, as 0644 (default: that of the file that is replaced; 0666 less the umask)",
                       "MODE");
    command.footer(fmt::format(
        "When all of standard input is read, TARGET is replaced in one step. Until then, and when anything fails, it "
        "is\n"
        "as it was: it can be an input of the same pipeline. An empty input makes an empty file.\n"
        "\n"
        "In a pipeline we are not told whether the command before us failed, with or without pipefail: its output "
        "just\n"
        "ends. Give the command to us instead, behind \"--\": what it prints is published only if it succeeds.\n"
        "\n"
        "Exit status: 0 if TARGET is the new file, or left alone by --if-changed; 1 if not; 2 for wrong usage.\n"
        "{}"
        "\n"
        "Example: only the lines with an x\n"
        "  grep x list | tmp write list\n"
        "Example: the same, but without an x in the list, or when grep fails, the list stays\n"
        "  tmp write list -- grep x list",
        statuses_of_publishing));
    command.callback([&command, o] { return run_or_explain(command, *o); });
}

}  // namespace tool
