#include "deleted.hpp"

#include "open_files.hpp"
#include "process_name.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

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
    constexpr std::string_view mark = " (deleted)";
    std::error_code ec;
    std::string path = fs::read_symlink(link, ec).native();
    if (path.ends_with(mark)) {
        path.resize(path.size() - mark.size());
    }
    return path;
}

class search {
public:
    deleted_files run();

private:
    void look_at(const open_file& open);
    holder& holder_of(std::uint64_t pid);

    deleted_files found_;
    std::set<identity> all_;
    std::set<identity> of_process_;
};

// Of the process that is being looked at, which comes last.
holder& search::holder_of(std::uint64_t pid) {
    if (found_.holders.empty() || found_.holders.back().pid != pid) {
        of_process_.clear();
        found_.holders.push_back({.pid = pid, .program = process_name(std::to_string(pid)), .bytes = 0, .files = {}});
    }
    return found_.holders.back();
}

void search::look_at(const open_file& open) {
    const struct statx& is = open.status;
    if (!S_ISREG(is.stx_mode) || is.stx_nlink != 0) {
        return;
    }
    const std::string path = path_of(open.link);
    if (path.starts_with("/memfd:")) {
        return;
    }
    holder& h = holder_of(number_in<std::uint64_t>(open.process).value_or(0));
    const identity id(is.stx_dev_major, is.stx_dev_minor, is.stx_ino);
    if (!of_process_.insert(id).second) {
        return;
    }
    const std::uint64_t bytes = is.stx_blocks * 512;  // statx(2), whatever the disk's are
    h.files.push_back({path, bytes, number_in<int>(open.link.filename()).value_or(-1)});
    h.bytes += bytes;
    if (all_.insert(id).second) {
        found_.bytes += bytes;
        ++found_.files;
    }
}

deleted_files search::run() {
    const open_files_seen seen = visit_open_files([this](const open_file& open) { look_at(open); });
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
