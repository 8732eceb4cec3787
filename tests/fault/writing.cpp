// Writes that fail: nothing is lost in silence, and what could not be written is still there to be written again.

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <functional>
#include <string>

#include "support/in_child.hpp"
#include "support/mounted.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_child;
using tempfile::test::mounted;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

// The code of the std::system_error that `operation` throws.
std::error_code thrown_by(const std::function<void()>& operation) {
    try {
        operation();
    } catch (const std::system_error& e) {
        return e.code();
    }
    return {};
}

std::string numbered(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; text.size() < bytes; ++i) {
        text += std::to_string(i) + ' ';
    }
    text.resize(bytes);
    return text;
}

// A tmpfs with 8 MiB of room, filled up but for `free` bytes.
class almost_full {
public:
    explicit almost_full(std::size_t free) : fs_("mount -t tmpfs -o size=8m tmpfs $M") {
        if (fs_) {
            std::ofstream(filler()) << std::string((std::size_t{8} << 20U) - free, 'f');
        }
    }
    explicit operator bool() const { return static_cast<bool>(fs_); }
    [[nodiscard]] const std::string& why_not() const { return fs_.why_not(); }
    [[nodiscard]] path dir() const { return fs_.path(); }
    [[nodiscard]] path filler() const { return fs_ / "filler"; }
    void make_room() const { std::filesystem::remove(filler()); }

private:
    mounted fs_;
};

// --- A full disk, for real ---

