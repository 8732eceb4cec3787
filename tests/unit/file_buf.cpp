#include "tempfile/file_buf.hpp"

#include <gtest/gtest.h>

#include <iostream>
#include <type_traits>

#include "helpers.hpp"
#include "model.hpp"
#include "support/scratch.hpp"
#include "tempfile/file_object.hpp"

namespace tempfile::test {
namespace {

constexpr auto both = std::ios::in | std::ios::out;

static_assert(!std::is_copy_constructible_v<file_buf> && !std::is_move_constructible_v<file_buf>);
static_assert(!std::is_convertible_v<file, file_buf>);

file open_new(const std::filesystem::path& path, int flags = 0) {
    return file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600));
}

std::string take(std::streambuf& buffer, std::size_t n) {
    std::string text(n, '\0');
    text.resize(static_cast<std::size_t>(buffer.sgetn(text.data(), static_cast<std::streamsize>(n))));
    return text;
}

void put(file_buf& buffer, const std::string& text) {
    buffer.put(text.data(), text.size());
}

class file_buf_test : public testing::Test {
protected:
    file other() { return open_new(path); }

    scratch dir;
    std::filesystem::path path = dir / "f";
};

using count_pread = count_calls<&sys::calls::pread>;
using count_pwrite = count_calls<&sys::calls::pwrite>;

// --- Against the model ---

TEST_F(file_buf_test, does_what_the_model_does_at_every_size_of_buffer) {
    for (const std::size_t buffering : {0U, 1U, 2U, 3U, 7U, 16U, 64U, 1000U, 65536U}) {
        for (const bool append : {false, true}) {
            for (unsigned seed = 1; seed <= 3; ++seed) {
                std::filesystem::remove(path);
                const auto mode = append ? both | std::ios::app : both;
                file_object object(open_new(path, append ? O_APPEND : 0), {.mode = mode, .buffering = buffering});
                SCOPED_TRACE("buffering " + std::to_string(buffering));
                walk(object, {.seed = seed,
                              .steps = buffering > 1000 ? 400 : 2000,
                              .longest = std::max<std::size_t>(30, 3 * buffering),
                              .append = append,
                              .others_change = true})
                    .run();
            }
        }
    }
}

TEST_F(file_buf_test, T29_whatever_fails_can_be_repeated_and_nothing_is_lost) {
    for (const std::size_t buffering : {16U, 64U, 1000U}) {
        for (const bool append : {false, true}) {
            for (unsigned seed = 1; seed <= 3; ++seed) {
                std::filesystem::remove(path);
                const auto mode = append ? both | std::ios::app : both;
                file_object object(open_new(path, append ? O_APPEND : 0), {.mode = mode, .buffering = buffering});
                SCOPED_TRACE("buffering " + std::to_string(buffering));
                walk(object, {.seed = seed, .longest = buffering - 1, .append = append, .unreliable = true}).run();
            }
        }
    }
}

// --- A plain stream over it ---

TEST_F(file_buf_test, serves_a_plain_iostream) {
    file_buf buffer(open_new(path));
    std::iostream stream(&buffer);
    stream << "answer " << 42;
    stream.seekg(0);
    std::string word;
    int n = 0;
    stream >> word >> n;
    EXPECT_EQ(word, "answer");
    EXPECT_EQ(n, 42);
    EXPECT_TRUE(stream.eof());
}

TEST_F(file_buf_test, a_plain_stream_gets_badbit_and_with_exceptions_the_code) {
    file_buf buffer(open_new(path), both, 0);
    const nearly_full_disk disk;
    std::ostream quiet(&buffer);
    quiet << "x";
    EXPECT_TRUE(quiet.bad());
    std::ostream loud(&buffer);
    loud.exceptions(std::ios::badbit);
    EXPECT_EQ(thrown([&] { loud << "x"; }), std::errc::no_space_on_device);
}

// --- The window ---

TEST_F(file_buf_test, what_was_written_is_read_back_without_a_system_call) {
    file_buf buffer(open_new(path));
    put(buffer, "hello");
    const count_pread reads;
    const count_pwrite writes;
    buffer.seek(0, std::ios::beg);
    EXPECT_EQ(take(buffer, 5), "hello");
    EXPECT_EQ(reads.count() + writes.count(), 0);
    EXPECT_EQ(contents(path), "");
    buffer.flush();
    EXPECT_EQ(contents(path), "hello");
    EXPECT_EQ(writes.count(), 1);
}

