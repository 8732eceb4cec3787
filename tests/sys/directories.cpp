// src/sys/sys.hpp, directories.

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <string>

#include "support/held.hpp"
#include "support/in_child.hpp"
#include "support/mounted.hpp"
#include "support/scratch.hpp"
#include "sys/sys.hpp"

namespace {

using namespace tempfile;
using tempfile::test::as_ordinary_user;
using tempfile::test::held;
using tempfile::test::scratch;

mode_t mode_of(const std::filesystem::path& path) {
    struct stat s {};
    return ::lstat(path.c_str(), &s) == 0 ? s.st_mode & 07777U : 07777U;
}

class sys_directories : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);  // some tests go on as another user
        std::filesystem::create_directory(dir / "directory");
        std::ofstream(dir / "file").put('x');
        std::filesystem::create_directory_symlink(dir / "directory", dir / "link");
        std::filesystem::create_symlink(dir / "nowhere", dir / "dangling");
        ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    }
    scratch dir;
};

TEST_F(sys_directories, create_directory_makes_a_private_one) {
    const mode_t before = ::umask(0);
    const sys::error e = sys::call.create_directory((dir / "new").c_str());
    ::umask(before);
    ASSERT_EQ(e, 0);
    EXPECT_EQ(mode_of(dir / "new"), 0700U);
}

TEST_F(sys_directories, create_directory_takes_nothing_that_exists) {
    for (const char* name : {"directory", "file", "link", "dangling", "fifo"}) {
        EXPECT_EQ(sys::call.create_directory((dir / name).c_str()), EEXIST) << name;
    }
    EXPECT_FALSE(std::filesystem::exists(dir / "nowhere"));
    EXPECT_EQ(sys::call.create_directory((dir / "missing/new").c_str()), ENOENT);
}

// A FIFO that nobody writes to would block an open for reading for ever.
TEST_F(sys_directories, S8_open_directory_opens_directories_only) {
    for (auto open : {sys::call.open_directory, sys::call.open_path}) {
        held h;
        EXPECT_EQ(open(sys::working_directory, (dir / "file").c_str(), h), ENOTDIR);
        EXPECT_EQ(open(sys::working_directory, (dir / "fifo").c_str(), h), ENOTDIR);
        for (const char* link : {"link", "dangling"}) {
            const sys::error e = open(sys::working_directory, (dir / link).c_str(), h);
            EXPECT_TRUE(e == ENOTDIR || e == ELOOP) << link << ": " << e;
        }
        EXPECT_EQ(open(sys::working_directory, (dir / "missing").c_str(), h), ENOENT);
        EXPECT_EQ(h, sys::no_handle) << "outputs are set only on success";
        ASSERT_EQ(open(sys::working_directory, (dir / "directory").c_str(), h), 0);
        EXPECT_NE(::fcntl(h, F_GETFD) & FD_CLOEXEC, 0);
    }
}

TEST_F(sys_directories, names_are_relative_to_the_handle) {
    held at;
    ASSERT_EQ(sys::call.open_directory(sys::working_directory, dir.path().c_str(), at), 0);
    held h;
    ASSERT_EQ(sys::call.open_directory(at, "directory", h), 0);
    sys::metadata inside;
    sys::metadata named;
    ASSERT_EQ(sys::call.stat(h, inside), 0);
    ASSERT_EQ(sys::call.stat_at(at, "directory", named), 0);
    EXPECT_EQ(inside.id, named.id);
    EXPECT_EQ(inside.mount, named.mount);
    EXPECT_EQ(named.what, sys::kind::directory);
}

TEST_F(sys_directories, stat_at_does_not_follow) {
    sys::metadata meta;
    ASSERT_EQ(sys::call.stat_at(sys::working_directory, (dir / "link").c_str(), meta), 0);
    EXPECT_EQ(meta.what, sys::kind::link);
    ASSERT_EQ(sys::call.stat_at(sys::working_directory, (dir / "dangling").c_str(), meta), 0);
    EXPECT_EQ(meta.what, sys::kind::link);
    EXPECT_EQ(sys::call.stat_at(sys::working_directory, (dir / "missing").c_str(), meta), ENOENT);
}

