// Telling what cannot be thrown, and what the user of the program wishes to keep.

#pragma once

#include <string_view>
#include <system_error>

#include "tempfile/named_temporary_file.hpp"
#include "tempfile/report.hpp"

namespace tempfile {

// Calls the hook, if there is one.
void notify(report_event what, std::string_view path, std::error_code error = {}) noexcept;

// What TEMPFILE_KEEP says.
enum class keep_wish { nothing, on_error, everything };
keep_wish wish_to_keep() noexcept;

// What is not to be removed by its object is not in the registry.
inline bool is_kept_from_birth(delete_when deletion) noexcept {
    return deletion == delete_when::never || wish_to_keep() == keep_wish::everything;
}

}  // namespace tempfile
