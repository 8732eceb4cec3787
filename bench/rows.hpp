// The rows of the table: what is measured, and what we mean to reach.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bench {

inline constexpr std::size_t page_size = 4096;
inline constexpr std::size_t note_size = 100;
inline constexpr std::size_t record_size = 64;
inline constexpr std::size_t small_size = std::size_t{1} << 20;
inline constexpr std::size_t large_size = std::size_t{64} << 20;
inline constexpr int files_in_directory = 100;
inline constexpr int files_in_batch = 128;

enum class limit { none, times_floor, nanoseconds };

struct row {
    std::string_view id;
    std::string_view what;
    std::int64_t items;  // in one go of the body; times are given for one of them
    bool large;          // one go takes so long that it cannot be repeated often
    int threads;
    limit kind;
    double target;
};

inline constexpr std::array rows{
    row{"unnamed_file", "unnamed: create, close; plain handle", 1, false, 1, limit::times_floor, 1.05},
    row{"unnamed", "unnamed: create, close; stream object", 1, false, 1, limit::times_floor, 1.10},
    row{"roundtrip_file", "unnamed: 4 KiB written and read back; plain handle", 1, false, 1, limit::times_floor, 1.00},
    row{"roundtrip", "unnamed: 4 KiB written and read back; stream object", 1, false, 1, limit::times_floor, 1.00},
    row{"roundtrip_flushed", "unnamed: 4 KiB written, flushed, read back; stream object", 1, false, 1,
        limit::times_floor, 1.00},
    row{"named_file", "named: 100 bytes written, closed, deleted; plain handle", 1, false, 1, limit::times_floor, 1.05},
    row{"named_registered", "named: the same and registered; plain handle", 1, false, 1, limit::times_floor, 1.05},
    row{"named", "named: 100 bytes written, closed, deleted; stream object", 1, false, 1, limit::times_floor, 1.05},
    row{"named_2_threads", "named: the same, 2 threads; stream object", 1, false, 2, limit::times_floor, 1.05},
    row{"directory", "directory: created, removed empty", 1, false, 1, limit::times_floor, 1.25},
    row{"directory_100", "directory: created, 100 files made in it, removed", 1, false, 1, limit::times_floor, 1.05},
    row{"spool_direct", "spool: 64-byte records, 1 MiB, direct call", small_size / record_size, false, 1,
        limit::nanoseconds, 6},
    row{"spool_stream", "spool: 64-byte records, 1 MiB, std::ostream::write", small_size / record_size, false, 1,
        limit::nanoseconds, 15},
    row{"spool_rolled", "spool: 64-byte records, 64 MiB, rolled over", large_size / record_size, true, 1,
        limit::nanoseconds, 30},
    row{"replace", "file of 4 KiB replaced, nothing waited for", 1, false, 1, limit::none, 0},
    row{"replace_durable", "file of 4 KiB replaced, the disk waited for", 1, false, 1, limit::times_floor, 1.02},
    row{"batch", "128 files of 4 KiB replaced, the disk waited for; one file", files_in_batch, true, 1,
        limit::times_floor, 0.20},
    row{"stream_write", "stream: 64 MiB written in 4 KiB pieces", large_size / page_size, true, 1, limit::times_floor,
        1 / 0.85},
    row{"stream_read", "stream: 64 MiB read in 4 KiB pieces", large_size / page_size, true, 1, limit::times_floor,
        1 / 0.85},
};

// In the order of the table's columns. "without" is ours without the registry, "held" the floor with the directory held
// open and names relative to it, "stream" the floor with a std::iostream that does nothing made and destroyed beside
// it.
inline constexpr std::array<std::string_view, 12> participants{"floor", "ours",  "without", "held", "stream", "glibc",
                                                               "std",   "Boost", "Qt",      "POCO", "Python", "Go"};

}  // namespace bench