TEST_F(sys_directories, remove_directory_removes_empty_directories_only) {
    std::ofstream(dir / "directory/file").put('x');
    EXPECT_EQ(sys::call.remove_directory(sys::working_directory, (dir / "directory").c_str()), ENOTEMPTY);
    EXPECT_EQ(sys::call.remove_directory(sys::working_directory, (dir / "file").c_str()), ENOTDIR);
    EXPECT_EQ(sys::call.remove_directory(sys::working_directory, (dir / "link").c_str()), ENOTDIR);
    EXPECT_EQ(sys::call.remove_directory(sys::working_directory, (dir / "missing").c_str()), ENOENT);
    std::filesystem::remove(dir / "directory/file");
    EXPECT_EQ(sys::call.remove_directory(sys::working_directory, (dir / "directory").c_str()), 0);
    EXPECT_FALSE(std::filesystem::exists(dir / "directory"));
}

TEST_F(sys_directories, set_path_permissions_changes_exactly_what_was_opened) {
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  ::mkdir((dir / "locked").c_str(), 0000);
                  held h;
                  if (sys::call.open_path(sys::working_directory, (dir / "locked").c_str(), h) != 0) {
                      wrong << "open_path needs no right to read, but refused\n";
                      return;
                  }
                  // Somebody puts another one in its place.
                  ::rename((dir / "locked").c_str(), (dir / "aside").c_str());
                  ::mkdir((dir / "locked").c_str(), 0000);
                  if (const sys::error e = sys::call.set_path_permissions(h, 0700)) {
                      wrong << "set_path_permissions answers " << e << '\n';
                  }
                  if (mode_of(dir / "aside") != 0700 || mode_of(dir / "locked") != 0000) {
                      wrong << "changed by name\n";
                  }
                  held opened;
                  if (const sys::error e = sys::call.open_directory(h, ".", opened)) {
                      wrong << "\".\" of it cannot be opened afterwards: " << e << '\n';
                  }
                  ::chmod((dir / "locked").c_str(), 0700);  // so that it can be removed
              }),
              "");
}

// --- Listing ---

// All that is in a directory, from where its list stands.
std::map<std::string, sys::kind> entries_of(sys::handle h) {
    std::map<std::string, sys::kind> all;
    alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer{};
    std::size_t used = 0;
    while (sys::call.list(h, buffer.data(), used) == 0 && used != 0) {
        sys::entry entry{};
        for (std::size_t position = 0; sys::next_entry(buffer.data(), used, position, entry);) {
            all[entry.name] = entry.what;
        }
    }
    return all;
}

TEST_F(sys_directories, list_gives_every_entry_with_its_kind) {
    held h;
    ASSERT_EQ(sys::call.open_directory(sys::working_directory, dir.path().c_str(), h), 0);
    const std::map<std::string, sys::kind> expected = {
        {".", sys::kind::directory}, {"..", sys::kind::directory}, {"directory", sys::kind::directory},
        {"file", sys::kind::file},   {"link", sys::kind::other},   {"dangling", sys::kind::other},
        {"fifo", sys::kind::other},
    };
    EXPECT_EQ(entries_of(h), expected);
    EXPECT_TRUE(entries_of(h).empty()) << "the list is at its end";
    ASSERT_EQ(sys::call.rewind(h), 0);
    EXPECT_EQ(entries_of(h), expected);
}

TEST_F(sys_directories, list_gives_more_than_one_buffer_holds) {
    constexpr std::size_t many = 3000;  // some 100 KB of names
    std::filesystem::create_directory(dir / "large");
    for (std::size_t i = 0; i < many; ++i) {
        std::ofstream(dir / "large" / ("a-long-enough-name-" + std::to_string(i)));
    }
    held h;
    ASSERT_EQ(sys::call.open_directory(sys::working_directory, (dir / "large").c_str(), h), 0);
    EXPECT_EQ(entries_of(h).size(), many + 2);
}

