#include "deleted.hpp"

#include "mapped_files.hpp"
#include "open_files.hpp"
#include "process_name.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

using identity = std::tuple<std::uint32_t, std::uint32_t, std::uint64_t>;

template <class Number>
std::optional<Number> number_in(const fs::path& name) {
    const std::string& text = name.native();
    Number n{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(n) : std::nullopt;
}

std::string path_of(const fs::path& link) {
    std::error_code ec;
    std::string path = fs::read_symlink(link, ec).native();
    if (path.ends_with(mark_of_deleted)) {
        path.resize(path.size() - mark_of_deleted.size());
    }
    return path;
}

class search {
public:
    deleted_files run();

private:
    bool look_into(const fs::path& process);
    void look_at_link(const fs::path& link, const struct statx& is, std::optional<int> descriptor);
    void look_at_mapping(const mapped_file& mapped);
    void add(const identity& id, deleted_file file);

    deleted_files found_;
    std::set<identity> all_;
    holder current_;
    std::set<identity> of_process_;
    std::set<std::pair<std::uint64_t, std::string>> inodes_of_process_;
};

void search::add(const identity& id, deleted_file file) {
    if (!of_process_.insert(id).second) {
        return;
    }
    inodes_of_process_.emplace(std::get<2>(id), file.path);
    current_.bytes += file.bytes.value_or(0);
    if (all_.insert(id).second) {
        found_.bytes += file.bytes.value_or(0);
        found_.unsized += file.bytes ? 0U : 1U;
        ++found_.files;
    }
    current_.files.push_back(std::move(file));
}

void search::look_at_link(const fs::path& link, const struct statx& is, std::optional<int> descriptor) {
    if (!S_ISREG(is.stx_mode) || is.stx_nlink != 0) {
        return;
    }
    const std::string path = path_of(link);
    if (!is_memory_alone(path, is.stx_dev_major, is.stx_dev_minor)) {
        const std::uint64_t bytes = is.stx_blocks * 512;  // statx(2), whatever the disk's are
        add({is.stx_dev_major, is.stx_dev_minor, is.stx_ino}, {.path = path, .bytes = bytes, .descriptor = descriptor});
    }
}

// A name may end like those of deleted files.
bool is_there(const mapped_file& mapped) {
    struct statx is = {};
    return look_at(std::string(mapped.path).append(mark_of_deleted), AT_SYMLINK_NOFOLLOW, is) &&
           is.stx_ino == mapped.inode;
}

void search::look_at_mapping(const mapped_file& mapped) {
    struct statx is = {};
    if (look_at(mapped.link, 0, is)) {
        look_at_link(mapped.link, is, std::nullopt);
        return;
    }
    // Everybody can read the link of a process of theirs. The list has the device of the disk; that of the file is
    // another one on btrfs, so that it may be one that we have met.
    const std::string path = path_of(mapped.link);
    deleted_file file = {.path = path.empty() ? mapped.path : path, .bytes = {}, .descriptor = {}};
    if (inodes_of_process_.count({mapped.inode, file.path}) == 0 && !is_there(mapped)) {
        add({mapped.device_major, mapped.device_minor, mapped.inode}, std::move(file));
    }
}

bool search::look_into(const fs::path& process) {
    const std::string number = process.filename().native();
    current_ = {.pid = number_in<std::uint64_t>(number).value_or(0), .program = {}, .bytes = 0, .files = {}};
    of_process_.clear();
    inodes_of_process_.clear();
    const bool seen = visit_open_files_of(process, [this](const open_file& open) {
        look_at_link(open.link, open.status, number_in<int>(open.link.filename()));
    });
    struct statx is = {};
    if (look_at(process / "exe", 0, is)) {
        look_at_link(process / "exe", is, std::nullopt);
    }
    visit_deleted_mappings_of(process, [this](const mapped_file& mapped) { look_at_mapping(mapped); });
    if (!current_.files.empty()) {
        current_.program = process_name(number);
        found_.holders.push_back(std::move(current_));
    }
    return seen;
}

deleted_files search::run() {
    const open_files_seen seen = visit_processes([this](const fs::path& process) { return look_into(process); });
    found_.unseen = seen.unseen;
    found_.error = seen.error;
    std::sort(found_.holders.begin(), found_.holders.end(),
              [](const holder& a, const holder& b) { return std::pair(b.bytes, a.pid) < std::pair(a.bytes, b.pid); });
    return std::move(found_);
}

}  // namespace

deleted_files find_deleted_files() {
    return search().run();
}

}  // namespace tool
