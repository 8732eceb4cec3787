#include "tempfile/signals.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include "problem.hpp"
#include "remove_item.hpp"

namespace tempfile {
namespace {

// The registry goes as well, unless other threads may still write into it.
void remove_before(bool ends) noexcept {
    if (remove_registered(remove_item, false) == 0 && ends && !sys::call.other_threads()) {
        discard_registry();
    }
}

problem arrange(std::initializer_list<int> signals) {
    const auto* const bad = std::find_if_not(signals.begin(), signals.end(), sys::can_end_process);
    if (bad != signals.end()) {
        return bad_argument("signal " + std::to_string(*bad) +
                            " cannot be caught or does not end a process; name others, as SIGINT or SIGTERM");
    }
    const sys::error e = sys::before_signals(signals.begin(), signals.size(), remove_before);
    return e == 0 ? no_problem() : system_problem("cannot arrange cleanup on signals", "", e);
}

}  // namespace

void cleanup_on_signals(std::initializer_list<int> signals) {
    succeed(arrange(signals));
}

void cleanup_on_signals(std::initializer_list<int> signals, std::error_code& ec) {
    ec = arrange(signals).code();
}

void cleanup_all() noexcept {
    const sys::held_signals no_second_walk_in_this_thread;
    remove_registered(remove_item, false);
}

}  // namespace tempfile
