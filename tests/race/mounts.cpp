// Something mounted in a tree that is being removed: it is not entered, and is reported.

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <cerrno>
#include <fstream>
#include <string>
#include <string_view>

#include "race/canary.hpp"
#include "support/every_call.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/mounted.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::canary;
using tempfile::test::every_call;
using tempfile::test::in_child;
using tempfile::test::in_memory;
using tempfile::test::plant_tree;
using tempfile::test::scratch;
using path = std::filesystem::path;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

class mounts_in_a_tree : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string why_not = test::enter_own_mount_namespace(); !why_not.empty()) {
            GTEST_SKIP() << why_not;
        }
        plant_tree(tree.path());
    }
    void TearDown() override {
        while (::umount2(where.c_str(), MNT_DETACH) == 0) {
        }
    }

    [[nodiscard]] bool bind_canary() const {
        return ::mount(outside.path().c_str(), where.c_str(), nullptr, MS_BIND, nullptr) == 0;
    }
    void expect_busy() {
        try {
            tree.cleanup();
            ADD_FAILURE() << "no error";
        } catch (const std::filesystem::filesystem_error& e) {
            EXPECT_EQ(e.code(), system_code(EBUSY));
            EXPECT_EQ(e.path1(), where);
        }
    }

    scratch world{in_memory()};
    canary outside{world / "canary"};
    temporary_directory tree{{.dir = world.path()}};
    path where = tree / "1/2/empty";
};

// A bind mount has the device number of its source: only the mount tells.
TEST_F(mounts_in_a_tree, T2_a_bind_mount_is_not_entered) {
    ASSERT_TRUE(bind_canary());
    expect_busy();
    EXPECT_EQ(outside.damage(), "");
    EXPECT_FALSE(std::filesystem::exists(tree / "1/2/3")) << "the rest goes";
    ASSERT_EQ(::umount(where.c_str()), 0);
    tree.cleanup();
    EXPECT_FALSE(std::filesystem::exists(tree.path()));
}

TEST_F(mounts_in_a_tree, T2_another_file_system_is_not_entered) {
    ASSERT_EQ(::mount("tmpfs", where.c_str(), "tmpfs", 0, "size=1m"), 0);
    std::ofstream(where / "canary").put('x');
    expect_busy();
    EXPECT_TRUE(std::filesystem::exists(where / "canary"));
}

TEST_F(mounts_in_a_tree, T2_a_mounted_file_is_not_removed) {
    where = tree / "1/2/file";
    ASSERT_EQ(::mount((outside.path() / "1/file").c_str(), where.c_str(), nullptr, MS_BIND, nullptr), 0);
    expect_busy();
    EXPECT_EQ(outside.damage(), "");
}

TEST_F(mounts_in_a_tree, T2_over_the_directory_itself) {
    where = tree.path();
    ASSERT_TRUE(bind_canary());
    std::error_code ec;
    tree.cleanup(ec);
    EXPECT_TRUE(ec == system_code(EBUSY) || ec == system_code(ESTALE)) << ec.message();
    EXPECT_EQ(outside.damage(), "");
    ASSERT_EQ(::umount(where.c_str()), 0);
    tree.cleanup();
    EXPECT_FALSE(std::filesystem::exists(tree.path()));
}

TEST_F(mounts_in_a_tree, T2_mounted_before_any_call_of_the_removal) {
    tree.cleanup();
    std::size_t hits = 0;
    std::size_t calls = 0;
    for (const char* victim : {"1", "1/2", "1/2/3/4/5/6", "1/2/empty"}) {
        std::size_t n = 0;
        do {
            ++n;
            calls = 0;
            temporary_directory next({.dir = world.path()});
            plant_tree(next.path());
            where = next / victim;
            {
                const every_call gate([&](std::string_view) {
                    hits += ++calls == n && bind_canary() ? 1U : 0U;
                    return 0;
                });
                std::error_code ec;
                next.cleanup(ec);
            }
            ASSERT_EQ(outside.damage(), "") << victim << ", before call " << n;
            ::umount2(where.c_str(), MNT_DETACH);
        } while (calls >= n);
    }
    EXPECT_GT(hits, 20U);
}

// The mode of a directory is repaired only where we would go on.
TEST_F(mounts_in_a_tree, T3_a_locked_directory_of_another_mount_keeps_its_mode) {
    const path locked = world / "locked";
    std::filesystem::create_directory(locked);
    ASSERT_EQ(::chmod(world.path().c_str(), 0777), 0);
    ASSERT_EQ(::chown(locked.c_str(), test::nobody, test::nobody), 0);
    ASSERT_EQ(::chmod(locked.c_str(), 0), 0);
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  const auto become = [](uid_t user) { return ::seteuid(0) == 0 && ::seteuid(user) == 0; };
                  become(test::nobody);
                  temporary_directory ours({.dir = world.path()});
                  const path mount_point = ours / "mounted";
                  std::filesystem::create_directory(mount_point);
                  become(0);
                  if (::mount(locked.c_str(), mount_point.c_str(), nullptr, MS_BIND, nullptr) != 0) {
                      wrong << "not mounted\n";
                  }
                  become(test::nobody);
                  std::error_code ec;
                  ours.cleanup(ec);
                  if (!ec) {
                      wrong << "no error\n";
                  }
                  become(0);
                  ::umount2(mount_point.c_str(), MNT_DETACH);
                  become(test::nobody);
              }),
              "");
    struct stat is {};
    ASSERT_EQ(::stat(locked.c_str(), &is), 0);
    EXPECT_EQ(is.st_mode & 07777U, 0U);
}

}  // namespace
