// Translation of line ends, in front of another streambuf.

#pragma once

#include <array>
#include <cstdint>
#include <streambuf>

#include "tempfile/newline.hpp"

namespace tempfile {

// Holds nothing that is to be written: what goes in goes through at once, translated, into the buffer of `file`. What
// is read is taken in stretches and translated; the position, where anybody asks, is where the next byte of the file to
// be translated stands.
class newline_buf : public std::streambuf {
public:
    // `file` must live as long. `newline` is not newlines::raw.
    newline_buf(std::streambuf& file, newlines newline) noexcept : file_(file), newline_(newline) {}

protected:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* text, std::streamsize n) override;
    std::streamsize showmanyc() override;
    int_type underflow() override;
    int_type pbackfail(int_type c) override;
    pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode which) override;
    pos_type seekpos(pos_type position, std::ios_base::openmode which) override;
    int sync() override;

private:
    static constexpr std::size_t stretch = 4096;

    void read_stretch();
    std::size_t translate_raw(std::size_t wanted, std::size_t& raw_used) noexcept;
    std::uint64_t raw_position();
    void forget_text();

    std::streambuf& file_;
    newlines newline_;
    std::array<char, stretch + 1> raw_{};   // one more for the \n behind a \r at the end
    std::array<char, stretch + 1> text_{};  // never longer than what it was translated from
    std::size_t raw_length_ = 0;
    std::uint64_t raw_begin_ = 0;  // where raw_ stands in the file
};

}  // namespace tempfile