TEST(full_disk, T29_the_error_reaches_whoever_wrote) {
    const almost_full fs(100'000);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const std::string text = numbered(1 << 20U);
    temporary_file fp({.dir = fs.dir()});
    EXPECT_EQ(thrown_by([&] { fp.write(text); }), system_code(ENOSPC)) << "a piece that passes the buffer by";
    fp.seek(0);
    EXPECT_EQ(thrown_by([&] { fp << text; }), system_code(ENOSPC)) << "<<";
    EXPECT_TRUE(fp.bad());
    fp.clear();
    fp.truncate(0);
    fp.seek(0);
    fp << "small";
    fp.flush();
    EXPECT_EQ(fp.size(), 5U);
    file plain = mkstemp({.dir = fs.dir()}).file;
    EXPECT_EQ(thrown_by([&] { plain.write(text); }), system_code(ENOSPC)) << "file";
    std::error_code ec;
    EXPECT_EQ(plain.pwrite(text, 0, ec), plain.size()) << "what was written before the error is told";
    EXPECT_EQ(ec, system_code(ENOSPC));
}

TEST(full_disk, T29_what_was_buffered_is_kept_and_written_by_a_second_try) {
    const almost_full fs(8192);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const std::string text = numbered(50'000);  // less than the buffer
    named_temporary_file fp({.dir = fs.dir()});
    fp << text;
    EXPECT_EQ(thrown_by([&] { fp.flush(); }), system_code(ENOSPC));
    EXPECT_EQ(thrown_by([&] { fp.close(); }), system_code(ENOSPC));
    EXPECT_FALSE(fp.closed());
    EXPECT_TRUE(std::filesystem::exists(fp.path()));
    EXPECT_EQ(fp.tell(), text.size());
    fs.make_room();
    const path kept = fp.keep();
    fp.close();
    std::ifstream in(kept);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
}

TEST(full_disk, T29_the_destructor_of_what_vanishes_writes_nothing) {
    const almost_full fs(4096);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    int writes = 0;
    const replace_call<&sys::calls::pwrite> counting([&](auto... arguments) {
        ++writes;
        return replace_call<&sys::calls::pwrite>::real(arguments...);
    });
    { temporary_file({.dir = fs.dir()}) << numbered(50'000); }
    { named_temporary_file({.dir = fs.dir()}) << numbered(50'000); }
    { spooled_temporary_file({.dir = fs.dir()}) << numbered(50'000); }
    EXPECT_EQ(writes, 0);
}

TEST(full_disk, T26_a_spool_that_cannot_roll_over_keeps_every_byte_and_the_position) {
    const almost_full fs(8192);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const std::string text = numbered(50'000);
    spooled_temporary_file spool({.max_size = 50'000, .dir = fs.dir()});
    spool << text;
    spool.seek(10);
    EXPECT_EQ(thrown_by([&] { spool.rollover(); }), system_code(ENOSPC));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(spool.fileno()); }), system_code(ENOSPC));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(spool.reopen()); }), system_code(ENOSPC));
    EXPECT_EQ(spool.tell(), 10U);
    EXPECT_FALSE(spool.rolled());
    spool.seek(0, std::ios::end);
    EXPECT_EQ(thrown_by([&] { spool << 'x'; }), system_code(ENOSPC)) << "the byte that is too many";
    spool.clear();
    EXPECT_EQ(thrown_by([&] { spool.truncate(60'000); }), system_code(ENOSPC));
    EXPECT_EQ(spool.tell(), 50'000U);
    EXPECT_EQ(spool.size(), 50'000U);
    spool.seek(0);
    EXPECT_EQ(spool.read(), text);

    fs.make_room();
    spool << "more";
    EXPECT_TRUE(spool.rolled());
    spool.seek(0);
    EXPECT_EQ(spool.read(), text + "more");
}

TEST(full_disk, T25_no_room_for_a_name) {
    const mounted fs("mount -t tmpfs -o nr_inodes=10 tmpfs $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    std::error_code ec;
    int made = 0;
    for (; !ec && made < 20; ++made) {
        std::ofstream(fs / std::to_string(made));
        ec = std::filesystem::exists(fs / std::to_string(made)) ? std::error_code() : system_code(ENOSPC);
    }
    ASSERT_TRUE(ec) << "the file system took 20 files";
    EXPECT_EQ(thrown_by([&] { const temporary_file one_more({.dir = fs.path()}); }), system_code(ENOSPC));
    EXPECT_EQ(thrown_by([&] { const named_temporary_file one_more({.dir = fs.path()}); }), system_code(ENOSPC));
    EXPECT_EQ(thrown_by([&] { const temporary_directory one_more({.dir = fs.path()}); }), system_code(ENOSPC));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(mkstemp({.dir = fs.path()})); }), system_code(ENOSPC));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(mkdtemp({.dir = fs.path()})); }), system_code(ENOSPC));
    spooled_temporary_file spool({.dir = fs.path()});
    spool << "text";
    EXPECT_EQ(thrown_by([&] { spool.rollover(); }), system_code(ENOSPC));
    std::filesystem::remove(fs / "0");
    spool.rollover();
    spool.seek(0);
    EXPECT_EQ(spool.read(), "text");
}

TEST(full_disk, T29_allocate_says_so_beforehand) {
    const almost_full fs(100'000);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    file f = mkstemp({.dir = fs.dir()}).file;
    EXPECT_EQ(thrown_by([&] { f.allocate(1 << 20U); }), system_code(ENOSPC));
    f.allocate(50'000);
    f.write(numbered(50'000));
}

// --- A limit on the size of files, for real ---

TEST(file_size_limit, T29_EFBIG_is_reported_and_what_fits_is_written) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  const scratch dir;
                  ::signal(SIGXFSZ, SIG_IGN);
                  const rlimit limit = {10'000, 10'000};
                  ::setrlimit(RLIMIT_FSIZE, &limit);
                  temporary_file fp({.dir = dir.path()});
                  fp << numbered(50'000);
                  if (thrown_by([&] { fp.flush(); }) != system_code(EFBIG)) {
                      wrong << "flush\n";
                  }
                  if (thrown_by([&] { fp.close(); }) != system_code(EFBIG) || fp.closed()) {
                      wrong << "close\n";
                  }
                  file plain = mkstemp({.dir = dir.path()}).file;
                  std::error_code ec;
                  if (plain.write(numbered(50'000), ec) != 10'000 || ec != system_code(EFBIG)) {
                      wrong << "file\n";
                  }
                  spooled_temporary_file spool({.max_size = 20'000, .dir = dir.path()});
                  spool << numbered(20'000);
                  if (thrown_by([&] { spool << 'x'; }) != system_code(EFBIG)) {
                      wrong << "spool\n";
                  }
                  spool.clear();
                  spool.seek(0);
                  if (spool.read() != numbered(20'000)) {
                      wrong << "the spool lost bytes\n";
                  }
              }),
              "");
}

// --- Short writes and reads ---

// Half of what was asked, at least a byte, as pipes, quotas and signals do it.
class short_transfers : public testing::Test {
protected:
    scratch dir;
    replace_call<&sys::calls::read> read_{[](sys::handle h, void* into, std::size_t n, std::size_t& done) {
        return replace_call<&sys::calls::read>::real(h, into, (n + 1) / 2, done);
    }};
    replace_call<&sys::calls::write> write_{[](sys::handle h, const void* from, std::size_t n, std::size_t& done) {
        return replace_call<&sys::calls::write>::real(h, from, (n + 1) / 2, done);
    }};
    replace_call<&sys::calls::pread> pread_{
        [](sys::handle h, void* into, std::size_t n, std::uint64_t at, std::size_t& done) {
            return replace_call<&sys::calls::pread>::real(h, into, (n + 1) / 2, at, done);
        }};
    replace_call<&sys::calls::pwrite> pwrite_{
        [](sys::handle h, const void* from, std::size_t n, std::uint64_t at, std::size_t& done) {
            return replace_call<&sys::calls::pwrite>::real(h, from, (n + 1) / 2, at, done);
        }};
    // One byte of the first piece.
    replace_call<&sys::calls::readv> readv_{
        [](sys::handle h, const sys::piece* pieces, std::size_t, std::size_t& done) {
            return replace_call<&sys::calls::read>::real(h, pieces->data, 1, done);
        }};
    replace_call<&sys::calls::writev> writev_{
        [](sys::handle h, const sys::piece* pieces, std::size_t, std::size_t& done) {
            return replace_call<&sys::calls::write>::real(h, pieces->data, 1, done);
        }};
};

TEST_F(short_transfers, T26_T29_lose_nothing) {
    const std::string text = numbered(300'000);
    temporary_file unnamed({.dir = dir.path()});
    temporary_file appending({.dir = dir.path(), .mode = std::ios::in | std::ios::app});
    temporary_file unbuffered({.dir = dir.path(), .buffering = 0});
    spooled_temporary_file spool({.max_size = 200'000, .dir = dir.path()});
    const std::array<file_object*, 4> all = {&unnamed, &appending, &unbuffered, &spool};
    for (file_object* fp : all) {
        for (std::size_t at = 0; at < text.size(); at += 1000) {
            *fp << text.substr(at, 1000);
        }
        fp->seek(0);
        EXPECT_TRUE(fp->read() == text);
        EXPECT_EQ(fp->size(), text.size());
    }
}

TEST_F(short_transfers, T29_of_pieces_lose_nothing) {
    file f = mkstemp({.dir = dir.path()}).file;
    const std::array<std::string, 3> out = {"one", "", "three"};
    const std::array<std::span<const std::byte>, 3> from = {
        std::as_bytes(std::span(out[0])), std::as_bytes(std::span(out[1])), std::as_bytes(std::span(out[2]))};
    f.writev(from);
    f.seek(0);
    std::array<std::string, 2> in = {"....", "...."};
    const std::array<std::span<std::byte>, 2> into = {std::as_writable_bytes(std::span(in[0])),
                                                      std::as_writable_bytes(std::span(in[1]))};
    EXPECT_EQ(f.readv(into), 8U);
    EXPECT_EQ(in[0] + in[1], "onethree");
}

TEST(writing, T29_a_write_of_nothing_is_an_error_and_no_endless_loop) {
    const scratch dir;
    const replace_call<&sys::calls::pwrite> nothing(
        [](sys::handle, const void*, std::size_t, std::uint64_t, std::size_t& done) {
            done = 0;
            return 0;
        });
    temporary_file fp({.dir = dir.path()});
    fp << "text";
    EXPECT_EQ(thrown_by([&] { fp.flush(); }), system_code(EIO));
}

// --- EIO ---

TEST(writing, T29_an_error_of_sync_is_reported) {
    const scratch dir;
    file f = mkstemp({.dir = dir.path()}).file;
    const replace_call<&sys::calls::sync> broken([](auto...) { return EIO; });
    EXPECT_EQ(thrown_by([&] { f.sync(); }), system_code(EIO));
    EXPECT_FALSE(f.closed());
}

// A disk that dies: ext4 is told to stop working at once (ext4's and xfs's "goingdown").
TEST(dead_disk, T29_T12_T25_is_reported_by_everything_and_ends_well) {
    const mounted fs("truncate -s 16M $W/image && mkfs.ext4 -q -F $W/image && mount -o loop $W/image $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    named_temporary_file fp({.dir = fs.path()});
    fp << numbered(50'000);
    temporary_directory made({.dir = fs.path()});
    std::ofstream(made / "file").put('x');
    file plain = mkstemp({.dir = fs.path()}).file;
    constexpr unsigned long goingdown = _IOR('X', 125, std::uint32_t);
    std::uint32_t without_flushing = 2;
    if (::ioctl(made.native_handle(), goingdown, &without_flushing) != 0) {
        GTEST_SKIP() << "this ext4 cannot be shut down";
    }
    const auto expect_error = [](const char* what, const std::error_code& ec) {
        EXPECT_TRUE(ec.value() == EIO || ec.value() == EROFS || ec.value() == ESHUTDOWN)
            << what << ": " << ec.message();
    };
    expect_error("flush", thrown_by([&] { fp.flush(); }));
    expect_error("close", thrown_by([&] { fp.close(); }));
    expect_error("cleanup of a file", thrown_by([&] { fp.cleanup(); }));
    expect_error("cleanup of a directory", thrown_by([&] { made.cleanup(); }));
    expect_error("sync", thrown_by([&] { plain.sync(); }));
    expect_error("temporary_file", thrown_by([&] { const temporary_file one_more({.dir = fs.path()}); }));
    expect_error("temporary_directory", thrown_by([&] { const temporary_directory one_more({.dir = fs.path()}); }));
}

}  // namespace
