#include "tempfile/file_object.hpp"

#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <iomanip>
#include <memory>
#include <ranges>
#include <tuple>
#include <vector>

#include "helpers.hpp"
#include "model.hpp"
#include "support/scratch.hpp"
#include "tempfile/named_temporary_file.hpp"
#include "tempfile/spooled_temporary_file.hpp"
#include "tempfile/temporary_file.hpp"
#include "values.hpp"

namespace tempfile::test {
namespace {

constexpr auto both = std::ios::in | std::ios::out;

static_assert(std::is_base_of_v<std::iostream, file_object>);
static_assert(std::ranges::input_range<file_object::line_range>);
static_assert(!std::is_convertible_v<file, file_object>);

// --- The kinds of file objects; each must pass everything below ---

struct plain {
    static constexpr const char* name = "file_object";
    static file_object make(const file_object_options& options = {}) {
        std::string path = "/tmp/tempfile-test-XXXXXX";
        file f(::mkostemp(path.data(), O_CLOEXEC | ((options.mode & std::ios::app) != 0 ? O_APPEND : 0)));
        ::unlink(path.c_str());
        return file_object(std::move(f), options);
    }
};

struct unnamed {
    static constexpr const char* name = "temporary_file";
    static temporary_file make(const file_object_options& o = {}) {
        return temporary_file({.mode = o.mode, .buffering = o.buffering, .newline = o.newline});
    }
};

struct named {
    static constexpr const char* name = "named_temporary_file";
    static named_temporary_file make(const file_object_options& o = {}) {
        return named_temporary_file({.mode = o.mode, .buffering = o.buffering, .newline = o.newline});
    }
};

struct in_memory {
    static constexpr const char* name = "spooled_in_memory";
    static spooled_temporary_file make(const file_object_options& o = {}) {
        return spooled_temporary_file({.mode = o.mode, .buffering = o.buffering, .newline = o.newline});
    }
};

struct rolled_over {
    static constexpr const char* name = "spooled_rolled_over";
    static spooled_temporary_file make(const file_object_options& o = {}) {
        spooled_temporary_file spool({.mode = o.mode, .buffering = o.buffering, .newline = o.newline});
        spool.rollover();
        return spool;
    }
};

struct rolling_over {
    static constexpr const char* name = "spooled_rolling_over";
    static spooled_temporary_file make(const file_object_options& o = {}) {
        return spooled_temporary_file({.max_size = 3, .mode = o.mode, .buffering = o.buffering, .newline = o.newline});
    }
};

struct kind_names {
    template <class Kind>
    static std::string GetName(int /*index*/) {
        return Kind::name;
    }
};

template <class Kind>
class file_objects : public testing::Test {};

using kinds = testing::Types<plain, unnamed, named, in_memory, rolled_over, rolling_over>;
TYPED_TEST_SUITE(file_objects, kinds, kind_names);

// --- Against the model ---

TYPED_TEST(file_objects, do_what_the_model_does) {
    for (const std::size_t buffering : {0U, 1U, 7U, 100U, 65536U}) {
        for (const bool append : {false, true}) {
            for (unsigned seed = 1; seed <= 3; ++seed) {
                const auto mode = append ? both | std::ios::app : both;
                auto fp = TypeParam::make({.mode = mode, .buffering = buffering});
                SCOPED_TRACE("buffering " + std::to_string(buffering));
                walk(fp, {.seed = seed, .steps = 1000, .append = append}).run();
            }
        }
    }
}

// --- Values ---

TYPED_TEST(file_objects, T18_values) {
    expect_values<decltype(TypeParam::make())>([] { return TypeParam::make(); });
}

TYPED_TEST(file_objects, T18_values_with_translation_of_line_ends) {
    expect_values<decltype(TypeParam::make())>([] { return TypeParam::make({.newline = newlines::crlf}); });
}

TYPED_TEST(file_objects, T18_references_to_the_stream_follow_the_object) {
    expect_stream_follows<decltype(TypeParam::make())>([] { return TypeParam::make(); });
}

TYPED_TEST(file_objects, T18_put_into_a_vector) {
    std::vector<decltype(TypeParam::make())> all;
    for (int i = 0; i < 20; ++i) {
        all.push_back(TypeParam::make());
        all.back() << i;
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(all_of(all[static_cast<std::size_t>(i)]), std::to_string(i));
    }
}

TEST(file_object, T18_a_default_made_one_is_closed) {
    file_object fp;
    expect_refusal(fp);
    EXPECT_EQ(fp.exceptions(), std::ios::badbit);
}

// --- Members ---

TYPED_TEST(file_objects, read_what_was_written) {
    auto fp = TypeParam::make();
    fp.write("one two three");
    EXPECT_EQ(fp.tell(), 13U);
    EXPECT_EQ(fp.read(), "") << "at the end";
    fp.seek(4);
    EXPECT_EQ(fp.read(3), "two");
    EXPECT_EQ(fp.read(), " three");
    fp.seek(0);
    EXPECT_EQ(fp.read(1000), "one two three") << "fewer only at the end";
    EXPECT_EQ(fp.read(0), "");
    fp.seek(4);
    std::array<std::byte, 5> into{};
    EXPECT_EQ(fp.read(into), 5U);
    EXPECT_EQ(into[4], std::byte{'t'});
    EXPECT_EQ(fp.read(std::span(into)), 4U);
    const std::array<std::byte, 2> bytes{std::byte{0}, std::byte{255}};
    fp.write(bytes);
    fp.seek(-2, std::ios::end);
    EXPECT_EQ(fp.read(), std::string("\0\xff", 2));
}

TYPED_TEST(file_objects, readsome_gives_all_there_is) {
    auto fp = TypeParam::make();
    fp.write("0123456789");
    fp.seek(2);
    std::array<char, 20> there{};
    EXPECT_EQ(fp.readsome(there.data(), 3), 3);
    EXPECT_EQ(fp.readsome(there.data() + 3, 17), 5);
    EXPECT_STREQ(there.data(), "23456789");
    EXPECT_EQ(fp.readsome(there.data(), 1), 0);
}

TYPED_TEST(file_objects, readsome_knows_translated_text_too) {
    auto fp = TypeParam::make({.newline = newlines::universal});
    fp.write("one\r\ntwo");
    fp.seek(0);
    std::array<char, 20> there{};
    EXPECT_EQ(fp.readsome(there.data(), 20), 7);
    EXPECT_STREQ(there.data(), "one\ntwo");
    fp.close();
    EXPECT_THROW(fp.readsome(there.data(), 1), std::system_error);
}

TYPED_TEST(file_objects, members_write_also_after_reading_met_the_end_and_inserters_as_streams_do) {
    auto fp = TypeParam::make();
    fp << 42;
    fp.seek(0);
    int x = 0;
    fp >> x;
    EXPECT_TRUE(fp.eof());
    fp.write("a");
    fp.write("bc", 1);
    EXPECT_EQ(fp.size(), 4U);
    fp << "lost";
    EXPECT_FALSE(fp.good());
    EXPECT_EQ(fp.size(), 4U);
    fp.clear();
    fp << "kept";
    fp.seek(0);
    EXPECT_EQ(fp.read(), "42abkept");
}

TYPED_TEST(file_objects, may_be_a_member_of_an_aggregate) {
    struct job {
        int id = 0;
        decltype(TypeParam::make()) scratch;
    };
    const job j{.id = 1, .scratch = {}};
    const job k{};
    EXPECT_EQ(j.id + k.id, 1);
}

TYPED_TEST(file_objects, a_buffer_too_large_to_count_is_refused) {
    EXPECT_THROW(std::ignore = TypeParam::make({.buffering = ~std::size_t{0}}), std::invalid_argument);
}

TYPED_TEST(file_objects, error_codes_for_the_short_forms) {
    auto fp = TypeParam::make();
    fp.write("one\ntwo\n");
    std::error_code ec = std::make_error_code(std::errc::io_error);
    EXPECT_EQ(fp.seek(4, ec), 4U);
    EXPECT_FALSE(ec);
    EXPECT_EQ(fp.readline(ec), "two\n");
    EXPECT_FALSE(ec);
    fp.seek(-1, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    fp.close();
    EXPECT_EQ(fp.readline(ec), "");
    EXPECT_EQ(ec, std::errc::bad_file_descriptor);
}

TYPED_TEST(file_objects, reading_after_writing_needs_no_seek) {
    auto fp = TypeParam::make();
    fp << "0123456789";
    fp.seek(2);
    fp.write("AB");
    EXPECT_EQ(fp.read(2), "45");
    fp.write("CD");
    EXPECT_EQ(fp.get(), '8');
    fp << 'E';
    fp.seek(0);
    EXPECT_EQ(fp.read(), "01AB45CD8E");
}

TYPED_TEST(file_objects, read_n_takes_no_memory_for_what_is_not_there) {
    auto fp = TypeParam::make();
    fp.write("abc");
    fp.seek(0);
    EXPECT_EQ(fp.read(~std::size_t{0} / 2), "abc");
    fp.seek(100);
    EXPECT_EQ(fp.read(default_buffering * 2), "") << "behind the end";
    EXPECT_EQ(fp.read(), "");
}

TYPED_TEST(file_objects, read_large_amounts) {
    auto fp = TypeParam::make();
    const std::string text = sample(5 * default_buffering + 123);
    fp.write(text);
    fp.seek(0);
    EXPECT_EQ(fp.read(3 * default_buffering), text.substr(0, 3 * default_buffering));
    EXPECT_EQ(fp.read(), text.substr(3 * default_buffering));
}

TYPED_TEST(file_objects, readline_gives_a_line_with_its_end_or_at_most_limit_bytes) {
    auto fp = TypeParam::make();
    fp.write("one\n\nthree\nlast");
    fp.seek(0);
    EXPECT_EQ(fp.readline(), "one\n");
    EXPECT_EQ(fp.readline(), "\n");
    EXPECT_EQ(fp.readline(0), "");
    EXPECT_EQ(fp.readline(2), "th");
    EXPECT_EQ(fp.readline(4), "ree\n");
    EXPECT_EQ(fp.readline(), "last");
    EXPECT_EQ(fp.readline(), "");
}

TYPED_TEST(file_objects, lines_go_on_from_the_position) {
    auto fp = TypeParam::make();
    fp.write("zero\none\ntwo");
    fp.seek(5);
    std::vector<std::string> seen;
    for (const std::string& line : fp.lines()) {
        seen.push_back(line);
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"one\n", "two"}));
    EXPECT_EQ(fp.tell(), 12U);
    EXPECT_TRUE(fp.good()) << "members leave the state of the stream alone";
    auto none = fp.lines();
    EXPECT_TRUE(none.begin() == none.end());
}

TYPED_TEST(file_objects, seek_and_tell) {
    auto fp = TypeParam::make();
    fp.write("0123456789");
    EXPECT_EQ(fp.seek(3), 3U);
    EXPECT_EQ(fp.seek(2, std::ios::cur), 5U);
    EXPECT_EQ(fp.seek(-1, std::ios::end), 9U);
    EXPECT_EQ(fp.seek(1000), 1000U);
    EXPECT_EQ(fp.size(), 10U);
    EXPECT_EQ(thrown([&] { fp.seek(-1); }), std::errc::invalid_argument);
    EXPECT_EQ(thrown([&] { fp.seek(-11, std::ios::end); }), std::errc::invalid_argument);
    EXPECT_EQ(fp.tell(), 1000U);
    fp.write("x");
    EXPECT_EQ(fp.size(), 1001U);
    fp.seek(8);
    EXPECT_EQ(fp.read(4), std::string("89\0\0", 4));
}

TYPED_TEST(file_objects, seek_clears_eofbit_and_failbit) {
    auto fp = TypeParam::make();
    fp << "one two";
    fp.seek(0);
    for (std::string word; fp >> word;) {
    }
    EXPECT_TRUE(fp.eof() && fp.fail());
    fp.seek(0);
    EXPECT_TRUE(fp.good());
    std::string word;
    fp >> word;
    EXPECT_EQ(word, "one");
}

TYPED_TEST(file_objects, truncate_at_the_position_or_to_a_length) {
    auto fp = TypeParam::make();
    fp.write("0123456789");
    fp.seek(6);
    EXPECT_EQ(fp.truncate(), 6U);
    EXPECT_EQ(fp.tell(), 6U);
    EXPECT_EQ(fp.truncate(3), 3U);
    EXPECT_EQ(fp.tell(), 6U) << "the position stays";
    EXPECT_EQ(fp.size(), 3U);
    fp.write("x");
    fp.seek(0);
    EXPECT_EQ(fp.read(), std::string("012\0\0\0x", 7));
    EXPECT_EQ(fp.truncate(9), 9U);
    EXPECT_EQ(fp.read(), std::string("\0\0", 2));
    fp.seek(0);
    EXPECT_EQ(fp.truncate(), 0U);
    EXPECT_EQ(fp.size(), 0U);
}

TYPED_TEST(file_objects, size_counts_what_is_buffered_and_moves_nothing) {
    auto fp = TypeParam::make();
    EXPECT_EQ(fp.size(), 0U);
    fp << "abc";
    EXPECT_EQ(fp.size(), 3U);
    fp.seek(1);
    EXPECT_EQ(fp.size(), 3U);
    EXPECT_EQ(fp.get(), 'b');
    EXPECT_EQ(fp.size(), 3U);
    EXPECT_EQ(fp.get(), 'c');
}

// --- The twins ---

TYPED_TEST(file_objects, error_code_forms_do_the_same) {
    auto fp = TypeParam::make();
    std::error_code ec = std::make_error_code(std::errc::io_error);
    const auto done = [&] { return !std::exchange(ec, std::make_error_code(std::errc::io_error)); };
    fp.write("one\ntwo\n", ec);
    EXPECT_TRUE(done());
    const std::array<std::byte, 1> byte{std::byte{'!'}};
    static_cast<file_object&>(fp).write(std::span<const std::byte>(byte), ec);
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.seek(0, std::ios::beg, ec), 0U);
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.readline(100, ec), "one\n");
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.read(2, ec), "tw");
    EXPECT_TRUE(done());
    std::array<std::byte, 1> into{};
    EXPECT_EQ(fp.read(std::span<std::byte>(into), ec), 1U);
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.read(ec), "\n!");
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.tell(ec), 9U);
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.size(ec), 9U);
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.truncate(5, ec), 5U);
    EXPECT_TRUE(done());
    EXPECT_EQ(fp.truncate(ec), 9U);
    EXPECT_TRUE(done());
    fp.flush(ec);
    EXPECT_TRUE(done());
    EXPECT_GE(fp.fileno(ec), 0);
    EXPECT_TRUE(done());
    EXPECT_FALSE(fp.reopen(ec).closed());
    EXPECT_TRUE(done());
    fp.close(ec);
    EXPECT_TRUE(done());
}

