// Random names, and which prefixes and suffixes they may have.

#pragma once

#include <cstddef>
#include <string_view>

#include "problem.hpp"

namespace tempfile {

inline constexpr std::size_t random_characters = 13;  // of 5 bits each: 64 bits

// Writes `random_characters` characters, never the same in two threads or in a process and its forked child.
problem random_name(char* into);

// Refuses what must not be part of a name (tempfile/name.hpp lists it).
problem check_affixes(std::string_view prefix, std::string_view suffix);

}  // namespace tempfile
