#include "remains.hpp"

#include "amount.hpp"
#include "open_files.hpp"
#include "printable.hpp"
#include "process_name.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

// What is there, or was and is still open.
struct remaining {
    std::string path;  // in the directory
    std::uint64_t bytes = 0;
    std::string opened_by;  // empty: nobody
};

using identity = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>;
using all_remaining = std::map<identity, remaining>;

identity identity_of(const struct statx& status) {
    return {status.stx_dev_major, status.stx_dev_minor, status.stx_ino};
}

void find_files(const fs::path& directory, all_remaining& found) {
    std::error_code ec;
    fs::recursive_directory_iterator entry(directory, fs::directory_options::skip_permission_denied, ec);
    for (; !ec && entry != fs::recursive_directory_iterator(); entry.increment(ec)) {
        struct statx status = {};
        if (look_at(entry->path(), AT_SYMLINK_NOFOLLOW, status) && !S_ISDIR(status.stx_mode)) {
            found[identity_of(status)] = {.path = entry->path().lexically_relative(directory).native(),
                                          .bytes = status.stx_size,
                                          .opened_by = {}};
        }
    }
}

// A file that was removed is known by what its link says: where it was (proc(5)).
remaining* find_removed(const fs::path& link, const struct statx& status, const std::string& directory,
                        all_remaining& found) {
    std::error_code ec;
    const std::string target = fs::read_symlink(link, ec).native();
    if (status.stx_nlink != 0 || !S_ISREG(status.stx_mode) || !target.starts_with(directory + '/')) {
        return nullptr;
    }
    remaining& removed = found[identity_of(status)];
    removed.path = target.substr(directory.size() + 1);
    removed.bytes = status.stx_size;
    return &removed;
}

// Of other users' processes root alone is told.
void find_openers(const std::string& directory, all_remaining& found) {
    const std::string self = std::to_string(::getpid());
    visit_open_files([&](const open_file& open) {
        if (open.process == self) {
            return;
        }
        const auto there = found.find(identity_of(open.status));
        remaining* const file =
            there != found.end() ? &there->second : find_removed(open.link, open.status, directory, found);
        if (file == nullptr) {
            return;
        }
        const std::string who = fmt::format("{} ({})", open.process, process_name(open.process));
        if (file->opened_by.find(who) == file->opened_by.npos) {
            file->opened_by += (file->opened_by.empty() ? "" : ", ") + who;
        }
    });
}

}  // namespace

std::string report_on(const fs::path& directory) {
    constexpr std::size_t most = 20;
    const amount all = amount_in(directory);
    all_remaining found;
    find_files(directory, found);
    find_openers(directory.native(), found);
    std::vector<remaining> files;
    for (auto& [id, file] : found) {
        files.push_back(std::move(file));
    }
    std::sort(files.begin(), files.end(), [](const remaining& a, const remaining& b) {
        return std::tuple(a.opened_by.empty(), b.bytes, a.path) < std::tuple(b.opened_by.empty(), a.bytes, b.path);
    });
    std::string text = fmt::format("left {}\n", text_of(all));
    for (std::size_t i = 0; i < std::min(files.size(), most); ++i) {
        const remaining& one = files[i];
        text += fmt::format("  {:>10}  {}{}{}\n", human(one.bytes), printable(one.path),
                            one.opened_by.empty() ? "" : ", open in ", printable(one.opened_by));
    }
    return text + (files.size() > most
                       ? fmt::format("  and {}\n", counted(files.size() - most, "more file", "more files"))
                       : "");
}

}  // namespace tool