TYPED_TEST(file_objects, error_code_forms_that_fail_answer_nothing) {
    auto fp = TypeParam::make();
    fp.close();
    std::error_code ec;
    std::array<std::byte, 1> into{};
    EXPECT_EQ(fp.read(ec), "");
    EXPECT_EQ(fp.read(1, ec), "");
    EXPECT_EQ(fp.read(std::span<std::byte>(into), ec), 0U);
    EXPECT_EQ(fp.readline(1, ec), "");
    EXPECT_EQ(fp.tell(ec), 0U);
    EXPECT_EQ(fp.size(ec), 0U);
    EXPECT_EQ(fp.fileno(ec), -1);
    EXPECT_TRUE(fp.reopen(ec).closed());
    EXPECT_TRUE(fp.good()) << "members leave the state of the stream alone";
}

// --- As a stream ---

TYPED_TEST(file_objects, formatted_output_and_input) {
    auto fp = TypeParam::make();
    fp << 42 << ' ' << 1.5 << ' ' << std::setw(5) << std::setfill('*') << "ab" << ' ' << std::hex << 255 << std::endl;
    EXPECT_EQ(all_of(fp), "42 1.5 ***ab ff\n");
    fp.seek(0);
    int i = 0;
    double d = 0;
    std::string word;
    fp >> i >> d >> word >> std::hex >> i;
    EXPECT_EQ(d, 1.5);
    EXPECT_EQ(word, "***ab");
    EXPECT_EQ(i, 255);
}

