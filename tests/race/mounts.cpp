// Something mounted in a tree that is being removed: it is not entered, and is reported.

#include <fcntl.h>
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
#include "support/held.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/mounted.hpp"
#include "support/replace_call.hpp"
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

// --- remove_tree, which may be told to enter it ---

// Waits for nothing, and counts.
class pauses {
public:
    [[nodiscard]] int count() const { return count_; }

private:
    int count_ = 0;
    test::replace_call<&sys::calls::pause> call_{[this](std::uint64_t) { ++count_; }};
};

class mounts_in_a_removed_tree : public mounts_in_a_tree {
protected:
    // A file system with something in it.
    void mount_another() const {
        ASSERT_EQ(::mount("tmpfs", where.c_str(), "tmpfs", 0, "size=1m"), 0);
        std::filesystem::create_directories(where / "sub/sub");
        std::ofstream(where / "sub/file").put('x');
    }
    removal_report remove(const path& what, const remove_options& options) { return remove_tree(what, options, ec); }

    pauses waited;
    std::error_code ec;
};

TEST_F(mounts_in_a_removed_tree, T2_is_entered_only_if_that_was_asked_for) {
    for (const unsigned threads : {1U, 2U}) {
        mount_another();
        for (const bool crosses : {false, true}) {
            const removal_report report = remove(tree.path(), {.cross_mounts = crosses, .threads = threads});
            EXPECT_EQ(ec, system_code(EBUSY));
            ASSERT_EQ(report.failed, 1U);
            EXPECT_EQ(report.failures.front().path, where);
            EXPECT_EQ(report.failures.front().operation, crosses ? "remove" : "cross into the mount");
            EXPECT_EQ(std::filesystem::exists(where / "sub/file"), !crosses);
            EXPECT_EQ(waited.count(), 0) << "a mount does not go by itself";
        }
        EXPECT_TRUE(std::filesystem::is_empty(where));
        ASSERT_EQ(::umount(where.c_str()), 0);
        plant_tree(tree.path());
    }
}

// Before Linux 5.8, and where a sandbox forbids statx(2).
TEST_F(mounts_in_a_removed_tree, T2_T8_a_bind_mount_is_not_entered_where_mounts_have_no_numbers) {
    const auto forget = [](sys::error e, sys::metadata& out) {
        out.mount = 0;
        return e;
    };
    using stat_call = test::replace_call<&sys::calls::stat>;
    using stat_at_call = test::replace_call<&sys::calls::stat_at>;
    const stat_call stat([&](sys::handle h, sys::metadata& out) { return forget(stat_call::real(h, out), out); });
    const stat_at_call stat_at([&](sys::handle at, const char* name, sys::metadata& out) {
        return forget(stat_at_call::real(at, name, out), out);
    });
    ASSERT_TRUE(bind_canary());
    EXPECT_EQ(remove(tree.path(), {}).failed, 1U);
    EXPECT_EQ(ec, system_code(EBUSY));
    EXPECT_EQ(outside.damage(), "");
    EXPECT_FALSE(std::filesystem::exists(tree / "1/2/3")) << "the rest goes";
}

TEST_F(mounts_in_a_removed_tree, T2_in_a_bind_mount_that_is_entered_only_its_contents_go) {
    const path source = world / "source";
    std::filesystem::create_directories(source / "sub");
    ASSERT_EQ(::mount(source.c_str(), where.c_str(), nullptr, MS_BIND, nullptr), 0);
    EXPECT_EQ(remove(tree.path(), {.cross_mounts = true}).failed, 1U);
    EXPECT_TRUE(std::filesystem::is_empty(source));
    EXPECT_EQ(outside.damage(), "");
}

TEST_F(mounts_in_a_removed_tree, what_is_busy_in_one_that_is_entered_is_waited_for) {
    mount_another();
    const test::replace_call<&sys::calls::remove_file> busy_file([&](sys::handle at, const char* name) {
        const bool is_it = std::filesystem::exists(where / "sub/file") && waited.count() < 2;
        return is_it ? EBUSY : test::replace_call<&sys::calls::remove_file>::real(at, name);
    });
    const test::replace_call<&sys::calls::remove_directory> busy_directory([&](sys::handle at, const char* name) {
        const bool is_it = std::string_view(name) == "sub" && waited.count() < 4;
        return is_it ? EBUSY : test::replace_call<&sys::calls::remove_directory>::real(at, name);
    });
    EXPECT_EQ(remove(tree.path(), {.cross_mounts = true}).failed, 1U) << "the mount point";
    EXPECT_TRUE(std::filesystem::is_empty(where));
    EXPECT_EQ(waited.count(), 4);
}

TEST_F(mounts_in_a_removed_tree, a_path_that_is_a_mount_point_is_emptied_and_not_waited_for) {
    for (const bool by_handle : {false, true}) {
        mount_another();
        const test::held root(::open(where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const path slashes = where.native() + "//";
        const removal_report report = by_handle ? remove_tree(root, slashes, {}, ec) : remove(slashes, {});
        EXPECT_EQ(ec, system_code(EBUSY));
        EXPECT_EQ(report.failed, 1U);
        EXPECT_EQ(report.entries, 3U);
        EXPECT_TRUE(std::filesystem::is_empty(where));
        EXPECT_EQ(waited.count(), 0);
        ASSERT_EQ(::umount2(where.c_str(), MNT_DETACH), 0);
    }
}

TEST_F(mounts_in_a_removed_tree, a_file_that_is_mounted_is_not_waited_for) {
    where = tree / "1/2/file";
    ASSERT_EQ(::mount((outside.path() / "1/file").c_str(), where.c_str(), nullptr, MS_BIND, nullptr), 0);
    for (const path& what : {where, tree.path()}) {
        EXPECT_EQ(remove(what, {}).failed, 1U);
        EXPECT_EQ(ec, system_code(EBUSY));
        EXPECT_EQ(waited.count(), 0);
    }
    EXPECT_EQ(outside.damage(), "");
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
