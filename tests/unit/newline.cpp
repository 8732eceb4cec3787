#include "tempfile/newline.hpp"

#include <gtest/gtest.h>

#include "helpers.hpp"
#include "model.hpp"
#include "tempfile/spooled_temporary_file.hpp"
#include "tempfile/temporary_file.hpp"
#include "values.hpp"

namespace tempfile::test {
namespace {

constexpr auto all_newlines = {newlines::raw, newlines::universal, newlines::crlf, newlines::cr};
constexpr std::size_t stretch = 4096;  // bytes that are translated at a time

// What stands in the file after `text` was written.
std::string written(newlines newline, const std::string& text) {
    temporary_file fp({.newline = newline});
    fp << text;
    return contents(fp.fileno());
}

// A file with these bytes, at its beginning.
temporary_file file_of(newlines newline, const std::string& bytes) {
    temporary_file fp({.newline = newline});
    fp.reopen().write(bytes);
    fp.seek(0);
    return fp;
}

std::string read_back(newlines newline, const std::string& bytes) {
    return file_of(newline, bytes).read();
}

TEST(newline, raw_is_the_default_and_translates_nothing) {
    EXPECT_EQ(temporary_file_options().newline, newlines::raw);
    EXPECT_EQ(written(newlines::raw, "a\nb\r\nc\r"), "a\nb\r\nc\r");
    EXPECT_EQ(read_back(newlines::raw, "a\nb\r\nc\r"), "a\nb\r\nc\r");
}

TEST(newline, universal) {
    EXPECT_EQ(written(newlines::universal, "a\nb\r\nc\r"), "a\nb\r\nc\r") << "the system's own is \\n";
    EXPECT_EQ(read_back(newlines::universal, "a\nb\r\nc\rd\r\r\n\n\r"), "a\nb\nc\nd\n\n\n\n");
}

TEST(newline, crlf) {
    EXPECT_EQ(written(newlines::crlf, "a\nb\n\nc"), "a\r\nb\r\n\r\nc");
    EXPECT_EQ(written(newlines::crlf, "a\r\n"), "a\r\r\n") << "as in Python";
    EXPECT_EQ(read_back(newlines::crlf, "a\r\nb\nc\rd\r\r\n\r"), "a\nb\nc\rd\r\n\r");
}

TEST(newline, cr) {
    EXPECT_EQ(written(newlines::cr, "a\nb\n\nc"), "a\rb\r\rc");
    EXPECT_EQ(read_back(newlines::cr, "a\rb\nc\r\n"), "a\nb\nc\n\n");
}

TEST(newline, does_what_the_model_does) {
    for (const newlines newline : all_newlines) {
        for (const bool append : {false, true}) {
            for (const std::size_t longest : {50U, 10'000U}) {
                for (unsigned seed = 1; seed <= 3; ++seed) {
                    const auto mode = std::ios::in | std::ios::out | (append ? std::ios::app : std::ios::openmode{});
                    const walk_options options{
                        .seed = seed, .steps = 1000, .longest = longest, .append = append, .newline = newline};
                    temporary_file fp({.mode = mode, .buffering = longest / 3, .newline = newline});
                    walk(fp, options).run();
                    spooled_temporary_file spool({.max_size = 2 * longest, .mode = mode, .newline = newline});
                    walk(spool, options).run();
                }
            }
        }
    }
}

TEST(newline, every_way_to_write_translates) {
    temporary_file fp({.newline = newlines::crlf});
    fp << "1\n" << '\n' << std::endl;
    fp.put('\n');
    fp.write("2\n");
    fp.write(std::as_bytes(std::span(std::string_view("3\n"))));
    fp.std::ostream::write("4\n", 2);
    EXPECT_EQ(contents(fp.fileno()), "1\r\n\r\n\r\n\r\n2\r\n3\r\n4\r\n");
}

TEST(newline, every_way_to_read_translates) {
    auto fp = file_of(newlines::universal, "a\r\nb\r\nc\rd\ne\r\nf\r\n");
    EXPECT_EQ(fp.readline(), "a\n");
    EXPECT_EQ(fp.read(2), "b\n");
    std::string line;
    std::getline(fp, line);
    EXPECT_EQ(line, "c");
    EXPECT_EQ(fp.get(), 'd');
    EXPECT_EQ(fp.get(), '\n');
    std::array<std::byte, 2> into{};
    EXPECT_EQ(fp.read(into), 2U);
    EXPECT_EQ(into[1], std::byte{'\n'});
    EXPECT_EQ(fp.read(), "f\n");
}

TEST(newline, positions_count_bytes_of_the_file) {
    temporary_file page({.newline = newlines::crlf});
    page << "one\ntwo\n";
    EXPECT_EQ(page.size(), 10U);
    EXPECT_EQ(page.tell(), 10U);
    page.seek(0);
    EXPECT_EQ(page.readline(), "one\n");
    EXPECT_EQ(page.tell(), 5U);
    EXPECT_EQ(std::streamoff(page.tellg()), 5);
    page.seek(5);
    EXPECT_EQ(page.read(), "two\n");
    page.seek(-5, std::ios::end);
    EXPECT_EQ(page.read(1), "t");
    EXPECT_EQ(page.seek(1, std::ios::cur), 7U);
    EXPECT_EQ(page.truncate(), 7U);
    page.seek(0);
    EXPECT_EQ(page.read(), "one\ntw");
}

TEST(newline, reading_after_writing_needs_no_seek) {
    auto fp = file_of(newlines::crlf, "a\r\nb\r\nc\r\n");
    EXPECT_EQ(fp.readline(), "a\n");
    fp << "B\n";
    EXPECT_EQ(fp.readline(), "c\n");
    EXPECT_EQ(contents(fp.fileno()), "a\r\nB\r\nc\r\n");
}

TEST(newline, what_was_read_ahead_is_given_back_before_others_use_the_handle) {
    auto fp = file_of(newlines::universal, "a\r\nb\r\n");
    EXPECT_EQ(fp.readline(), "a\n");
    EXPECT_EQ(::lseek(fp.fileno(), 0, SEEK_CUR), 3);
    EXPECT_EQ(fp.readline(), "b\n");
}

TEST(newline, a_change_by_others_is_seen_after_flush_and_after_seek) {
    auto fp = file_of(newlines::universal, "old\nold\n");
    EXPECT_EQ(fp.read(1), "o");
    fp.reopen().write("NEW\rNEW\r");
    fp.flush();
    EXPECT_EQ(fp.read(3), "EW\n");
    fp.reopen().pwrite("end", 4);
    fp.seek(4);
    EXPECT_EQ(fp.read(), "end\n");
}

// A pair that is cut in two by the end of a stretch is one line end all the same.
TEST(newline, pairs_across_stretches) {
    for (std::size_t before = stretch - 3; before <= stretch + 3; ++before) {
        const std::string text(before, 'x');
        EXPECT_EQ(read_back(newlines::universal, text + "\r\n\r\ny"), text + "\n\ny") << before;
        EXPECT_EQ(read_back(newlines::crlf, text + "\r\r\ny"), text + "\r\ny") << before;
        EXPECT_EQ(read_back(newlines::universal, text + "\r"), text + "\n") << before;
        EXPECT_EQ(read_back(newlines::universal, text + "\ry"), text + "\ny") << before;
        auto fp = file_of(newlines::universal, text + "\r\n\r\ny");
        EXPECT_EQ(fp.readline(), text + "\n");
        EXPECT_EQ(fp.tell(), before + 2);
    }
}

TEST(newline, nothing_but_line_ends) {
    std::string pairs;
    std::string ends;
    for (int i = 0; i < 10'000; ++i) {
        pairs += "\r\n";
        ends += '\n';
    }
    EXPECT_EQ(read_back(newlines::universal, pairs), ends);
    EXPECT_EQ(read_back(newlines::crlf, "x" + pairs), "x" + ends);
    EXPECT_EQ(written(newlines::crlf, ends), pairs);
}

TEST(newline, T29_a_failed_write_leaves_nothing_of_the_piece_in_the_buffer) {
    temporary_file fp({.buffering = 16, .newline = newlines::crlf});
    fp << "a\n";
    const nearly_full_disk disk;
    EXPECT_EQ(thrown([&] { fp.write("0123456\n89abc"); }), std::errc::no_space_on_device);
    EXPECT_EQ(fp.tell(), 3U);
    EXPECT_EQ(fp.size(), 3U);
}

TEST(newline, T29_a_failed_read_leaves_the_position) {
    for (const std::size_t buffering : {std::size_t{16}, stretch, default_buffering}) {
        temporary_file fp({.buffering = buffering, .newline = newlines::universal});
        fp.reopen().write(std::string(stretch - 1, 'x') + "\r\ny");
        for (int failing = 1; failing <= 3; ++failing) {
            fp.seek(0);
            int calls = 0;
            using call = replace_call<&sys::calls::pread>;
            const call broken([&](sys::handle h, void* into, std::size_t bytes, std::uint64_t at, std::size_t& done) {
                return ++calls == failing ? EIO : call::real(h, into, bytes, at, done);
            });
            if (thrown([&] { fp.get(); }) == std::errc::io_error) {
                fp.clear();
                EXPECT_EQ(fp.tell(), 0U) << "buffering " << buffering << ", call " << failing;
            }
        }
    }
}

TEST(newline, even_nothing_cannot_be_written_after_close) {
    temporary_file fp({.newline = newlines::crlf});
    fp.close();
    EXPECT_EQ(thrown([&] { fp.write(""); }), std::errc::bad_file_descriptor);
}

TEST(newline, T18_moves_along_with_what_was_read_ahead) {
    auto a = file_of(newlines::universal, "a\r\nb\r\n");
    EXPECT_EQ(a.readline(), "a\n");
    temporary_file b;
    swap(a, b);
    EXPECT_EQ(b.readline(), "b\n");
    a = std::move(b);
    EXPECT_EQ(a.tell(), 6U);
    EXPECT_EQ(a.readline(), "");
    a << "\n";
    EXPECT_EQ(a.size(), 7U);
}

}  // namespace
}  // namespace tempfile::test