TYPED_TEST(file_objects, unformatted_input_of_streams) {
    auto fp = TypeParam::make();
    fp << "first line\nsecond";
    fp.seekg(0);
    std::string line;
    ASSERT_TRUE(std::getline(fp, line));
    EXPECT_EQ(line, "first line");
    EXPECT_EQ(fp.peek(), 's');
    EXPECT_EQ(fp.get(), 's');
    fp.unget();
    EXPECT_EQ(fp.get(), 's');
    fp.putback('s');
    EXPECT_EQ(std::streamoff(fp.tellg()), 11);
    char raw[4] = {};
    fp.read(raw, 3);
    EXPECT_STREQ(raw, "sec");
    EXPECT_EQ(fp.gcount(), 3);
    fp.ignore(1);
    ASSERT_TRUE(std::getline(fp, line));
    EXPECT_EQ(line, "nd");
    EXPECT_TRUE(fp.eof());
}

TYPED_TEST(file_objects, seekg_and_seekp_move_the_one_position) {
    auto fp = TypeParam::make();
    fp << "0123456789";
    fp.seekg(2);
    EXPECT_EQ(std::streamoff(fp.tellp()), 2);
    EXPECT_EQ(fp.tell(), 2U);
    fp.seekp(-3, std::ios::end);
    EXPECT_EQ(std::streamoff(fp.tellg()), 7);
    EXPECT_EQ(fp.get(), '7');
    fp.std::ostream::write("XY", 2);
    EXPECT_EQ(all_of(fp), "01234567XY");
}

