// What an atomic_file is on its way to.

#pragma once

#include "publish.hpp"
#include "tempfile/atomic_file.hpp"
#include "tempfile/staged_name.hpp"

namespace tempfile {

struct atomic_file::state {
    publish_target target;
    persist_options rules;
    staged_name name;
    std::uint64_t reserved = 0;  // bytes
};

}  // namespace tempfile
