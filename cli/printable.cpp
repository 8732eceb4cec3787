#include "printable.hpp"

#include <fmt/core.h>

#include <array>
#include <cstddef>

namespace tool {
namespace {

std::size_t length_of_sequence(unsigned char first) {
    if (first < 0x80) {
        return 1;
    }
    return first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0;
}

bool is_no_character(char32_t c) {
    constexpr char32_t first_surrogate = 0xd800;
    constexpr char32_t last_surrogate = 0xdfff;
    constexpr char32_t last = 0x10ffff;
    return (first_surrogate <= c && c <= last_surrogate) || c > last;
}

// What changes the direction in which a line is written shows other names than there are (CVE-2021-42574).
bool turns_around(char32_t c) {
    constexpr char32_t first_embedding = 0x202a;
    constexpr char32_t last_override = 0x202e;
    constexpr char32_t first_isolate = 0x2066;
    constexpr char32_t last_isolate = 0x2069;
    return (first_embedding <= c && c <= last_override) || (first_isolate <= c && c <= last_isolate);
}

// The number of bytes of the character that `text` begins with; 0 if it is none, or a control character.
std::size_t readable(std::string_view text) {
    // The first character of each length. The controls are at the begin of lengths 1 and 2 (C0, C1). What is smaller
    // could be said in fewer bytes: lenient terminals take it, so it must not pass as something else.
    constexpr std::array<char32_t, 5> least = {0, 0x20, 0xa0, 0x800, 0x10000};
    constexpr std::array<unsigned, 5> mask = {0, 0x7f, 0x1f, 0x0f, 0x07};
    constexpr char32_t del = 0x7f;
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t length = length_of_sequence(byte(0));
    if (length == 0 || length > text.size()) {
        return 0;
    }
    char32_t character = byte(0) & mask.at(length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80U) {
            return 0;
        }
        character = character << 6U | (byte(i) & 0x3fU);
    }
    return character < least.at(length) || character == del || is_no_character(character) || turns_around(character)
               ? 0
               : length;
}

std::string escaped(char c) {
    switch (c) {
        case '\n':
            return "\\n";
        case '\r':
            return "\\r";
        case '\t':
            return "\\t";
        default:
            return fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::size_t length = readable(text);
        result += length == 0 ? escaped(text.front()) : std::string(text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return result;
}

}  // namespace tool