TYPED_TEST(file_objects, whole_streams_go_through_rdbuf) {
    auto fp = TypeParam::make();
    std::istringstream source(sample(10000));
    fp << source.rdbuf();
    fp.seek(0);
    std::ostringstream target;
    target << fp.rdbuf();
    EXPECT_EQ(target.str(), sample(10000));
}

// --- The end ---

TYPED_TEST(file_objects, use_after_close_is_an_error) {
    auto fp = TypeParam::make();
    fp << "some text\n";
    fp.seek(0);
    EXPECT_EQ(fp.get(), 's');
    fp.close();
    expect_refusal(fp);
}

TYPED_TEST(file_objects, use_after_close_is_an_error_with_translation_of_line_ends) {
    auto fp = TypeParam::make({.newline = newlines::universal});
    fp << "some text\n";
    fp.seek(0);
    EXPECT_EQ(fp.get(), 's');
    fp.close();
    expect_refusal(fp);
}

TYPED_TEST(file_objects, even_nothing_cannot_be_read_or_written_after_close) {
    auto fp = TypeParam::make();
    fp.close();
    EXPECT_EQ(thrown([&] { fp.read(0); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp.readline(0); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp.write(""); }), std::errc::bad_file_descriptor);
}

TYPED_TEST(file_objects, closing_twice_is_harmless) {
    auto fp = TypeParam::make();
    EXPECT_FALSE(fp.closed());
    fp.close();
    EXPECT_TRUE(fp.closed());
    fp.close();
    std::error_code ec = std::make_error_code(std::errc::io_error);
    fp.close(ec);
    EXPECT_FALSE(ec);
}

