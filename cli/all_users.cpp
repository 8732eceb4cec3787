#include "all_users.hpp"

#include "streams.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tool {
namespace {

// The number in "tempfile-NUMBER"; false for any other name.
bool parse(std::string_view name, std::uint32_t& user) {
    constexpr std::string_view prefix = "tempfile-";
    if (!name.starts_with(prefix)) {
        return false;
    }
    const char* const end = name.data() + name.size();
    const auto [parsed, ec] = std::from_chars(name.data() + prefix.size(), end, user);
    return ec == std::errc() && parsed == end;
}

bool belongs_to(const std::filesystem::path& directory, std::uint32_t user) {
    struct stat st {};
    return ::lstat(directory.c_str(), &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == user && (st.st_mode & 077U) == 0;
}

// The group is nobody's: which ones are the user's is written where a static program cannot look (getpwuid(3)), and
// what is the user's own needs none.
void become(std::uint32_t user) {
    constexpr gid_t nobody = 65534;
    if (user == 0) {
        return;
    }
    if (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
        ::setresuid(user, user, user) != 0 || ::geteuid() != user || ::setuid(0) == 0) {
        throw std::system_error(errno, std::system_category(), fmt::format("cannot become user {}", user));
    }
}

}  // namespace

std::vector<std::uint32_t> users_with_registries() {
    std::vector<std::uint32_t> users;
    for (const char* const place : {"/var/tmp", "/tmp"}) {
        std::error_code ec;
        for (std::filesystem::directory_iterator entry(place, ec), end; !ec && entry != end; entry.increment(ec)) {
            std::uint32_t user = 0;
            if (parse(entry->path().filename().native(), user) && belongs_to(entry->path(), user)) {
                users.push_back(user);
            }
        }
    }
    std::sort(users.begin(), users.end());
    users.erase(std::unique(users.begin(), users.end()), users.end());
    return users;
}

bool run_as(std::uint32_t user, const std::function<bool()>& work) {
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::system_category(), "cannot fork");
    }
    if (child == 0) {
        bool done = false;
        try {
            become(user);
            done = work();
        } catch (const std::exception& e) {
            complain(fmt::format("tmp sweep: user {}: {}", user, e.what()));
        }
        ::_exit(done ? 0 : 1);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace tool
