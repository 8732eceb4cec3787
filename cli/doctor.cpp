#include "amount.hpp"
#include "checkup.hpp"
#include "command.hpp"
#include "deleted.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <unistd.h>

namespace tool {
namespace {

using nlohmann::ordered_json;

struct options {
    bool deleted = false;
    bool json = false;
};

constexpr std::array levels = {level::problem, level::warning, level::note, level::ok};

std::size_t count(const findings& found, level l) {
    return static_cast<std::size_t>(
        std::count_if(found.begin(), found.end(), [l](const finding& f) { return f.severity == l; }));
}

// --- Deleted files ---

std::string files_text(std::uint64_t n) {
    return counted(n, "deleted file", "deleted files");
}

std::string unseen_text(const deleted_files& found) {
    if (::geteuid() != 0) {
        return "Only your own processes could be looked at; root sees all.";
    }
    return found.unseen == 0 ? "" : counted(found.unseen, "process", "processes") + " could not be looked at.";
}

std::string bytes_text(const deleted_files& found) {
    return found.unsized == 0             ? human(found.bytes)
           : found.unsized == found.files ? "space"
                                          : fmt::format("{} and more", human(found.bytes));
}

std::string unsized_text(const deleted_files& found) {
    return found.unsized == 0 ? ""
                              : fmt::format(" The size of {} that {} only mapped is not told to you.",
                                            files_text(found.unsized), found.unsized == 1 ? "is" : "are");
}

finding finding_of(const deleted_files& found) {
    constexpr std::uint64_t much = std::uint64_t{1} << 30;
    if (found.error) {
        return {level::warning,
                "deleted-files",
                "/proc",
                fmt::format("deleted files cannot be looked for: {}", found.error.message()),
                "/proc does not show what processes have open.",
                "Mount /proc."};
    }
    if (found.files == 0) {
        return {level::ok, "deleted-files", "", "no deleted files are open or mapped", unseen_text(found), ""};
    }
    const std::string unseen = unseen_text(found);
    return {found.bytes >= much ? level::warning : level::note,
            "deleted-files",
            "",
            fmt::format("{}, open or mapped, {} up {}", files_text(found.files), found.files == 1 ? "takes" : "take",
                        bytes_text(found)),
            "No directory shows them; df counts them." + unsized_text(found) + (unseen.empty() ? "" : " " + unseen),
            "The space is free again when these processes close and unmap them, or end."};
}

// --- For people ---

constexpr std::size_t margin = 9;  // "warning  "

std::string coloured(level l) {
    constexpr std::string_view normal = "\x1b[0m";
    const std::string_view colour = l == level::problem   ? "\x1b[1;31m"
                                    : l == level::warning ? "\x1b[33m"
                                    : l == level::note    ? "\x1b[36m"
                                                          : "\x1b[32m";
    return fmt::format("{}{}{}", colour, word_for(l), normal);
}

// What it is about, which may be a path, is not broken.
std::string in_lines(const std::string& text, const finding& f) {
    const std::string subject = printable(f.subject);
    std::string result = printable(text);
    for (std::size_t at = 0; !subject.empty() && (at = result.find(subject, at)) != result.npos; at += subject.size()) {
        result.replace(at, subject.size(), unbroken(subject));
    }
    return result;
}

// A remedy is a sentence, or a command to be copied, or a sentence that says one behind a colon.
std::string remedy_of(const finding& f) {
    const std::string text = "-> " + in_lines(f.remedy, f);
    const bool is_command = f.remedy.front() >= 'a' && f.remedy.front() <= 'z' && !f.remedy.ends_with('.');
    const std::size_t colon = text.find(": ");
    const std::size_t begin = is_command ? 0 : colon == text.npos ? text.size() : colon + 2;
    const std::size_t end =
        is_command ? text.size() : std::min({text.find(", ", begin), text.find(". ", begin), text.size()});
    return text.substr(0, begin) + unbroken(text.substr(begin, end - begin)) + text.substr(end);
}

std::string text_of(const finding& f, std::optional<std::size_t> screen, bool colours) {
    const std::string word = word_for(f.severity);
    const std::string blanks(margin, ' ');
    std::string text = (colours ? coloured(f.severity) : word) + std::string(margin - word.size(), ' ') +
                       wrapped(in_lines(f.what, f), margin, screen);
    text += f.means.empty() ? "" : blanks + wrapped(in_lines(f.means, f), margin, screen);
    text += f.remedy.empty() ? "" : blanks + wrapped(remedy_of(f), margin, screen);
    return text;
}

// "2 MiB in 3 deleted files, and 1 of unknown size"
std::string holdings_text(const holder& h) {
    const auto all = h.files.size();
    const auto sized = static_cast<std::size_t>(
        std::count_if(h.files.begin(), h.files.end(), [](const deleted_file& f) { return f.bytes.has_value(); }));
    const std::string text = sized == 0 ? "" : fmt::format("{} in {}", human(h.bytes), files_text(sized));
    return sized == all ? text
           : sized == 0 ? fmt::format("{} of unknown size", files_text(all))
                        : fmt::format("{}, and {} of unknown size", text, all - sized);
}

std::string text_of(const deleted_files& found, std::optional<std::size_t> screen) {
    constexpr std::size_t enough = 10;
    std::string text;
    for (const holder& h : found.holders) {
        if (&h - found.holders.data() == enough) {
            return text + std::string(margin, ' ') +
                   wrapped(
                       fmt::format("and {}", counted(found.holders.size() - enough, "more process", "more processes")),
                       margin, screen);
        }
        text += std::string(margin, ' ') +
                wrapped(fmt::format("{} ({}): {}", printable(h.program), h.pid, holdings_text(h)), margin, screen);
    }
    return text;
}

std::string summary_of(const findings& found) {
    std::string text;
    for (const level l : levels) {
        const std::size_t n = count(found, l);
        if (n != 0 && l != level::ok) {
            text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", n, word_for(l), n == 1 ? "" : "s");
        }
    }
    return text.empty() ? "all is well\n" : text + '\n';
}

void show(const findings& found, const std::optional<deleted_files>& deleted) {
    const auto screen = columns_of_output();
    const bool colours = output_has_colours();
    for (const finding& f : found) {
        print(text_of(f, screen, colours));
    }
    if (deleted) {
        print(text_of(*deleted, screen));
    }
    print(summary_of(found));
}

// --- For programs ---

ordered_json json_of(const finding& f) {
    return {{"level", word_for(f.severity)},
            {"id", f.id},
            {"subject", f.subject},
            {"what", f.what},
            {"means", f.means},
            {"remedy", f.remedy}};
}

template <class T>
ordered_json or_null(const std::optional<T>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json json_of(const holder& h) {
    std::vector<ordered_json> files;
    for (const deleted_file& f : h.files) {
        files.push_back({{"path", f.path}, {"descriptor", or_null(f.descriptor)}, {"bytes", or_null(f.bytes)}});
    }
    return {{"pid", h.pid}, {"program", h.program}, {"bytes", h.bytes}, {"files", files}};
}

ordered_json json_of(const findings& found, const std::optional<deleted_files>& deleted) {
    ordered_json all = {{"findings", ordered_json::array()}};
    for (const finding& f : found) {
        all["findings"].push_back(json_of(f));
    }
    if (deleted) {
        ordered_json holders = ordered_json::array();
        for (const holder& h : deleted->holders) {
            holders.push_back(json_of(h));
        }
        all["deleted"] = {{"bytes", deleted->bytes},
                          {"files", deleted->files},
                          {"files_of_unknown_size", deleted->unsized},
                          {"unseen_processes", deleted->unseen},
                          {"processes", holders}};
    }
    return all;
}

int run(const options& o) {
    findings found = check_all();
    std::optional<deleted_files> deleted;
    if (o.deleted) {
        deleted = find_deleted_files();
        found.push_back(finding_of(*deleted));
    }
    if (o.json) {
        print(json_of(found, deleted).dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n');
    } else {
        show(found, deleted);
    }
    close_output();
    return count(found, level::problem) == 0 ? 0 : 1;
}

}  // namespace

void add_doctor(command& command) {
    auto o = std::make_shared<options>();
    command.add_flag(
        "--deleted", o->deleted,
        "Also look for deleted files that processes have open, mapped or execute; only root sees those of all");
    command.add_flag("--json", o->json, "Say it as JSON, for programs");
    command.footer(
        "Exit status: 0 if there is no problem, 1 if there is one; 2 for wrong usage. Notes and warnings are no "
        "problem.\n\n"
        "Who is not root is not told the size of a deleted file that is only mapped (proc(5)), nor\n"
        "whether it has another name left: it counts as deleted, and its size as unknown.\n\n"
        "Example: why is the disk full, though du finds nothing?\n  sudo tmp doctor --deleted");
    command.callback([o] { return run(*o); });
}

}  // namespace tool