// --- The handle ---

TYPED_TEST(file_objects, fileno_is_flushed_and_its_offset_is_the_position) {
    auto fp = TypeParam::make();
    fp << "0123456789";
    fp.seek(3);
    EXPECT_EQ(fp.get(), '3');
    const int handle = fp.fileno();
    EXPECT_EQ(handle, fp.native_handle());
    EXPECT_EQ(contents(handle), "0123456789");
    EXPECT_EQ(::lseek(handle, 0, SEEK_CUR), 4);
    EXPECT_EQ(fp.tell(), 4U);
}

void run_shell(const char* command, int standard_output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, standard_output, STDOUT_FILENO);
    std::string shell = "sh";
    std::string option = "-c";
    std::string text = command;
    char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
    pid_t child = 0;
    ASSERT_EQ(::posix_spawn(&child, "/bin/sh", &actions, nullptr, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
}

TYPED_TEST(file_objects, the_output_of_a_child_process_lands_behind_ours) {
    auto fp = TypeParam::make();
    fp << "before ";
    run_shell("echo child", fp.fileno());
    fp.seek(0, std::ios::end);
    fp << "after";
    EXPECT_EQ(all_of(fp), "before child\nafter");
}

TYPED_TEST(file_objects, the_output_of_a_child_process_goes_where_the_position_is) {
    auto fp = TypeParam::make();
    fp << "0123456789";
    fp.seek(2);
    EXPECT_EQ(fp.get(), '2');
    run_shell("printf XY", fp.fileno());
    EXPECT_EQ(fp.read(2), "XY") << "what others wrote is seen after fileno()";
    EXPECT_EQ(all_of(fp), "012XY56789");
}

TYPED_TEST(file_objects, reopen_has_its_own_offset_and_outlives_the_object) {
    file again;
    {
        auto fp = TypeParam::make();
        fp << "0123456789";
        fp.seek(5);
        again = fp.reopen();
        EXPECT_EQ(again.tell(), 0U);
        EXPECT_EQ(fp.tell(), 5U);
        again.pwrite("X", 6);
        fp.flush();
        EXPECT_EQ(fp.read(3), "5X7");
    }
    EXPECT_EQ(contents(again.native_handle()), "012345X789");
}

TYPED_TEST(file_objects, what_somebody_else_can_see_is_written_by_the_destructor) {
    for (const bool by_fileno : {false, true}) {
        file other;
        {
            auto fp = TypeParam::make();
            fp << "one ";
            if (by_fileno) {
                other = file(::fcntl(fp.fileno(), F_DUPFD_CLOEXEC, 0));
            } else {
                other = fp.reopen();
            }
            auto moved = std::move(fp);
            moved << "two";
        }
        EXPECT_EQ(contents(other.native_handle()), "one two") << by_fileno;
    }
}

// --- Modes ---

TYPED_TEST(file_objects, in_only_reads) {
    auto fp = TypeParam::make({.mode = std::ios::in});
    EXPECT_EQ(fp.read(), "");
    EXPECT_EQ(thrown([&] { fp.write("x"); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp << "x"; }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp.truncate(0); }), std::errc::bad_file_descriptor);
}

