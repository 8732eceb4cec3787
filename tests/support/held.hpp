// A handle that is closed at the end of the block, without the library under test. Usable wherever a handle is asked
// for, also as an output.

#pragma once

#include <unistd.h>

#include "sys/sys.hpp"

namespace tempfile::test {

class held {
public:
    held() = default;
    explicit held(sys::handle h) : h_(h) {}
    ~held() {
        if (h_ >= 0) {
            ::close(h_);
        }
    }
    held(const held&) = delete;
    held& operator=(const held&) = delete;

    operator sys::handle&() const { return h_; }

private:
    mutable sys::handle h_ = sys::no_handle;
};

}  // namespace tempfile::test
