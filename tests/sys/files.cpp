// src/sys/sys.hpp, files.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

#include "support/held.hpp"
#include "support/in_child.hpp"
#include "support/scratch.hpp"
#include "sys/sys.hpp"

namespace {

using namespace tempfile;
using tempfile::test::held;
using tempfile::test::scratch;

bool close_on_exec(int h) {
    return (::fcntl(h, F_GETFD) & FD_CLOEXEC) != 0;
}

mode_t mode_of(int h) {
    struct stat s {};
    return ::fstat(h, &s) == 0 ? s.st_mode & 07777U : 07777U;
}

std::string contents(int h) {
    std::string text(4096, '\0');
    const auto n = ::pread(h, text.data(), text.size(), 0);
    text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return text;
}

class sys_files : public testing::Test {
protected:
    // A descriptor on a new file in the scratch directory.
    sys::handle make(const char* name) {
        sys::handle h = sys::no_handle;
        EXPECT_EQ(sys::call.create_file((dir / name).c_str(), false, h), 0);
        return h;
    }
    scratch dir;
};

// --- Making ---

TEST_F(sys_files, create_unnamed_makes_a_private_file_without_a_name) {
    const mode_t before = ::umask(0);
    held h;
    const sys::error e = sys::call.create_unnamed(dir.path().c_str(), false, h);
    ::umask(before);
    if (e == EOPNOTSUPP) {
        GTEST_SKIP() << "the file system of /tmp has no O_TMPFILE";
    }
    ASSERT_EQ(e, 0);
    EXPECT_TRUE(dir.empty());
    EXPECT_TRUE(close_on_exec(h));
    EXPECT_EQ(mode_of(h), 0600U);
    EXPECT_EQ(::fcntl(h, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR);
    struct stat s {};
    ASSERT_EQ(::fstat(h, &s), 0);
    EXPECT_EQ(s.st_nlink, 0U);
    EXPECT_EQ(s.st_size, 0);
}

TEST_F(sys_files, S7_a_file_made_unnamed_cannot_be_given_a_name) {
    held h;
    const sys::error e = sys::call.create_unnamed(dir.path().c_str(), false, h);
    if (e == EOPNOTSUPP) {
        GTEST_SKIP() << "the file system of /tmp has no O_TMPFILE";
    }
    ASSERT_EQ(e, 0);
    const std::string target = (dir / "named").string();
    EXPECT_NE(::linkat(h, "", AT_FDCWD, target.c_str(), AT_EMPTY_PATH), 0);
    EXPECT_EQ(errno, ENOENT);
    const std::string by_proc = "/proc/self/fd/" + std::to_string(h);
    EXPECT_NE(::linkat(AT_FDCWD, by_proc.c_str(), AT_FDCWD, target.c_str(), AT_SYMLINK_FOLLOW), 0);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_TRUE(dir.empty());
}

// Proves that the test above would notice: without O_EXCL the same call succeeds.
TEST_F(sys_files, S7_only_because_of_the_flag) {
    held h(::open(dir.path().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (h < 0) {
        GTEST_SKIP() << "the file system of /tmp has no O_TMPFILE";
    }
    const std::string by_proc = "/proc/self/fd/" + std::to_string(h);
    EXPECT_EQ(::linkat(AT_FDCWD, by_proc.c_str(), AT_FDCWD, (dir / "named").c_str(), AT_SYMLINK_FOLLOW), 0);
}

TEST_F(sys_files, create_unnamed_says_why_not) {
    held h;
    EXPECT_EQ(sys::call.create_unnamed((dir / "missing").c_str(), false, h), ENOENT);
    std::ofstream(dir / "file").put('x');
    EXPECT_EQ(sys::call.create_unnamed((dir / "file").c_str(), false, h), ENOTDIR);
    EXPECT_EQ(h, sys::no_handle) << "outputs are set only on success";
}

TEST_F(sys_files, create_file_makes_a_private_file) {
    const mode_t before = ::umask(0);
    held h;
    const sys::error e = sys::call.create_file((dir / "new").c_str(), false, h);
    ::umask(before);
    ASSERT_EQ(e, 0);
    EXPECT_TRUE(close_on_exec(h));
    EXPECT_EQ(mode_of(h), 0600U);
    EXPECT_EQ(::fcntl(h, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR);
    EXPECT_EQ(dir.names(), std::vector<std::string>{"new"});
}

TEST_F(sys_files, create_file_takes_nothing_that_exists) {
    std::ofstream(dir / "file").put('x');
    std::filesystem::create_directory(dir / "directory");
    std::filesystem::create_symlink(dir / "file", dir / "link");
    std::filesystem::create_symlink(dir / "nowhere", dir / "dangling");
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    for (const char* name : {"file", "directory", "link", "dangling", "fifo"}) {
        held h;
        EXPECT_EQ(sys::call.create_file((dir / name).c_str(), false, h), EEXIST) << name;
        EXPECT_EQ(h, sys::no_handle) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(dir / "nowhere"));
    EXPECT_EQ(std::filesystem::file_size(dir / "file"), 1U);
}

TEST_F(sys_files, append_goes_to_the_end) {
    held named;
    ASSERT_EQ(sys::call.create_file((dir / "log").c_str(), true, named), 0);
    held unnamed;
    const sys::error e = sys::call.create_unnamed(dir.path().c_str(), true, unnamed);
    ASSERT_TRUE(e == 0 || e == EOPNOTSUPP) << e;
    for (sys::handle h : {sys::handle(named), sys::handle(unnamed)}) {
        if (h < 0) {
            continue;
        }
        std::size_t done = 0;
        std::uint64_t now = 1;
        ASSERT_EQ(sys::call.write(h, "one", 3, done), 0);
        ASSERT_EQ(sys::call.seek(h, 0, sys::origin::beginning, now), 0);
        ASSERT_EQ(sys::call.write(h, "two", 3, done), 0);
        EXPECT_EQ(contents(h), "onetwo");
    }
}

// --- Names ---

TEST_F(sys_files, remove_file_takes_the_name_and_nothing_else) {
    std::ofstream(dir / "canary").put('x');
    std::filesystem::create_symlink(dir / "canary", dir / "link");
    std::filesystem::create_directory(dir / "directory");
    held at(::open(dir.path().c_str(), O_PATH | O_CLOEXEC));
    EXPECT_EQ(sys::call.remove_file(at, "link"), 0);
    EXPECT_TRUE(std::filesystem::exists(dir / "canary"));
    EXPECT_EQ(sys::call.remove_file(at, "link"), ENOENT);
    EXPECT_EQ(sys::call.remove_file(at, "directory"), EISDIR);
    EXPECT_EQ(sys::call.remove_file(sys::working_directory, (dir / "canary").c_str()), 0);
    EXPECT_EQ(dir.names(), std::vector<std::string>{"directory"});
}

TEST_F(sys_files, reopen_gives_an_independent_handle_also_without_a_name) {
    held h(make("file"));
    ASSERT_EQ(::unlink((dir / "file").c_str()), 0);
    ASSERT_EQ(::write(h, "text", 4), 4);
    held again;
    ASSERT_EQ(sys::call.reopen(h, again), 0);
    EXPECT_TRUE(close_on_exec(again));
    EXPECT_EQ(::lseek(again, 0, SEEK_CUR), 0);
    EXPECT_EQ(contents(again), "text");
    EXPECT_EQ(::write(again, "TE", 2), 2);
    EXPECT_EQ(contents(h), "TExt");
    EXPECT_EQ(::lseek(h, 0, SEEK_CUR), 4);
}

TEST_F(sys_files, duplicate_stays_off_the_standard_streams) {
    EXPECT_EQ(test::in_child([&](std::ostream& wrong) {
                  sys::handle h = make("file");
                  ::close(0);
                  ::close(1);
                  ::close(2);
                  sys::handle second = sys::no_handle;
                  if (sys::call.duplicate(h, second) != 0 || second < sys::first_free_handle) {
                      wrong << "the duplicate is " << second << '\n';
                  }
                  if (!close_on_exec(second)) {
                      wrong << "the duplicate is inherited by programs\n";
                  }
                  if (::write(second, "x", 1) != 1 || ::lseek(h, 0, SEEK_CUR) != 1) {
                      wrong << "the duplicate has an offset of its own\n";
                  }
              }),
              "");
}

TEST_F(sys_files, close_closes) {
    const sys::handle h = make("file");
    EXPECT_EQ(sys::call.close(h), 0);
    EXPECT_EQ(sys::call.close(h), EBADF);
}

// --- Reading and writing ---

TEST_F(sys_files, read_and_write_move_the_offset) {
    held h(make("file"));
    std::size_t done = 0;
    ASSERT_EQ(sys::call.write(h, "hello", 5, done), 0);
    EXPECT_EQ(done, 5U);
    std::uint64_t now = 0;
    ASSERT_EQ(sys::call.seek(h, -2, sys::origin::end, now), 0);
    EXPECT_EQ(now, 3U);
    std::array<char, 8> into{};
    ASSERT_EQ(sys::call.read(h, into.data(), into.size(), done), 0);
    EXPECT_EQ(std::string_view(into.data(), done), "lo");
    ASSERT_EQ(sys::call.read(h, into.data(), into.size(), done), 0);
    EXPECT_EQ(done, 0U) << "0 bytes at the end";
    ASSERT_EQ(sys::call.seek(h, 0, sys::origin::offset, now), 0);
    EXPECT_EQ(now, 5U);
}

TEST_F(sys_files, pread_and_pwrite_do_not_move_it) {
    held h(make("file"));
    std::size_t done = 0;
    ASSERT_EQ(sys::call.pwrite(h, "hello", 5, 3, done), 0);
    EXPECT_EQ(done, 5U);
    std::array<char, 16> into{};
    ASSERT_EQ(sys::call.pread(h, into.data(), into.size(), 1, done), 0);
    EXPECT_EQ(std::string_view(into.data(), done), std::string_view("\0\0hello", 7));
    EXPECT_EQ(::lseek(h, 0, SEEK_CUR), 0);
}

TEST_F(sys_files, pieces_are_one_after_the_other) {
    held h(make("file"));
    std::string ab = "ab";
    std::string cde = "cde";
    const std::array<sys::piece, 2> out = {{{ab.data(), 2}, {cde.data(), 3}}};
    std::size_t done = 0;
    ASSERT_EQ(sys::call.writev(h, out.data(), out.size(), done), 0);
    EXPECT_EQ(done, 5U);
    ASSERT_EQ(sys::call.pwritev(h, out.data(), out.size(), 5, done), 0);
    EXPECT_EQ(contents(h), "abcdeabcde");
    EXPECT_EQ(::lseek(h, 0, SEEK_CUR), 5);

    std::array<char, 1> first{};
    std::array<char, 3> second{};
    const std::array<sys::piece, 2> in = {{{first.data(), 1}, {second.data(), 3}}};
    ASSERT_EQ(sys::call.readv(h, in.data(), in.size(), done), 0);
    EXPECT_EQ(done, 4U);
    EXPECT_EQ(first[0], 'a');
    EXPECT_EQ(std::string_view(second.data(), 3), "bcd");
    ASSERT_EQ(sys::call.preadv(h, in.data(), in.size(), 7, done), 0);
    EXPECT_EQ(done, 3U);
    EXPECT_EQ(std::string_view(second.data(), 2), "de");
}

TEST_F(sys_files, sixty_four_pieces_are_taken) {
    held h(make("file"));
    char x = 'x';
    std::array<sys::piece, 64> pieces{};
    pieces.fill({&x, 1});
    std::size_t done = 0;
    ASSERT_EQ(sys::call.writev(h, pieces.data(), pieces.size(), done), 0);
    EXPECT_EQ(done, 64U);
}

TEST_F(sys_files, a_place_beyond_what_a_file_can_be_is_refused) {
    held h(make("file"));
    std::size_t done = 7;
    const std::uint64_t beyond = std::uint64_t{std::numeric_limits<std::int64_t>::max()} + 1;
    EXPECT_EQ(sys::call.pwrite(h, "x", 1, beyond, done), EINVAL);
    char c = 0;
    EXPECT_EQ(sys::call.pread(h, &c, 1, beyond, done), EINVAL);
    EXPECT_EQ(sys::call.truncate(h, beyond), EINVAL);
    EXPECT_EQ(sys::call.allocate(h, beyond), EINVAL);
    std::uint64_t now = 7;
    EXPECT_EQ(sys::call.seek(h, -1, sys::origin::beginning, now), EINVAL);
    EXPECT_EQ(done, 7U);
    EXPECT_EQ(now, 7U);
}

TEST_F(sys_files, everything_says_so_on_a_closed_handle) {
    char c = 0;
    sys::piece piece{&c, 1};
    std::size_t done = 0;
    std::uint64_t now = 0;
    sys::metadata meta;
    held made;
    const sys::handle bad = sys::no_handle;
    EXPECT_EQ(sys::call.read(bad, &c, 1, done), EBADF);
    EXPECT_EQ(sys::call.write(bad, &c, 1, done), EBADF);
    EXPECT_EQ(sys::call.pread(bad, &c, 1, 0, done), EBADF);
    EXPECT_EQ(sys::call.pwrite(bad, &c, 1, 0, done), EBADF);
    EXPECT_EQ(sys::call.readv(bad, &piece, 1, done), EBADF);
    EXPECT_EQ(sys::call.writev(bad, &piece, 1, done), EBADF);
    EXPECT_EQ(sys::call.preadv(bad, &piece, 1, 0, done), EBADF);
    EXPECT_EQ(sys::call.pwritev(bad, &piece, 1, 0, done), EBADF);
    EXPECT_EQ(sys::call.seek(bad, 0, sys::origin::offset, now), EBADF);
    EXPECT_EQ(sys::call.truncate(bad, 0), EBADF);
    EXPECT_EQ(sys::call.allocate(bad, 1), EBADF);
    EXPECT_EQ(sys::call.sync(bad), EBADF);
    EXPECT_EQ(sys::call.stat(bad, meta), EBADF);
    EXPECT_EQ(sys::call.set_permissions(bad, 0600), EBADF);
    EXPECT_EQ(sys::call.duplicate(bad, made), EBADF);
    EXPECT_EQ(sys::call.reopen(bad, made), ENOENT);
    EXPECT_EQ(sys::call.close(bad), EBADF);
}

// --- Length, room, what it is ---

TEST_F(sys_files, truncate_cuts_and_adds_zeros) {
    held h(make("file"));
    ASSERT_EQ(::write(h, "hello", 5), 5);
    ASSERT_EQ(sys::call.truncate(h, 2), 0);
    EXPECT_EQ(contents(h), "he");
    ASSERT_EQ(sys::call.truncate(h, 4), 0);
    EXPECT_EQ(contents(h), std::string_view("he\0\0", 4));
    EXPECT_EQ(::lseek(h, 0, SEEK_CUR), 5) << "the offset does not move";
}

TEST_F(sys_files, allocate_reserves) {
    held h(make("file"));
    const sys::error e = sys::call.allocate(h, 100'000);
    if (e == EOPNOTSUPP) {
        GTEST_SKIP() << "the file system of /tmp cannot reserve space";
    }
    ASSERT_EQ(e, 0);
    struct stat s {};
    ASSERT_EQ(::fstat(h, &s), 0);
    EXPECT_EQ(s.st_size, 100'000);
    EXPECT_GE(s.st_blocks * 512, 100'000);
}

TEST_F(sys_files, stat_tells_what_the_handle_holds) {
    held h(make("file"));
    ASSERT_EQ(::write(h, "hello", 5), 5);
    ASSERT_EQ(::link((dir / "file").c_str(), (dir / "second").c_str()), 0);
    ASSERT_EQ(sys::call.set_permissions(h, 04640), 0);
    sys::metadata meta;
    ASSERT_EQ(sys::call.stat(h, meta), 0);
    struct stat s {};
    ASSERT_EQ(::fstat(h, &s), 0);
    EXPECT_EQ(meta.id, (sys::identity{s.st_dev, s.st_ino}));
    EXPECT_EQ(meta.size, 5U);
    EXPECT_EQ(meta.links, 2U);
    EXPECT_EQ(meta.owner, ::geteuid());
    EXPECT_EQ(meta.permissions, 04640U);
    EXPECT_EQ(meta.what, sys::kind::file);
    EXPECT_EQ(sys::call.sync(h), 0);
}

}  // namespace