TYPED_TEST(file_objects, out_only_writes) {
    auto fp = TypeParam::make({.mode = std::ios::out});
    fp << "text";
    fp.seek(0);
    char c = 0;
    EXPECT_EQ(thrown([&] { fp.read(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp.read(1); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp.readline(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp >> c; }), std::errc::bad_file_descriptor);
    EXPECT_EQ(contents(fp.fileno()), "text");
}

TYPED_TEST(file_objects, app_always_appends) {
    auto fp = TypeParam::make({.mode = std::ios::in | std::ios::app});
    fp << "one";
    fp.seek(0);
    fp << "two";
    EXPECT_EQ(fp.tell(), 6U);
    fp.seek(1);
    EXPECT_EQ(fp.read(2), "ne");
    fp.write("three");
    EXPECT_EQ(all_of(fp), "onetwothree");
    EXPECT_EQ(contents(fp.fileno()), "onetwothree");
    EXPECT_NE(::fcntl(fp.native_handle(), F_GETFL) & O_APPEND, 0);
}

TYPED_TEST(file_objects, app_alone_writes_only) {
    auto fp = TypeParam::make({.mode = std::ios::app});
    fp << "x";
    EXPECT_EQ(thrown([&] { fp.read(1); }), std::errc::bad_file_descriptor);
}

TYPED_TEST(file_objects, other_bits_of_the_mode_are_ignored) {
    auto fp = TypeParam::make({.mode = both | std::ios::trunc | std::ios::binary | std::ios::ate});
    fp << "x";
    EXPECT_EQ(all_of(fp), "x");
}

TYPED_TEST(file_objects, a_mode_that_allows_nothing_is_a_bad_argument) {
    EXPECT_THROW(std::ignore = TypeParam::make({.mode = std::ios::openmode{}}), std::invalid_argument);
    EXPECT_THROW(std::ignore = TypeParam::make({.mode = std::ios::binary | std::ios::trunc}), std::invalid_argument);
    EXPECT_TRUE(
        mentions(message_of([] { std::ignore = TypeParam::make({.mode = std::ios::binary}); }), "add std::ios::in"));
}

// --- A full disk ---

template <class Kind>
class full_disk : public file_objects<Kind> {};
using kinds_on_disk = testing::Types<plain, unnamed, named, rolled_over>;
TYPED_TEST_SUITE(full_disk, kinds_on_disk, kind_names);

TYPED_TEST(full_disk, T29_is_ENOSPC_from_write_and_from_the_inserter) {
    auto fp = TypeParam::make({.buffering = 0});
    const nearly_full_disk disk;
    EXPECT_EQ(thrown([&] { fp.write("x"); }), std::errc::no_space_on_device);
    EXPECT_TRUE(fp.good()) << "members leave the state of the stream alone";
    EXPECT_EQ(thrown([&] { fp << "x"; }), std::errc::no_space_on_device);
    EXPECT_TRUE(fp.bad()) << "as with every standard stream";
    fp.clear();
    EXPECT_EQ(thrown([&] { fp << 42; }), std::errc::no_space_on_device);
    fp.clear();
    EXPECT_EQ(thrown([&] { fp.put('x'); }), std::errc::no_space_on_device);
    fp.clear();
    EXPECT_EQ(fp.tell(), 0U);
    EXPECT_EQ(fp.size(), 0U);
}

TYPED_TEST(full_disk, T29_members_work_whatever_the_state_of_the_stream_is) {
    auto fp = TypeParam::make({.buffering = 0});
    {
        const nearly_full_disk disk;
        EXPECT_EQ(thrown([&] { fp << "x"; }), std::errc::no_space_on_device);
    }
    ASSERT_TRUE(fp.bad());
    EXPECT_FALSE(thrown([&] { fp.write("0123"); }));
    EXPECT_FALSE(thrown([&] { fp.seek(0); })) << "seek does not throw because an operation before it failed";
    EXPECT_EQ(fp.read(), "0123");
    EXPECT_EQ(fp.tell(), 4U);
    EXPECT_EQ(fp.truncate(2), 2U);
    fp.flush();
    EXPECT_EQ(fp.size(), 2U);
    EXPECT_TRUE(fp.bad()) << "only clear() takes it back";
    fp.clear();
    fp << "go on";
    EXPECT_TRUE(fp.good());
}

TYPED_TEST(full_disk, T29_flush_and_close_report_and_can_be_repeated) {
    auto fp = TypeParam::make();
    fp << "0123456789";
    nearly_full_disk disk(4);
    EXPECT_EQ(thrown([&] { fp.flush(); }), std::errc::no_space_on_device);
    std::error_code ec;
    fp.flush(ec);
    EXPECT_EQ(ec, std::errc::no_space_on_device);
    EXPECT_EQ(thrown([&] { fp << std::flush; }), std::errc::no_space_on_device);
    fp.clear();
    EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::no_space_on_device);
    fp.close(ec);
    EXPECT_EQ(ec, std::errc::no_space_on_device);
    EXPECT_FALSE(fp.closed()) << "it stays as it was";
    EXPECT_EQ(fp.tell(), 10U);
    EXPECT_EQ(thrown([&] { std::ignore = fp.fileno(); }), std::errc::no_space_on_device);
    EXPECT_EQ(thrown([&] { std::ignore = fp.reopen(); }), std::errc::no_space_on_device);
    disk.add_room(1000);
    const file again = fp.reopen();
    fp.close();
    EXPECT_EQ(contents(again.native_handle()), "0123456789");
}

TYPED_TEST(full_disk, T29_the_real_limit_of_file_size_is_EFBIG) {
    auto fp = TypeParam::make();
    {
        const file_size_limit limit(5000);
        fp << sample(9000);
        EXPECT_EQ(thrown([&] { fp.flush(); }), std::errc::file_too_large);
        EXPECT_EQ(thrown([&] { fp << sample(default_buffering); }), std::errc::file_too_large);
        fp.clear();
        EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::file_too_large);
        EXPECT_EQ(fp.tell(), 9000U);
        EXPECT_EQ(fp.size(), 9000U);
    }
    EXPECT_EQ(all_of(fp), sample(9000)) << "every byte is still there";
    fp.close();
}

