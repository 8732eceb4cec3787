// Publishing on real file systems of many kinds, and the errors of real ones.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/descriptors.hpp"
#include "support/file_systems.hpp"
#include "support/in_child.hpp"
#include "support/mounted.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using namespace tempfile::test::file_systems;
using tempfile::test::as_ordinary_user;
using tempfile::test::file_system;
using tempfile::test::mounted;
using tempfile::test::open_descriptors;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using tempfile::test::shell;
using path = std::filesystem::path;

const std::string text(300'000, 't');

std::string contents(const path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

// FUSE keeps a removed file that is open under such a name.
std::vector<std::string> names_in(const path& dir) {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(dir)) {
        const std::string name = entry.path().filename();
        if (!name.starts_with(".fuse_hidden") && name != ".unionfs-fuse") {
            all.push_back(name);
        }
    }
    return all;
}

class publishing_on : public testing::TestWithParam<file_system> {
protected:
    void SetUp() override {
        if (!fs) {
            GTEST_SKIP() << GetParam().name << ": " << fs.why_not();
        }
    }
    void expect_only_the_target() { EXPECT_EQ(names_in(fs.path()), std::vector<std::string>{"target"}); }

    mounted fs{GetParam().commands};
    const path target = fs / "target";
};

TEST_P(publishing_on, T8_T15_atomic_files) {
    const auto before = open_descriptors();
    persisted how = write_file(target, text, {.durable = durability::data_and_directory});
    EXPECT_EQ(how.method, GetParam().has_unnamed_files ? persist_method::link : persist_method::rename);
    EXPECT_EQ(how.durable, durability::data_and_directory);
    EXPECT_EQ(contents(target), text);
    EXPECT_EQ(write_file(target, "new").method, persist_method::rename);
    EXPECT_EQ(contents(target), "new");
    EXPECT_TRUE(std::filesystem::status(target).permissions() == std::filesystem::perms(0644));
    EXPECT_EQ(write_file(target, "new", {.same = if_same::leave}).method, persist_method::left);
    { atomic_file(target) << "given up"; }
    EXPECT_EQ(contents(target), "new");
    expect_only_the_target();
    EXPECT_EQ(open_descriptors(), before);
}

TEST_P(publishing_on, T8_only_where_nothing_stands) {
    for (int i = 0; i < 2; ++i) {
        named_temporary_file fp({.dir = fs.path()});
        fp << "named";
        std::error_code ec;
        fp.persist(target, {.existing = if_exists::refuse}, ec);
        EXPECT_EQ(ec, i == 0 ? std::error_code() : system_code(EEXIST));
    }
    std::error_code ec;
    write_file(target, "atomic", {.existing = if_exists::refuse}, ec);
    EXPECT_EQ(ec, system_code(EEXIST));
    EXPECT_EQ(contents(target), "named");
    expect_only_the_target();
}

TEST_P(publishing_on, an_exchange_works_or_is_refused) {
    write_file(target, "old");
    std::error_code ec;
    const persisted how = write_file(target, "new", {.existing = if_exists::exchange}, ec);
    EXPECT_EQ(contents(target), ec ? "old" : "new");
    if (ec) {
        EXPECT_EQ(ec, system_code(EINVAL));
        EXPECT_FALSE(GetParam().has_unnamed_files) << "these can exchange, too";
    } else {
        EXPECT_EQ(contents(how.previous), "old");
        std::filesystem::remove(how.previous);
    }
    expect_only_the_target();
}

TEST_P(publishing_on, files_from_elsewhere_are_copied) {
    const scratch elsewhere;
    named_temporary_file named({.dir = elsewhere.path()});
    named << text;
    const persisted how = named.persist(target);
    EXPECT_NE(how.copied, copy_method::none);
    EXPECT_EQ(contents(target), text);
    temporary_file unnamed({.dir = fs.path(), .linkable = true});
    unnamed << "unnamed";
    EXPECT_EQ(unnamed.persist(target).copied == copy_method::none, GetParam().has_unnamed_files);
    EXPECT_EQ(contents(target), "unnamed");
    spooled_temporary_file spool;
    spool << "spool";
    spool.persist(target);
    EXPECT_EQ(contents(target), "spool");
    EXPECT_TRUE(elsewhere.empty());
    expect_only_the_target();
}

TEST_P(publishing_on, directories) {
    temporary_directory tree({.dir = fs.path()});
    write_file(tree / "a", "new");
    const persisted how = tree.persist(target);
    EXPECT_EQ(contents(target / "a"), "new");
    EXPECT_TRUE(how.atomic || !GetParam().has_unnamed_files);
    temporary_directory other({.dir = fs.path()});
    write_file(other / "a", "newer");
    std::error_code ec;
    other.persist(target, {}, ec);
    EXPECT_TRUE(!ec || (ec == system_code(EINVAL) && !GetParam().has_unnamed_files)) << ec.message();
    EXPECT_EQ(contents(target / "a"), ec ? "new" : "newer");
    if (ec) {
        other.cleanup();
    }
    expect_only_the_target();
}

INSTANTIATE_TEST_SUITE_P(each, publishing_on,
                         testing::Values(tmpfs, ext4, xfs, btrfs, tempfile::test::file_systems::overlay, bindfs,
                                         fuse_overlay),
                         [](const auto& each) { return each.param.name; });

// All in one, since mounting it takes a second. It has neither files without a name, nor RENAME_NOREPLACE and
// RENAME_EXCHANGE.
TEST(publishing_on_glusterfs, T8_the_last_rung_of_each_ladder_holds) {
    const mounted fs(gluster.commands);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const path target = fs / "target";
    EXPECT_EQ(write_file(target, "first", {.durable = durability::data_and_directory}).method, persist_method::rename);
    EXPECT_EQ(write_file(target, text).method, persist_method::rename);
    EXPECT_EQ(contents(target), text);
    std::error_code ec;
    write_file(target, "no", {.existing = if_exists::refuse}, ec);
    EXPECT_EQ(ec, system_code(EEXIST));
    EXPECT_EQ(write_file(fs / "second", "new", {.existing = if_exists::refuse}).method, persist_method::link);
    write_file(target, "no", {.existing = if_exists::exchange}, ec);
    EXPECT_EQ(ec, system_code(EINVAL));
    named_temporary_file elsewhere;
    elsewhere << "from elsewhere";
    EXPECT_NE(elsewhere.persist(fs / "second").copied, copy_method::none);
    temporary_directory tree({.dir = fs.path()});
    write_file(tree / "a", "a");
    EXPECT_FALSE(tree.persist(fs / "tree").atomic) << "it says what it could not";
    EXPECT_EQ(contents(target), text);
    EXPECT_EQ(names_in(fs.path()).size(), 3U);
}

// --- Errors of real file systems ---

// Publishes in a directory that will not have it; the code.
std::error_code refused(const path& target) {
    std::error_code ec;
    write_file(target, std::string(4'000'000, 'x'), {}, ec);
    return ec;
}

TEST(publishing_in_a_bad_place, T12_T29_a_full_disk) {
    const mounted small("mount -t tmpfs -o size=2m tmpfs $M; echo -n old >$M/target");
    if (!small) {
        GTEST_SKIP() << small.why_not();
    }
    EXPECT_EQ(refused(small / "target"), system_code(ENOSPC));
    named_temporary_file fp;
    fp << std::string(4'000'000, 'x');
    std::error_code ec;
    fp.persist(small / "target", {}, ec);
    EXPECT_EQ(ec, system_code(ENOSPC));
    EXPECT_TRUE(fp.still_there());
    EXPECT_EQ(contents(small / "target"), "old");
    EXPECT_EQ(names_in(small.path()).size(), 1U);
    std::filesystem::remove(small / "target");
    fp.truncate(1'000'000);
    fp.persist(small / "target");
    EXPECT_EQ(contents(small / "target").size(), 1'000'000U);
}

TEST(publishing_in_a_bad_place, T12_T29_a_quota) {
    const mounted limited(std::string(btrfs.commands) +
                          "; btrfs quota enable $M; btrfs subvolume create $M/s >/dev/null; "
                          "btrfs qgroup limit 1M $M/s; echo -n old >$M/s/target; sync");
    if (!limited) {
        GTEST_SKIP() << limited.why_not();
    }
    EXPECT_EQ(refused(limited / "s/target"), system_code(EDQUOT));
    EXPECT_EQ(contents(limited / "s/target"), "old");
    EXPECT_EQ(names_in(limited / "s").size(), 1U);
}

TEST(publishing_in_a_bad_place, T12_a_read_only_file_system) {
    const mounted frozen("mount -t tmpfs tmpfs $M; echo -n old >$M/target; mount -o remount,ro $M");
    if (!frozen) {
        GTEST_SKIP() << frozen.why_not();
    }
    EXPECT_EQ(refused(frozen / "target"), system_code(EROFS));
    EXPECT_EQ(contents(frozen / "target"), "old");
}

TEST(publishing_in_a_bad_place, T12_a_directory_that_one_may_not_write_to) {
    const scratch dir;
    std::ofstream(dir / "target") << "old";
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0555));
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  if (refused(dir / "target") != system_code(EACCES) || contents(dir / "target") != "old") {
                      wrong << "it is refused with EACCES\n";
                  }
              }),
              "");
}

