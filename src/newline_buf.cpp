#include "newline_buf.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace tempfile {
namespace {

// What \n becomes in the file. `universal` means the system's own, which is \n on every system here.
std::string_view line_end(newlines newline) noexcept {
    return newline == newlines::crlf ? "\r\n" : newline == newlines::cr ? "\r" : "\n";
}

}  // namespace

std::streamsize newline_buf::xsputn(const char* text, std::streamsize n) {
    forget_text();
    if (n <= 0) {
        return file_.sputn(text, n);  // says so when the file is closed
    }
    const std::string_view all(text, static_cast<std::size_t>(n));
    const std::string_view end = line_end(newline_);
    // Translated into one piece, so that a write that fails does so before anything of it is in the buffer.
    std::string translated;
    translated.reserve(all.size() + all.size() / 8);
    for (const char c : all) {
        if (c == '\n') {
            translated += end;
        } else {
            translated += c;
        }
    }
    file_.sputn(translated.data(), static_cast<std::streamsize>(translated.size()));
    return n;
}

newline_buf::int_type newline_buf::overflow(int_type c) {
    if (traits_type::eq_int_type(c, traits_type::eof())) {
        return traits_type::not_eof(c);
    }
    const char byte = traits_type::to_char_type(c);
    newline_buf::xsputn(&byte, 1);
    return c;
}

// Fills text_ with up to `wanted` characters from raw_, and says how many bytes of raw_ they were.
std::size_t newline_buf::translate_raw(std::size_t wanted, std::size_t& raw_used) noexcept {
    std::size_t characters = 0;
    std::size_t i = 0;
    while (i < raw_length_ && characters < wanted) {
        char c = raw_[i++];
        const bool pair = c == '\r' && i < raw_length_ && raw_[i] == '\n' && newline_ != newlines::cr;
        if (pair) {
            ++i;
        }
        if (pair || (c == '\r' && newline_ != newlines::crlf)) {
            c = '\n';
        }
        text_[characters++] = c;
    }
    raw_used = i;
    return characters;
}

// A stretch of the file that does not end between \r and \n.
void newline_buf::read_stretch() {
    raw_length_ = static_cast<std::size_t>(file_.sgetn(raw_.data(), stretch));
    if (raw_length_ == stretch && raw_[stretch - 1] == '\r' && file_.sgetc() == traits_type::to_int_type('\n')) {
        raw_[raw_length_++] = traits_type::to_char_type(file_.sbumpc());
    }
}

// How many characters the rest of the file becomes is not known without translating; a stretch is as good an answer.
std::streamsize newline_buf::showmanyc() {
    return traits_type::eq_int_type(underflow(), traits_type::eof()) ? -1 : egptr() - gptr();
}

newline_buf::int_type newline_buf::underflow() {
    if (gptr() != egptr()) {
        return traits_type::to_int_type(*gptr());
    }
    setg(nullptr, nullptr, nullptr);
    const auto begin = file_.pubseekoff(0, std::ios_base::cur);
    try {
        read_stretch();
    } catch (...) {
        file_.pubseekpos(begin);
        throw;
    }
    raw_begin_ = static_cast<std::uint64_t>(off_type(begin));
    std::size_t raw_used = 0;
    const std::size_t characters = translate_raw(raw_length_, raw_used);
    if (characters == 0) {
        return traits_type::eof();
    }
    setg(text_.data(), text_.data(), text_.data() + characters);
    return traits_type::to_int_type(*gptr());
}

// Nothing before the stretch can be put back; a closed file says by itself that it is closed.
newline_buf::int_type newline_buf::pbackfail(int_type) {
    raw_position();
    return traits_type::eof();
}

std::uint64_t newline_buf::raw_position() {
    if (gptr() == nullptr) {
        return static_cast<std::uint64_t>(off_type(file_.pubseekoff(0, std::ios_base::cur)));
    }
    std::size_t raw_used = 0;
    translate_raw(static_cast<std::size_t>(gptr() - eback()), raw_used);
    return raw_begin_ + raw_used;
}

// Gives back what was read ahead, so that the file's position is ours.
void newline_buf::forget_text() {
    if (gptr() != nullptr) {
        const std::uint64_t position = raw_position();
        setg(nullptr, nullptr, nullptr);
        file_.pubseekpos(pos_type(static_cast<off_type>(position)));
    }
}

newline_buf::pos_type newline_buf::seekoff(off_type offset, std::ios_base::seekdir from,
                                           std::ios_base::openmode which) {
    if (from == std::ios_base::cur && offset == 0) {
        return pos_type(static_cast<off_type>(raw_position()));
    }
    forget_text();
    return file_.pubseekoff(offset, from, which);
}

newline_buf::pos_type newline_buf::seekpos(pos_type position, std::ios_base::openmode which) {
    return seekoff(off_type(position), std::ios_base::beg, which);
}

int newline_buf::sync() {
    forget_text();
    return file_.pubsync();
}

}  // namespace tempfile
