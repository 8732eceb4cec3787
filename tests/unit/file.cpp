#include "tempfile/file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <type_traits>
#include <vector>

#include "helpers.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

static_assert(std::is_nothrow_move_constructible_v<file> && std::is_nothrow_move_assignable_v<file>);
static_assert(std::is_nothrow_swappable_v<file> && !std::is_copy_constructible_v<file>);
static_assert(!std::is_convertible_v<int, file>, "a number must not become a file that owns it by accident");
static_assert(sizeof(file) == sizeof(int));

file open_new(const std::filesystem::path& path, int flags = 0) {
    return file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600));
}

std::string read_text(file& f, std::size_t bytes) {
    std::string text(bytes, '\0');
    text.resize(f.read(std::as_writable_bytes(std::span(text))));
    return text;
}

std::string pread_text(file& f, std::size_t bytes, std::uint64_t at) {
    std::string text(bytes, '\0');
    text.resize(f.pread(std::as_writable_bytes(std::span(text)), at));
    return text;
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class file_test : public testing::Test {
protected:
    scratch dir;
    file f = open_new(dir / "f");
};

// --- Ownership ---

TEST(file, default_made_and_negative_handles_are_closed) {
    EXPECT_TRUE(file().closed());
    EXPECT_EQ(file().native_handle(), -1);
    EXPECT_TRUE(file(-1).closed());
    EXPECT_TRUE(file(-100).closed());
    EXPECT_EQ(file(-100).native_handle(), -1);
}

TEST_F(file_test, closes_its_handle_when_destroyed) {
    const int handle = f.native_handle();
    EXPECT_FALSE(f.closed());
    EXPECT_TRUE(is_open(handle));
    { const file owner = std::move(f); }
    EXPECT_FALSE(is_open(handle));
}

TEST_F(file_test, release_gives_the_handle_away) {
    const int handle = f.release();
    EXPECT_TRUE(f.closed());
    EXPECT_TRUE(is_open(handle));
    EXPECT_EQ(f.release(), -1);
    ::close(handle);
}

TEST_F(file_test, closing_twice_is_harmless_and_closes_nobody_elses_handle) {
    const int handle = f.native_handle();
    f.close();
    EXPECT_TRUE(f.closed());
    const file next = open_new(dir / "next");
    ASSERT_EQ(next.native_handle(), handle) << "the kernel gives the lowest free descriptor";
    f.close();
    std::error_code ec = std::make_error_code(std::errc::io_error);
    f.close(ec);
    EXPECT_FALSE(ec);
    EXPECT_TRUE(is_open(handle));
}

TEST_F(file_test, T18_values) {
    const int first = f.native_handle();
    file& same = f;
    f = std::move(same);
    EXPECT_EQ(f.native_handle(), first) << "self-move";
    f.swap(same);
    swap(f, same);
    EXPECT_EQ(f.native_handle(), first) << "self-swap";
    EXPECT_TRUE(is_open(first));

    file other = open_new(dir / "other");
    const int second = other.native_handle();
    swap(f, other);
    EXPECT_EQ(f.native_handle(), second);
    EXPECT_EQ(other.native_handle(), first);

    f = std::move(other);
    EXPECT_EQ(f.native_handle(), first);
    EXPECT_TRUE(other.closed());  // NOLINT(bugprone-use-after-move): what is moved from is closed
    EXPECT_FALSE(is_open(second)) << "move-assignment closes what was there";

    const file last(std::move(f));
    EXPECT_TRUE(f.closed());
    EXPECT_TRUE(is_open(first));
}

// --- Errors ---

// Both forms of an operation on a closed file.
template <class Operation>
void expect_refused(const char* what, Operation operation) {
    EXPECT_EQ(thrown([&] { operation(); }), std::errc::bad_file_descriptor) << what;
    std::error_code ec;
    operation(ec);
    EXPECT_EQ(ec, std::errc::bad_file_descriptor) << what;
}

TEST(file, everything_on_a_closed_file_is_EBADF_in_both_forms) {
    file f;
    std::array<std::byte, 4> into{};
    std::array<std::span<std::byte>, 1> in{into};
    std::array<std::span<const std::byte>, 1> out{into};
    expect_refused("read", [&](auto&... ec) { f.read(into, ec...); });
    expect_refused("write", [&](auto&... ec) { f.write("x", ec...); });
    expect_refused("readv", [&](auto&... ec) { f.readv(in, ec...); });
    expect_refused("writev", [&](auto&... ec) { f.writev(out, ec...); });
    expect_refused("pread", [&](auto&... ec) { f.pread(into, 0, ec...); });
    expect_refused("pwrite", [&](auto&... ec) { f.pwrite("x", 0, ec...); });
    expect_refused("preadv", [&](auto&... ec) { f.preadv(in, 0, ec...); });
    expect_refused("pwritev", [&](auto&... ec) { f.pwritev(out, 0, ec...); });
    expect_refused("seek", [&](auto&... ec) { f.seek(0, std::ios::beg, ec...); });
    expect_refused("tell", [&](auto&... ec) { std::ignore = f.tell(ec...); });
    expect_refused("size", [&](auto&... ec) { std::ignore = f.size(ec...); });
    expect_refused("truncate", [&](auto&... ec) { f.truncate(0, ec...); });
    expect_refused("allocate", [&](auto&... ec) { f.allocate(1, ec...); });
    expect_refused("allocate nothing", [&](auto&... ec) { f.allocate(0, ec...); });
    expect_refused("sync", [&](auto&... ec) { f.sync(ec...); });
    expect_refused("reopen", [&](auto&... ec) { std::ignore = f.reopen(ec...); });
}

TEST(file, even_nothing_cannot_be_read_from_or_written_to_a_closed_file) {
    file f;
    expect_refused("read", [&](auto&... ec) { f.read({}, ec...); });
    expect_refused("write", [&](auto&... ec) { f.write("", ec...); });
    expect_refused("pread", [&](auto&... ec) { f.pread({}, 0, ec...); });
    expect_refused("pwrite", [&](auto&... ec) { f.pwrite("", 0, ec...); });
    expect_refused("readv", [&](auto&... ec) { f.readv({}, ec...); });
    expect_refused("writev", [&](auto&... ec) { f.writev({}, ec...); });
}

TEST_F(file_test, success_clears_the_error_code) {
    std::error_code ec;
    const auto cleared = [&](const char* what, auto operation) {
        ec = std::make_error_code(std::errc::io_error);
        operation();
        EXPECT_FALSE(ec) << what;
    };
    std::array<std::byte, 1> into{};
    cleared("write", [&] { f.write("x", ec); });
    cleared("pwrite", [&] { f.pwrite("x", 0, ec); });
    cleared("pread", [&] { f.pread(into, 0, ec); });
    cleared("read", [&] { f.read(into, ec); });
    cleared("seek", [&] { f.seek(0, std::ios::beg, ec); });
    cleared("tell", [&] { std::ignore = f.tell(ec); });
    cleared("size", [&] { std::ignore = f.size(ec); });
    cleared("truncate", [&] { f.truncate(0, ec); });
    cleared("allocate", [&] { f.allocate(0, ec); });
    cleared("sync", [&] { f.sync(ec); });
    cleared("reopen", [&] { std::ignore = f.reopen(ec); });
    cleared("close", [&] { f.close(ec); });
}

TEST_F(file_test, messages_name_the_operation) {
    f.close();
    EXPECT_TRUE(mentions(message_of([&] { f.write("x"); }), "cannot write"));
    EXPECT_TRUE(mentions(message_of([&] { f.truncate(1); }), "cannot truncate"));
}

TEST_F(file_test, T20_a_close_error_is_reported_once_and_the_handle_is_gone) {
    const int handle = f.native_handle();
    const replace_call<&sys::calls::close> failing([](sys::handle h) {
        replace_call<&sys::calls::close>::real(h);
        return EIO;
    });
    EXPECT_EQ(thrown([&] { f.close(); }), std::errc::io_error);
    EXPECT_TRUE(f.closed());
    EXPECT_FALSE(is_open(handle));
    f.close();
}

// --- Reading and writing ---

TEST_F(file_test, reads_and_writes_at_its_offset) {
    f.write("one two three");
    EXPECT_EQ(f.tell(), 13U);
    EXPECT_EQ(f.seek(4), 4U);
    EXPECT_EQ(read_text(f, 3), "two");
    EXPECT_EQ(f.tell(), 7U);
    f.write("-");
    f.seek(0);
    EXPECT_EQ(read_text(f, 100), "one two-three") << "fewer than asked at the end of the file";
    EXPECT_EQ(read_text(f, 100), "");
    f.write(bytes_of("!"));
    EXPECT_EQ(contents(dir / "f"), "one two-three!");
}

TEST_F(file_test, pread_and_pwrite_leave_the_offset_alone) {
    f.write("abcdef");
    f.seek(2);
    f.pwrite("XY", 4);
    f.pwrite(bytes_of("Z"), 0);
    EXPECT_EQ(pread_text(f, 3, 3), "dXY");
    EXPECT_EQ(pread_text(f, 10, 6), "");
    EXPECT_EQ(f.tell(), 2U);
    EXPECT_EQ(contents(dir / "f"), "ZbcdXY");
}

TEST_F(file_test, pwrite_behind_the_end_leaves_zeros) {
    f.pwrite("x", 3);
    EXPECT_EQ(contents(dir / "f"), std::string("\0\0\0x", 4));
}

TEST_F(file_test, a_file_for_appending_appends) {
    file end = open_new(dir / "f", O_APPEND);
    f.write("12345");
    end.seek(0);
    end.write("6");
    EXPECT_EQ(end.tell(), 6U);
    EXPECT_EQ(contents(dir / "f"), "123456");
}

// Short transfers through the table, so that every piece is cut somewhere.
TEST_F(file_test, scatter_and_gather_survive_short_transfers) {
    const std::string text = sample(500);
    std::vector<std::span<const std::byte>> out;
    for (std::size_t at = 0, n = 0; at < text.size(); at += n, n = (n + 1) % 5) {
        out.push_back(bytes_of(text).subspan(at, std::min(n, text.size() - at)));
    }
    ASSERT_GT(out.size(), 128U) << "more pieces than one call takes";
    using call = replace_call<&sys::calls::pwritev>;
    int calls = 0;
    const call short_writes(
        [&](sys::handle h, const sys::piece* p, std::size_t n, std::uint64_t at, std::size_t& done) {
            const sys::piece begin{p->data, std::min<std::size_t>(p->bytes, 3)};  // cuts the longest ones
            return ++calls % 2 == 0 ? call::real(h, &begin, 1, at, done)
                                    : call::real(h, p, std::min<std::size_t>(n, 7), at, done);
        });
    f.pwritev(out, 10);
    EXPECT_EQ(contents(dir / "f"), std::string(10, '\0') + text);
    f.writev(out);
    f.pwrite(text, 0);
    f.truncate(text.size());
    EXPECT_EQ(f.tell(), text.size());

    std::string a(7, '\0');
    std::string b;
    std::string c(1000, '\0');
    std::array<std::span<std::byte>, 3> in{std::as_writable_bytes(std::span(a)), std::as_writable_bytes(std::span(b)),
                                           std::as_writable_bytes(std::span(c))};
    f.seek(0);
    EXPECT_EQ(f.readv(in), text.size());
    EXPECT_EQ(a + c.substr(0, text.size() - 7), text);
    EXPECT_EQ(f.preadv(in, 100), text.size() - 100);
    EXPECT_EQ(a, text.substr(100, 7));
    EXPECT_EQ(f.tell(), text.size());
}

TEST_F(file_test, no_pieces_is_nothing_to_do) {
    f.writev({});
    EXPECT_EQ(f.readv({}), 0U);
    EXPECT_EQ(f.size(), 0U);
}

TEST_F(file_test, T29_short_writes_are_completed) {
    using call = replace_call<&sys::calls::write>;
    const call short_writes([](sys::handle h, const void* from, std::size_t bytes, std::size_t& done) {
        return call::real(h, from, std::min<std::size_t>(bytes, 10), done);
    });
    f.write(sample(95));
    EXPECT_EQ(contents(dir / "f"), sample(95));
}

TEST_F(file_test, short_reads_are_completed) {
    f.write(sample(95));
    using call = replace_call<&sys::calls::pread>;
    const call short_reads([](sys::handle h, void* into, std::size_t bytes, std::uint64_t at, std::size_t& done) {
        return call::real(h, into, std::min<std::size_t>(bytes, 10), at, done);
    });
    EXPECT_EQ(pread_text(f, 95, 0), sample(95));
}

TEST_F(file_test, T29_a_full_disk_is_an_error_that_tells_how_much_was_written) {
    const nearly_full_disk disk(6);
    std::error_code ec;
    EXPECT_EQ(f.write("0123456789", ec), 6U);
    EXPECT_EQ(ec, std::errc::no_space_on_device);
    EXPECT_EQ(thrown([&] { f.write("x"); }), std::errc::no_space_on_device);
    EXPECT_EQ(f.pwrite("x", 0, ec), 0U);
    EXPECT_EQ(ec, std::errc::no_space_on_device);
    EXPECT_EQ(contents(dir / "f"), "012345");
}

TEST_F(file_test, T29_the_real_limit_of_file_size) {
    const file_size_limit limit(1000);
    std::error_code ec;
    EXPECT_EQ(f.write(sample(1500), ec), 1000U);
    EXPECT_EQ(ec, std::errc::file_too_large);
    EXPECT_EQ(thrown([&] { f.pwrite(sample(10), 1000); }), std::errc::file_too_large);
    EXPECT_EQ(thrown([&] { f.truncate(1001); }), std::errc::file_too_large);
    EXPECT_EQ(contents(dir / "f"), sample(1000));
}

TEST_F(file_test, a_write_that_writes_nothing_is_an_error_and_no_endless_loop) {
    const replace_call<&sys::calls::write> idle([](sys::handle, const void*, std::size_t, std::size_t& done) {
        done = 0;
        return 0;
    });
    EXPECT_EQ(thrown([&] { f.write("x"); }), std::errc::io_error);
}

TEST_F(file_test, what_was_read_before_an_error_is_told) {
    f.write("0123456789");
    int calls = 0;
    using call = replace_call<&sys::calls::pread>;
    const call failing([&](sys::handle h, void* into, std::size_t, std::uint64_t at, std::size_t& done) {
        return ++calls == 1 ? call::real(h, into, 4, at, done) : EIO;
    });
    std::array<std::byte, 10> into{};
    std::error_code ec;
    EXPECT_EQ(f.pread(into, 0, ec), 4U);
    EXPECT_EQ(ec, std::errc::io_error);
    EXPECT_EQ(into[3], std::byte{'3'});
}

// --- Offset, length, disk ---

TEST_F(file_test, seeks_from_three_origins) {
    f.write("0123456789");
    EXPECT_EQ(f.seek(-3, std::ios::end), 7U);
    EXPECT_EQ(f.seek(-2, std::ios::cur), 5U);
    EXPECT_EQ(f.seek(100, std::ios::beg), 100U);
    EXPECT_EQ(f.tell(), 100U);
    EXPECT_EQ(thrown([&] { f.seek(-1); }), std::errc::invalid_argument);
    EXPECT_EQ(thrown([&] { f.seek(-101, std::ios::cur); }), std::errc::invalid_argument);
    EXPECT_EQ(f.tell(), 100U);
}

TEST_F(file_test, truncates_both_ways_and_leaves_the_offset) {
    f.write("0123456789");
    f.truncate(4);
    EXPECT_EQ(f.size(), 4U);
    EXPECT_EQ(f.tell(), 10U);
    f.truncate(6);
    EXPECT_EQ(contents(dir / "f"), std::string("0123\0\0", 6));
    EXPECT_EQ(thrown([&] { f.truncate(~std::uint64_t{0}); }), std::errc::invalid_argument);
}

TEST_F(file_test, allocate_reserves_blocks_and_makes_a_shorter_file_longer) {
    std::error_code ec;
    f.allocate(1 << 20, ec);
    if (ec == std::errc::operation_not_supported) {
        GTEST_SKIP() << "the file system of /tmp cannot reserve space (fallocate: " << ec.message() << ")";
    }
    ASSERT_FALSE(ec) << ec.message();
    EXPECT_EQ(f.size(), 1U << 20);
    struct stat meta {};
    ::fstat(f.native_handle(), &meta);
    EXPECT_GE(meta.st_blocks * 512, 1 << 20);
    f.allocate(10);
    EXPECT_EQ(f.size(), 1U << 20) << "a longer file keeps its length";
    f.allocate(0);
}

TEST_F(file_test, allocate_never_writes_zeros_instead) {
    const replace_call<&sys::calls::allocate> missing([](auto&&...) { return EOPNOTSUPP; });
    EXPECT_EQ(thrown([&] { f.allocate(100); }), std::errc::operation_not_supported);
    EXPECT_EQ(f.size(), 0U);
}

TEST_F(file_test, sync_reports) {
    f.write("x");
    f.sync();
    const replace_call<&sys::calls::sync> broken([](auto&&...) { return EIO; });
    EXPECT_EQ(thrown([&] { f.sync(); }), std::errc::io_error);
}

// --- Reopen ---

TEST_F(file_test, reopen_gives_an_independent_offset_also_without_a_name) {
    f.write("abc");
    std::filesystem::remove(dir / "f");
    file again = f.reopen();
    EXPECT_NE(again.native_handle(), f.native_handle());
    EXPECT_EQ(again.tell(), 0U);
    EXPECT_EQ(read_text(again, 10), "abc");
    again.write("d");
    EXPECT_EQ(f.tell(), 3U);
    EXPECT_EQ(read_text(f, 10), "d");
    f.close();
    EXPECT_EQ(pread_text(again, 10, 0), "abcd") << "it keeps the contents alive";
}

TEST_F(file_test, reopen_does_not_append) {
    file end = open_new(dir / "f", O_APPEND);
    end.write("abc");
    file again = end.reopen();
    again.write("X");
    EXPECT_EQ(contents(dir / "f"), "Xbc");
}

TEST_F(file_test, reopened_handles_are_close_on_exec) {
    const file again = f.reopen();
    EXPECT_EQ(::fcntl(again.native_handle(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(file_test, reopen_without_proc_says_so) {
    const replace_call<&sys::calls::reopen> no_proc([](auto&&...) { return ENOENT; });
    EXPECT_EQ(thrown([&] { std::ignore = f.reopen(); }), std::errc::no_such_file_or_directory);
    std::error_code ec;
    EXPECT_TRUE(f.reopen(ec).closed());
    EXPECT_TRUE(ec);
}

}  // namespace
}  // namespace tempfile::test
