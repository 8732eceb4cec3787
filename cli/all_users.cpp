#include "all_users.hpp"

#include "streams.hpp"

#include <tempfile/file.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
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

// The group is nobody's: which ones are the user's is written where a static program cannot look (getgrouplist(3)).
// Where only a group's rights let the user into a directory, what is in there is left to the user's own sweep.
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

bool work_as(std::string_view who, std::uint32_t user, int output, const std::function<bool()>& work) {
    try {
        become(user);
        return ::dup2(output, STDOUT_FILENO) >= 0 && work();
    } catch (const std::exception& e) {
        complain(fmt::format("{}: user {}: {}", who, user, e.what()));
        return false;
    }
}

// Why not, when the end has not come.
const char* read_until_end(int from, std::chrono::milliseconds at_most, std::string& text) {
    constexpr std::size_t most = std::size_t{64} << 20U;  // it is the user who decides how much there is to be said
    const auto end = std::chrono::steady_clock::now() + at_most;
    std::array<char, 4096> piece;
    for (;;) {
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        pollfd ready = {.fd = from, .events = POLLIN, .revents = 0};
        const int some = rest.count() <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(rest.count()));
        if (some == 0) {
            return "it took too long";
        }
        const ssize_t got = some < 0 ? -1 : ::read(from, piece.data(), piece.size());
        if (got == 0) {
            return nullptr;
        }
        if (text.size() > most) {
            return "it had too much to say";
        }
        if (got < 0 && errno != EINTR) {
            throw std::system_error(errno, std::system_category(), "cannot read what was printed");
        }
        text.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    }
}

bool wait_for(pid_t child, int& status) {
    pid_t ended = 0;
    do {
        ended = ::waitpid(child, &status, 0);
    } while (ended < 0 && errno == EINTR);
    return ended == child;
}

// After SIGKILL. Who waits for a file system that never answers is not even ended by that; then init inherits it.
bool wait_a_while_for(pid_t child, int& status) {
    constexpr int tries = 100;
    for (int i = 0; i < tries; ++i) {
        if (::waitpid(child, &status, WNOHANG) == child) {
            return true;
        }
        constexpr int a_while = 10;  // milliseconds
        ::poll(nullptr, 0, a_while);
    }
    return false;
}

}  // namespace

void check_all_users(std::string_view without_it) {
    if (::geteuid() != 0) {
        throw std::invalid_argument(fmt::format("--all-users is for root; without it, {}", without_it));
    }
    if (std::getenv("TEMPFILE_REGISTRY") != nullptr) {
        throw std::invalid_argument("$TEMPFILE_REGISTRY is one directory, not every user's; unset it for --all-users");
    }
}

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

outcome run_as(std::string_view who, std::uint32_t user, std::chrono::milliseconds at_most,
               const std::function<bool()>& work) {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::system_category(), "cannot make a pipe");
    }
    tempfile::file from(ends[0]);
    tempfile::file to(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::system_error(errno, std::system_category(), "cannot fork");
    }
    if (child == 0) {
        from.close();  // or it would never learn that nobody listens any more
        ::_exit(work_as(who, user, ends[1], work) ? 0 : 1);
    }
    to.close();
    outcome result;
    const char* trouble = nullptr;
    try {
        trouble = read_until_end(ends[0], at_most, result.printed);
    } catch (const std::exception&) {
        trouble = "what it said could not be read";
    }
    if (trouble != nullptr) {
        complain(fmt::format("{}: user {}: {}, and it was given up", who, user, trouble));
        ::kill(child, SIGKILL);
    }
    int status = 0;
    const bool over = trouble == nullptr ? wait_for(child, status) : wait_a_while_for(child, status);
    result.ended = over && WIFEXITED(status);
    result.done = result.ended && WEXITSTATUS(status) == 0;
    return result;
}

}  // namespace tool