// Everything can be done in it but for fsync(2), which wants to read.
TEST(publishing_in_a_bad_place, T12_a_directory_that_one_may_write_to_but_not_read) {
    const scratch dir;
    const path drop = dir / "drop";
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
    std::filesystem::create_directory(drop);
    std::filesystem::permissions(drop, std::filesystem::perms(0733));
    const auto publish_all = [&](std::ostream& wrong) {
        const auto both = durability::data_and_directory;
        const persisted how = write_file(drop / "a", "new", {.durable = both});
        wrong << (how.durable == both && how.atomic ? "" : "a file is not as durable as was asked for\n");
        write_file(drop / "a", "newer", {.durable = both});
        wrong << (contents(drop / "a") == "newer" ? "" : "it is not replaced\n");
        publish_batch batch;
        batch.add(drop / "b") << "b";
        batch.add(drop / "c") << "c";
        wrong << (batch.commit().published.at(1).durable == both ? "" : "a batch is not as durable\n");
        temporary_directory tree({.dir = drop});
        wrong << (tree.persist(drop / "d", {.durable = both}).durable == both ? "" : "nor is a directory\n");
        const replace_call<&sys::calls::free_space> fuse([](sys::handle, sys::space& about) {
            about.syncs = false;
            return 0;
        });
        std::error_code ec;
        const persisted promised = write_file(drop / "a", std::string_view("newest"), {.durable = both}, ec);
        wrong << (ec && promised.durable == durability::data && contents(drop / "a") == "newest"
                      ? ""
                      : "more is promised than FUSE keeps\n");
    };
    EXPECT_EQ(as_ordinary_user(publish_all), "");
    EXPECT_EQ(names_in(drop).size(), 4U);
}

