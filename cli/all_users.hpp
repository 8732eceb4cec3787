// For root: doing for each user what only that user's rights are needed for.

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace tool {

// Who has a directory for registries, in the places where the library looks, that is theirs alone.
std::vector<std::uint32_t> users_with_registries();

// Runs `work` in a child that has become that user for good, with nothing left of root: a registry is its user's data,
// and must not become a way to have root delete /etc/passwd.
// @return whether it returned true there.
bool run_as(std::uint32_t user, const std::function<bool()>& work);

}  // namespace tool