TEST(sys_next_entry, walks_the_records_of_a_buffer) {
    alignas(std::uint64_t) std::array<char, 256> buffer{};
    std::size_t used = 0;
    const auto put = [&](const char* name, unsigned char type) {
        auto* record = reinterpret_cast<dirent64*>(buffer.data() + used);
        record->d_reclen = 64;
        record->d_type = type;
        std::copy_n(name, std::char_traits<char>::length(name) + 1, record->d_name);
        used += 64;
    };
    put("unknown", DT_UNKNOWN);
    put("socket", DT_SOCK);
    put("directory", DT_DIR);

    std::size_t position = 0;
    sys::entry entry{};
    ASSERT_TRUE(sys::next_entry(buffer.data(), used, position, entry));
    EXPECT_STREQ(entry.name, "unknown");
    EXPECT_EQ(entry.what, sys::kind::unknown);
    ASSERT_TRUE(sys::next_entry(buffer.data(), used, position, entry));
    EXPECT_STREQ(entry.name, "socket");
    EXPECT_EQ(entry.what, sys::kind::other);
    ASSERT_TRUE(sys::next_entry(buffer.data(), used, position, entry));
    EXPECT_STREQ(entry.name, "directory");
    EXPECT_FALSE(sys::next_entry(buffer.data(), used, position, entry));
    EXPECT_STREQ(entry.name, "directory") << "outputs are set only on success";
}

TEST_F(sys_directories, listing_says_why_not) {
    alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer{};
    std::size_t used = 7;
    EXPECT_EQ(sys::call.list(sys::no_handle, buffer.data(), used), EBADF);
    held h;
    ASSERT_EQ(sys::call.open_directory(sys::working_directory, (dir / "directory").c_str(), h), 0);
    std::filesystem::remove(dir / "directory");
    EXPECT_EQ(sys::call.list(h, buffer.data(), used), ENOENT) << "a directory that was removed";
    EXPECT_EQ(used, 7U);
}

// --- Mounts ---

TEST_F(sys_directories, stat_tells_a_bind_mount_from_its_source) {
    const test::mounted bound("mkdir $W/source && mount --bind $W/source $M");
    if (!bound) {
        GTEST_SKIP() << bound.why_not();
    }
    sys::metadata source;
    sys::metadata target;
    ASSERT_EQ(sys::call.stat_at(sys::working_directory, (bound / "../work/source").c_str(), source), 0);
    ASSERT_EQ(sys::call.stat_at(sys::working_directory, bound.path().c_str(), target), 0);
    EXPECT_EQ(source.id, target.id) << "the very same directory";
    EXPECT_NE(source.mount, target.mount);
    EXPECT_NE(source.mount, 0U);
}

TEST_F(sys_directories, list_tells_the_inodes) {
    const held h(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer{};
    std::size_t used = 0;
    ASSERT_EQ(sys::call.list(h, buffer.data(), used), 0);
    sys::entry entry{};
    for (std::size_t at = 0; sys::next_entry(buffer.data(), used, at, entry);) {
        struct stat s {};
        ASSERT_EQ(::fstatat(h, entry.name, &s, AT_SYMLINK_NOFOLLOW), 0);
        EXPECT_TRUE(entry.inode == s.st_ino || std::string(entry.name) == "..") << entry.name;
    }
}

TEST(sys_file_systems, are_told_apart) {
    using enum sys::file_system;
    for (const auto& [commands, expected] :
         {std::pair("mount -t tmpfs tmpfs $M", memory), std::pair("mount -t proc proc $M", other),
          std::pair("truncate -s 16M $W/image && mkfs.ext4 -q -F $W/image && mount -o loop $W/image $M", ext),
          std::pair("truncate -s 16M $W/image && mkfs.ext2 -q -F $W/image && mount -o loop $W/image $M", ext),
          std::pair("truncate -s 128M $W/image && mkfs.btrfs -q $W/image && mount -o loop $W/image $M", btrfs)}) {
        const test::mounted fs(commands);
        if (!fs) {
            GTEST_SKIP() << fs.why_not();
        }
        const held h(::open(fs.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        sys::file_system found{};
        EXPECT_EQ(sys::call.file_system_of(h, found), 0);
        EXPECT_EQ(found, expected) << commands;
    }
    sys::file_system none{};
    EXPECT_EQ(sys::call.file_system_of(sys::no_handle, none), EBADF);
}

}  // namespace