TEST(publishing_in_a_bad_place, T12_a_bind_mount_of_the_same_file_system_is_another_one) {
    const mounted twice("mount -t tmpfs tmpfs $M; mkdir $M/a $M/b; mount --bind $M/a $M/b");
    if (!twice) {
        GTEST_SKIP() << twice.why_not();
    }
    named_temporary_file fp({.dir = twice / "a"});
    fp << "text";
    std::error_code ec;
    fp.persist(twice / "b/target", {.elsewhere = if_elsewhere::refuse}, ec);
    EXPECT_EQ(ec, system_code(EXDEV));
    EXPECT_TRUE(fp.still_there());
    EXPECT_NE(fp.persist(twice / "b/target").copied, copy_method::none);
    EXPECT_EQ(contents(twice / "b/target"), "text");
    EXPECT_EQ(names_in(twice / "a").size(), 1U) << "it is the same directory";
    temporary_directory tree({.dir = twice / "a"});
    tree.persist(twice / "b/tree", {}, ec);
    EXPECT_EQ(ec, system_code(EXDEV));
}

TEST(publishing_in_a_bad_place, T12_so_is_a_subvolume_of_btrfs_but_it_shares_what_is_copied) {
    const mounted parts(std::string(btrfs.commands) + "; btrfs subvolume create $M/s >/dev/null");
    if (!parts) {
        GTEST_SKIP() << parts.why_not();
    }
    named_temporary_file fp({.dir = parts.path()});
    fp << text;
    EXPECT_EQ(fp.persist(parts / "s/target").copied, copy_method::reflink);
    EXPECT_EQ(contents(parts / "s/target"), text);
    EXPECT_EQ(names_in(parts.path()).size(), 1U);
}

// An overlay shows the devices of its layers: numbers of devices say nothing of what can be renamed to where.
TEST(publishing_in_a_bad_place, T12_an_overlay_whose_layers_lie_on_two_devices) {
    const mounted both(
        "mount -t tmpfs tmpfs $W; mkdir $W/low $W/low/tree $W/up; mount -t tmpfs tmpfs $W/up; mkdir $W/up/u $W/up/w; "
        "echo -n old >$W/low/target; echo -n old >$W/low/other; echo -n old >$W/low/tree/old; "
        "mount -t overlay -o lowerdir=$W/low,upperdir=$W/up/u,workdir=$W/up/w overlay $M");
    if (!both) {
        GTEST_SKIP() << both.why_not();
    }
    EXPECT_EQ(write_file(both / "target", "new").method, persist_method::rename);
    EXPECT_EQ(contents(both / "target"), "new");
    named_temporary_file fp({.dir = both.path()});
    fp << "newer";
    EXPECT_EQ(fp.persist(both / "other").copied, copy_method::none);
    EXPECT_EQ(contents(both / "other"), "newer");
    std::filesystem::remove(both / "other");
    // What is in a lower layer cannot be moved (overlayfs.rst, "redirect_dir").
    temporary_directory tree({.dir = both.path()});
    write_file(tree / "new", "new");
    std::error_code ec;
    tree.persist(both / "tree", {}, ec);
    EXPECT_TRUE(!ec || ec == system_code(EXDEV)) << ec.message();
    EXPECT_EQ(names_in(both / "tree"), std::vector<std::string>{ec ? "old" : "new"});
    EXPECT_EQ(tree.still_there(), bool(ec));
    std::filesystem::remove_all(both / "tree");
    std::error_code again;
    if (ec) {
        tree.persist(both / "tree", {}, again);
    }
    EXPECT_FALSE(again) << again.message();
    EXPECT_EQ(names_in(both / "tree"), std::vector<std::string>{"new"});
    EXPECT_EQ(names_in(both.path()).size(), 2U);
}

