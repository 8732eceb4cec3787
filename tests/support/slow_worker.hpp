// The worker of cleanup.hpp, held up in the directory that it is about to list, until it is let go:
//
//     slow_worker held;
//     dir.cleanup();
//     held.wait_until_it_begins();
//     ...
//     held.let_go();
//     wait_for_cleanup();
//
// The thread that made this is not held up.

#pragma once

#include <functional>
#include <latch>
#include <thread>

#include "support/replace_call.hpp"

namespace tempfile::test {

class slow_worker {
public:
    void wait_until_it_begins() { begun_.wait(); }
    void let_go() { go_.count_down(); }

    // Where it cannot be told to go on: it goes on once this answers true.
    static inline std::function<bool()> may_go_on;

private:
    using call = replace_call<&sys::calls::list>;

    std::thread::id maker_ = std::this_thread::get_id();
    std::latch begun_{1};
    std::latch go_{1};
    call list_{[this](sys::handle dir, void* buffer, std::size_t& used) {
        if (std::this_thread::get_id() != maker_) {
            if (!begun_.try_wait()) {
                begun_.count_down();
            }
            if (may_go_on) {
                while (!may_go_on()) {
                    std::this_thread::yield();
                }
            } else {
                go_.wait();
            }
        }
        return call::real(dir, buffer, used);
    }};
};

}  // namespace tempfile::test
