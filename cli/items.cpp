#include "items.hpp"

#include "amount.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

namespace tool {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

std::int64_t age_in_seconds(const tempfile::registered& item) {
    const auto age = std::chrono::system_clock::now() - item.created;
    return std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(age).count());
}

std::string age_of(const tempfile::registered& item) {
    const std::int64_t s = age_in_seconds(item);
    return s < 120       ? fmt::format("{} s", s)
           : s < 7200    ? fmt::format("{} min", s / 60)
           : s < 172'800 ? fmt::format("{} h", s / 3600)
                         : fmt::format("{} d", s / 86'400);
}

const char* word_for(tempfile::owner_state owner) {
    switch (owner) {
        case tempfile::owner_state::alive:
            return "alive";
        case tempfile::owner_state::dead:
            return "dead";
        case tempfile::owner_state::out_of_sight:
            break;
    }
    return "out-of-sight";
}

const char* word_for(tempfile::skip_reason reason) {
    switch (reason) {
        case tempfile::skip_reason::alive:
            return "alive";
        case tempfile::skip_reason::out_of_sight:
            return "out-of-sight";
        case tempfile::skip_reason::damaged:
            return "damaged";
        case tempfile::skip_reason::newer:
            return "newer";
        case tempfile::skip_reason::refused:
            return "refused";
        case tempfile::skip_reason::unreadable:
            break;
    }
    return "unreadable";
}

struct row {
    const tempfile::registered& item;
    std::optional<std::uintmax_t> bytes;
};

using owning_user = std::optional<std::uint32_t>;

std::vector<row> rows_of(const std::vector<tempfile::registered>& items) {
    std::vector<row> rows;
    for (const tempfile::registered& item : items) {
        rows.push_back({item, size_of(item)});
    }
    return rows;
}

constexpr const char* columns = "{:<10} {:>8} {:>12} {}{:>8} {:<16} {:<12} {}\n";
constexpr const char* column_of_user = "{:>10} ";

std::string header_of_table(bool has_users) {
    return fmt::format(columns, "KIND", "AGE", "BYTES", has_users ? fmt::format(column_of_user, "USER") : "", "PID",
                       "PROGRAM", "OWNER", "PATH");
}

std::string table_of(const std::vector<row>& rows, owning_user user) {
    std::string text;
    for (const auto& [item, bytes] : rows) {
        text += fmt::format(columns, item.directory ? "directory" : "file", age_of(item),
                            bytes ? std::to_string(*bytes) : "-", user ? fmt::format(column_of_user, *user) : "",
                            item.pid, printable(item.program), word_for(item.owner), printable(item.path.native()));
    }
    return text;
}

// The same where the screen is too narrow for the table.
std::string blocks_of(const std::vector<row>& rows, owning_user user, std::optional<std::size_t> screen) {
    constexpr std::size_t indent = 2;
    std::string text;
    for (const auto& [item, bytes] : rows) {
        const std::string about =
            fmt::format("{}, {}{}{}; of {} ({}){}, {}", item.directory ? "directory" : "file", age_of(item),
                        bytes ? ", " : "", bytes ? human(*bytes) : "", printable(item.program), item.pid,
                        user ? fmt::format(" of user {}", *user) : "", word_for(item.owner));
        text += printable(item.path.native()) + '\n' + std::string(indent, ' ') + wrapped(about, indent, screen);
    }
    return text;
}

std::string table_or_blocks(const std::string& table, const std::string& blocks, bool has_users,
                            std::optional<std::size_t> screen) {
    const std::string text = table.empty() ? "" : header_of_table(has_users) + table;
    return fits(text, screen) ? text : blocks;
}

}  // namespace

std::optional<std::uintmax_t> size_of(const tempfile::registered& item) {
    std::error_code ec;
    const fs::file_type type = fs::symlink_status(item.path, ec).type();
    if (item.directory && type == fs::file_type::directory) {
        const amount found = amount_in(item.path);
        return found.complete ? std::optional(found.bytes) : std::nullopt;
    }
    if (item.directory || type != fs::file_type::regular) {
        return std::nullopt;
    }
    const std::uintmax_t bytes = fs::file_size(item.path, ec);
    return ec ? std::nullopt : std::optional(bytes);
}

