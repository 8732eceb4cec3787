#include "amount.hpp"
#include "command.hpp"
#include "names.hpp"
#include "printable.hpp"
#include "private_mounts.hpp"
#include "remains.hpp"
#include "streams.hpp"
#include "supervisor.hpp"
#include "tidying.hpp"

#include <tempfile/atomic_file.hpp>
#include <tempfile/sweep.hpp>
#include <tempfile/temporary_directory.hpp>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <unistd.h>

namespace tool {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

struct options {
    tempfile::name_options name;
    std::string keep = "never";
    std::string size_limit;
    std::uint64_t most_bytes = 0;  // that it says; 0: no limit
    bool is_private = false;
    bool report = false;
    std::optional<std::string> report_json;  // a file
    bool verbose = false;
    std::vector<std::string> unused;
};

void set_size_limit(options& o) {
    o.most_bytes = bytes_of("--size-limit", o.size_limit);
    if (o.most_bytes == 0) {
        throw std::invalid_argument("--size-limit 0 leaves room for nothing");
    }
}

// What is there is replaced, which takes a file. A stream is none, though the link of its descriptor may lead to one.
void check_report_file(const fs::path& given) {
    constexpr int most_links = 40;  // path_resolution(7)
    std::error_code ec;
    fs::path file = given;
    bool is_stream = false;
    for (int links = 0; links < most_links && !is_stream; ++links) {
        file = fs::canonical(fs::absolute(file).parent_path(), ec) / file.filename();
        is_stream = !ec && file.native().starts_with("/proc/");
        if (ec || !fs::is_symlink(fs::symlink_status(file, ec))) {
            break;
        }
        const fs::path target = fs::read_symlink(file, ec);
        file = target.is_absolute() ? target : file.parent_path() / target;
    }
    const bool is_other = fs::exists(given, ec) && !fs::is_regular_file(given, ec);
    if (is_stream || is_other || given == "-") {
        throw std::invalid_argument(
            fmt::format("--report-json \"{}\" is no file, which could be replaced; name one", given.native()));
    }
}

// What fails while it is written does not say of which file.
void write_report(const std::string& file, const std::string& text) {
    try {
        tempfile::write_file(file, text);
    } catch (const fs::filesystem_error&) {
        throw;
    } catch (const std::system_error& e) {
        throw fs::filesystem_error("cannot write the report; the file stays as it is", file, e.code());
    }
}

bool keeps_all() {
    const char* const keep = std::getenv("TEMPFILE_KEEP");
    return keep != nullptr && std::string_view(keep) == "1";
}

void check(const options& o) {
    if (o.keep != "never" && o.keep != "always" && o.keep != "on-failure") {
        throw std::invalid_argument(fmt::format("--keep \"{}\" is none of never, always and on-failure", o.keep));
    }
    if (o.most_bytes != 0 && o.keep != "never") {
        throw std::invalid_argument("with --size-limit nothing can be kept: what it limits is in memory");
    }
    if (o.most_bytes != 0 && keeps_all()) {
        throw std::invalid_argument(
            "with --size-limit nothing can be kept: what it limits is in memory; unset TEMPFILE_KEEP");
    }
    if (o.report_json) {
        check_report_file(*o.report_json);
    }
    if (operands == nullptr || *operands == nullptr) {
        throw std::invalid_argument("there is no command; say which, as tmp run make");
    }
}

// The command with the path of the directory in place of each {}.
std::vector<std::string> command_in(const std::string& directory) {
    std::vector<std::string> command = {operands[0]};
    for (char** argument = operands + 1; *argument != nullptr; ++argument) {
        std::string text = *argument;
        for (std::size_t at = 0; (at = text.find("{}", at)) != std::string::npos; at += directory.size()) {
            text.replace(at, 2, directory);
        }
        command.push_back(std::move(text));
    }
    return command;
}

// Where `command` is, if it has an absolute path: its own, or one of $PATH. Else nothing.
fs::path absolute_path_of(const std::string& command) {
    if (command.find('/') != command.npos) {
        return command.front() == '/' ? command : "";
    }
    const char* const path = std::getenv("PATH");
    std::istringstream directories(path == nullptr ? "" : path);
    for (std::string directory; std::getline(directories, directory, ':');) {
        const fs::path file = fs::path(directory) / command;
        if (file.is_absolute() && ::access(file.c_str(), X_OK) == 0) {
            return file;
        }
    }
    return "";
}

// What is to be said then; nothing: as ever.
std::string why_not_found(const options& o) {
    const fs::path hidden = o.is_private ? hidden_by_private(absolute_path_of(operands[0])) : "";
    return hidden.empty() ? ""
                          : fmt::format(
                                "command \"{}\" is not found: it is {}, which --private hides with all of /tmp "
                                "and /var/tmp; put it elsewhere",
                                operands[0], hidden.native());
}

// @return where the command's directory is for the command.
std::string mount_for(const options& o, const std::string& directory, private_mounts& mounts) {
    if (o.most_bytes != 0 || o.is_private) {
        mounts.begin(o.is_private ? "--private" : "--size-limit");
    }
    if (o.most_bytes != 0) {
        mounts.limit(directory, o.most_bytes);
    }
    if (o.is_private) {
        mounts.cover_tmp(directory);
        return "/tmp";
    }
    return directory;
}

ending run_in(const surroundings& around, supervisor& s) {
    std::vector<std::string> command = command_in(around.directory);
    std::vector<char*> vector;
    for (std::string& argument : command) {
        vector.push_back(argument.data());
    }
    vector.push_back(nullptr);
    return s.run(vector.data(), around);
}

ending run_in(tempfile::temporary_directory& directory, private_mounts& mounts, supervisor& s, const options& o) {
    try {
        surroundings around{.why_not_found = why_not_found(o)};  // as long as it can be looked at
        around.start_in = o.is_private ? covered_working_directory() : "";
        around.directory = mount_for(o, directory.path().native(), mounts);
        return run_in(around, s);
    } catch (...) {
        // Also with --keep=always: there was no command that could have put something there.
        mounts.end();
        std::error_code ignored;
        directory.cleanup(ignored);
        throw;
    }
}

// --- What it left ---

std::vector<place> places_in(const fs::path& directory, const private_mounts& mounts) {
    std::vector<place> places;
    for (const std::string& covered : mounts.covered()) {
        places.push_back({.directory = covered, .as = covered});
    }
    return places.empty() ? std::vector<place>{{.directory = directory}} : places;
}

void tell(const fs::path& directory, const ending& end, const amount& left) {
    const std::string how = end.signal == 0
                                ? fmt::format("ended with status {}", end.exit_status)
                                : fmt::format("killed by signal {} ({})", end.signal, ::strsignal(end.signal));
    report(
        fmt::format("command    {}\n"
                    "left       {}\n"
                    "directory  {}\n",
                    how, text_of(left), printable(directory.native())));
}

ordered_json json_of(const remaining& file) {
    ordered_json opened_by = ordered_json::array();
    for (const opener& one : file.opened_by) {
        opened_by.push_back({{"pid", std::stoll(one.process)}, {"program", one.program}});
    }
    return {{"path", file.path}, {"bytes", file.bytes}, {"deleted", file.deleted}, {"opened_by", opened_by}};
}

std::string json_of(const ending& end, const remains& left, const fs::path& directory) {
    ordered_json files = ordered_json::array();
    for (const remaining& file : left.files) {
        files.push_back(json_of(file));
    }
    std::error_code ec;
    const ordered_json all = {{"status", end.status()},
                              {"signal", end.signal == 0 ? ordered_json(nullptr) : ordered_json(end.signal)},
                              {"kept", fs::exists(directory, ec) ? ordered_json(directory.native()) : nullptr},
                              {"entries", left.all.entries},
                              {"bytes", left.all.bytes},
                              {"complete", left.all.complete},
                              {"unseen_processes", left.not_looked ? ordered_json(nullptr) : ordered_json(left.unseen)},
                              {"files", files}};
    return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

// --- All of it ---

int run(const command& command, const options& o) {
    check(o);
    tempfile::set_label(fmt::format("tmp run {}", fs::path(operands[0]).filename().native()));
    tell_of_kept("tmp run");
    supervisor s("tmp run");  // first: a signal that comes now must not leave the directory behind
    tempfile::temporary_directory directory(
        {.prefix = o.name.prefix,
         .suffix = o.name.suffix,
         .dir = o.name.dir,
         .deletion = o.keep == "always" ? tempfile::delete_when::never : tempfile::delete_when::destroyed});
    warn_of_unused_tmpdir(command, o.name, directory.path());
    private_mounts mounts;
    const ending end = run_in(directory, mounts, s, o);
    const bool has_failed = end.status() != 0 && end.was_executed;  // else there is nothing to be looked at
    const bool kept = o.keep == "always" || (o.keep == "on-failure" && has_failed);
    if (!kept) {
        s.note_interrupts_from_now();
    }
    mounts.remove_empty_registry();
    const std::vector<place> places = places_in(directory.path(), mounts);
    const amount left = o.verbose ? amount_in(places) : amount();
    const remains details = o.report || o.report_json ? remains_in(places) : remains();
    mounts.uncover_tmp();
    const fs::path path = kept ? directory.keep() : directory.path();
    aftermath after("tmp run", end);
    if (o.verbose) {
        after.then([&] { tell(path, end, left); });
    }
    if (o.report) {
        after.then([&] { report("tmp run: " + text_of(details)); });
    }
    mounts.end();
    after.then([&] {
        if (kept) {
            std::error_code ec;
            const std::string name = printable(path.native());
            report(fs::exists(path, ec) ? fmt::format("tmp run: kept {}\n", name)
                                        : fmt::format("tmp run: {} is gone, and cannot be kept\n", name));
        } else {
            remove_after_command("tmp run", directory);
        }
    });
    if (o.report_json) {
        after.then([&] { write_report(*o.report_json, json_of(end, details, path)); });
    }
    return after.status();
}

}  // namespace

char** operands = nullptr;

void add_run(command& command) {
    auto o = std::make_shared<options>();
    command.add_option(
        "--keep", o->keep,
        "never, always, or on-failure: keep the directory, and say where it is, when the status is not 0\n"
        "and the command could be executed (default: never)",
        "WHEN");
    command.add_flag("--private", o->is_private,
                     "Mount its directory over /tmp and /var/tmp, where only the command and what it starts see it");
    command.add_option("--size-limit", o->size_limit,
                       "The directory is in memory, and full at SIZE bytes: 512M, 20G; or at one file\n"
                       "for each 4K of them, and 4096 more; nothing can be kept",
                       "SIZE");
    command.add_flag("--report", o->report, "Tell on standard error which files it left, and who has them open");
    command.add_option("--report-json", o->report_json,
                       "Write that, of all files, into FILE when the command has ended, as JSON, for programs", "FILE");
    command.add_flag("-v,--verbose", o->verbose, "Tell on standard error how the command ended and what it left");
    add_name_options(command, o->name);
    command.synopsis("[--] COMMAND [ARGUMENT...]");
    // Only for the help: main() has taken them off already.
    command.add_operands("COMMAND", o->unused,
                         "What to run, and its arguments; {} in them is the path of the directory", "ARGUMENT...");
    command.footer(
        "The command gets a directory of its own as $TMPDIR, $TEMP and $TMP, and its path for {} in an argument. What\n"
        "is in it goes when the command ends, however that happens. Signals are passed on to the command. When it has\n"
        "ended, SIGINT and SIGTERM end the removal: tmp run says what is left to the next sweep, and dies of\n"
        "the signal.\n"
        "\n"
        "--private and --size-limit take root, or a system on which every user may have user namespaces; else nothing\n"
        "is run. With --private the path is /tmp.\n"
        "\n"
        "Exit status: that of the command, or 128+n if signal n killed it; 127 if it is not found, 126 if it cannot "
        "be\n"
        "executed, 125 if tmp run fails: the directory cannot be made; or the command ends with 0, and not all of it "
        "can\n"
        "be removed, or what --keep, --report, --report-json or -v have to tell cannot be written; 2 for wrong "
        "usage.\n"
        "\n"
        "Example: whatever the build leaves in $TMPDIR goes, unless it fails\n"
        "  tmp run --keep=on-failure make\n"
        "Example: a place to unpack\n"
        "  tmp run sh -c 'tar -C \"$1\" -xf logs.tar && grep -r ERROR \"$1\"' sh {}");
    command.callback([&command, o] {
        if (command.is_given("--size-limit")) {
            set_size_limit(*o);
        }
        return run(command, *o);
    });
}

}  // namespace tool
