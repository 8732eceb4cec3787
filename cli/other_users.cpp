#include "other_users.hpp"

#include "all_users.hpp"
#include "amount.hpp"
#include "items.hpp"
#include "streams.hpp"

#include <tempfile/sweep.hpp>

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

namespace tool {
namespace {

struct leftovers_of_user {
    std::uint32_t user = 0;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    int complete = 1;    // 0: some could not be looked into, and bytes are those of the others
    int unreadable = 0;  // registries
};

bool is_unreadable(const tempfile::skipped_registry& one) {
    return one.reason == tempfile::skip_reason::damaged || one.reason == tempfile::skip_reason::newer ||
           one.reason == tempfile::skip_reason::unreadable;
}

// By a process of that user.
bool tell_of_mine() {
    leftovers_of_user mine;
    for (const tempfile::registered& item : tempfile::leftovers()) {
        if (item.owner == tempfile::owner_state::dead) {
            const auto bytes = size_of(item);
            ++mine.count;
            mine.bytes += bytes.value_or(0);
            std::error_code ec;
            const bool is_there = std::filesystem::exists(std::filesystem::symlink_status(item.path, ec));
            mine.complete = bytes || !is_there ? mine.complete : 0;
        }
    }
    const auto skipped = tempfile::sweep({.dry_run = true}).skipped;
    print(fmt::format("{} {} {} {}", mine.count, mine.bytes, mine.complete,
                      std::count_if(skipped.begin(), skipped.end(), is_unreadable)));
    close_output();
    return true;
}

std::optional<leftovers_of_user> leftovers_of(std::uint32_t user) {
    constexpr std::chrono::seconds at_most(30);
    const outcome its = run_as("tmp doctor", user, at_most, tell_of_mine);
    unsigned long long count = 0;
    unsigned long long bytes = 0;
    leftovers_of_user of_user{.user = user};
    if (!its.done || std::sscanf(its.printed.c_str(), "%llu %llu %d %d", &count, &bytes, &of_user.complete,
                                 &of_user.unreadable) != 4) {
        return std::nullopt;
    }
    of_user.count = count;
    of_user.bytes = bytes;
    return of_user;
}

std::string counted_items(std::uint64_t n) {
    return n == 1 ? "one file or directory" : fmt::format("{} files and directories", n);
}

// "User 1000: 3 files and directories, 2 MiB; user 1001: ..."
std::string shares(const std::vector<leftovers_of_user>& all) {
    constexpr std::size_t enough = 10;
    std::string text;
    for (const leftovers_of_user& one : all) {
        text += fmt::format("{}ser {}: {}, {}{}", text.empty() ? "U" : "; u", one.user, counted_items(one.count),
                            human(one.bytes), one.complete != 0 ? "" : " and more");
        if (&one - all.data() + 1 == enough && all.size() > enough) {
            return text + "; and " + counted(all.size() - enough, "more user", "more users") + '.';
        }
    }
    return text + '.';
}

finding finding_of(const std::vector<leftovers_of_user>& all) {
    std::uint64_t count = 0;
    for (const leftovers_of_user& one : all) {
        count += one.count;
    }
    return {
        level::warning,
        "leftovers-of-others",
        "",
        fmt::format("{} of other users' dead programs {} still there", counted_items(count), count == 1 ? "is" : "are"),
        shares(all),
        fmt::format("tmp sweep --all-users removes {0}; tmp ls --all-users shows {0}.", count == 1 ? "it" : "them")};
}

finding unknown_of(std::uint32_t user, bool was_told) {
    return {
        level::warning,
        "leftovers-unknown",
        fmt::format("user {}", user),
        fmt::format("not all that dead programs of user {} left is known", user),
        was_told ? "There are registries of theirs that cannot be read." : "Their registries could not be looked at.",
        "tmp sweep --all-users --dry-run tells why."};
}

}  // namespace

findings check_other_users() {
    findings found;
    std::vector<leftovers_of_user> all;
    if (::geteuid() != 0 || std::getenv("TEMPFILE_REGISTRY") != nullptr) {
        return found;
    }
    for (const std::uint32_t user : users_with_registries()) {
        if (user == 0) {
            continue;
        }
        const auto its = leftovers_of(user);
        if (!its || its->unreadable != 0) {
            found.push_back(unknown_of(user, its.has_value()));
        }
        if (its && its->count != 0) {
            all.push_back(*its);
        }
    }
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return std::pair(b.bytes, a.user) < std::pair(a.bytes, b.user); });
    if (!all.empty()) {
        found.push_back(finding_of(all));
    } else if (found.empty()) {
        found.push_back({level::ok, "no-leftovers-of-others", "", "other users' dead programs left nothing", "", ""});
    }
    return found;
}

}  // namespace tool
