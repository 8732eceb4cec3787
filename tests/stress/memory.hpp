// How much memory a process uses.

#pragma once

#include <malloc.h>
#include <unistd.h>

#include <cstddef>
#include <fstream>

namespace tempfile::test {

// Bytes that the program has allocated and not given back.
inline std::size_t allocated() {
    const auto info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
}

// Bytes that are in memory (proc(5), statm).
inline std::size_t resident() {
    std::ifstream statm("/proc/self/statm");
    std::size_t program = 0;
    std::size_t pages = 0;
    statm >> program >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace tempfile::test
