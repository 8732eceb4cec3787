#include "amount.hpp"
#include "command.hpp"
#include "interrupt.hpp"
#include "print0.hpp"
#include "printable.hpp"
#include "removal_line.hpp"
#include "screen.hpp"
#include "streams.hpp"
#include "survey.hpp"

#include <tempfile/remove_tree.hpp>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace tool {
namespace {

using clock = std::chrono::steady_clock;
using nlohmann::ordered_json;

struct options {
    bool dry_run = false;
    bool json = false;
    bool print0 = false;
    bool verbose = false;
    bool ignored = false;
    std::vector<std::string> unused;
};

// What became of one PATH.
struct outcome {
    std::string path;
    tempfile::removal_report report;
    std::string refusal;  // why it was not even begun

    [[nodiscard]] bool failed() const { return !report.complete || !refusal.empty(); }
};

double seconds(std::chrono::nanoseconds t) {
    return std::chrono::duration<double>(t).count();
}

// --- For people ---

std::string line_of(const outcome& one, bool dry_run) {
    const tempfile::removal_report& r = one.report;
    const auto line = [](const std::string& text) { return wrapped(text, 2, columns_of_output()); };
    const std::string path = one.path.empty() ? "\"\"" : unbroken(printable(one.path));
    const std::string what = text_of({.entries = r.entries, .bytes = r.bytes});
    if (!one.refusal.empty()) {
        return "";
    }
    if (r.complete && r.entries == 0) {
        return line(fmt::format("nothing at {}", path));
    }
    const char* const verb = dry_run ? "would remove" : "removed";
    return line(r.complete ? fmt::format("{} {}: {}", verb, path, what)
                           : fmt::format("{} of {}: {}{}", verb, path, what, dry_run ? ", as far as can be seen" : ""));
}

void complain_of(const outcome& one) {
    if (!one.refusal.empty()) {
        complain("tmp rm: " + one.refusal);
    }
    for (const tempfile::removal_failure& f : one.report.failures) {
        complain(fmt::format("tmp rm: cannot {} \"{}\": {}", f.operation, f.path.native(), f.error.message()));
    }
    if (const std::uint64_t more = one.report.failed - one.report.failures.size(); more != 0) {
        complain(fmt::format("tmp rm: and {} more in \"{}\"", more, one.path));
    }
}

// --- For programs ---

ordered_json json_of(const outcome& one) {
    std::vector<ordered_json> failures;
    if (!one.refusal.empty()) {
        failures.push_back({{"path", one.path}, {"operation", "begin"}, {"error", one.refusal}});
    }
    for (const tempfile::removal_failure& f : one.report.failures) {
        failures.push_back({{"path", f.path.native()}, {"operation", f.operation}, {"error", f.error.message()}});
    }
    return {{"path", one.path},
            {"entries", one.report.entries},
            {"bytes", one.report.bytes},
            {"seconds", seconds(one.report.took)},
            {"complete", one.refusal.empty() && one.report.complete},
            {"failed", one.report.failed + (one.refusal.empty() ? 0 : 1)},
            {"failures", failures}};
}

// --- All of it ---

class removal {
public:
    removal(const options& o, char** operands);

    // @return the exit status.
    int run();

private:
    outcome attempt(const std::string& path);
    tempfile::removal_report remove(const std::string& path);
    [[nodiscard]] bool go_on(const tempfile::removal_progress& now);
    void list(const std::string& path);
    void tell(const outcome& one);
    void tell_all(std::chrono::nanoseconds took);
    void say_what_is_left() const;
    template <class Output>
    void try_to(Output output);

