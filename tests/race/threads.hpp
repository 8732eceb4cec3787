// Threads that start at the same moment.

#pragma once

#include <cstddef>
#include <latch>
#include <thread>
#include <vector>

namespace tempfile::test {

// Runs body(0) ... body(n - 1), each in a thread of its own, and waits for all.
template <class Body>
void in_threads(std::size_t n, Body body) {
    std::latch all_there(static_cast<std::ptrdiff_t>(n));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < n; ++i) {
        threads.emplace_back([&, i] {
            all_there.arrive_and_wait();
            body(i);
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
}

}  // namespace tempfile::test
