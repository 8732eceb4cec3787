// src/sys/sys.hpp: how much room there is, and what kind of file system it is.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "support/held.hpp"
#include "support/in_child.hpp"
#include "support/mounted.hpp"
#include "support/refused.hpp"
#include "support/scratch.hpp"
#include "sys/sys.hpp"

namespace {

using namespace tempfile;
using tempfile::test::held;
using tempfile::test::in_child;
using tempfile::test::mounted;
using tempfile::test::refuse;
using tempfile::test::scratch;

sys::handle open_path(const std::filesystem::path& path) {
    return ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

sys::space space_of(const std::filesystem::path& path) {
    const held h(open_path(path));
    sys::space out;
    EXPECT_EQ(sys::call.free_space(h, out), 0) << path;
    return out;
}

sys::mount_entry entry_of(const std::filesystem::path& path) {
    const held h(open_path(path));
    sys::metadata meta;
    sys::mount_entry out;
    EXPECT_EQ(sys::call.stat(h, meta), 0) << path;
    EXPECT_EQ(sys::call.mounted(meta.mount, out), 0) << path;
    return out;
}

TEST(sys_space, is_what_a_file_system_was_made_with) {
    const mounted fs("mount -t tmpfs -o size=1m,nr_inodes=10 tmpfs $M; touch $M/1 $M/2");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const sys::space s = space_of(fs.path());
    EXPECT_EQ(s.bytes, 1U << 20U);
    EXPECT_EQ(s.inodes, 7U) << "the directory itself is one";
    EXPECT_EQ(s.kept_in, sys::medium::memory);
    EXPECT_TRUE(s.swappable);
    EXPECT_TRUE(s.executable);
}

TEST(sys_space, is_without_a_limit_where_no_number_is_told) {
    const mounted fs("mount -t ramfs -o noexec ramfs $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const sys::space s = space_of(fs.path());
    EXPECT_EQ(s.bytes, sys::no_limit);
    EXPECT_EQ(s.inodes, sys::no_limit);
    EXPECT_EQ(s.kept_in, sys::medium::memory);
    EXPECT_FALSE(s.swappable);
    EXPECT_FALSE(s.executable);
}

TEST(sys_space, is_kept_on_a_disk_or_nobody_knows_where) {
    const mounted disk("truncate -s 16M $W/image && mkfs.ext4 -q -F $W/image && mount -o loop $W/image $M");
    const mounted over(
        "mount -t tmpfs tmpfs $W; mkdir $W/l $W/u $W/w; mount -t overlay -o lowerdir=$W/l,upperdir=$W/u,workdir=$W/w "
        "overlay $M");
    if (!disk || !over) {
        GTEST_SKIP() << disk.why_not() << over.why_not();
    }
    EXPECT_EQ(space_of(disk.path()).kept_in, sys::medium::storage);
    EXPECT_EQ(space_of(over.path()).kept_in, sys::medium::unknown);
}

TEST(sys_space, is_not_told_of_what_is_no_handle) {
    sys::space out;
    EXPECT_EQ(sys::call.free_space(sys::no_handle, out), EBADF);
}

// --- What is mounted ---

TEST(sys_mounts, are_told_apart_by_number) {
    const mounted pinned("mount -t tmpfs -o size=1m,noswap,mode=755 'a b' $M");
    const mounted usual("mount -t tmpfs -o size=1m '' $M");
    if (!pinned || !usual) {
        GTEST_SKIP() << pinned.why_not() << usual.why_not();
    }
    EXPECT_STREQ(entry_of(pinned.path()).type.data(), "tmpfs");
    EXPECT_TRUE(entry_of(pinned.path()).never_swapped);
    EXPECT_STREQ(entry_of(usual.path()).type.data(), "tmpfs");
    EXPECT_FALSE(entry_of(usual.path()).never_swapped);
    EXPECT_STREQ(entry_of("/proc").type.data(), "proc");
}

// More of them, and longer lines, than are read at once.
TEST(sys_mounts, are_found_behind_many_others) {
    if (const std::string why_not = test::enter_own_mount_namespace(); !why_not.empty()) {
        GTEST_SKIP() << why_not;
    }
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  const scratch dir;
                  const std::string name(200, 'm');
                  const auto last = dir / name;
                  std::filesystem::create_directory(last);
                  const std::string options = "size=1m";
                  for (int i = 0; i < 60; ++i) {
                      if (::mount(name.c_str(), last.c_str(), "tmpfs", 0, options.c_str()) != 0) {
                          wrong << "cannot mount\n";
                      }
                  }
                  const held h(open_path(last));
                  sys::metadata meta;
                  sys::mount_entry out;
                  if (sys::call.stat(h, meta) != 0 || sys::call.mounted(meta.mount, out) != 0 ||
                      std::string(out.type.data()) != "tmpfs") {
                      wrong << "not found\n";
                  }
                  while (::umount2(last.c_str(), MNT_DETACH) == 0) {
                  }
              }),
              "");
}

