// The file in which a process writes down what it will have to remove. docs/registry.md describes it for everybody.
//
// A file begins with a header; the rest are slots of the same size, numbered by their place, so that the first ones are
// what the header takes. A path that does not fit in one slot goes on in others.

#pragma once

#include "sys/sys.hpp"
#include "tempfile/registration.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace tempfile::registry_format {

inline constexpr std::array<char, 8> magic{'t', 'm', 'p', 'f', 'r', 'e', 'g', '\n'};
inline constexpr std::uint32_t version = 1;

struct header {
    std::array<char, 8> magic{};
    std::uint32_t version = 0;
    std::uint32_t slot_bytes = 0;
    std::uint64_t user = 0;
    std::uint64_t made = 0;  // nanoseconds since 1970
    sys::process_identity owner;
    std::uint64_t failed = 0;  // when a sweep could not remove all of it: nanoseconds since 1970
};
static_assert(std::is_trivially_copyable_v<header> && std::is_standard_layout_v<header>);
// As docs/registry.md has it: a change to the identity is a change to the file.
static_assert(offsetof(header, owner) == 32 && offsetof(header, failed) == 240 && sizeof(header) == 248);
static_assert(offsetof(sys::process_identity, start) == 8 && offsetof(sys::process_identity, pid_namespace) == 16 &&
              offsetof(sys::process_identity, time_namespace) == 24 && offsetof(sys::process_identity, boot) == 32 &&
              offsetof(sys::process_identity, host) == 72 && offsetof(sys::process_identity, program) == 144);

inline constexpr std::size_t longest_path = 4095;  // the system takes no longer one (path_resolution(7))

enum class state : std::uint32_t {
    free = 0,
    claimed = 1,  // being written, or the continuation of another
    live = 2,     // complete: a path that may exist
    removing = 3  // the same, while its process removes it
};

using kind = registered_kind;

// Instead of the thread that made it: its process leaves it to a sweep.
inline constexpr std::uint64_t no_thread = 0;

struct slot {
    std::atomic<state> is;
    std::uint32_t next;    // the slot in which the path goes on, or 0
    std::uint32_t length;  // of the whole path, in bytes
    kind what;
    std::uint64_t created;              // nanoseconds since 1970
    std::atomic<std::uint64_t> born;    // of a directory or of what is to be published, once it is known; else 0
    std::atomic<std::uint64_t> device;  // likewise
    std::atomic<std::uint64_t> inode;   // written last
    std::uint64_t thread;               // that made it, in its process, or `no_thread`
    std::uint64_t check;                // checksum of the path, so that a damaged one is not believed
    std::array<char, 192> text;
};
static_assert(sizeof(slot) == 256 && std::atomic<state>::is_always_lock_free);

inline constexpr std::uint32_t first_slot = 16;
static_assert(sizeof(header) <= first_slot * sizeof(slot));

// The file grows by doubling, each step one piece of memory: 64 KiB, then as much again, then twice that...
inline constexpr std::uint32_t first_slots = 256;
inline constexpr std::size_t most_pieces = 20;

constexpr std::size_t piece_of(std::uint32_t number) noexcept {
    return static_cast<std::size_t>(std::bit_width(number / first_slots));
}
constexpr std::uint32_t first_in_piece(std::size_t piece) noexcept {
    return piece == 0 ? 0 : first_slots << (piece - 1);
}
constexpr std::uint64_t offset_of(std::uint32_t number) noexcept {
    return std::uint64_t{number} * sizeof(slot);
}

// Eight bytes at a time: it is paid for with every named file.
inline std::uint64_t checksum(std::string_view path, kind what) noexcept {
    std::uint64_t sum = 0x9e3779b97f4a7c15U ^ (static_cast<std::uint64_t>(what) << 32U) ^ path.size();
    while (!path.empty()) {
        std::uint64_t word = 0;
        const std::size_t n = path.size() < sizeof word ? path.size() : sizeof word;
        std::memcpy(&word, path.data(), n);
        path.remove_prefix(n);
        sum = std::rotl((sum ^ word) * 0xff51afd7ed558ccdU, 31);
    }
    return sum;
}

}  // namespace tempfile::registry_format
