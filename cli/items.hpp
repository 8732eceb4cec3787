// What `tmp ls` and `tmp sweep` share: how a registered file or directory is shown, what was left alone,
// and why there is no registry.

#pragma once

#include <tempfile/sweep.hpp>

#include <nlohmann/json_fwd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tool {

// For people, what each is, how old, how large, whose, and its path: a table, or where that is wider than the screen, a
// line for each path and below it the rest. Nothing if there are none.
std::string list_of(const std::vector<tempfile::registered>& items, std::optional<std::size_t> screen);

// For root, the same of all users together: each user's part is made by a process of that user, and has no header.
std::string part_of_list(const std::vector<tempfile::registered>& items, std::uint32_t user,
                         std::optional<std::size_t> screen);
std::string list_of(const std::vector<std::string>& parts, std::optional<std::size_t> screen);

// Bytes, of a directory those of all the files in it; nothing for what is gone meanwhile or cannot be looked into.
std::optional<std::uintmax_t> size_of(const tempfile::registered& item);

// Says so on standard error, in the name of `who`: nothing of what is killed while that is so will ever be listed.
void warn_if_not_crash_safe(const char* who);

// Why no registry can be made, with the directories that were tried.
std::string why_not(const tempfile::crash_safety& is);

// Why a sweep left a registry alone, and what can be done.
std::string why_skipped(const tempfile::skipped_registry& one);

// Arrays of objects. `user`: each says whose it is.
nlohmann::ordered_json json_of(const std::vector<tempfile::registered>& items, std::optional<std::uint32_t> user = {});
nlohmann::ordered_json json_of(const std::vector<tempfile::skipped_registry>& all);

// As all commands print JSON. Bytes of a path that are not UTF-8 become U+FFFD.
std::string text_of(const nlohmann::ordered_json& json);

}  // namespace tool
