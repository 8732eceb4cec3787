// For root: doing for each user what only that user's rights are needed for.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

// That --all-users makes sense: root alone can become others, who have their own directories. @throws
// std::invalid_argument, which says what happens `without_it`.
void check_all_users(std::string_view without_it);

// Who has a directory for registries, in the places where the library looks, that is theirs alone.
std::vector<std::uint32_t> users_with_registries();

// What came of it: what was printed, and whether it was all done.
struct outcome {
    std::string printed;
    bool ended = false;  // by itself, so that it could say all it had to say
    bool done = false;
};

// Runs `work` in a child that has become that user for good, with nothing left of root: a registry is its user's data,
// and must not become a way to have root delete /etc/passwd. The user can stop such a process (kill(2)), or lead it to
// a file system that never answers: after `at_most` it is killed, and `who` says that it is not done.
outcome run_as(std::string_view who, std::uint32_t user, std::chrono::milliseconds at_most,
               const std::function<bool()>& work);

}  // namespace tool
