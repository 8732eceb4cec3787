#include "tidying.hpp"

#include "interrupt.hpp"
#include "removal_line.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/remove_tree.hpp>
#include <tempfile/sweep.hpp>

#include <fmt/core.h>

#include <cstring>
#include <string>
#include <system_error>

namespace tool {
namespace {

std::string what_is_left(const std::string& path, const tempfile::removal_report& report) {
    const char* const part = report.entries == 0 ? "" : " in part";
    return tempfile::explain_crash_safety().on
               ? fmt::format("{} is left{}; the next sweep removes it", unbroken(path), part)
               : fmt::format("{} is left{}, and stands in no registry; remove it with tmp rm", unbroken(path), part);
}

}  // namespace

void remove_after_command(const char* who, tempfile::temporary_directory& directory) {
    const std::string path = directory.path().native();
    removal_line line;
    const auto go_on = [&](const tempfile::removal_progress& now) {
        line.show(now.entries, now.path, [&] { return removal_line::paths{path}; });
        return interrupted() == 0;
    };
    try {
        directory.cleanup(go_on);
        line.erase();
    } catch (const tempfile::removal_error& e) {
        line.erase();
        if (e.code() != std::errc::operation_canceled || interrupted() == 0) {
            throw;
        }
        complain(fmt::format("{}: {}: {}", who, ::strsignal(interrupted()), what_is_left(path, e.report())));
    }
}

}  // namespace tool
