// What the participants share. Each of them is one source file that enters its rows; main.cpp runs them.
#pragma once

#include "rows.hpp"

#include <array>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace bench {

// One participant's way of doing one row.
struct entry {
    std::string_view row;
    void (*body)();
};

// One that keeps its own time, in another process: does the row `times` times and answers the seconds that took.
using stopwatch = std::function<double(std::string_view row, std::int64_t times)>;

bool enter(std::string_view participant, std::span<const entry> entries);
bool enter(std::string_view participant, std::initializer_list<std::string_view> rows, const stopwatch& seconds);

// A participant that failed has measured nothing: the whole program ends, with a message.
[[noreturn]] void fail(const char* what);
inline void must(bool ok, const char* what) {
    if (!ok) {
        fail(what);
    }
}

// Where everybody works: the default directory for temporary files, absolute.
const std::string& directory();

// A new path in `directory()`, valid until this thread's next call. As long as the library's own names, and as cheap
// as a new name can be: a decimal counter that is incremented in place.
const char* next_path();
const char* next_name();

// What is published, 0 to 127; they are removed at the end.
const std::string& target(int i = 0);

// Answers the number that a command prints.
double number_from(const std::string& command);

// Makes `files_in_directory` empty files. Everybody uses this one, so that only the removal differs.
void fill(const char* dir);

// A path that leads to an unnamed file of `large_size` bytes, made on first use: everybody reads the same one, since
// where its pages lie in memory makes a third of a difference.
const std::string& large_path();

inline const std::array<char, page_size> page = [] {
    std::array<char, page_size> bytes{};
    bytes.fill('x');
    return bytes;
}();

}  // namespace bench
