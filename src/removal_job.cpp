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

sys::error removal_job::remove_file(sys::handle at, const char* name, std::uint64_t& bytes) {
    bytes = 0;
    sys::metadata meta;
    const auto look = [&] { return sys::call.stat_at_now(at, name, meta) == 0 && meta.what == sys::kind::file; };
    if (!options_.count_bytes || !look()) {
        return sys::call.remove_file(at, name);
    }
    std::unique_lock lock(several_names_, std::defer_lock);
    if (meta.links > 1) {  // other names keep the bytes; but two threads may be at the last two names
        lock.lock();
        meta.links = look() ? meta.links : 0;
    }
    const sys::error e = sys::call.remove_file(at, name);
    if (e == 0 && meta.links == 1) {
        bytes = meta.size;
    }
    return e;
}

bool removal_job::tries_again() {
    constexpr std::uint64_t longest = 64 * in_a_millisecond;
    const std::uint64_t now = sys::call.steady_clock();
    const std::uint64_t length = std::min({patience_, next_pause_, end_ - std::min(now, end_)});
    if (!expects_more() || length == 0 || stopped()) {
        return false;
    }
    patience_ -= length;
    next_pause_ = std::min(2 * next_pause_, longest);
    sys::call.pause(length);
    stop_when_late();
    if (!stopped()) {
        expects_more_ = false;
        before_ = std::exchange(failed_, {});
    }
    return !stopped();
}

void removal_job::report_failures(bool cut_short) {
    // It did not come to all that failed in the one before.
    failures& all = cut_short && failed_.number < before_.number ? before_ : failed_;
    report_.failures = std::move(all.first);
    report_.failed = all.number;
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
