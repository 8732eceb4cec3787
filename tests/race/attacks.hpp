// What somebody does to a tree that is being removed, to have something else removed.

#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <ostream>

#include "race/canary.hpp"

namespace tempfile::test::attacks {

using path = std::filesystem::path;

inline bool exchange(const path& a, const path& b) {
    return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
}

inline path below(const path& root, const char* victim) {
    return *victim == '\0' ? root : root / victim;
}

// `twin` is what stands at the same place in the canary, `aside` a free name outside of the tree.
struct attack {
    const char* name;
    // False when it was not possible at that moment.
    bool (*strike)(const path& victim, const path& twin, const path& aside);
};

inline std::ostream& operator<<(std::ostream& out, const attack& a) {
    return out << a.name;
}

inline bool replace_by_link(const path& victim, const path& twin, const path& aside) {
    return ::rename(victim.c_str(), aside.c_str()) == 0 && ::symlink(twin.c_str(), victim.c_str()) == 0;
}

inline bool exchange_with_link(const path& victim, const path& twin, const path& aside) {
    return ::symlink(twin.c_str(), aside.c_str()) == 0 && exchange(victim, aside);
}

// Afterwards ".." in it leads into the canary.
inline bool move_into_canary(const path& victim, const path& twin, const path&) {
    return ::rename(victim.c_str(), (twin.parent_path() / "adopted").c_str()) == 0;
}

// The same, and what stands at its place leads to where it is.
inline bool move_into_canary_and_link(const path& victim, const path& twin, const path& aside) {
    return move_into_canary(victim, twin, aside) && ::symlink(twin.parent_path().c_str(), victim.c_str()) == 0;
}

inline bool move_away(const path& victim, const path&, const path& aside) {
    return ::rename(victim.c_str(), aside.c_str()) == 0;
}

inline bool replace_by_another_directory(const path& victim, const path&, const path& aside) {
    const bool done = ::rename(victim.c_str(), aside.c_str()) == 0;
    if (done) {
        plant_tree(victim);
    }
    return done;
}

inline bool replace_by_file(const path& victim, const path&, const path& aside) {
    return ::rename(victim.c_str(), aside.c_str()) == 0 && ::mknod(victim.c_str(), S_IFREG | 0600, 0) == 0;
}

// Whoever opens it waits for ever.
inline bool replace_by_fifo(const path& victim, const path&, const path& aside) {
    return ::rename(victim.c_str(), aside.c_str()) == 0 && ::mkfifo(victim.c_str(), 0600) == 0;
}

inline bool exchange_with_parent(const path& victim, const path&, const path& aside) {
    const path parent = victim.parent_path();
    return ::rename(victim.c_str(), aside.c_str()) == 0 && exchange(parent, aside);
}

inline const std::array<attack, 9> all = {{
    {"replace_by_link", replace_by_link},
    {"exchange_with_link", exchange_with_link},
    {"move_into_canary", move_into_canary},
    {"move_into_canary_and_link", move_into_canary_and_link},
    {"move_away", move_away},
    {"replace_by_another_directory", replace_by_another_directory},
    {"replace_by_file", replace_by_file},
    {"replace_by_fifo", replace_by_fifo},
    {"exchange_with_parent", exchange_with_parent},
}};

}  // namespace tempfile::test::attacks
