#include "removal_line.hpp"

#include "interrupt.hpp"
#include "survey.hpp"

#include <chrono>
#include <stdexcept>
#include <utility>

namespace tool {
namespace {

using clock = std::chrono::steady_clock;

// Not for long, since nothing is removed meanwhile.
std::optional<std::uint64_t> count_entries(const removal_line::paths& paths) {
    constexpr std::chrono::milliseconds at_most{300};
    const auto end = clock::now() + at_most;
    const auto in_time = [end] { return interrupted() == 0 && clock::now() < end; };
    survey rest({.details = false, .tell = {}, .go_on = in_time});
    std::uint64_t entries = 0;
    for (auto path = paths.begin(); path != paths.end() && in_time(); ++path) {
        try {
            entries += path->empty() ? 0 : rest.look_at(*path).entries;
        } catch (const std::invalid_argument&) {
            continue;  // it will be refused
        }
    }
    return in_time() ? std::optional(entries) : std::nullopt;
}

}  // namespace

// Counted only when the line appears, and not before the removal: most are over before anybody would look.
void removal_line::show(std::uint64_t gone, std::string_view where, const std::function<paths()>& rest) {
    if (!line_.is_due()) {
        return;
    }
    if (!std::exchange(has_counted_, true)) {
        const auto more = count_entries(rest());
        total_ = more ? std::optional(gone + *more) : std::nullopt;
    }
    line_.draw({.done = gone, .total = total_, .where = where});
}

}  // namespace tool
