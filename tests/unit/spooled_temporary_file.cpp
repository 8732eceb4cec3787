#include "tempfile/spooled_temporary_file.hpp"

#include <gtest/gtest.h>

#include <array>

#include "helpers.hpp"
#include "model.hpp"
#include "support/scratch.hpp"
#include "tempfile/location.hpp"
#include "values.hpp"

namespace tempfile::test {
namespace {

constexpr auto both = std::ios::in | std::ios::out;

using create_unnamed_call = replace_call<&sys::calls::create_unnamed>;
using create_file_call = replace_call<&sys::calls::create_file>;

// --- Against the model ---

void walk_spools(bool unreliable) {
    for (const std::size_t max_size : {0U, 1U, 10U, 100U, 1000U, 1'000'000U}) {
        for (const bool append : {false, true}) {
            for (unsigned seed = 1; seed <= 3; ++seed) {
                const auto mode = append ? both | std::ios::app : both;
                spooled_temporary_file spool({.max_size = max_size, .mode = mode, .buffering = 200});
                SCOPED_TRACE("max_size " + std::to_string(max_size));
                walk(spool, {.seed = seed, .longest = 150, .append = append, .unreliable = unreliable}).run();
            }
        }
    }
}

TEST(spooled_temporary_file, does_what_the_model_does_at_every_max_size) {
    walk_spools(false);
}

TEST(spooled_temporary_file, T26_whatever_fails_can_be_repeated_and_nothing_is_lost) {
    walk_spools(true);
}

// --- When it rolls over ---

TEST(spooled_temporary_file, stays_in_memory_up_to_max_size) {
    const count_calls<&sys::calls::create_unnamed> creates;
    spooled_temporary_file spool({.max_size = 10});
    EXPECT_FALSE(spool.rolled());
    EXPECT_EQ(spool.native_handle(), -1);
    spool << "0123456789";
    EXPECT_FALSE(spool.rolled()) << "exactly max_size bytes may stay";
    EXPECT_EQ(spool.size(), 10U);
    spool.seek(3);
    spool << "XY";
    EXPECT_EQ(spool.read(), "56789");
    spool.flush();
    EXPECT_FALSE(spool.rolled());
    EXPECT_EQ(creates.count(), 0) << "no file, no system call";
    spool << "!";
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(spool.tell(), 11U);
    EXPECT_EQ(all_of(spool), "012XY56789!");
}

TEST(spooled_temporary_file, one_byte_at_a_time_rolls_over_at_the_same_place) {
    spooled_temporary_file spool({.max_size = 10});
    for (int i = 0; i < 10; ++i) {
        spool.put(static_cast<char>('0' + i));
    }
    EXPECT_FALSE(spool.rolled());
    spool.put('!');
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(all_of(spool), "0123456789!");
}

TEST(spooled_temporary_file, a_piece_larger_than_max_size_rolls_over_at_once) {
    spooled_temporary_file spool({.max_size = 10});
    spool << "ab";
    spool.write(sample(3 * default_buffering));
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(all_of(spool), "ab" + sample(3 * default_buffering));
}

TEST(spooled_temporary_file, a_write_far_behind_the_end_rolls_over) {
    spooled_temporary_file spool({.max_size = 10});
    spool << "ab";
    spool.seek(10);
    EXPECT_FALSE(spool.rolled()) << "a seek alone writes nothing";
    spool << "c";
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(all_of(spool), std::string("ab\0\0\0\0\0\0\0\0c", 11));
}

TEST(spooled_temporary_file, the_gap_behind_the_end_is_zeros_also_where_text_stood_before) {
    spooled_temporary_file spool;
    spool << "0123456789";
    spool.truncate(2);
    spool.seek(5);
    spool << "x";
    EXPECT_EQ(all_of(spool), std::string("01\0\0\0x", 6));
    EXPECT_FALSE(spool.rolled());
}

TEST(spooled_temporary_file, T30_max_size_0_rolls_over_with_the_first_byte) {
    spooled_temporary_file spool({.max_size = 0});
    EXPECT_FALSE(spool.rolled());
    spool.write("");
    EXPECT_FALSE(spool.rolled());
    spool << "x";
    EXPECT_TRUE(spool.rolled());
}

TEST(spooled_temporary_file, T30_the_default_is_a_real_limit) {
    spooled_temporary_file spool;
    spool.write(std::string(default_max_size, 'x'));
    EXPECT_FALSE(spool.rolled());
    spool << "x";
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(spool.size(), default_max_size + 1);
}

TEST(spooled_temporary_file, T26_a_max_size_that_is_too_large_is_refused) {
    EXPECT_NO_THROW(std::ignore = spooled_temporary_file({.max_size = largest_max_size}));
    EXPECT_THROW(std::ignore = spooled_temporary_file({.max_size = largest_max_size + 1}), std::invalid_argument);
    EXPECT_THROW(std::ignore = spooled_temporary_file({.max_size = ~std::size_t{0}}), std::invalid_argument);
    std::error_code ec;
    const spooled_temporary_file spool({.max_size = largest_max_size + 1}, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    EXPECT_TRUE(spool.closed());
    EXPECT_TRUE(mentions(message_of([] { std::ignore = spooled_temporary_file({.max_size = ~std::size_t{0}}); }),
                         "the largest is 1 GiB"));
}

TEST(spooled_temporary_file, T26_positions_beyond_every_size_do_not_overflow) {
    spooled_temporary_file spool({.max_size = largest_max_size});
    spool << "ab";
    spool.seek(std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(thrown([&] { spool.seek(1, std::ios::cur); }), std::errc::invalid_argument);
    EXPECT_EQ(spool.read(), "");
    EXPECT_EQ(thrown([&] { spool << "x"; }), std::errc::file_too_large);
    spool.clear();
    EXPECT_EQ(spool.tell(), static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    EXPECT_EQ(all_of(spool), "ab");
}

// --- What asks for a file ---

TEST(spooled_temporary_file, rollover_moves_everything_once) {
    spooled_temporary_file spool;
    spool << "0123456789";
    spool.seek(4);
    spool.rollover();
    EXPECT_TRUE(spool.rolled());
    EXPECT_GE(spool.native_handle(), 0);
    EXPECT_EQ(spool.tell(), 4U);
    EXPECT_EQ(contents(spool.native_handle()), "0123456789");
    const int handle = spool.native_handle();
    spool.rollover();
    std::error_code ec = std::make_error_code(std::errc::io_error);
    spool.rollover(ec);
    EXPECT_FALSE(ec);
    EXPECT_EQ(spool.native_handle(), handle) << "nothing happens if there is a file already";
    EXPECT_EQ(spool.read(), "456789");
}

TEST(spooled_temporary_file, rollover_of_an_empty_one_and_behind_the_end) {
    spooled_temporary_file spool;
    spool.seek(7);
    spool.rollover();
    EXPECT_EQ(spool.tell(), 7U);
    EXPECT_EQ(spool.size(), 0U);
    spool << "x";
    EXPECT_EQ(spool.size(), 8U);
}

TEST(spooled_temporary_file, fileno_and_reopen_roll_over) {
    spooled_temporary_file by_fileno;
    by_fileno << "text";
    EXPECT_EQ(contents(by_fileno.fileno()), "text");
    EXPECT_TRUE(by_fileno.rolled());
    spooled_temporary_file by_reopen;
    by_reopen << "text";
    EXPECT_EQ(contents(by_reopen.reopen().native_handle()), "text");
    EXPECT_TRUE(by_reopen.rolled());
}

TEST(spooled_temporary_file, truncate_rolls_over_when_it_makes_it_larger_than_max_size) {
    spooled_temporary_file spool({.max_size = 10});
    spool << "abc";
    spool.truncate(10);
    EXPECT_FALSE(spool.rolled());
    EXPECT_EQ(spool.size(), 10U);
    spool.truncate(1);
    EXPECT_EQ(spool.size(), 1U);
    spool.truncate(11);
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(spool.size(), 11U);
    EXPECT_EQ(spool.tell(), 3U);
    EXPECT_EQ(all_of(spool), std::string("a\0\0\0\0\0\0\0\0\0\0", 11));
}

TEST(spooled_temporary_file, one_object_before_and_after) {
    spooled_temporary_file spool({.max_size = 100});
    std::iostream& stream = spool;
    std::streambuf* const buffer = spool.rdbuf();
    stream << "before ";
    spool.rollover();
    stream << "after";
    EXPECT_EQ(spool.rdbuf(), buffer);
    EXPECT_EQ(all_of(spool), "before after");
}

TEST(spooled_temporary_file, the_file_has_no_name_and_mode_0600) {
    const scratch dir;
    const file_mode_mask all_allowed(0);
    for (const int answer : {0, EISDIR}) {
        const create_unnamed_call rung([&](const char* where, bool append, sys::handle& made) {
            return answer != 0 ? answer : create_unnamed_call::real(where, append, made);
        });
        spooled_temporary_file spool({.dir = dir.path()});
        spool << "x";
        spool.rollover();
        EXPECT_TRUE(dir.empty());
        EXPECT_EQ(permissions_of(spool.native_handle()), 0600U);
    }
}

// --- The direct path ---

TEST(spooled_temporary_file, the_direct_path_writes_bytes_and_text) {
    spooled_temporary_file spool({.max_size = 8});
    const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{1}, std::byte{255}};
    spool.write(bytes);
    spool.write("text");
    spool.write(std::string("!"));
    EXPECT_FALSE(spool.rolled());
    spool.write(bytes);
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(all_of(spool), std::string("\0\1\xff", 3) + "text!" + std::string("\0\1\xff", 3));
}

TEST(spooled_temporary_file, the_direct_path_respects_mode_and_line_ends) {
    spooled_temporary_file reader({.mode = std::ios::in});
    EXPECT_EQ(thrown([&] { reader.write("x"); }), std::errc::bad_file_descriptor);
    spooled_temporary_file text({.newline = newlines::crlf});
    text.write("a\n");
    EXPECT_EQ(text.size(), 3U);
}

// --- Where ---

TEST(spooled_temporary_file, an_empty_dir_means_gettempdir_at_the_moment_of_the_roll_over) {
    const scratch dir;
    spooled_temporary_file spool;
    spool << "x";
    const scoped_tempdir here(dir.path());
    spool.rollover();
    const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(spool.native_handle()));
    EXPECT_EQ(link.parent_path(), dir.path());
}

TEST(spooled_temporary_file, T1_a_relative_dir_means_the_working_directory_of_its_birth) {
    const scratch dir;
    std::filesystem::create_directory(dir / "sub");
    const working_directory there(dir.path());
    spooled_temporary_file spool({.dir = "sub"});
    const working_directory elsewhere("/");
    spool << "x";
    spool.rollover();
    const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(spool.native_handle()));
    EXPECT_EQ(link.parent_path(), dir / "sub");
}

TEST(spooled_temporary_file, a_missing_dir_is_an_error_of_the_roll_over) {
    const scratch dir;
    spooled_temporary_file spool({.dir = dir / "missing"});
    spool << "text";
    try {
        spool.rollover();
        ADD_FAILURE() << "no error";
    } catch (const std::filesystem::filesystem_error& e) {
        EXPECT_EQ(e.path1(), dir / "missing");
        EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
    }
    std::filesystem::create_directory(dir / "missing");
    spool.rollover();
    EXPECT_EQ(all_of(spool), "text");
}

// --- Roll-over that fails ---

// Every operation that rolls over, at a spool that holds "0123456789" of at most 12 bytes, position 4; and what they
// leave behind when they succeed.
struct roll {
    const char* what;
    void (*operation)(spooled_temporary_file&);
    std::string afterwards;
    std::uint64_t position;
};

const std::array<roll, 8> rolls{{
    {"rollover", [](auto& s) { s.rollover(); }, "0123456789", 4},
    {"fileno", [](auto& s) { std::ignore = s.fileno(); }, "0123456789", 4},
    {"reopen", [](auto& s) { std::ignore = s.reopen(); }, "0123456789", 4},
    {"write", [](auto& s) { s.write("abcdefghij"); }, "0123abcdefghij", 14},
    {"ostream::write", [](auto& s) { s.std::ostream::write("abcdefghij", 10); }, "0123abcdefghij", 14},
    {"<<", [](auto& s) { s << "abcdefghij"; }, "0123abcdefghij", 14},
    {"large write", [](auto& s) { s.write(sample(default_buffering)); }, "0123" + sample(default_buffering),
     4 + default_buffering},
    {"truncate", [](auto& s) { s.truncate(13); }, std::string("0123456789\0\0\0", 13), 4},
}};

// Fails, keeps everything; then succeeds. `fault` lives while it is to fail.
template <class Fault>
void expect_nothing_lost(const roll& r, std::errc code, Fault fault) {
    std::ignore = gettempdir();  // so that it is not the search that fails
    spooled_temporary_file spool({.max_size = 12});
    spool << "0123456789";
    spool.seek(4);
    {
        const auto failing = fault();
        EXPECT_EQ(thrown([&] { r.operation(spool); }), code) << r.what;
        spool.clear();
        EXPECT_FALSE(spool.rolled()) << r.what;
        EXPECT_EQ(spool.tell(), 4U) << r.what;
        EXPECT_EQ(spool.size(), 10U) << r.what;
        EXPECT_EQ(spool.read(3), "456") << r.what;
        spool.seek(0);
        EXPECT_EQ(spool.read(), "0123456789") << r.what;
        spool.seek(4);
        EXPECT_EQ(thrown([&] { r.operation(spool); }), code) << r.what << ", again";
        spool.clear();
    }
    EXPECT_FALSE(thrown([&] { r.operation(spool); })) << r.what;
    EXPECT_TRUE(spool.rolled()) << r.what;
    EXPECT_EQ(spool.tell(), r.position) << r.what;
    EXPECT_EQ(all_of(spool), r.afterwards) << r.what;
}

TEST(spooled_temporary_file, T26_rollover_that_cannot_make_its_file_keeps_every_byte_and_the_position) {
    for (const roll& r : rolls) {
        expect_nothing_lost(r, std::errc::no_space_on_device,
                            [] { return create_unnamed_call([](auto&&...) { return ENOSPC; }); });
    }
}

struct fallback_fails {
    create_unnamed_call old_kernel{[](auto&&...) { return EOPNOTSUPP; }};
    create_file_call refusing{[](auto&&...) { return EMFILE; }};
};

TEST(spooled_temporary_file, T26_rollover_whose_fallback_fails_keeps_every_byte_and_the_position) {
    for (const roll& r : rolls) {
        expect_nothing_lost(r, std::errc::too_many_files_open, [] { return fallback_fails(); });
    }
}

TEST(spooled_temporary_file, T26_rollover_on_a_disk_that_fills_up_keeps_every_byte_and_the_position) {
    for (const std::size_t room : {0U, 1U, 5U, 9U}) {
        for (const roll& r : rolls) {
            SCOPED_TRACE("room for " + std::to_string(room));
            // The room is there anew for each try, as when the failed file gave it back.
            expect_nothing_lost(r, std::errc::no_space_on_device, [&] { return nearly_full_disk(room); });
        }
    }
}

TEST(spooled_temporary_file, T26_a_failed_rollover_closes_the_file_it_began) {
    spooled_temporary_file spool;
    spool << "0123456789";
    std::ignore = gettempdir();  // so that it is not the search that fails
    const count_calls<&sys::calls::create_unnamed> creates;
    const count_calls<&sys::calls::close> closes;
    const nearly_full_disk disk(5);
    std::error_code ec;
    for (int i = 0; i < 10; ++i) {
        spool.rollover(ec);
        EXPECT_EQ(ec, std::errc::no_space_on_device);
    }
    EXPECT_EQ(creates.count(), 10);
    EXPECT_EQ(closes.count(), 10);
}

TEST(spooled_temporary_file, T26_short_writes_while_rolling_over_are_completed) {
    using call = replace_call<&sys::calls::write>;
    const call short_writes([](sys::handle h, const void* from, std::size_t bytes, std::size_t& done) {
        return call::real(h, from, std::min<std::size_t>(bytes, 1000), done);
    });
    spooled_temporary_file spool;
    spool.write(sample(100'000));
    spool.rollover();
    EXPECT_EQ(all_of(spool), sample(100'000));
}

TEST(spooled_temporary_file, T26_the_real_limit_of_file_size) {
    spooled_temporary_file spool;
    spool.write(sample(10'000));
    {
        const file_size_limit limit(4000);
        EXPECT_EQ(thrown([&] { spool.rollover(); }), std::errc::file_too_large);
        EXPECT_FALSE(spool.rolled());
        EXPECT_EQ(all_of(spool), sample(10'000));
    }
    spool.rollover();
    EXPECT_EQ(all_of(spool), sample(10'000));
}

TEST(spooled_temporary_file, T26_a_write_that_rolls_over_and_then_fails_keeps_what_was_there) {
    spooled_temporary_file spool({.max_size = 12, .buffering = 0});
    spool << "0123456789";
    std::ignore = gettempdir();  // so that it is not the search that fails
    nearly_full_disk disk(10);   // enough for the roll-over, not for what asked for it
    EXPECT_EQ(thrown([&] { spool.write("abc"); }), std::errc::no_space_on_device);
    EXPECT_TRUE(spool.rolled());
    EXPECT_EQ(spool.tell(), 10U);
    disk.add_room(3);
    spool.write("abc");
    EXPECT_EQ(all_of(spool), "0123456789abc");
}

TEST(spooled_temporary_file, T26_rollover_in_append_mode_with_failure) {
    spooled_temporary_file spool({.max_size = 12, .mode = both | std::ios::app});
    spool << "0123456789";
    spool.seek(4);
    std::ignore = gettempdir();  // so that it is not the search that fails
    {
        const nearly_full_disk disk(5);
        EXPECT_EQ(thrown([&] { spool.write("abc"); }), std::errc::no_space_on_device);
        EXPECT_EQ(spool.tell(), 4U);
    }
    spool.write("abc");
    EXPECT_EQ(spool.tell(), 13U);
    EXPECT_EQ(all_of(spool), "0123456789abc");
}

// --- The end ---

TEST(spooled_temporary_file, nothing_is_written_when_it_vanishes) {
    const count_calls<&sys::calls::pwrite> pwrites;
    const count_calls<&sys::calls::write> writes;
    const count_calls<&sys::calls::create_unnamed> creates;
    {
        spooled_temporary_file spool;
        spool << "for nobody";
    }
    {
        spooled_temporary_file spool;
        spool << "for nobody";
        spool.close();
        EXPECT_TRUE(spool.closed());
        EXPECT_FALSE(spool.rolled());
    }
    EXPECT_EQ(pwrites.count() + writes.count() + creates.count(), 0);
    {
        spooled_temporary_file spool;
        spool.rollover();
        spool << "for nobody";
    }
    EXPECT_EQ(pwrites.count(), 0);
}

TEST(spooled_temporary_file, what_is_closed_cannot_roll_over) {
    spooled_temporary_file spool;
    spool << "x";
    spool.close();
    EXPECT_EQ(thrown([&] { spool.rollover(); }), std::errc::bad_file_descriptor);
    std::error_code ec;
    spool.rollover(ec);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
    EXPECT_FALSE(spool.rolled());
    spooled_temporary_file moved;
    const auto target = std::move(moved);
    EXPECT_EQ(thrown([&] { moved.rollover(); }), std::errc::bad_file_descriptor);  // NOLINT(bugprone-use-after-move)
    EXPECT_FALSE(moved.rolled());
}

TEST(spooled_temporary_file, T18_between_memory_and_file) {
    spooled_temporary_file memory;
    memory << "in memory";
    spooled_temporary_file disk;
    disk << "on disk";
    disk.rollover();
    swap(memory, disk);
    EXPECT_TRUE(memory.rolled());
    EXPECT_FALSE(disk.rolled());
    EXPECT_EQ(all_of(memory), "on disk");
    EXPECT_EQ(all_of(disk), "in memory");
    memory = std::move(disk);
    EXPECT_FALSE(memory.rolled());
    EXPECT_EQ(all_of(memory), "in memory");
    memory.rollover();
    EXPECT_EQ(all_of(memory), "in memory");
}

}  // namespace
}  // namespace tempfile::test