TEST(file_object, T29_the_full_device) {
    file_object fp(file(::open("/dev/full", O_RDWR | O_CLOEXEC)), {.buffering = 0});
    ASSERT_FALSE(fp.closed());
    EXPECT_EQ(thrown([&] { fp.write("x"); }), std::errc::no_space_on_device);
    EXPECT_EQ(thrown([&] { fp << "x"; }), std::errc::no_space_on_device);
}

TYPED_TEST(full_disk, T20_an_error_of_close_is_reported_once_and_it_is_closed) {
    auto fp = TypeParam::make();
    fp << "text";
    const int handle = fp.native_handle();
    const replace_call<&sys::calls::close> failing([](sys::handle h) {
        replace_call<&sys::calls::close>::real(h);
        return EIO;
    });
    EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::io_error);
    EXPECT_TRUE(fp.closed());
    EXPECT_FALSE(is_open(handle));
    fp.close();
    expect_refusal(fp);
}

TYPED_TEST(full_disk, a_read_that_fails_leaves_the_position) {
    auto fp = TypeParam::make({.buffering = 16});
    fp.write(sample(100));
    fp.flush();
    fp.seek(0);
    int calls = 0;
    const replace_call<&sys::calls::pread> failing(
        [&](sys::handle h, void* into, std::size_t bytes, std::uint64_t at, std::size_t& done) {
            return ++calls % 2 == 0 ? EIO : replace_call<&sys::calls::pread>::real(h, into, bytes, at, done);
        });
    const auto stays = [&](const char* what, auto operation) {
        calls = 0;
        fp.seek(0);
        EXPECT_EQ(thrown(operation), std::errc::io_error) << what;
        EXPECT_EQ(fp.tell(), 0U) << what;
    };
    stays("read(n)", [&] { fp.read(101); });
    stays("read()", [&] { fp.read(); });
    stays("readline()", [&] { fp.readline(); });
}

