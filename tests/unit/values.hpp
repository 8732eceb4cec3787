// T18: what moving and swapping must mean, for every type of file object.

#pragma once

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "helpers.hpp"
#include "tempfile/file_object.hpp"

namespace tempfile::test {

template <class Object>
std::string all_of(Object& object) {
    object.seek(0);
    return object.read();
}

// Every way in and out of a file object that is closed or moved from.
inline void expect_refusal(file_object& object) {
    const auto refused = [&](const char* what, auto operation) {
        EXPECT_EQ(thrown(operation), std::errc::bad_file_descriptor) << what;
    };
    std::array<std::byte, 1> byte{};
    std::string word;
    EXPECT_TRUE(object.closed());
    EXPECT_EQ(object.native_handle(), -1);
    refused("read()", [&] { object.read(); });
    refused("read(n)", [&] { object.read(1); });
    refused("read(span)", [&] { object.read(byte); });
    refused("readline", [&] { object.readline(); });
    refused("lines", [&] { std::ignore = object.lines().begin(); });
    refused("write(text)", [&] { object.write("x"); });
    refused("write(bytes)", [&] { object.write(std::span<const std::byte>(byte)); });
    refused("seek", [&] { object.seek(0); });
    refused("tell", [&] { std::ignore = object.tell(); });
    refused("truncate()", [&] { object.truncate(); });
    refused("truncate(n)", [&] { object.truncate(1); });
    refused("size", [&] { std::ignore = object.size(); });
    refused("flush", [&] { object.flush(); });
    refused("fileno", [&] { std::ignore = object.fileno(); });
    refused("reopen", [&] { std::ignore = object.reopen(); });
    const auto refused_stream = [&](const char* what, auto operation) {
        EXPECT_NO_THROW(object.clear()) << what;
        EXPECT_EQ(thrown(operation), std::errc::bad_file_descriptor) << what;
    };
    refused_stream("<<", [&] { object << "x"; });
    refused_stream("<< number", [&] { object << 42; });
    refused_stream(">>", [&] { object >> word; });
    refused_stream("get", [&] { object.get(); });
    refused_stream("getline", [&] { std::getline(object, word); });
    refused_stream("unget", [&] { object.unget(); });
    refused_stream("seekg", [&] { object.seekg(0); });
    refused_stream("tellg", [&] { object.tellg(); });
    refused_stream("tellp", [&] { object.tellp(); });
    refused_stream("std::flush", [&] { object << std::flush; });
    EXPECT_NO_THROW(object.clear());
    object.close();
}

template <class Object, class Make>
void expect_values(Make make) {
    static_assert(std::is_nothrow_move_constructible_v<Object> && std::is_nothrow_move_assignable_v<Object>);
    static_assert(std::is_nothrow_swappable_v<Object>);
    static_assert(!std::is_copy_constructible_v<Object> && !std::is_copy_assignable_v<Object>);

    Object a = make();
    Object& same = a;
    a.write("alpha");
    a = std::move(same);
    EXPECT_EQ(a.tell(), 5U) << "self-move";
    a.swap(same);
    swap(a, same);
    EXPECT_EQ(all_of(a), "alpha") << "self-move and self-swap";

    Object b = make();
    b.write("beta");
    a.seek(2);
    swap(a, b);
    EXPECT_EQ(b.read(), "pha") << "swap takes the position along";
    EXPECT_EQ(all_of(a), "beta");

    Object c(std::move(a));
    EXPECT_EQ(all_of(c), "beta");
    expect_refusal(a);  // NOLINT(bugprone-use-after-move): what is moved from is closed, and says so

    const int given_up = b.native_handle();
    b = std::move(c);
    EXPECT_EQ(all_of(b), "beta");
    expect_refusal(c);  // NOLINT(bugprone-use-after-move)
    if (given_up != -1) {
        EXPECT_FALSE(is_open(given_up)) << "move-assignment closes what was there";
    }

    a = make();
    a << "anew";
    EXPECT_EQ(all_of(a), "anew") << "what was moved from can be assigned to";
}

// References to the stream follow the object, its state follows the contents.
template <class Object, class Make>
void expect_stream_follows(Make make) {
    Object a = make();
    Object b = make();
    std::iostream& stream = a;
    a << "one";
    b << "two";
    b.seek(0);
    std::string word;
    b >> word;
    ASSERT_TRUE(b.eof());
    a.swap(b);
    EXPECT_TRUE(a.eof());
    EXPECT_FALSE(b.eof());
    stream.clear();
    stream << "+";
    EXPECT_EQ(all_of(a), "two+");
    EXPECT_EQ(a.exceptions(), std::ios::badbit);
    EXPECT_EQ(b.exceptions(), std::ios::badbit);
}

}  // namespace tempfile::test
