#include "problem.hpp"

#include <cerrno>
#include <filesystem>
#include <stdexcept>

namespace tempfile {
namespace {

// What to do about it, where we know.
std::string_view advice(int system_error) noexcept {
    switch (system_error) {
        case ENOSPC:
            return "; the file system is full: free some space, or name another directory";
        case EDQUOT:
            return "; the quota is used up: remove something, or name another directory";
        case EROFS:
            return "; the file system is read-only: name another directory";
        case ENOENT:
            return "; the directory does not exist: make it, or name another";
        case ENOTDIR:
            return "; that is not a directory: name one";
        case ELOOP:
            return "; a symbolic link leads nowhere or in a circle: name a directory";
        case EACCES:
            return "; no permission there: name a directory you may write to";
        case EMFILE:
        case ENFILE:
            return "; too many open files: close some, or raise the limit (ulimit -n)";
        case ENAMETOOLONG:
            return "; the name is too long for this file system: shorten prefix, suffix or directory";
        case EEXIST:
            return "; every name that was tried exists already";
        default:
            return "";
    }
}

}  // namespace

void raise(const problem& p) {
    const std::string what = "tempfile: " + p->what;
    if (p->bad_argument) {
        throw std::invalid_argument(what);
    }
    if (p->path.empty()) {
        throw std::system_error(p->code, what);
    }
    throw std::filesystem::filesystem_error(what + std::string(advice(p->code.value())), p->path, p->code);
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