    const options& options_;
    std::vector<std::string> paths_;
    std::vector<outcome> done_;
    std::uint64_t entries_ = 0;  // of those
    survey survey_;
    std::string list_;  // of what would go, as far as it is not printed yet
    removal_line line_;
    std::exception_ptr output_error_;
};

removal::removal(const options& o, char** operands)
    : options_(o),
      survey_({.details = true,
               .tell = [this](const std::string& path) { list(path); },
               .go_on = [this] { return output_error_ == nullptr; }}) {
    for (; *operands != nullptr; ++operands) {
        paths_.emplace_back(*operands);
    }
}

// What was asked for is done, as with rm, also when nobody hears of it; but that is said at the end.
template <class Output>
void removal::try_to(Output output) {
    if (output_error_ == nullptr) {
        try {
            output();
        } catch (...) {
            output_error_ = std::current_exception();
        }
    }
}

bool removal::go_on(const tempfile::removal_progress& now) {
    if (!options_.json) {
        line_.show(entries_ + now.entries, now.path, [this] {
            return removal_line::paths(paths_.begin() + static_cast<std::ptrdiff_t>(done_.size()), paths_.end());
        });
    }
    return interrupted() == 0;
}

tempfile::removal_report removal::remove(const std::string& path) {
    try {
        return tempfile::remove_tree(
            path, {.count_bytes = options_.verbose || options_.json,
                   .at_most = std::chrono::milliseconds::max(),
                   .progress = [this](const tempfile::removal_progress& now) { return go_on(now); }});
    } catch (const tempfile::removal_error& e) {
        return e.report();
    }
}

// Not "" either, nor "missing/..", which would be refused if it were there: rm -rf succeeds. A link with a slash behind
// it is there, wherever it leads.
bool is_missing(const std::string& path) {
    struct stat status = {};
    const std::size_t end = path.find_last_not_of('/');
    return end == path.npos ? path.empty() : ::lstat(path.substr(0, end + 1).c_str(), &status) != 0 && errno == ENOENT;
}

outcome removal::attempt(const std::string& path) {
    outcome one{.path = path, .report = {}, .refusal = {}};
    try {
        if (!is_missing(path)) {
            one.report = options_.dry_run ? survey_.look_at(path) : remove(path);
        }
    } catch (const std::invalid_argument& refused) {
        one.refusal = message_of(refused);
    }
    return one;
}

void removal::list(const std::string& path) {
    constexpr std::size_t piece = 65536;
    if (options_.verbose && !options_.json) {
        list_ += options_.print0 ? path + '\0' : fmt::format("would remove {}\n", printable(path));
        if (list_.size() >= piece) {
            try_to([this] { print(std::exchange(list_, {})); });
        }
    }
}

void removal::tell(const outcome& one) {
    if (options_.json) {
        return;
    }
    line_.erase();
    if (options_.print0) {
        const bool is_listed = options_.dry_run && options_.verbose;
        const bool goes = !one.failed() && one.report.entries != 0;
        try_to([&] { print(std::exchange(list_, {}) + (goes && !is_listed ? one.path + '\0' : "")); });
    } else if (options_.verbose || options_.dry_run) {
        try_to([&] { print(std::exchange(list_, {}) + line_of(one, options_.dry_run)); });
    }
    complain_of(one);
}

void removal::tell_all(std::chrono::nanoseconds took) {
    std::vector<ordered_json> paths;
    std::uint64_t bytes = 0;
    std::uint64_t failed = 0;
    for (const outcome& one : done_) {
        paths.push_back(json_of(one));
        bytes += one.report.bytes;
        failed += paths.back()["failed"].get<std::uint64_t>();
    }
    const ordered_json all = {{"dry_run", options_.dry_run},
                              {"entries", entries_},
                              {"bytes", bytes},
                              {"failed", failed},
                              {"seconds", seconds(took)},
                              {"cancelled", interrupted() != 0},
                              {"paths", paths}};
    try_to([&] { print(all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n'); });
}

void removal::say_what_is_left() const {
    constexpr std::size_t most = 5;
    std::string left;
    std::size_t n = 0;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
        const bool was_begun = i < done_.size();
        std::error_code ec;
        if ((!was_begun || !done_[i].report.complete) &&
            std::filesystem::exists(std::filesystem::symlink_status(paths_[i], ec)) && ++n <= most) {
            left += fmt::format("{}\"{}\"{}", n == 1 ? "" : ", ", paths_[i],
                                was_begun && done_[i].report.entries != 0 ? " in part" : "");
        }
    }
    left += n > most ? fmt::format(" and {} more", n - most) : "";
    complain(fmt::format("tmp rm: {}: {} {} removed; left: {}", ::strsignal(interrupted()), entries_,
                         entries_ == 1 ? "entry was" : "entries were", n == 0 ? "nothing" : left));
}

int removal::run() {
    const auto start = clock::now();
    if (!options_.dry_run) {
        note_interrupts();
    }
    for (const std::string& path : paths_) {
        if (interrupted() != 0) {
            break;
        }
        outcome one = attempt(path);
        entries_ += one.report.entries;
        tell(one);
        done_.push_back(std::move(one));
    }
    if (options_.json) {
        tell_all(clock::now() - start);
    }
    if (options_.json || options_.print0 || options_.verbose ||
        options_.dry_run) {  // who is told nothing need not listen
        try_to(close_output);
    }
    if (interrupted() != 0) {
        say_what_is_left();
        die_of(interrupted());
    }
    if (output_error_ != nullptr) {
        std::rethrow_exception(output_error_);
    }
    return std::any_of(done_.begin(), done_.end(), [](const outcome& one) { return one.failed(); }) ? 1 : 0;
}

}  // namespace

void add_rm(command& command) {
    auto o = std::make_shared<options>();
    command.add_flag("-n,--dry-run", o->dry_run, "Only say what would go; with -v each path");
    command.add_flag("-v,--verbose", o->verbose, "Say for each PATH how much went: entries, and bytes of files");
    add_print0_option(command);
    command.add_flag("--json", o->json, "Say it as JSON, for programs");
    command.add_flag("--one-file-system", o->ignored,
                     "What is mounted in a PATH is never entered, with this or without");
    command.add_flag("-r,-R,-f,--recursive,--force", o->ignored, "Nothing: it is what happens anyway");
    // Only for the help: main() has taken them off already.
    command.add_operands("PATH", o->unused, "What to remove; behind \"--\" also what begins with \"-\"", "...");
    command.footer(
        "Like rm -rf, it asks nothing, follows no link, and finds nothing wrong with a PATH that is not there, nor\n"
        "with no PATH at all. Unlike it, it leaves what is mounted in a PATH, which is a failure; refuses not only /\n"
        "and what ends in . or .., but also the working directory and what that is in; makes directories of yours\n"
        "accessible whose modes are in the way; and uses several processors. On a terminal it shows how far it is\n"
        "when it takes longer than half a second. After Ctrl-C it says what is left. With --print0 it prints each "
        "PATH\n"
        "of which nothing is left, with --dry-run each that would go, and with -v too all that is in them.\n"
        "\n"
        "Exit status: 0 if all is gone, 1 if something is left, or could not be told; 2 for wrong usage.\n"
        "\n"
        "Example: how much is it? Then away with it\n"
        "  tmp rm --dry-run build && tmp rm -v build");
    command.callback([&command, o] {
        o->print0 = is_print0(command, {"--json"});
        return removal(*o, operands).run();
    });
}

}  // namespace tool
