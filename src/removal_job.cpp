#include "removal_job.hpp"

#include <limits>

namespace tempfile {
namespace {

constexpr std::uint64_t in_a_millisecond = 1'000'000;

// Never less than nothing, nor more than can be counted.
std::uint64_t nanoseconds(std::chrono::milliseconds t) noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max() / 4;
    const auto count = static_cast<std::uint64_t>(std::max(t, std::chrono::milliseconds{0}).count());
    return count > most / in_a_millisecond ? most : count * in_a_millisecond;
}

}  // namespace

removal_job::removal_job(const remove_options& options, removal_report& report)
    : options_(options),
      report_(report),
      end_(sys::call.steady_clock() + nanoseconds(options.at_most)),
      patience_(nanoseconds(options.patience)),
      next_pause_(in_a_millisecond) {}

bool removal_job::pause() {
    constexpr std::uint64_t longest = 64 * in_a_millisecond;
    const std::uint64_t now = sys::call.steady_clock();
    std::uint64_t length = 0;
    {
        const std::scoped_lock lock(mutex_);
        length = std::min({patience_, next_pause_, end_ - std::min(now, end_)});
        patience_ -= length;
        next_pause_ = std::min(2 * next_pause_, longest);
    }
    if (length == 0 || stopped()) {
        return false;
    }
    sys::call.pause(length);
    stop_when_late();
    return true;
}

void removal_job::pass_on(std::exception_ptr thrown) noexcept {
    stop();
    const std::scoped_lock lock(mutex_);
    if (thrown_ == nullptr) {
        thrown_ = std::move(thrown);
    }
}

void removal_job::rethrow() {
    if (thrown_ != nullptr) {
        std::rethrow_exception(thrown_);
    }
}

}  // namespace tempfile
