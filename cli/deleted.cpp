#include "deleted.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <sys/stat.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

using identity = std::pair<dev_t, ino_t>;

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
    void look_at(std::uint64_t pid, const fs::path& process);
    void look_at(const fs::path& link, holder& h);

    deleted_files found_;
    std::set<identity> all_;
    std::set<identity> of_process_;
};

void search::look_at(const fs::path& link, holder& h) {
    struct ::stat is = {};
    if (::stat(link.c_str(), &is) != 0 || !S_ISREG(is.st_mode) || is.st_nlink != 0) {
        return;
    }
    const identity id(is.st_dev, is.st_ino);
    const std::string path = path_of(link);
    if (path.starts_with("/memfd:") || !of_process_.insert(id).second) {
        return;
    }
    const std::uint64_t bytes = static_cast<std::uint64_t>(is.st_blocks) * 512;  // stat(2), whatever the disk's are
    h.files.push_back({path, bytes, number_in<int>(link.filename()).value_or(-1)});
    h.bytes += bytes;
    if (all_.insert(id).second) {
        found_.bytes += bytes;
        ++found_.files;
    }
}

void search::look_at(std::uint64_t pid, const fs::path& process) {
    std::error_code ec;
    fs::directory_iterator entry(process / "fd", ec);
    if (ec) {
        found_.unseen += ec == std::errc::permission_denied ? 1U : 0U;  // else it has ended
        return;
    }
    holder h{.pid = pid, .program = {}, .bytes = 0, .files = {}};
    of_process_.clear();
    for (; !ec && entry != fs::directory_iterator(); entry.increment(ec)) {
        look_at(entry->path(), h);
    }
    if (!h.files.empty()) {
        std::ifstream name(process / "comm");
        std::getline(name, h.program);
        found_.holders.push_back(std::move(h));
    }
}

deleted_files search::run() {
    const fs::directory_iterator of_ourselves("/proc/self/fd", found_.error);
    std::error_code ec;
    for (fs::directory_iterator entry("/proc", ec); !ec && entry != fs::directory_iterator(); entry.increment(ec)) {
        if (const auto pid = number_in<std::uint64_t>(entry->path().filename())) {
            look_at(*pid, entry->path());
        }
    }
    std::sort(found_.holders.begin(), found_.holders.end(),
              [](const holder& a, const holder& b) { return std::pair(b.bytes, a.pid) < std::pair(a.bytes, b.pid); });
    return std::move(found_);
}

}  // namespace

deleted_files find_deleted_files() {
    return search().run();
}

}  // namespace tool
