// Replaces one entry of the system-call table, as long as it lives:
//
//     replace_call<&sys::calls::create_unnamed> old_kernel([](auto...) { return EISDIR; });
//
// Inside, replace_call<...>::real(...) is what stood there before. Not for use while other threads are in the library.

#pragma once

#include <functional>
#include <utility>

#include "sys/sys.hpp"

namespace tempfile::test {

template <auto Entry>
class replace_call;

template <class Answer, class... Arguments, Answer (*sys::calls::*Entry)(Arguments...) noexcept>
class replace_call<Entry> {
public:
    explicit replace_call(std::function<Answer(Arguments...)> replacement) : before_(sys::call.*Entry) {
        replacement_before_ = std::exchange(replacement_now, std::move(replacement));
        real_before_ = std::exchange(real_now, before_);
        sys::call.*Entry = [](Arguments... arguments) noexcept -> Answer { return replacement_now(arguments...); };
    }
    ~replace_call() {
        sys::call.*Entry = before_;
        replacement_now = std::move(replacement_before_);
        real_now = real_before_;
    }
    replace_call(const replace_call&) = delete;
    replace_call& operator=(const replace_call&) = delete;

    static Answer real(Arguments... arguments) { return real_now(arguments...); }

private:
    using function = Answer (*)(Arguments...) noexcept;
    static inline std::function<Answer(Arguments...)> replacement_now;
    static inline function real_now = nullptr;

    function before_;
    std::function<Answer(Arguments...)> replacement_before_;
    function real_before_ = nullptr;
};

}  // namespace tempfile::test
