// As long as it lives, every directory counts as a large one, on a file system of the kind `on`.

#pragma once

#include "replace_call.hpp"
#include "sys/sys.hpp"

namespace tempfile::test {

class large_directories {
public:
    sys::file_system on = sys::file_system::ext;

private:
    using stat_call = replace_call<&sys::calls::stat>;

    stat_call large_{[](sys::handle h, sys::metadata& out) {
        const sys::error e = stat_call::real(h, out);
        out.size += e == 0 && out.what == sys::kind::directory ? 1U << 20U : 0U;
        return e;
    }};
    replace_call<&sys::calls::file_system_of> kind_{[this](sys::handle, sys::file_system& out) {
        out = on;
        return 0;
    }};
};

}  // namespace tempfile::test