TEST_F(file_buf_test, a_write_inside_what_was_read_ahead_writes_only_itself) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path));
    EXPECT_EQ(take(buffer, 4), "0123");
    put(buffer, "XY");
    other().pwrite("ab__ef", 2);  // what is not ours must survive, on both sides of it
    buffer.flush();
    EXPECT_EQ(contents(path), "01abXYef89");
    EXPECT_EQ(take(buffer, 9), "ef89");
}

TEST_F(file_buf_test, dirty_stretches_that_do_not_adjoin_leave_what_is_between_alone) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path));
    EXPECT_EQ(take(buffer, 1), "0");
    put(buffer, "A");
    EXPECT_EQ(take(buffer, 5), "23456");
    other().pwrite("__", 3);
    put(buffer, "B");
    buffer.flush();
    EXPECT_EQ(contents(path), "0A2__56B89");
}

TEST_F(file_buf_test, dirty_stretches_that_overlap_or_adjoin_become_one_write) {
    file_buf buffer(open_new(path));
    put(buffer, "0123456789");
    buffer.seek(5, std::ios::beg);
    put(buffer, "abc");
    buffer.seek(0, std::ios::beg);
    put(buffer, "X");
    buffer.seek(10, std::ios::beg);
    put(buffer, "end");
    const count_pwrite writes;
    buffer.flush();
    EXPECT_EQ(writes.count(), 1);
    EXPECT_EQ(contents(path), "X1234abc89end");
}

TEST_F(file_buf_test, writing_behind_the_end_leaves_zeros) {
    file_buf buffer(open_new(path));
    put(buffer, "ab");
    buffer.seek(5, std::ios::beg);
    EXPECT_EQ(buffer.size(), 2U) << "a seek alone makes nothing longer";
    EXPECT_EQ(take(buffer, 1), "");
    put(buffer, "c");
    EXPECT_EQ(buffer.size(), 6U);
    buffer.seek(0, std::ios::beg);
    EXPECT_EQ(take(buffer, 10), std::string("ab\0\0\0c", 6));
}

TEST_F(file_buf_test, far_apart_places_in_a_sparse_file) {
    file_buf buffer(open_new(path));
    constexpr std::int64_t far = std::int64_t{5} << 32;
    buffer.seek(far, std::ios::beg);
    put(buffer, "end");
    buffer.seek(0, std::ios::beg);
    put(buffer, "begin");
    EXPECT_EQ(buffer.size(), static_cast<std::uint64_t>(far) + 3);
    EXPECT_EQ(buffer.seek(-3, std::ios::end), static_cast<std::uint64_t>(far));
    EXPECT_EQ(take(buffer, 5), "end");
}

TEST_F(file_buf_test, pieces_as_large_as_the_buffer_pass_it_by_in_order) {
    file_buf buffer(open_new(path), both, 16);
    put(buffer, "small ");
    const count_pwrite writes;
    put(buffer, std::string(16, 'L'));
    EXPECT_EQ(writes.count(), 2);
    EXPECT_EQ(contents(path), "small " + std::string(16, 'L'));
    EXPECT_EQ(buffer.tell(), 22U);
    buffer.seek(0, std::ios::beg);
    const count_pread reads;
    EXPECT_EQ(take(buffer, 22).size(), 22U);
    EXPECT_EQ(reads.count(), 1);
}

TEST_F(file_buf_test, small_pieces_are_gathered) {
    file_buf buffer(open_new(path), both, 1000);
    const count_pwrite writes;
    for (int i = 0; i < 1000; ++i) {
        put(buffer, "0123456789");
    }
    buffer.flush();
    EXPECT_EQ(writes.count(), 10);
}

TEST_F(file_buf_test, buffering_0_makes_every_write_a_system_call) {
    file_buf buffer(open_new(path), both, 0);
    const count_pwrite writes;
    put(buffer, "abc");
    EXPECT_EQ(contents(path), "abc");
    buffer.sputc('d');
    EXPECT_EQ(contents(path), "abcd");
    EXPECT_EQ(writes.count(), 2);
}

