#include "remains.hpp"

#include "open_files.hpp"
#include "printable.hpp"
#include "process_name.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

using identity = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>;
using all_remaining = std::map<identity, remaining>;

identity identity_of(const struct statx& status) {
    return {status.stx_dev_major, status.stx_dev_minor, status.stx_ino};
}

std::string path_as_told(const place& p, const std::string& relative) {
    return p.as.empty() ? relative : p.as + '/' + relative;
}

void find_files(const place& p, all_remaining& found) {
    std::error_code ec;
    fs::recursive_directory_iterator entry(p.directory, fs::directory_options::skip_permission_denied, ec);
    for (; !ec && entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
        struct statx status = {};
        if (look_at(entry->path(), AT_SYMLINK_NOFOLLOW, status) && !S_ISDIR(status.stx_mode)) {
            const std::string relative = entry->path().lexically_relative(p.directory).native();
            found[identity_of(status)] = {.path = path_as_told(p, relative),
                                          .bytes = S_ISREG(status.stx_mode) ? status.stx_size : 0};
        }
    }
}

// In a mount namespace of theirs, others can have anything under any path.
bool is_of_our_mount(const place& p, const struct statx& status) {
    struct statx ours = {};
    return (status.stx_mask & STATX_MNT_ID) != 0 && look_at(p.directory, 0, ours) &&
           status.stx_mnt_id == ours.stx_mnt_id;
}

// A file that was removed is known by what its link says: where it was (proc(5)).
remaining* find_removed(const open_file& open, const std::vector<place>& places, all_remaining& found) {
    if (open.status.stx_nlink != 0 || !S_ISREG(open.status.stx_mode)) {
        return nullptr;
    }
    std::error_code ec;
    std::string target = fs::read_symlink(open.link, ec).native();
    for (const place& p : places) {
        if (target.starts_with(p.directory.native() + '/') && is_of_our_mount(p, open.status)) {
            if (target.ends_with(mark_of_deleted)) {
                target.resize(target.size() - mark_of_deleted.size());
            }
            remaining& removed = found[identity_of(open.status)];
            removed.path = path_as_told(p, target.substr(p.directory.native().size() + 1));
            removed.bytes = open.status.stx_size;
            removed.deleted = true;
            return &removed;
        }
    }
    return nullptr;
}

open_files_seen find_openers(const std::vector<place>& places, all_remaining& found) {
    const std::string self = std::to_string(::getpid());
    const auto add_opener = [&](const open_file& open) {
        if (open.process == self) {
            return;
        }
        const auto there = found.find(identity_of(open.status));
        remaining* const file = there != found.end() ? &there->second : find_removed(open, places, found);
        // All that one process has open comes together.
        if (file != nullptr && (file->opened_by.empty() || file->opened_by.back().process != open.process)) {
            file->opened_by.push_back({.process = open.process, .program = process_name(open.process)});
        }
    };
    return visit_open_files(add_opener);
}

std::string line_of(const remaining& file) {
    std::string line = fmt::format("  {:>10}  {}{}", human(file.bytes), printable(file.path),
                                   file.deleted ? mark_of_deleted : std::string_view());
    for (const opener& one : file.opened_by) {
        line += fmt::format("{}{} ({})", &one == &file.opened_by.front() ? ", open in " : ", ", one.process,
                            printable(one.program));
    }
    return line + '\n';
}

}  // namespace

amount amount_in(const std::vector<place>& places) {
    amount all;
    for (const place& p : places) {
        const amount one = amount_in(p.directory);
        all.entries += one.entries;
        all.bytes += one.bytes;
        all.complete = all.complete && one.complete;
    }
    return all;
}

remains remains_in(const std::vector<place>& places) {
    remains left;
    left.all = amount_in(places);
    all_remaining found;
    for (const place& p : places) {
        find_files(p, found);
    }
    const open_files_seen seen = find_openers(places, found);
    left.unseen = seen.unseen;
    left.not_looked = seen.error;
    for (auto& [id, file] : found) {
        left.files.push_back(std::move(file));
    }
    std::sort(left.files.begin(), left.files.end(), [](const remaining& a, const remaining& b) {
        return std::tuple(a.opened_by.empty(), b.bytes, a.path) < std::tuple(b.opened_by.empty(), a.bytes, b.path);
    });
    return left;
}

std::string text_of(const remains& left) {
    constexpr std::size_t most = 20;
    std::string text = fmt::format("left {}\n", text_of(left.all));
    for (std::size_t i = 0; i < std::min(left.files.size(), most); ++i) {
        text += line_of(left.files[i]);
    }
    if (left.files.size() > most) {
        text += fmt::format("  and {}\n", counted(left.files.size() - most, "more file", "more files"));
    }
    if (left.not_looked) {
        text += fmt::format("  who has what open could not be looked at: {} [/proc]\n", left.not_looked.message());
    } else if (left.unseen != 0) {
        text += fmt::format("  {} could not be looked at\n", counted(left.unseen, "process", "processes"));
    }
    return text;
}

}  // namespace tool
