// Standard input, output and error, with errors that say which of them it was. The standard streams would lose the
// code.

#pragma once

#include <tempfile/file.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tool {

// @return the number of bytes read; fewer than asked only at the end.
std::size_t read_input(std::span<std::byte> into);

// As many bytes as are there now, one at least; 0 at the end, which a terminal tells once only.
std::size_t read_some_input(std::span<std::byte> into);

// How many bytes standard input still has, where it is a regular file.
std::optional<std::uint64_t> rest_of_input();

void print(std::span<const std::byte> bytes);
void print(std::string_view text);

// To be called when all is printed: the error of a file server may only come now.
void close_output();

// To standard error: what was asked for with -v. That it cannot be said is an error, also where all of the output was
// delivered: whoever reads the report must not take none for an empty one.
void report(std::string_view text);

// To standard error: why the program fails. If that cannot be said, there is nobody left to say it to. `complain` says
// one line, in which the words of the caller are made printable; on a terminal as many as it takes, broken at blanks
// that are no hard ones (screen.hpp).
void complain(std::string_view line);
void complain_as_is(std::string_view text) noexcept;

// The library's message as the tool says it: without the name of the library, with the names of the tool's options,
// and the path once, at the end.
std::string message_of(const std::exception& e);

}  // namespace tool
