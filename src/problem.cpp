#include "problem.hpp"

#include <filesystem>
#include <stdexcept>

namespace tempfile {

void raise(const problem& p) {
    const std::string what = "tempfile: " + p->what;
    if (p->bad_argument) {
        throw std::invalid_argument(what);
    }
    if (p->path.empty()) {
        throw std::system_error(p->code, what);
    }
    throw std::filesystem::filesystem_error(what, p->path, p->code);
}

void raise(const char* doing, std::error_code code) {
    throw std::system_error(code, std::string("tempfile: cannot ") + doing);
}

std::string in_quotes(std::string_view bytes) {
    constexpr std::size_t enough = 60;
    std::string text = "\"";
    for (const char c : bytes.substr(0, enough)) {
        if (c == '\0') {
            text += "\\0";
        } else {
            text += c;
        }
    }
    return text + (bytes.size() > enough ? "...\"" : "\"");
}

}  // namespace tempfile
