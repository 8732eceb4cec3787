// What is removed, by whom, what came of it, and the tables of that.
#pragma once

#include <array>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "child.hpp"
#include "trees.hpp"

namespace bench {

struct row {
    std::string_view id;
    std::string_view what;
    paths (*make)(int size);
    int size;                           // files, or the length of the chain
    bool cold = false;                  // nothing of the tree is in memory before
    bool for_threads = false;           // holds something to be shared
    limits within = {1024, 8U << 20U};  // what Debian gives to every process
    double target = 0;                  // of `rm -rf`, for one thread; 0: there is none
    double target_of_two = 0;           // the same for two
    double target_on_tmpfs = 0;         // the first one there
};

inline const std::array rows{
    row{.id = "directories",
        .what = "99,990 files in 1,111 directories",
        .make = make_branches,
        .size = 100'000,
        .for_threads = true,
        .target = 1.00,
        .target_of_two = 0.65,
        .target_on_tmpfs = 1.00},
    row{.id = "directories_cold",
        .what = "the same, cold",
        .make = make_branches,
        .size = 100'000,
        .cold = true,
        .for_threads = true},
    row{.id = "one",
        .what = "100,000 files in one directory",
        .make = make_one_directory,
        .size = 100'000,
        .for_threads = true,
        .target = 0.95,
        .target_of_two = 0.95},
    row{.id = "one_cold", .what = "the same, cold", .make = make_one_directory, .size = 100'000, .cold = true},
    row{.id = "hundreds", .what = "1,000 times 100 files in one directory", .make = make_hundreds, .size = 100'000},
    row{.id = "chain",
        .what = "a chain of 50,000 directories",
        .make = make_chain,
        .size = 50'000,
        .target = 1.00,
        .target_on_tmpfs = 1.00},
    row{.id = "chain_limited",
        .what = "the same; 16 descriptors, 256 KiB of stack",
        .make = make_chain,
        .size = 50'000,
        .within = {16, 256U << 10U}},
    row{.id = "empty",
        .what = "one empty directory, which is the start of the process",
        .make = make_empty_directory,
        .size = 0},
};

struct participant {
    std::string name;
    command how;  // the paths follow, then `behind`
    command behind = {};
    bool only_for_threads = false;  // where there is nothing to share, it would do as another one does
};

// The first two are what the targets are about, and the third for `target_of_two`.
constexpr std::size_t rm = 0;
constexpr std::size_t one_thread = 1;
constexpr std::size_t two_threads = 2;

// What one participant did with one row, in all rounds.
struct result {
    std::vector<outcome> rounds;
    std::optional<int> descriptors;
    std::string failure;  // of the only round then
};

// By row and participant.
using results = std::vector<std::vector<result>>;

void report(std::ostream& out, const std::vector<participant>& who, const results& all, bool on_tmpfs);

}  // namespace bench