// --- A file from elsewhere ---

TEST(file_object, is_a_stream_over_any_file_from_its_offset_on) {
    const scratch dir;
    write_file(dir / "f", "old text");
    file f(::open((dir / "f").c_str(), O_RDWR | O_CLOEXEC));
    f.seek(4);
    file_object fp(std::move(f));
    EXPECT_EQ(fp.tell(), 4U);
    fp << "news";
    fp.seek(0);
    fp << "new";
    fp.close();
    EXPECT_EQ(contents(dir / "f"), "new news");
}

TEST(file_object, what_has_no_length_is_read_to_its_end) {
    const auto open_one = [] {
        return file_object(file(::open("/proc/self/environ", O_RDONLY | O_CLOEXEC)), {.mode = std::ios::in});
    };
    const std::string all = contents(std::filesystem::path("/proc/self/environ"));
    ASSERT_FALSE(all.empty());
    EXPECT_EQ(open_one().size(), 0U);
    EXPECT_EQ(open_one().read(), all);
    EXPECT_EQ(open_one().read(2 * default_buffering), all.substr(0, 2 * default_buffering));
}

// Of what derives from it, a reference to the base can take over another file.
TEST(file_object, assigned_through_a_reference_to_the_base) {
    auto spool = in_memory::make();
    spool << "gone";
    auto other = plain::make();
    other << "here";
    static_cast<file_object&>(spool) = std::move(other);
    EXPECT_EQ(all_of(spool), "here");
    EXPECT_FALSE(spool.rolled());
    EXPECT_EQ(thrown([&] { spool.rollover(); }), std::errc::bad_file_descriptor);
}

TEST(file_object, the_destructor_writes_out) {
    const scratch dir;
    { file_object(file(::open((dir / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))) << "kept"; }
    EXPECT_EQ(contents(dir / "f"), "kept");
}

TEST(file_object, move_assignment_writes_out_what_was_there) {
    const scratch dir;
    file_object fp(file(::open((dir / "f").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)));
    fp << "kept";
    fp = file_object();
    EXPECT_EQ(contents(dir / "f"), "kept");
    EXPECT_TRUE(fp.closed());
}

TEST(file_object, over_a_closed_file_is_closed) {
    file_object fp{file()};
    expect_refusal(fp);
}

TEST(file_object, errors_name_the_operation) {
    file_object fp;
    EXPECT_TRUE(mentions(message_of([&] { fp.write("x"); }), "closed file"));
    EXPECT_TRUE(mentions(message_of([&] { fp.write("x"); }), "tempfile: "));
}

}  // namespace
}  // namespace tempfile::test