TEST_F(file_buf_test, buffering_0_reads_single_bytes) {
    write_file(path, "abc");
    file_buf buffer(open_new(path), both, 0);
    const count_pread reads;
    EXPECT_EQ(buffer.sbumpc(), 'a');
    other().pwrite("X", 1);
    EXPECT_EQ(buffer.sbumpc(), 'X') << "nothing is read ahead";
    EXPECT_EQ(reads.count(), 2);
}

TEST_F(file_buf_test, reading_on_reads_ahead_further_and_further) {
    write_file(path, sample(1'000'000));
    file_buf buffer(open_new(path));
    buffer.seek(0, std::ios::beg);
    const count_pread reads;
    std::string all;
    for (int c = 0; (c = buffer.sbumpc()) != EOF;) {
        all += static_cast<char>(c);
    }
    EXPECT_EQ(all, sample(1'000'000));
    EXPECT_LE(reads.count(), 20) << "1,000,000 bytes are 16 buffers";
}

TEST_F(file_buf_test, a_huge_buffer_is_no_more_than_an_int_can_count) {
    file_buf buffer(open_new(path), both, ~std::size_t{0});
    put(buffer, "abc");
    buffer.close();
    EXPECT_EQ(contents(path), "abc");
}

TEST_F(file_buf_test, the_buffer_is_allocated_on_first_use) {
    file_buf buffer(open_new(path));
    EXPECT_EQ(buffer.in_avail(), -1) << "nothing, and there never will be";
    EXPECT_EQ(buffer.tell(), 0U);
    EXPECT_EQ(buffer.size(), 0U);
    EXPECT_EQ(buffer.sgetc(), EOF);
}

// --- Others change the file ---

TEST_F(file_buf_test, a_change_by_others_is_seen_after_flush) {
    write_file(path, "old text");
    file_buf buffer(open_new(path));
    EXPECT_EQ(take(buffer, 1), "o");
    other().pwrite("new", 0);
    buffer.flush();
    EXPECT_EQ(take(buffer, 7), "ew text");
}

TEST_F(file_buf_test, a_change_by_others_is_seen_after_seek) {
    write_file(path, "old text");
    file_buf buffer(open_new(path));
    EXPECT_EQ(take(buffer, 1), "o");
    other().pwrite("new", 0);
    buffer.seek(0, std::ios::beg);
    EXPECT_EQ(take(buffer, 8), "new text");
}

TEST_F(file_buf_test, a_change_by_others_is_seen_after_seek_also_when_something_is_still_to_be_written) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path));
    EXPECT_EQ(take(buffer, 4), "0123");
    put(buffer, "W");
    other().pwrite("a", 0);
    other().pwrite("b", 9);
    buffer.seek(0, std::ios::beg);
    EXPECT_EQ(take(buffer, 10), "a123W5678b");
}

TEST_F(file_buf_test, what_others_append_is_read_on) {
    write_file(path, "one");
    file_buf buffer(open_new(path));
    EXPECT_EQ(take(buffer, 9), "one");
    other().pwrite("two", 3);
    EXPECT_EQ(take(buffer, 9), "two");
}

TEST_F(file_buf_test, the_offset_of_the_file_is_not_used) {
    file f = open_new(path);
    f.write("0123456789");
    f.seek(7);
    file_buf buffer(std::move(f));
    EXPECT_EQ(buffer.tell(), 0U) << "the position starts at 0, whatever the offset of the file";
    EXPECT_EQ(take(buffer, 3), "012");
    put(buffer, "X");
    buffer.flush();
    EXPECT_EQ(buffer.underlying().tell(), 7U);
}

// --- Appending ---

TEST_F(file_buf_test, appending_goes_to_the_end_wherever_the_position_is) {
    write_file(path, "0123");
    file_buf buffer(open_new(path, O_APPEND), both | std::ios::app);
    EXPECT_EQ(take(buffer, 2), "01");
    put(buffer, "45");
    EXPECT_EQ(buffer.tell(), 6U);
    buffer.seek(0, std::ios::beg);
    put(buffer, "67");
    EXPECT_EQ(buffer.tell(), 8U);
    buffer.seek(1, std::ios::beg);
    EXPECT_EQ(take(buffer, 9), "1234567");
    EXPECT_EQ(contents(path), "01234567");
}