TEST(sys_mounts, that_are_not_in_sight) {
    sys::mount_entry out;
    EXPECT_EQ(sys::call.mounted(~std::uint64_t{0}, out), ENOENT);
    EXPECT_EQ(sys::call.mounted(0, out), ENOENT) << "where the system does not tell mounts apart";
}

// --- Quotas and memory ---

TEST(sys_quota, of_a_file_system_without_one_is_an_error) {
    const held h(open_path("/proc"));
    sys::allowance left;
    EXPECT_NE(sys::call.quota(h, false, left), 0);
    EXPECT_NE(sys::call.quota(h, true, left), 0);
    EXPECT_EQ(left.bytes, sys::no_limit);
    EXPECT_EQ(left.inodes, sys::no_limit);
}

TEST(sys_quota, of_an_old_kernel_is_an_error) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  const held h(open_path("/tmp"));
                  sys::allowance left;
                  if (!refuse({.call = 443, .error = ENOSYS}) || sys::call.quota(h, false, left) != ENOSYS) {
                      wrong << "it is none\n";
                  }
              }),
              "");
}

TEST(sys_memory, that_is_available_is_less_than_all) {
    std::uint64_t available = 0;
    EXPECT_EQ(sys::call.available_memory(available), 0);
    const auto all =
        static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::getpagesize());
    EXPECT_GT(available, all / 1000);
    EXPECT_LT(available, all);
}

TEST(sys_memory, is_swapped_when_there_is_a_swap_file) {
    bool yes = true;
    EXPECT_EQ(sys::call.swaps(yes), 0);
    const bool before = yes;
    const mounted fs(
        "truncate -s 16M $W/image; mkfs.ext4 -q -F $W/image; mount -o loop $W/image $M; head -c 1M /dev/zero >$M/swap; "
        "chmod 600 $M/swap; mkswap -q $M/swap; swapon $M/swap");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    EXPECT_EQ(sys::call.swaps(yes), 0);
    EXPECT_TRUE(yes);
    EXPECT_EQ(test::shell("swapoff " + (fs / "swap").string()), "");
    EXPECT_EQ(sys::call.swaps(yes), 0);
    EXPECT_EQ(yes, before);
}

// A container may have no /proc.
TEST(sys_memory, and_mounts_cannot_be_told_without_proc) {
    EXPECT_EQ(in_child([](std::ostream& wrong) {
                  if (!refuse({.call = SYS_openat, .error = ENOENT})) {
                      wrong << "nothing can be refused\n";
                  }
                  bool yes = false;
                  std::uint64_t bytes = 0;
                  sys::mount_entry entry;
                  if (sys::call.swaps(yes) != ENOENT || sys::call.available_memory(bytes) != ENOENT ||
                      sys::call.mounted(1, entry) != ENOENT) {
                      wrong << "they are told\n";
                  }
              }),
              "");
}

}  // namespace
