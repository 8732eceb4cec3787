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

// Both forms of a member.
template <class Operation>
void expect_refused(const char* what, Operation operation) {
    EXPECT_EQ(thrown([&] { operation(); }), std::errc::bad_file_descriptor) << what;
    std::error_code ec;
    operation(ec);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor) << what;
}

inline void expect_members_refuse(file_object& o) {
    std::array<std::byte, 1> byte{};
    const std::span<std::byte> in(byte);
    const std::span<const std::byte> out(byte);
    expect_refused("read()", [&](auto&... ec) { o.read(ec...); });
    expect_refused("read(n)", [&](auto&... ec) { o.read(1, ec...); });
    expect_refused("read(span)", [&](auto&... ec) { o.read(in, ec...); });
    expect_refused("readline", [&](auto&... ec) { o.readline(1, ec...); });
    expect_refused("write(text)", [&](auto&... ec) { o.write("x", ec...); });
    expect_refused("write(bytes)", [&](auto&... ec) { o.write(out, ec...); });
    expect_refused("seek", [&](auto&... ec) { o.seek(0, std::ios::beg, ec...); });
    expect_refused("tell", [&](auto&... ec) { std::ignore = o.tell(ec...); });
    expect_refused("truncate()", [&](auto&... ec) { o.truncate(ec...); });
    expect_refused("truncate(n)", [&](auto&... ec) { o.truncate(1, ec...); });
    expect_refused("size", [&](auto&... ec) { std::ignore = o.size(ec...); });
    expect_refused("flush", [&](auto&... ec) { o.flush(ec...); });
    expect_refused("fileno", [&](auto&... ec) { std::ignore = o.fileno(ec...); });
    expect_refused("reopen", [&](auto&... ec) { std::ignore = o.reopen(ec...); });
    EXPECT_EQ(thrown([&] { std::ignore = o.lines().begin(); }), std::errc::bad_file_descriptor);
}

inline void expect_stream_refuses(file_object& o) {
    const auto refused = [&](const char* what, auto operation) {
        EXPECT_NO_THROW(o.clear()) << what;
        EXPECT_EQ(thrown(operation), std::errc::bad_file_descriptor) << what;
    };
    std::string word;
    refused("<<", [&] { o << "x"; });
    refused("<< number", [&] { o << 42; });
    refused(">>", [&] { o >> word; });
    refused("get", [&] { o.get(); });
    refused("getline", [&] { std::getline(o, word); });
    refused("unget", [&] { o.unget(); });
    refused("seekg", [&] { o.seekg(0); });
    refused("tellg", [&] { o.tellg(); });
    refused("tellp", [&] { o.tellp(); });
    refused("std::flush", [&] { o << std::flush; });
    EXPECT_NO_THROW(o.clear());
}

// Every way in and out of a file object that is closed or moved from.
inline void expect_refusal(file_object& object) {
    EXPECT_TRUE(object.closed());
    EXPECT_EQ(object.native_handle(), -1);
    expect_members_refuse(object);
    expect_stream_refuses(object);
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
