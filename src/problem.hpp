// What went wrong, on its way from where it happened to where it becomes an exception or an error code. Every operation
// is written once, against this; the two public forms differ in what they do with it at the end.

#pragma once

#include "sys/sys.hpp"

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace tempfile {

inline std::error_code code_of(sys::error e) noexcept {
    return {e, std::system_category()};
}

// Nothing but a null pointer as long as nothing is wrong, since every operation hands one back.
class [[nodiscard]] problem {
public:
    struct details {
        std::error_code code;
        std::string what;           // "cannot make a file"; for a bad argument the whole sentence
        std::string path;           // where, if there is a where
        bool bad_argument = false;  // what a caller can see is wrong
    };

    problem() noexcept = default;
    explicit problem(details d) : details_(std::make_unique<details>(std::move(d))) {}

    explicit operator bool() const noexcept { return details_ != nullptr; }
    // No error when there is no problem.
    [[nodiscard]] std::error_code code() const noexcept { return details_ ? details_->code : std::error_code(); }
    // REQUIRES: there is a problem.
    details* operator->() const noexcept { return details_.get(); }

private:
    std::unique_ptr<details> details_;
};

inline problem no_problem() noexcept {
    return {};
}

inline problem system_problem(std::string_view what, std::string_view path, std::error_code code) {
    return problem({.code = code, .what = std::string(what), .path = std::string(path)});
}
inline problem system_problem(std::string_view what, std::string_view path, sys::error e) {
    return system_problem(what, path, code_of(e));
}

inline problem bad_argument(std::string sentence) {
    return problem({.code = std::make_error_code(std::errc::invalid_argument),
                    .what = std::move(sentence),
                    .path = {},
                    .bad_argument = true});
}

// std::invalid_argument for a bad argument, std::filesystem::filesystem_error where there is a path, else
// std::system_error.
[[noreturn]] void raise(const problem& p);

// std::system_error for an operation on an open file.
[[noreturn]] void raise(const char* doing, std::error_code code);

// The throwing form: passes the answer on.
inline void succeed(const problem& p) {
    if (p) {
        raise(p);
    }
}

// The error_code form of an operation that throws because it stands behind a virtual function of the standard library.
template <std::invocable F>
auto capture(std::error_code& ec, F operation) -> decltype(operation()) {
    using answer = decltype(operation());
    ec.clear();
    try {
        return operation();
    } catch (const std::system_error& e) {
        ec = e.code();
    }
    if constexpr (!std::is_void_v<answer>) {
        return answer{};
    }
}

// Text of bytes for a message: quoted, and cut where it would be too long to read.
std::string in_quotes(std::string_view bytes);

}  // namespace tempfile
