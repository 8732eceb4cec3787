#include "name.hpp"

#include <array>
#include <cstdint>
#include <cstring>

namespace tempfile {
namespace {

// Most names cost no system call: 256 bytes are as many as getrandom(2) hands out without ever being interrupted.
struct random_pool {
    std::array<unsigned char, 256> bytes;
    std::size_t used = sizeof bytes;
    std::uint64_t drawn_by = 0;  // process generation: a forked child must not go on where its parent is
};

constexpr std::size_t bytes_per_name = 8;

sys::error refill(random_pool& pool) noexcept {
    // EAGAIN early at boot, ENOSYS before Linux 3.17, EPERM in some sandboxes: whatever it is, the device is the other
    // way. Without either there are no names: a guessable one is worse than none.
    if (sys::call.random(pool.bytes.data(), pool.bytes.size()) != 0) {
        if (const sys::error e = sys::call.random_device(pool.bytes.data(), pool.bytes.size())) {
            return e;
        }
    }
    pool.used = 0;
    pool.drawn_by = sys::process_generation();
    return 0;
}

problem check_affix(std::string_view affix, const char* which) {
    const auto refuse = [&](const char* why) {
        return bad_argument(std::string(which) + ' ' + in_quotes(affix) + ' ' + why);
    };
    for (const char c : affix) {
        if (c == '/') {
            return refuse("contains a separator; use the option dir to say where the file goes");
        }
        if (c == '\0') {
            return refuse("contains a NUL byte, which no name can");
        }
    }
    if (affix == "..") {
        return refuse("means the parent directory; use the option dir to say where the file goes");
    }
    return no_problem();
}

}  // namespace

problem random_name(char* into) {
    // 32 characters that look the same to file systems that fold case.
    static constexpr char alphabet[] = "0123456789abcdefghijklmnopqrstuv";
    thread_local random_pool pool;
    if (pool.used == sizeof pool.bytes || pool.drawn_by != sys::process_generation()) {
        if (const sys::error e = refill(pool)) {
            return system_problem("cannot get random bytes for a name from the system", "", e);
        }
    }
    std::uint64_t bits = 0;
    std::memcpy(&bits, pool.bytes.data() + pool.used, bytes_per_name);
    pool.used += bytes_per_name;
    for (std::size_t i = 0; i < random_characters; ++i) {
        into[i] = alphabet[bits & 31U];
        bits >>= 5U;
    }
    return no_problem();
}

problem check_affixes(std::string_view prefix, std::string_view suffix) {
    if (problem p = check_affix(prefix, "prefix")) {
        return p;
    }
    if (problem p = check_affix(suffix, "suffix")) {
        return p;
    }
    if (prefix.size() + random_characters + suffix.size() > sys::name_max) {
        return bad_argument("prefix and suffix make a name of " +
                            std::to_string(prefix.size() + random_characters + suffix.size()) +
                            " bytes; at most 255 are allowed");
    }
    return no_problem();
}

}  // namespace tempfile
