#include "tempfile/name.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <set>
#include <thread>

#include "creators.hpp"
#include "helpers.hpp"
#include "name.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

std::string random_name() {
    std::string name(random_characters, '?');
    succeed(tempfile::random_name(name.data()));
    return name;
}

// Runs f in a thread of its own, whose store of random bytes is empty.
template <class F>
void in_new_thread(F f) {
    std::thread(f).join();
}

TEST(name, gettempprefix_is_pythons) {
    static_assert(gettempprefix() == "tmp");
    static_assert(tmp_max == 10'000);
}

TEST(name, T16_names_are_13_lower_case_letters_and_digits_and_differ) {
    std::set<std::string> seen;
    for (int i = 0; i < 20'000; ++i) {
        const std::string name = random_name();
        ASSERT_EQ(name.size(), 13U);
        ASSERT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), name.npos) << name;
        ASSERT_TRUE(seen.insert(name).second) << name << " came twice";
    }
}

TEST(name, T16_threads_draw_different_names) {
    std::array<std::string, 8> names;
    for (std::string& name : names) {
        in_new_thread([&] { name = random_name(); });
    }
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

// The name that comes of the given 64 random bits.
std::string name_of(std::uint64_t bits) {
    const replace_call<&sys::calls::random> fixed([&](void* into, std::size_t bytes) {
        std::memset(into, 0, bytes);
        std::memcpy(into, &bits, sizeof bits);
        return 0;
    });
    std::string name;
    in_new_thread([&] { name = random_name(); });
    return name;
}

TEST(name, T16_each_of_64_random_bits_counts) {
    std::set<std::string> names{name_of(0)};
    for (unsigned bit = 0; bit < 64; ++bit) {
        names.insert(name_of(std::uint64_t{1} << bit));
    }
    EXPECT_EQ(names.size(), 65U);
}

TEST(name, T16_most_names_cost_no_system_call) {
    in_new_thread([] {
        const count_calls<&sys::calls::random> draws;
        for (int i = 0; i < 64; ++i) {
            random_name();
        }
        EXPECT_EQ(draws.count(), 2);
    });
}

TEST(name, T16_the_device_is_asked_when_the_system_call_refuses) {
    for (const int refusal : {EAGAIN, ENOSYS, EPERM}) {
        const replace_call<&sys::calls::random> refusing([&](auto&&...) { return refusal; });
        const count_calls<&sys::calls::random_device> devices;
        in_new_thread([] { EXPECT_NE(random_name(), random_name()); });
        EXPECT_EQ(devices.count(), 1);
    }
}

TEST(name, T16_without_random_numbers_nothing_is_made) {
    const scratch dir;
    const replace_call<&sys::calls::random> none([](auto&&...) { return ENOSYS; });
    const replace_call<&sys::calls::random_device> no_device([](auto&&...) { return ENOENT; });
    const replace_call<&sys::calls::create_unnamed> old_kernel([](auto&&...) { return EISDIR; });
    for (const creator& c : all_creators()) {
        in_new_thread([&] {
            std::error_code ec;
            c.make_quietly({.dir = dir.path()}, ec);
            EXPECT_EQ(ec.value(), ENOENT) << c.name;
            EXPECT_EQ(thrown([&] { c.make({.dir = dir.path()}); }).value(), ENOENT) << c.name;
        });
    }
    EXPECT_TRUE(dir.empty());
}

TEST(name, a_name_is_prefix_random_suffix) {
    const scratch dir;
    const auto made = mkstemp({.prefix = "build-", .suffix = ".d", .dir = dir.path()});
    const std::string name = made.path.filename().string();
    EXPECT_TRUE(name.starts_with("build-") && name.ends_with(".d")) << name;
    EXPECT_EQ(name.size(), 6U + 13U + 2U);
}

// --- What is refused ---

struct refusal {
    const char* what;
    std::string affix;
};

const std::array<refusal, 9> refusals{{
    {"a separator inside", "a/b"},
    {"a separator first", "/x"},
    {"a separator last", "x/"},
    {"up and away", "../x"},
    {"the parent directory", ".."},
    {"an absolute path", "/etc/passwd"},
    {"a NUL byte", std::string("a\0b", 3)},
    {"nothing but a NUL byte", std::string(1, '\0')},
    {"300 bytes", std::string(300, 'n')},
}};

void expect_bad_argument(const creator& c, const name_options& options, const char* what) {
    EXPECT_THROW(c.make(options), std::invalid_argument) << c.name << ": " << what;
    std::error_code ec;
    c.make_quietly(options, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument) << c.name << ": " << what;
    EXPECT_EQ(ec.category(), std::generic_category()) << "a caller's mistake, not the system's refusal";
}

TEST(name, T17_every_creator_refuses_a_bad_prefix_and_makes_nothing) {
    const scratch dir;
    for (const creator& c : all_creators()) {
        for (const refusal& bad : refusals) {
            expect_bad_argument(c, {.prefix = bad.affix, .dir = dir.path()}, bad.what);
        }
    }
    EXPECT_TRUE(dir.empty());
}

TEST(name, T17_every_creator_refuses_a_bad_suffix_and_makes_nothing) {
    const scratch dir;
    for (const creator& c : all_creators()) {
        for (const refusal& bad : refusals) {
            expect_bad_argument(c, {.suffix = bad.affix, .dir = dir.path()}, bad.what);
        }
    }
    EXPECT_TRUE(dir.empty());
}

TEST(name, T17_every_creator_refuses_names_longer_than_255_bytes_altogether) {
    const scratch dir;
    for (const creator& c : all_creators()) {
        EXPECT_NO_THROW(c.make({.prefix = std::string(142, 'p'), .suffix = std::string(100, 's'), .dir = dir.path()}))
            << c.name;
        expect_bad_argument(c, {.prefix = std::string(143, 'p'), .suffix = std::string(100, 's'), .dir = dir.path()},
                            "256 bytes");
    }
}

TEST(name, T17_every_creator_refuses_a_directory_with_a_NUL_byte) {
    const std::string path("/tmp\0/x", 7);
    for (const creator& c : all_creators()) {
        expect_bad_argument(c, {.dir = path}, "a NUL byte in dir");
    }
}

TEST(name, T17_a_refused_spool_is_refused_before_it_rolls_over) {
    EXPECT_THROW(std::ignore = spooled_temporary_file({.prefix = "a/b"}), std::invalid_argument);
    std::error_code ec;
    const spooled_temporary_file spool({.suffix = ".."}, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    EXPECT_TRUE(spool.closed());
}

TEST(name, any_other_bytes_are_taken_as_they_are) {
    const scratch dir;
    for (const std::string& affix : {std::string("\xff\xfe"), std::string("a b"), std::string("-"), std::string("..."),
                                     std::string("\n"), std::string("."), std::string("*?$(x)"), std::string()}) {
        for (const creator& c : all_creators()) {
            EXPECT_NO_THROW(c.make({.prefix = affix, .suffix = affix, .dir = dir.path()})) << c.name << affix;
        }
        const auto made = mkstemp({.prefix = affix, .suffix = affix, .dir = dir.path()});
        const std::string name = made.path.filename().native();
        EXPECT_TRUE(name.starts_with(affix) && name.ends_with(affix)) << affix;
        EXPECT_TRUE(stands(made.path));
    }
}

TEST(name, messages_name_the_culprit_and_say_what_to_do) {
    const auto message = [](const name_options& o) { return message_of([&] { std::ignore = mkstemp(o); }); };
    EXPECT_TRUE(mentions(message({.prefix = "a/b"}), "prefix \"a/b\" contains a separator; use the option dir"));
    EXPECT_TRUE(mentions(message({.suffix = ".."}), "suffix \"..\" means the parent directory"));
    EXPECT_TRUE(mentions(message({.suffix = std::string("a\0b", 3)}), "suffix \"a\\0b\" contains a NUL byte"));
    EXPECT_TRUE(mentions(message({.prefix = std::string(300, 'n')}), "a name of 313 bytes; at most 255"));
}

}  // namespace
}  // namespace tempfile::test