TEST_F(file_buf_test, appending_goes_behind_what_others_appended) {
    file_buf buffer(open_new(path, O_APPEND), both | std::ios::app);
    put(buffer, "ours");
    open_new(path, O_APPEND).write("theirs");
    buffer.flush();
    EXPECT_EQ(contents(path), "theirsours");
    EXPECT_EQ(buffer.tell(), 10U) << "the system says where it went";
    EXPECT_EQ(buffer.size(), 10U);
    put(buffer, std::string(default_buffering, 'L'));
    EXPECT_EQ(buffer.tell(), 10U + default_buffering);
}

TEST_F(file_buf_test, appending_works_with_a_handle_that_was_not_opened_for_it) {
    write_file(path, "0123");
    file_buf buffer(open_new(path), both | std::ios::app, 16);
    put(buffer, "45");
    buffer.flush();
    EXPECT_EQ(buffer.tell(), 6U);
    put(buffer, std::string(16, 'L'));
    EXPECT_EQ(buffer.tell(), 22U);
    EXPECT_EQ(contents(path), "012345" + std::string(16, 'L'));
}

TEST_F(file_buf_test, app_alone_allows_writing_only) {
    file_buf buffer(open_new(path, O_APPEND), std::ios::app);
    put(buffer, "x");
    EXPECT_EQ(thrown([&] { buffer.sgetc(); }), std::errc::bad_file_descriptor);
}

// --- Putting back ---

TEST_F(file_buf_test, unget_goes_back_also_beyond_the_window) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path), both, 4);
    EXPECT_EQ(take(buffer, 6), "012345");
    for (const char wanted : {'5', '4', '3', '2', '1', '0'}) {
        EXPECT_EQ(buffer.sungetc(), wanted);
    }
    EXPECT_EQ(buffer.tell(), 0U);
    EXPECT_EQ(buffer.sungetc(), EOF) << "nothing stands before the beginning";
    EXPECT_EQ(take(buffer, 2), "01");
}

TEST_F(file_buf_test, unget_after_writing_gives_what_was_written) {
    file_buf buffer(open_new(path));
    put(buffer, "ab");
    EXPECT_EQ(buffer.sungetc(), 'b');
    EXPECT_EQ(buffer.tell(), 1U);
}

TEST_F(file_buf_test, something_else_cannot_be_put_back) {
    write_file(path, "ab");
    file_buf buffer(open_new(path));
    EXPECT_EQ(buffer.sbumpc(), 'a');
    EXPECT_EQ(buffer.sputbackc('x'), EOF);
    EXPECT_EQ(buffer.tell(), 1U);
    EXPECT_EQ(buffer.sputbackc('a'), 'a');
    EXPECT_EQ(take(buffer, 3), "ab");
    EXPECT_EQ(contents(path), "ab");
}

TEST_F(file_buf_test, unget_that_fails_leaves_the_position) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path));
    buffer.seek(5, std::ios::beg);
    {
        const replace_call<&sys::calls::pread> broken([](auto&&...) { return EIO; });
        EXPECT_EQ(thrown([&] { buffer.sungetc(); }), std::errc::io_error);
    }
    EXPECT_EQ(buffer.tell(), 5U);
    EXPECT_EQ(buffer.sgetc(), '5');
}

// --- Position and length ---

TEST_F(file_buf_test, seek_refuses_what_is_no_position) {
    file_buf buffer(open_new(path));
    put(buffer, "0123456789");
    EXPECT_EQ(thrown([&] { buffer.seek(-1, std::ios::beg); }), std::errc::invalid_argument);
    EXPECT_EQ(thrown([&] { buffer.seek(-11, std::ios::cur); }), std::errc::invalid_argument);
    EXPECT_EQ(thrown([&] { buffer.seek(-11, std::ios::end); }), std::errc::invalid_argument);
    EXPECT_EQ(thrown([&] { buffer.seek(std::numeric_limits<std::int64_t>::max(), std::ios::end); }),
              std::errc::invalid_argument);
    EXPECT_EQ(thrown([&] { buffer.seek(std::numeric_limits<std::int64_t>::min(), std::ios::cur); }),
              std::errc::invalid_argument);
    EXPECT_EQ(buffer.tell(), 10U);
    EXPECT_EQ(buffer.seek(-10, std::ios::cur), 0U);
    EXPECT_EQ(buffer.seek(0, std::ios::end), 10U);
    EXPECT_EQ(take(buffer, 1), "");
}

