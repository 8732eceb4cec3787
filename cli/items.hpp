// What `tmp ls` and `tmp sweep` share: how a registered file or directory is shown, what was left alone,
// and why there is no registry.

#pragma once

#include <tempfile/sweep.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace tool {

// For people, what each is, how old, how large, whose, and its path: a table, or where that is wider than the screen, a
// line for each path and below it the rest. Nothing if there are none.
std::string list_of(const std::vector<tempfile::registered>& items, std::optional<std::size_t> screen);

// Says so on standard error, in the name of `who`: nothing of what is killed while that is so will ever be listed.
void warn_if_not_crash_safe(const char* who);

// Why no registry can be made, with the directories that were tried.
std::string why_not(const tempfile::crash_safety& is);

// Why a sweep left a registry alone, and what can be done.
std::string why_skipped(const tempfile::skipped_registry& one);

// A JSON array of objects, each on a line of its own. Bytes of a path that are not UTF-8 become U+FFFD.
std::string json_of(const std::vector<tempfile::registered>& items);
std::string json_of(const std::vector<tempfile::skipped_registry>& all);

}  // namespace tool
