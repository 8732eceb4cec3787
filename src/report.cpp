#include "report.hpp"

#include <atomic>

#include "sys/sys.hpp"

namespace tempfile {
namespace {

constinit std::atomic<report_hook> hook{nullptr};

keep_wish read_wish() noexcept {
    const char* const value = sys::call.environment("TEMPFILE_KEEP");
    const std::string_view wish = value == nullptr ? "" : value;
    return wish == "1" ? keep_wish::everything : wish == "on-error" ? keep_wish::on_error : keep_wish::nothing;
}

}  // namespace

report_hook set_report_hook(report_hook wanted) noexcept {
    return hook.exchange(wanted);
}

void notify(report_event what, std::string_view path, std::error_code error) noexcept {
    if (const report_hook told = hook.load()) {
        told({.what = what, .path = path, .error = error});
    }
}

keep_wish wish_to_keep() noexcept {
    static const keep_wish wish = read_wish();
    return wish;
}

}  // namespace tempfile