std::string list_of(const std::vector<tempfile::registered>& items, std::optional<std::size_t> screen) {
    const std::vector<row> rows = rows_of(items);
    return table_or_blocks(table_of(rows, {}), blocks_of(rows, {}, screen), false, screen);
}

// Both forms, as it is not known yet which will be shown.
std::string part_of_list(const std::vector<tempfile::registered>& items, std::uint32_t user,
                         std::optional<std::size_t> screen) {
    const std::vector<row> rows = rows_of(items);
    return table_of(rows, user) + '\0' + blocks_of(rows, user, screen);
}

std::string list_of(const std::vector<std::string>& parts, std::optional<std::size_t> screen) {
    std::string table;
    std::string blocks;
    for (const std::string& part : parts) {
        const std::size_t middle = std::min(part.find('\0'), part.size());
        table += part.substr(0, middle);
        blocks += part.substr(std::min(middle + 1, part.size()));
    }
    return table_or_blocks(table, blocks, true, screen);
}

void warn_if_not_crash_safe(const char* who) {
    const tempfile::crash_safety is = tempfile::explain_crash_safety();
    if (!is.on) {
        complain(fmt::format("{}: what killed programs leave is not written down, since no registry can be made ({})",
                             who, why_not(is)));
    }
}

std::string why_not(const tempfile::crash_safety& is) {
    std::string tried;
    for (const tempfile::refused_directory& one : is.refused) {
        tried += fmt::format("{}{}: {}", tried.empty() ? "" : "; ", one.path.native(), one.error.message());
    }
    return !tried.empty()                                     ? tried
           : is.error == std::errc::no_such_file_or_directory ? "$TEMPFILE_REGISTRY is set, and no absolute path"
                                                              : is.error.message();
}

std::string why_skipped(const tempfile::skipped_registry& one) {
    const std::string owner = fmt::format("{} ({})", one.program, one.pid);
    switch (one.reason) {
        case tempfile::skip_reason::alive:
            return owner + " runs";
        case tempfile::skip_reason::out_of_sight:
            return owner + " is of another machine or process namespace, and cannot be seen from here";
        case tempfile::skip_reason::damaged:
            return "it is no registry, or a damaged one; look at it, and remove it";
        case tempfile::skip_reason::newer:
            return "a newer version made it; sweep with that";
        case tempfile::skip_reason::refused:
            return "it is not a directory of yours alone (mode 0700); have it removed";
        case tempfile::skip_reason::unreadable:
            break;
    }
    return one.error.message();
}

ordered_json json_of(const std::vector<tempfile::registered>& items, std::optional<std::uint32_t> user) {
    ordered_json objects = ordered_json::array();
    for (const tempfile::registered& item : items) {
        ordered_json& object = objects.emplace_back(ordered_json{
            {"path", item.path.native()},
            {"kind", item.directory ? "directory" : "file"},
            {"age_seconds", age_in_seconds(item)},
            {"pid", item.pid},
            {"program", item.program},
            {"owner", word_for(item.owner)},
        });
        if (user) {
            object["user"] = *user;
        }
        if (const auto bytes = size_of(item)) {
            object["bytes"] = *bytes;
        }
        if (item.error) {
            object["error"] = item.error.message();
        }
        if (!item.in_the_way.empty()) {
            object["in_the_way"] = item.in_the_way.native();
        }
    }
    return objects;
}

ordered_json json_of(const std::vector<tempfile::skipped_registry>& all) {
    ordered_json objects = ordered_json::array();
    for (const tempfile::skipped_registry& one : all) {
        ordered_json& object =
            objects.emplace_back(ordered_json{{"path", one.path.native()}, {"reason", word_for(one.reason)}});
        if (one.pid != 0) {
            object["pid"] = one.pid;
            object["program"] = one.program;
        }
        if (one.error) {
            object["error"] = one.error.message();
        }
    }
    return objects;
}

std::string text_of(const ordered_json& json) {
    return json.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace tool
