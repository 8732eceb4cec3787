// A program that is started, timed and looked after.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace bench {

using command = std::vector<std::string>;  // the program, searched in PATH, and its arguments

struct limits {
    std::size_t descriptors;
    std::size_t stack;  // bytes
};

struct outcome {
    double seconds = 0;            // from before its start to after its end
    double processor_seconds = 0;  // of all its threads, and of the system for it
    long kib = 0;                  // of memory at most
    std::string failure;           // how it ended, when it was not well
};

// In the working directory, without standard input, and for two minutes at most.
outcome run(const command& what, const limits& within);

// The most descriptors that were open at the same time, those of the standard streams included; by strace(1).
std::optional<int> most_descriptors(const command& what, const limits& within);

void must(bool ok, const std::string& what);

}  // namespace bench
