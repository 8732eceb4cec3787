// One line on a terminal that shows how far something is.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

struct progress {
    std::uint64_t done;
    std::optional<std::uint64_t> total;  // where it is known, at least about
    std::string_view where;              // what is being worked on
};

// How an amount is said: human() for bytes, a number for things that are counted.
using amount_text = std::string (*)(std::uintmax_t);

// On standard error, if that is a terminal, and while it belongs to us and takes it: nothing is drawn in the
// background, nor after Ctrl-S, so that the work goes on. Appears when it has taken half a second, and is drawn anew
// ten times a second at most. In one thread at a time.
class progress_line {
public:
    explicit progress_line(amount_text text_of);

    // Whether it is time to draw; asked often, since only who does the work knows when something was done.
    [[nodiscard]] bool is_due();
    void draw(const progress& now);
    // To be called before anything else is written to the terminal, and at the end.
    void erase();

private:
    using clock = std::chrono::steady_clock;

    amount_text text_of_;
    bool on_terminal_;
    clock::time_point begin_ = clock::now();
    clock::time_point next_;
    std::size_t drawn_ = 0;  // columns
};

// The line: as much of it as there are columns for, the most important first. Nothing in `where` can move the cursor.
std::string progress_text(const progress& now, amount_text text_of, double seconds, std::size_t columns);

}  // namespace tool
