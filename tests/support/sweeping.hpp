// What a sweep reports, for tests.

#pragma once

#include <algorithm>
#include <cstddef>

#include <tempfile/sweep.hpp>

namespace tempfile::test {

inline std::size_t skipped_because(skip_reason reason, const sweep_report& report) {
    return static_cast<std::size_t>(
        std::count_if(report.skipped.begin(), report.skipped.end(), [=](auto& one) { return one.reason == reason; }));
}

// What it could not remove or understand: everything that it left but for what may live.
inline std::size_t troubles(const sweep_report& report) {
    return report.left.size() + report.skipped.size() - skipped_because(skip_reason::alive, report) -
           skipped_because(skip_reason::out_of_sight, report);
}

}  // namespace tempfile::test
