#include "problem.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <stdexcept>

#include "helpers.hpp"

namespace tempfile::test {
namespace {

TEST(problem, no_problem_is_false_and_does_not_throw) {
    EXPECT_FALSE(no_problem());
    EXPECT_FALSE(no_problem().code());
    EXPECT_NO_THROW(succeed(no_problem()));
    EXPECT_TRUE(system_problem("cannot do it", "", EIO));
    EXPECT_TRUE(bad_argument("that is wrong"));
}

TEST(problem, with_a_path_it_is_a_filesystem_error) {
    try {
        raise(system_problem("cannot do it", "/some/where", ENOSPC));
    } catch (const std::filesystem::filesystem_error& e) {
        EXPECT_EQ(e.path1(), "/some/where");
        EXPECT_EQ(e.code(), std::errc::no_space_on_device);
        EXPECT_TRUE(mentions(e.what(), "tempfile: cannot do it"));
        return;
    }
}

TEST(problem, without_a_path_it_is_a_system_error) {
    try {
        raise(system_problem("cannot do it", "", EIO));
    } catch (const std::filesystem::filesystem_error&) {
        ADD_FAILURE() << "there is no path";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::io_error);
    }
    EXPECT_EQ(thrown([] { raise("do it", code_of(EIO)); }), std::errc::io_error);
    EXPECT_TRUE(mentions(message_of([] { raise("do it", code_of(EIO)); }), "tempfile: cannot do it"));
}

TEST(problem, a_bad_argument_is_an_invalid_argument) {
    EXPECT_THROW(raise(bad_argument("that is wrong")), std::invalid_argument);
    EXPECT_EQ(message_of([] { raise(bad_argument("that is wrong")); }), "tempfile: that is wrong");
    EXPECT_EQ(bad_argument("that is wrong").code(), std::errc::invalid_argument);
}

TEST(problem, codes_are_the_systems_own) {
    EXPECT_EQ(code_of(ENOSPC), std::error_code(ENOSPC, std::system_category()));
    EXPECT_FALSE(code_of(0));
}

TEST(problem, capture_turns_system_errors_into_codes_and_nothing_else) {
    std::error_code ec = code_of(EIO);
    EXPECT_EQ(capture(ec, [] { return 7; }), 7);
    EXPECT_FALSE(ec);
    EXPECT_EQ(capture(ec, []() -> int { raise("do it", code_of(ENOSPC)); }), 0);
    EXPECT_EQ(ec, std::errc::no_space_on_device);
    capture(ec, [] {});
    EXPECT_FALSE(ec);
    EXPECT_THROW(capture(ec, [] { throw std::bad_alloc(); }), std::bad_alloc);
}

TEST(problem, quoted_bytes_are_short_and_have_no_NUL) {
    EXPECT_EQ(in_quotes("a b"), "\"a b\"");
    EXPECT_EQ(in_quotes(std::string_view("a\0b", 3)), "\"a\\0b\"");
    EXPECT_EQ(in_quotes(std::string(60, 'x')), '"' + std::string(60, 'x') + '"');
    EXPECT_EQ(in_quotes(std::string(61, 'x')), '"' + std::string(60, 'x') + "...\"");
}

}  // namespace
}  // namespace tempfile::test