TEST_F(file_buf_test, seek_does_no_input_or_output) {
    file_buf buffer(open_new(path));
    put(buffer, "0123456789");
    const count_pread reads;
    const count_pwrite writes;
    const count_calls<&sys::calls::seek> seeks;
    buffer.seek(3, std::ios::beg);
    buffer.seek(2, std::ios::cur);
    buffer.seek(0, std::ios::end);
    EXPECT_EQ(reads.count() + writes.count() + seeks.count(), 0);
}

TEST_F(file_buf_test, tellg_keeps_what_was_read_ahead) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path));
    const count_pread reads;
    EXPECT_EQ(buffer.sbumpc(), '0');
    EXPECT_EQ(std::streamoff(buffer.pubseekoff(0, std::ios::cur)), 1);
    EXPECT_EQ(buffer.sbumpc(), '1');
    EXPECT_EQ(reads.count(), 1);
    EXPECT_EQ(std::streamoff(buffer.pubseekpos(8)), 8);
    EXPECT_EQ(take(buffer, 5), "89");
}

TEST_F(file_buf_test, size_counts_what_is_buffered) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path));
    put(buffer, "abc");
    EXPECT_EQ(buffer.size(), 10U);
    buffer.seek(8, std::ios::beg);
    put(buffer, "defg");
    EXPECT_EQ(buffer.size(), 12U);
    EXPECT_EQ(buffer.tell(), 12U);
}

TEST_F(file_buf_test, truncate_keeps_the_position) {
    file_buf buffer(open_new(path));
    put(buffer, "0123456789");
    buffer.truncate(4);
    EXPECT_EQ(buffer.tell(), 10U);
    EXPECT_EQ(buffer.size(), 4U);
    put(buffer, "x");
    buffer.truncate(12);
    buffer.seek(0, std::ios::beg);
    EXPECT_EQ(take(buffer, 20), std::string("0123\0\0\0\0\0\0x\0", 12));
}

// --- What the mode allows ---

