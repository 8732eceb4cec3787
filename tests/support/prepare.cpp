// In every test program, before the first test: the process has a registry, in a place of its own, so that each test
// sees what it does and not what the first one of a process does besides, nor what tests beside it leave.

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "registry.hpp"
#include "sweep.hpp"

namespace {

const std::string* place = nullptr;

[[maybe_unused]] const bool prepared = [] {
    place = new std::string(TEST_REGISTRY + std::to_string(::getpid()));
    ::setenv("TEMPFILE_REGISTRY", place->c_str(), 1);
    tempfile::prepare_registry();
    tempfile::sweep_once();
    return true;
}();

// After the library's own end, which takes the registry away (the larger the number, the earlier).
[[gnu::destructor(101)]] void remove_place() {
    ::rmdir(place->c_str());
}

}  // namespace