// The bits of the group say then what anybody in the ACL may at most.
TEST(publishing_in_a_bad_place, T13_an_acl_that_is_lost_gives_the_group_no_more_than_it_had) {
    const mounted disk(std::string(ext4.commands) +
                       "; echo old >$M/target; chmod 0604 $M/target; setfacl -m u:65534:rw,g::-,m::rwx $M/target; "
                       "echo old >$M/denied; chmod 0664 $M/denied; setfacl -m u:65534:- $M/denied");
    if (!disk) {
        GTEST_SKIP() << disk.why_not();
    }
    struct stat before {};
    ASSERT_TRUE(::stat((disk / "target").c_str(), &before) == 0 && (before.st_mode & 07777U) == 0674U);
    const auto lose = [](auto...) { return EPERM; };
    for (const bool unreadable : {false, true}) {
        const path target = disk / (unreadable ? "unreadable" : "unwritable");
        ASSERT_EQ(shell("cp -p " + (disk / "target").string() + " " + target.string()), "");
        persisted how;
        if (unreadable) {
            const replace_call<&sys::calls::attribute> broken(lose);
            how = write_file(target, "new");
        } else {
            const replace_call<&sys::calls::set_attribute> broken(lose);
            how = write_file(target, "new");
        }
        EXPECT_EQ(how.not_copied, std::vector<std::string>{"system.posix_acl_access"});
        struct stat after {};
        EXPECT_TRUE(::stat(target.c_str(), &after) == 0 && (after.st_mode & 07777U) == (unreadable ? 0644U : 0604U))
            << std::oct << after.st_mode;
    }
    const replace_call<&sys::calls::set_attribute> broken(lose);
    write_file(disk / "denied", "new");
    struct stat denied {};
    EXPECT_TRUE(::stat((disk / "denied").c_str(), &denied) == 0 && (denied.st_mode & 07777U) == 0600U)
        << std::oct << denied.st_mode << ": somebody was allowed less than all others";
}

TEST(publishing_in_a_bad_place, T13_an_inherited_acl_does_not_take_the_place_of_one_that_is_lost) {
    const mounted disk(std::string(ext4.commands) +
                       "; mkdir $M/d; echo old >$M/d/target; chmod 0600 $M/d/target; setfacl -m u:1:r $M/d/target; "
                       "setfacl -d -m u:65534:rwx $M/d");
    if (!disk) {
        GTEST_SKIP() << disk.why_not();
    }
    const replace_call<&sys::calls::set_attribute> broken([](auto...) { return EINVAL; });
    write_file(disk / "d/target", "new");
    EXPECT_EQ(shell("getfacl -cnp " + (disk / "d/target").string() + " >&2; false").find("user:65534"),
              std::string::npos);
}

TEST(publishing_in_a_bad_place, T13_acls_go_with_the_file_and_a_new_one_inherits_them) {
    const mounted disk(std::string(ext4.commands) +
                       "; echo old >$M/target; setfacl -m u:65534:rw $M/target; "
                       "mkdir $M/d; setfacl -d -m u:65534:r $M/d");
    if (!disk) {
        GTEST_SKIP() << disk.why_not();
    }
    const auto acl = [](const path& file) { return shell("getfacl -cnp " + file.string() + " >&2; false"); };
    const std::string before = acl(disk / "target");
    ASSERT_NE(before.find("user:65534:rw-"), before.npos) << before;
    write_file(disk / "target", "new");
    EXPECT_EQ(acl(disk / "target").substr(before.find("user::")), before.substr(before.find("user::")));
    write_file(disk / "d/new", "new");
    std::ofstream(disk / "d/usual") << "new";
    const std::string usual = acl(disk / "d/usual");
    const std::string ours = acl(disk / "d/new");
    EXPECT_EQ(ours.substr(ours.find("user::")), usual.substr(usual.find("user::")));
    EXPECT_NE(usual.find("user:65534:r--"), usual.npos) << usual;
}

}  // namespace