TEST_F(file_buf_test, the_mode_is_kept) {
    write_file(path, "abc");
    file_buf reader(open_new(path), std::ios::in);
    EXPECT_EQ(thrown([&] { put(reader, "x"); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { reader.sputc('x'); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { put(reader, std::string(default_buffering, 'x')); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { reader.truncate(0); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(take(reader, 3), "abc");
    reader.flush();

    file_buf writer(open_new(path), std::ios::out);
    EXPECT_EQ(thrown([&] { writer.sgetc(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { take(writer, 1); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { take(writer, default_buffering); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { writer.sungetc(); }), std::errc::bad_file_descriptor);
    put(writer, "xyz");
    writer.close();
    EXPECT_EQ(contents(path), "xyz");
}

TEST_F(file_buf_test, messages_say_what_was_not_allowed) {
    file_buf reader(open_new(path), std::ios::in);
    EXPECT_TRUE(mentions(message_of([&] { reader.sputc('x'); }), "not opened for writing"));
    reader.close();
    EXPECT_TRUE(mentions(message_of([&] { reader.sgetc(); }), "closed file"));
}

// --- The end ---

TEST_F(file_buf_test, the_destructor_writes_out) {
    { put(*std::make_unique<file_buf>(open_new(path)), "kept"); }
    EXPECT_EQ(contents(path), "kept");
}

TEST_F(file_buf_test, close_writes_out_and_twice_is_harmless) {
    file_buf buffer(open_new(path));
    put(buffer, "kept");
    buffer.close();
    EXPECT_TRUE(buffer.closed());
    EXPECT_EQ(buffer.native_handle(), -1);
    EXPECT_EQ(contents(path), "kept");
    buffer.close();
}

TEST_F(file_buf_test, discard_closes_without_writing_out) {
    file_buf buffer(open_new(path));
    put(buffer, "lost");
    const count_pwrite writes;
    std::error_code ec;
    buffer.discard(ec);
    EXPECT_FALSE(ec);
    EXPECT_TRUE(buffer.closed());
    EXPECT_EQ(writes.count(), 0);
    EXPECT_EQ(contents(path), "");
}

TEST_F(file_buf_test, use_after_close_is_EBADF) {
    write_file(path, "0123456789");
    file_buf buffer(open_new(path));
    EXPECT_EQ(take(buffer, 2), "01");
    buffer.close();
    EXPECT_EQ(thrown([&] { buffer.sgetc(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { buffer.sungetc(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { take(buffer, 1); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { put(buffer, "x"); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { buffer.sputc('x'); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { buffer.pubsync(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { buffer.seek(0, std::ios::beg); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { buffer.pubseekoff(0, std::ios::cur); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { std::ignore = buffer.size(); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { buffer.truncate(0); }), std::errc::bad_file_descriptor);
}

// --- Failures ---

TEST_F(file_buf_test, T29_close_on_a_full_disk_stays_open_and_can_be_repeated) {
    file_buf buffer(open_new(path));
    put(buffer, "0123456789");
    nearly_full_disk disk(4);
    EXPECT_EQ(thrown([&] { buffer.close(); }), std::errc::no_space_on_device);
    EXPECT_FALSE(buffer.closed());
    EXPECT_EQ(buffer.tell(), 10U);
    EXPECT_EQ(buffer.size(), 10U);
    disk.add_room(100);
    buffer.close();
    EXPECT_EQ(contents(path), "0123456789");
}

TEST_F(file_buf_test, T29_a_failed_append_is_completed_without_repeating_what_went_through) {
    file_buf buffer(open_new(path, O_APPEND), both | std::ios::app);
    put(buffer, "0123456789");
    nearly_full_disk disk(4);
    EXPECT_EQ(thrown([&] { buffer.flush(); }), std::errc::no_space_on_device);
    EXPECT_EQ(buffer.size(), 10U);
    EXPECT_EQ(buffer.tell(), 10U);
    disk.add_room(100);
    buffer.flush();
    EXPECT_EQ(contents(path), "0123456789");
}

TEST_F(file_buf_test, T29_a_failed_write_that_passed_the_buffer_by_leaves_the_position) {
    file_buf buffer(open_new(path), both, 16);
    put(buffer, "abc");
    nearly_full_disk disk(3 + 10);
    const std::string large = sample(40);
    EXPECT_EQ(thrown([&] { put(buffer, large); }), std::errc::no_space_on_device);
    EXPECT_EQ(buffer.tell(), 3U);
    disk.add_room(100);
    put(buffer, large);
    EXPECT_EQ(contents(path), "abc" + large);
}

TEST_F(file_buf_test, after_a_failed_write_that_passed_the_buffer_by_the_file_is_read_as_it_is) {
    write_file(path, std::string(100, 'o'));
    file_buf buffer(open_new(path), both, 16);
    EXPECT_EQ(take(buffer, 2), "oo");  // reads ahead
    const nearly_full_disk disk(10);
    EXPECT_EQ(thrown([&] { put(buffer, std::string(40, 'N')); }), std::errc::no_space_on_device);
    EXPECT_EQ(buffer.tell(), 2U);
    EXPECT_EQ(take(buffer, 12), std::string(10, 'N') + "oo");
}

TEST_F(file_buf_test, T29_a_failed_read_leaves_the_position) {
    write_file(path, sample(100));
    file_buf buffer(open_new(path), both, 16);
    EXPECT_EQ(take(buffer, 10), sample(100).substr(0, 10));
    {
        const replace_call<&sys::calls::pread> broken([](auto&&...) { return EIO; });
        EXPECT_EQ(thrown([&] { take(buffer, 50); }), std::errc::io_error);
        EXPECT_EQ(thrown([&] { take(buffer, 15); }), std::errc::io_error);
    }
    EXPECT_EQ(buffer.tell(), 10U);
    EXPECT_EQ(take(buffer, 90), sample(100).substr(10));
}

TEST_F(file_buf_test, T29_reading_elsewhere_on_a_full_disk_keeps_what_was_written) {
    write_file(path, sample(100));
    file_buf buffer(open_new(path), both, 16);
    put(buffer, "WWW");
    buffer.seek(50, std::ios::beg);
    nearly_full_disk disk;
    EXPECT_EQ(thrown([&] { buffer.sgetc(); }), std::errc::no_space_on_device);
    EXPECT_EQ(buffer.tell(), 50U);
    disk.add_room(3);
    EXPECT_EQ(take(buffer, 1), sample(100).substr(50, 1));
    EXPECT_EQ(contents(path).substr(0, 3), "WWW");
}

}  // namespace
}  // namespace tempfile::test
