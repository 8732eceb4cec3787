#include "checkup.hpp"

#include "amount.hpp"
#include "cleaners.hpp"
#include "items.hpp"
#include "other_users.hpp"

#include <tempfile/choose_dir.hpp>
#include <tempfile/sweep.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

using tempfile::dir_candidate;

// As one types it: remedies are copied.
std::string shell_word(const std::string& path) {
    constexpr const char* plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+@%:,";
    if (path.find_first_not_of(plain) == path.npos) {
        return path;
    }
    std::string word = "'";
    for (const char c : path) {
        word += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return word + '\'';
}

// What can be done about a directory in which nothing can be made.
std::string remedy_for(const std::error_code& error, const std::string& dir) {
    const std::string word = shell_word(dir);
    if (error == std::errc::no_such_file_or_directory) {
        return fmt::format("As root: mkdir -m 1777 {}", word);
    }
    if (error == std::errc::permission_denied) {
        return fmt::format("As root: chmod 1777 {}", word);
    }
    if (error == std::errc::read_only_file_system) {
        return fmt::format("As root, remount its disk writable, or: mount -t tmpfs -o mode=1777 tmpfs {}", word);
    }
    if (error == std::errc::no_space_on_device) {
        return fmt::format("Remove something there: bytes (df {0}) or files (df -i {0}) are used up.", word);
    }
    if (error.value() == EDQUOT) {
        return "Remove something of yours there: your quota is used up.";
    }
    return fmt::format("As root, when what is there is out of the way: mkdir -m 1777 {}", word);
}

// --- Variables ---

bool is_variable(const dir_candidate& c) {
    return c.origin.starts_with('$');
}

void check_variable(const dir_candidate& c, findings& found) {
    const std::string name = c.origin.substr(1);
    const char* const value = std::getenv(name.c_str());
    if (c.error) {
        found.push_back({level::problem, "variable-unusable", c.origin,
                         fmt::format("{} is {}, which cannot be used: {}", c.origin, value, c.error.message()),
                         "This tool and programs with this library go on with the next directory; mktemp, sort and "
                         "others fail.",
                         fmt::format("Make the directory usable, or: unset {}", name)});
    } else if (value != nullptr && *value != '/') {
        found.push_back({level::warning, "variable-relative", c.origin,
                         fmt::format("{} is {}, which is no absolute path", c.origin, value),
                         "It means another directory after each cd.",
                         fmt::format("export {}=\"$(realpath -- \"${}\")\"", name, name)});
    }
}

void check_choice(const tempfile::choice& all, findings& found) {
    if (all.environment_ignored) {
        found.push_back({level::note, "environment-ignored", "", "the environment is not looked at",
                         "This program runs with more rights than its caller (set-user-id).", ""});
    }
    if (all.error) {
        found.push_back({level::problem, "no-directory", "", "temporary files cannot be made anywhere", all.message,
                         "Set TMPDIR to a directory you may write to."});
        return;
    }
    for (const dir_candidate& c : all.candidates) {
        if (c.chosen) {
            found.push_back({level::ok, "directory", c.dir.native(),
                             fmt::format("temporary files go to {} ({})", c.dir.native(), c.origin), "", ""});
        }
    }
}

// --- Directories ---

// Others can rename and remove what is in it: why, and what to do.
void check_exposed(const dir_candidate& c, findings& found) {
    struct ::stat is = {};
    if (!c.exposed || ::stat(c.dir.c_str(), &is) != 0) {
        return;
    }
    const std::string dir = c.dir.native();
    constexpr const char* means =
        "What a program makes there under a name can be renamed, removed or exchanged by others.";
    if ((is.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (is.st_mode & S_ISVTX) == 0) {
        const bool by_all = (is.st_mode & S_IWOTH) != 0;
        found.push_back(
            {by_all ? level::problem : level::warning, "not-sticky", dir,
             fmt::format("{} can be written to by {}, without the sticky bit", dir, by_all ? "everybody" : "its group"),
             means, fmt::format("chmod +t {}", shell_word(dir))});
    } else {
        found.push_back({level::warning, "not-yours", dir, fmt::format("{} belongs to user {}", dir, is.st_uid), means,
                         "Use a directory of root or of your own."});
    }
}

void check_room(const dir_candidate& c, findings& found) {
    constexpr std::uint64_t little = 1 << 30;
    constexpr std::uint64_t very_little = 100 << 20;
    constexpr std::uint64_t few = 1000;
    const std::string dir = c.dir.native();
    if (c.free_bytes && *c.free_bytes < little) {
        found.push_back({*c.free_bytes < very_little ? level::warning : level::note, "little-room", dir,
                         fmt::format("{} has only {} free", dir, human(*c.free_bytes)),
                         "Programs that need more fail there with \"No space left on device\" or \"Disk quota "
                         "exceeded\".",
                         "Free some space. tmp where --need SIZE finds a directory with more."});
    }
    if (c.free_inodes && *c.free_inodes < few) {
        found.push_back(
            {level::warning, "few-inodes", dir,
             fmt::format("{} has room for only {}", dir, counted(*c.free_inodes, "more file", "more files")),
             "Programs will fail there with \"No space left on device\", however many bytes are free.",
             "Remove files there, or use another directory."});
    }
}

void check_kind(const dir_candidate& c, findings& found) {
    const std::string dir = c.dir.native();
    if (c.kind == tempfile::medium::memory) {
        found.push_back({level::note, "in-memory", dir,
                         fmt::format("{} is in memory ({}, {} free)", dir, c.file_system,
                                     c.free_bytes ? human(*c.free_bytes) : "no limit"),
                         "What is written there takes memory or swap from programs, and is gone after a reboot.",
                         "For large things: TMPDIR=$(tmp where --large)"});
    }
    if (c.kind == tempfile::medium::network) {
        found.push_back({level::note, "on-network", dir,
                         fmt::format("{} is on another machine ({})", dir, c.file_system),
                         "It is slower, and locks may not be seen by other machines.",
                         "Set TMPDIR to a directory of this machine, if it has one."});
    }
    if (c.noexec) {
        found.push_back({level::warning, "noexec", dir, fmt::format("{} is mounted with noexec", dir),
                         "Programs that unpack something there and execute it fail with \"Permission denied\": "
                         "installers, builds, some JIT compilers.",
                         "For those: TMPDIR=$(tmp where --exec)"});
    }
}

// open(2), O_TMPFILE, has the errors.
void check_nameless(const dir_candidate& c, findings& found) {
    const int h = ::open(c.dir.c_str(), O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    const int error = errno;
    if (h >= 0) {
        ::close(h);
        return;
    }
    constexpr std::array unknown = {EOPNOTSUPP, EISDIR, ENOENT, EINVAL, ENOSYS};
    if (std::find(unknown.begin(), unknown.end(), error) != unknown.end()) {
        found.push_back({level::note, "no-nameless-files", c.dir.native(),
                         fmt::format("{} cannot have files without a name (O_TMPFILE, {})", c.dir.native(),
                                     c.file_system.empty() ? "unknown" : c.file_system),
                         "They are made under a name, which is taken away at once. A program that is killed between "
                         "the two leaves an empty file.",
                         ""});
    }
}

void check_directory(const dir_candidate& c, findings& found) {
    const std::size_t before = found.size();
    const std::string dir = c.dir.native();
    if (c.error) {
        found.push_back({dir == "/tmp" ? level::problem : level::warning, "directory-unusable", dir,
                         fmt::format("no file can be made in {}: {}", dir, c.error.message()),
                         "Many programs have its name built in.", remedy_for(c.error, dir)});
        return;
    }
    check_exposed(c, found);
    check_room(c, found);
    check_kind(c, found);
    check_nameless(c, found);
    if (found.size() == before) {
        found.push_back(
            {level::ok, "directory-good", dir,
             fmt::format("{}: {}, {} free", dir, c.file_system.empty() ? "unknown file system" : c.file_system,
                         c.free_bytes ? human(*c.free_bytes) : "no limit"),
             "", ""});
    }
}

// Those that people and programs mean; not the last resorts.
void check_directories(findings& found) {
    const tempfile::choice all = tempfile::explain(tempfile::need{});
    check_choice(all, found);
    for (const dir_candidate& c : all.candidates) {
        if (is_variable(c)) {
            check_variable(c, found);
        }
        const bool is_usual = c.dir == "/tmp" || c.dir == "/var/tmp";
        if (is_usual || c.chosen || (is_variable(c) && !c.error)) {
            check_directory(c, found);
        }
    }
}

// What one sets to look at what would go, and forgets.
void check_habits(findings& found) {
    const char* const keep = std::getenv("TEMPFILE_KEEP");
    if (keep != nullptr && *keep != '\0') {
        found.push_back({level::warning, "kept", "$TEMPFILE_KEEP", fmt::format("TEMPFILE_KEEP is {}", keep),
                         "Named files and directories of programs with this library stay, and no sweep removes them.",
                         "unset TEMPFILE_KEEP"});
    }
    const char* const sweep = std::getenv("TEMPFILE_SWEEP");
    if (sweep != nullptr && std::string_view(sweep) == "0") {
        found.push_back({level::note, "no-sweep", "$TEMPFILE_SWEEP", "TEMPFILE_SWEEP is 0",
                         "Programs with this library do not remove what dead ones left when they begin.",
                         "unset TEMPFILE_SWEEP, or call tmp sweep from time to time"});
    }
}

// --- The registry, and what is in it ---

std::string remedy_for_registry(const tempfile::crash_safety& is) {
    if (is.refused.empty() && is.error == std::errc::no_such_file_or_directory) {
        return "Set TEMPFILE_REGISTRY to an absolute path, or: unset TEMPFILE_REGISTRY";
    }
    const std::error_code error = is.refused.empty() ? is.error : is.refused.front().error;
    if (error == std::errc::not_supported) {  // without it there are no times of start (docs/registry.md)
        return "Mount /proc: without it nobody can tell whether a process still runs.";
    }
    if (error == std::errc::operation_not_permitted) {
        return "Have what is in its place removed, or set TEMPFILE_REGISTRY to a directory of yours with mode 0700.";
    }
    if (error == std::errc::no_space_on_device || error.value() == EDQUOT) {
        return "Make room there, or set TEMPFILE_REGISTRY to a directory of yours where there is some.";
    }
    return "Set TEMPFILE_REGISTRY to a directory of yours, with mode 0700, that you can write to.";
}

void check_registry(const tempfile::crash_safety& is, findings& found) {
    const std::string remedy = remedy_for_registry(is);
    if (!is.on) {
        found.push_back({level::warning, "no-registry", "", "no registry can be made",
                         fmt::format("What killed programs leave is not written down, and no sweep will find it ({}).",
                                     why_not(is)),
                         remedy});
    } else if (!is.refused.empty()) {
        found.push_back({level::note, "registry-elsewhere", is.registry.native(),
                         fmt::format("the registry is {}", is.registry.native()),
                         fmt::format("It should have been elsewhere ({}).", why_not(is)), remedy});
    } else {
        found.push_back(
            {level::ok, "registry", is.registry.native(), "what killed programs leave is written down", "", ""});
    }
}

// What is in those is not known. That they are somebody else's, or out of sight, is said elsewhere.
bool check_unreadable(const tempfile::sweep_report& seen, findings& found) {
    bool is_clean = true;
    for (const tempfile::skipped_registry& one : seen.skipped) {
        if (one.reason == tempfile::skip_reason::damaged || one.reason == tempfile::skip_reason::newer ||
            one.reason == tempfile::skip_reason::unreadable) {
            is_clean = false;
            found.push_back({level::warning, "registry-unreadable", one.path.native(),
                             fmt::format("{} cannot be read", one.path.native()),
                             fmt::format("It is left alone, with what it lists: {}.", why_skipped(one)), ""});
        }
    }
    return is_clean;
}

// `sure`: it would be known.
void check_leftovers(const std::vector<tempfile::registered>& all, bool sure, findings& found) {
    const auto of = [&](tempfile::owner_state owner) {
        return std::count_if(all.begin(), all.end(), [&](const auto& item) { return item.owner == owner; });
    };
    const auto dead = of(tempfile::owner_state::dead);
    const auto unseen = of(tempfile::owner_state::out_of_sight);
    if (dead != 0) {
        found.push_back(
            {level::warning, "leftovers", "",
             fmt::format("{} of your dead programs {} still there",
                         dead == 1 ? "one file or directory" : fmt::format("{} files and directories", dead),
                         dead == 1 ? "is" : "are"),
             "They take up space.", "tmp sweep removes them; tmp ls shows them."});
    }
    if (unseen != 0) {
        found.push_back({level::note, "out-of-sight", "",
                         fmt::format("of {} nobody can tell whether {} in use",
                                     counted(static_cast<std::uintmax_t>(unseen), "registered file or directory",
                                             "registered files and directories"),
                                     unseen == 1 ? "it is" : "they are"),
                         "Their programs are of another machine, or in a container that cannot be looked into.",
                         "tmp ls shows them."});
    }
    if (dead == 0 && unseen == 0 && sure) {
        found.push_back({level::ok, "no-leftovers", "", "your dead programs left nothing", "", ""});
    }
}

// --- The kernel's settings (proc_sys_fs(5)) ---

struct setting {
    const char* name;
    level when_off;
    const char* off;
    const char* on;
};

constexpr std::array<setting, 4> settings = {{
    {"protected_symlinks", level::warning,
     "Programs with predictable names in /tmp can be led by a link of somebody else to files of their user's.",
     "In sticky directories, links of others are not followed: \"Permission denied\"."},
    {"protected_hardlinks", level::warning,
     "Anybody can make a second name in /tmp for a file of somebody else, and have a careless program change it.",
     "Nobody can make a second name for a file that is not theirs to write: \"Operation not permitted\"."},
    {"protected_regular", level::note,
     "A program that opens a predictable name in /tmp with O_CREAT may write into a file that somebody else put there.",
     "In sticky directories, O_CREAT on a file of somebody else fails with \"Permission denied\", for root too."},
    {"protected_fifos", level::note,
     "A program that opens a predictable name in /tmp with O_CREAT may write into a FIFO that somebody else put there.",
     "In sticky directories, O_CREAT on a FIFO of somebody else fails with \"Permission denied\", for root too."},
}};

std::optional<int> value_of(const setting& s) {
    std::ifstream file(fmt::format("/proc/sys/fs/{}", s.name));
    int value = 0;
    return file >> value ? std::optional(value) : std::nullopt;
}

void check_kernel(findings& found) {
    for (const setting& s : settings) {
        const std::string name = fmt::format("fs.{}", s.name);
        const auto value = value_of(s);
        if (!value) {
            found.push_back({level::note, s.name, name, fmt::format("{} cannot be read", name),
                             fmt::format("Without it: {}", s.off), ""});
        } else if (*value == 0) {
            found.push_back({s.when_off, s.name, name, fmt::format("{} is 0", name),
                             fmt::format("{} Names of this library cannot be predicted.", s.off),
                             fmt::format("As root: sysctl -w {}=1, and the same line in /etc/sysctl.d", name)});
        } else {
            found.push_back({level::ok, s.name, name, fmt::format("{} is {}", name, *value), s.on, ""});
        }
    }
}

}  // namespace

const char* word_for(level l) {
    switch (l) {
        case level::ok:
            return "ok";
        case level::note:
            return "note";
        case level::warning:
            return "warning";
        case level::problem:
            break;
    }
    return "problem";
}

findings check_all() {
    findings found;
    tempfile::sweep_at_first_use(false);             // what is there is to be seen
    const findings of_others = check_other_users();  // by children, before there is a registry of this process
    const auto left = tempfile::leftovers();
    const auto seen = tempfile::sweep({.dry_run = true});
    const tempfile::crash_safety safety = tempfile::explain_crash_safety();
    check_directories(found);
    check_habits(found);
    check_registry(safety, found);
    const bool is_clean = check_unreadable(seen, found);
    check_leftovers(left, is_clean && safety.on, found);
    found.insert(found.end(), of_others.begin(), of_others.end());
    check_cleaners(found);
    check_kernel(found);
    return found;
}

}  // namespace tool
