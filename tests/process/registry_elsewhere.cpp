// The registry and the sweep in other process namespaces, for other users, on other file systems, and among what
// hostile people leave lying about.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "child.hpp"
#include "process_namespace.hpp"
#include "support/file_systems.hpp"
#include "support/living.hpp"
#include "support/mounted.hpp"
#include "support/scratch.hpp"
#include "support/sweeping.hpp"
#include "sys/sys.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;
using path = fs::path;

std::size_t entries(const path& dir) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(dir), fs::directory_iterator()));
}

// A directory that everybody may use, as /tmp is.
void open_to_all(const path& dir) {
    ASSERT_EQ(::chmod(dir.c_str(), 01777), 0);
}

enum class who { root, ordinary_user };

// Not root any more, but with a /proc/self of its own as every other process has it (prctl(2), PR_SET_DUMPABLE).
void become(who user) {
    if (user == who::ordinary_user && ::geteuid() == 0) {
        become_ordinary_user();
        ::prctl(PR_SET_DUMPABLE, 1);
    }
}

// --- Process namespaces ---

bool in_initial_namespace() {
    sys::process_identity self;
    EXPECT_EQ(sys::call.this_process(self), 0);
    return self.pid_namespace == 0xEFFFFFFC;  // PROC_PID_INIT_INO of the kernel
}

class in_namespaces : public testing::TestWithParam<who> {
protected:
    void SetUp() override {
        if (GetParam() == who::root && ::geteuid() != 0) {
            GTEST_SKIP() << "needs root";
        }
        if (const std::string why = why_no_process_namespace(options(), [] { become(GetParam()); }); !why.empty()) {
            GTEST_SKIP() << why;
        }
        open_to_all(place.path());
    }

    static namespace_options options() { return {.own_user = GetParam() == who::ordinary_user}; }

    // In a child, who has a registry and a directory for objects of its own.
    void in_place(const std::function<void()>& work) const {
        expect_in_child([&] {
            become(GetParam());
            ::setenv("TEMPFILE_REGISTRY", (place / "registry").c_str(), 1);
            fs::create_directory(objects());
            work();
        });
    }
    [[nodiscard]] path objects() const { return place / "objects"; }
    void make() const { make_both(objects()); }

    scratch place;
};

TEST_P(in_namespaces, T34_from_outside_what_lives_inside_is_left_alone_and_goes_when_nobody_lives_there) {
    in_place([&] {
        process_namespace inner(options());
        const pid_t owner = inner.start([&](int) { make(); });
        sweep();
        EXPECT_EQ(entries(objects()), 2U) << "its owner lives";
        inner.kill(owner);
        sweep();
        EXPECT_EQ(entries(objects()), 2U) << "that it died cannot be seen while others live there";
        inner.end();
        sweep();
        EXPECT_EQ(entries(objects()), in_initial_namespace() ? 0U : 2U) << "nobody lives there, for who can see that";
    });
}

TEST_P(in_namespaces, T34_from_inside_what_is_outside_is_left_alone_dead_or_alive) {
    in_place([&] {
        process_namespace inner(options());
        living outside([&] { make(); });
        const auto owner = static_cast<std::uint64_t>(outside.pid());
        const auto sweep_inside = [&](skip_reason expected) {
            inner.inside([&] {
                const sweep_report report = sweep();
                ASSERT_EQ(skipped_because(expected, report), 1U);
                EXPECT_EQ(report.skipped.front().pid, owner);
            });
        };
        sweep_inside(skip_reason::alive);  // its lock can be seen
        EXPECT_EQ(entries(objects()), 2U);
        outside.end();
        sweep_inside(skip_reason::out_of_sight);
        EXPECT_EQ(entries(objects()), 2U) << "it cannot be seen from there";
        sweep();
        EXPECT_EQ(entries(objects()), 0U);
    });
}

TEST_P(in_namespaces, T34_inside_it_works_as_everywhere) {
    in_place([&] {
        process_namespace inner(options());
        const pid_t owner = inner.start([&](int) { make(); });
        inner.inside([] { sweep(); });
        EXPECT_EQ(entries(objects()), 2U) << "its owner lives";
        inner.kill(owner);
        inner.inside([] { sweep(); });
        EXPECT_EQ(entries(objects()), 0U);
    });
}

TEST_P(in_namespaces, T34_the_same_numbers_mean_nothing) {
    in_place([&] {
        process_namespace inner(options());
        // Dead outside, and somebody of that number lives inside.
        living outside([&] { make(); });
        const pid_t number = outside.pid();
        const pid_t namesake = inner.start([](int) {}, number);
        outside.end();
        inner.inside([] { sweep(); });
        EXPECT_EQ(entries(objects()), 2U);
        sweep();
        EXPECT_EQ(entries(objects()), 0U);
        inner.kill(namesake);
        // Alive inside, and nobody of that number lives outside.
        const pid_t owner = inner.start([&](int) { make(); }, number);
        sweep();
        EXPECT_EQ(entries(objects()), 2U);
        inner.kill(owner);
        inner.inside([] { sweep(); });
        EXPECT_EQ(entries(objects()), 0U);
        // Dead inside, and somebody of that number lives outside: this process.
        inner.start([&](int) { make(); }, ::getpid());
        inner.end();
        sweep();
        EXPECT_EQ(entries(objects()), in_initial_namespace() ? 0U : 2U);
    });
}

// The lock is not what tells here: who executes another program gives it up.
void go_on_as_another_program(int ready) {
    ::dup2(ready, STDOUT_FILENO);
    execute({"sh", "-c", "echo; exec sleep 1000"});
}

TEST_P(in_namespaces, T34_a_number_that_is_used_again_is_not_the_process) {
    in_place([&] {
        process_namespace inner(options());
        constexpr pid_t number = 1000;
        const auto start_of = [](pid_t pid) {
            std::uint64_t start = 0;
            EXPECT_EQ(sys::call.start_time(static_cast<std::uint64_t>(pid), start), 0);
            return start;
        };
        const pid_t owner = inner.start(
            [&](int ready) {
                make();
                go_on_as_another_program(ready);
            },
            number);
        inner.inside([] { sweep(); });
        EXPECT_EQ(entries(objects()), 2U) << "its owner lives";
        const auto start = start_of(owner);
        inner.kill(owner);
        pid_t next = inner.start([](int) {}, number);
        while (start_of(next) == start) {  // within one tick, a hundredth of a second, nobody comes round to it
            inner.kill(next);
            next = inner.start([](int) {}, number);
        }
        inner.inside([] { sweep(); });
        EXPECT_EQ(entries(objects()), 0U);
    });
}

// `unshare --pid --fork` without --mount-proc: /proc tells of other processes, by the same numbers.
TEST_P(in_namespaces, T34_a_proc_of_another_namespace_tells_nothing) {
    in_place([&] {
        process_namespace inner({.own_user = options().own_user, .own_proc = false});
        inner.start([&](int ready) {
            make();
            go_on_as_another_program(ready);
        });
        inner.inside([] { sweep(); });
        EXPECT_EQ(entries(objects()), 2U) << "its owner lives";
    });
}

INSTANTIATE_TEST_SUITE_P(as, in_namespaces, testing::Values(who::root, who::ordinary_user),
                         [](const auto& of) { return of.param == who::root ? "root" : "ordinary_user"; });

// --- File systems ---

class on_file_systems : public testing::TestWithParam<file_system> {
protected:
    void SetUp() override {
        if (!mount) {
            GTEST_SKIP() << GetParam().name << ": " << mount.why_not();
        }
        open_to_all(mount.path());
        open_to_all(disk.path());
        ASSERT_EQ(::chmod(mount.path().parent_path().c_str(), 0711), 0);
    }

    // Of one user after the other: kill -9, then a sweep.
    static void expect_nothing_is_left(const path& registries, const path& objects) {
        for (const who user : {who::root, who::ordinary_user}) {
            expect_in_child([&] {
                become(user);
                const std::string mine = user == who::root ? "root" : "user";
                const path registry = registries / ("registry-" + mine);
                const path dir = objects / ("objects-" + mine);
                ::setenv("TEMPFILE_REGISTRY", registry.c_str(), 1);
                fs::create_directory(dir);
                living owner([&] { make_both(dir); });
                sweep();
                EXPECT_EQ(entries(dir), 2U) << "its owner lives";
                EXPECT_EQ(leftovers().size(), 2U);
                owner.end();
                const sweep_report report = sweep();
                EXPECT_EQ(report.removed.size(), 2U);
                EXPECT_EQ(troubles(report), 0U);
                EXPECT_EQ(entries(dir), 0U);
                EXPECT_EQ(entries(registry), 0U);
            });
        }
    }

    mounted mount{GetParam().commands};
    scratch disk;
};

TEST_P(on_file_systems, a_killed_process_leaves_nothing_where_its_objects_are_there) {
    expect_nothing_is_left(disk.path(), mount.path());
}

TEST_P(on_file_systems, a_killed_process_leaves_nothing_where_its_registry_is_there) {
    expect_nothing_is_left(mount.path(), disk.path());
}

TEST_P(on_file_systems, a_killed_process_leaves_nothing_where_both_are_there) {
    expect_nothing_is_left(mount.path(), mount.path());
}

// To the last byte, whatever is said to be reserved for whom.
void fill_up(const path& dir) {
    const path name = dir / "ballast";
    const int ballast = ::open(name.c_str(), O_CREAT | O_RDWR | O_DSYNC | O_CLOEXEC, 0600);
    ASSERT_GE(ballast, 0);
    off_t size = 0;
    for (off_t piece = 64 << 20; piece >= 4096; piece /= 2) {
        while (::fallocate(ballast, 0, size, piece) == 0) {
            size += piece;
        }
    }
    const std::string block(4096, 'b');
    while (::pwrite(ballast, block.data(), block.size(), size) == static_cast<ssize_t>(block.size())) {
        size += static_cast<off_t>(block.size());
    }
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_EQ(::syncfs(ballast), 0);  // what is written from now on, is written anew
    ::close(ballast);
}

TEST_P(on_file_systems, T33_a_full_disk_is_no_SIGBUS) {
    ::setenv("TEMPFILE_REGISTRY", (mount / "registry").c_str(), 1);
    expect_in_child([&] {
        living owner([&] {
            std::vector<named_temporary_file> all;
            const auto make = [&](std::size_t count) {
                while (all.size() < count) {
                    all.emplace_back(
                           named_temporary_file_options{.dir = disk.path(), .deletion = delete_when::destroyed})
                        .close();
                }
            };
            make(100);
            fill_up(mount.path());
            for (int round = 0; round < 3; ++round) {
                make(1000);  // more than there is room for
                all.clear();
                ::sync();
            }
            make(100);
            static_cast<void>(new std::vector<named_temporary_file>(std::move(all)));
        });
        owner.end();
        EXPECT_EQ(entries(disk.path()), 100U);
        EXPECT_TRUE(sweep().left.empty());
        EXPECT_EQ(entries(disk.path()), 0U);
        EXPECT_EQ(entries(mount / "registry"), 0U);
    });
}

INSTANTIATE_TEST_SUITE_P(every, on_file_systems,
                         testing::Values(file_systems::tmpfs, file_systems::ext4, file_systems::xfs,
                                         file_systems::btrfs, file_systems::overlay, file_systems::bindfs,
                                         file_systems::fuse_overlay),
                         [](const auto& of) { return std::string(of.param.name); });

// --- Hostile surroundings ---

class hostile : public testing::Test {
protected:
    void SetUp() override {
        if (!mount) {
            GTEST_SKIP() << mount.why_not();
        }
        fs::create_directory(mount / "canary");
        std::ofstream(mount / "canary/file") << "sings";
        fs::create_directory(mount / "objects");
        ASSERT_EQ(::chmod((mount / "canary/file").c_str(), 0400), 0);
        ASSERT_EQ(::chmod((mount / "canary").c_str(), 0500), 0);
    }

    [[nodiscard]] path objects() const { return mount / "objects"; }

    // Of other kinds than a sweep looks for: links to the canary, and what is not to be opened lightly.
    void strew(const path& dir, const std::string& prefix) const {
        fs::create_symlink(mount / "canary", dir / (prefix + "link-to-directory"));
        fs::create_symlink(mount / "canary/file", dir / (prefix + "link"));
        fs::create_hard_link(mount / "canary/file", dir / (prefix + "hard-link"));
        ASSERT_EQ(::mkfifo((dir / (prefix + "fifo")).c_str(), 0600), 0);
        make_devices(dir / (prefix + "device"), dir / (prefix + "disk"));
        make_socket(dir / (prefix + "socket"));
    }
    static void make_devices(const path& character, const path& block) {
        ASSERT_EQ(::mknod(character.c_str(), S_IFCHR | 0600, makedev(5, 1)), 0);  // the console
        ASSERT_EQ(::mknod(block.c_str(), S_IFBLK | 0600, makedev(1, 0)), 0);      // in memory
    }
    static void make_socket(const path& name) {
        const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
        name.native().copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << name;
        ::close(listener);
    }

    void expect_canary_untouched() const {
        std::string song;
        std::ifstream(mount / "canary/file") >> song;
        EXPECT_EQ(song, "sings");
        struct stat is {};
        ASSERT_EQ(::stat((mount / "canary/file").c_str(), &is), 0);
        EXPECT_EQ(is.st_mode & 07777U, 0400U);
        ASSERT_EQ(::stat((mount / "canary").c_str(), &is), 0);
        EXPECT_EQ(is.st_mode & 07777U, 0500U);
    }

    mounted mount{"mount -t tmpfs tmpfs $M"};
};

TEST_F(hostile, S5_a_recorded_tree_full_of_traps) {
    living owner([&] { make_both(objects()); });
    owner.end();
    path tree;
    for (const auto& entry : fs::directory_iterator(objects())) {
        tree = entry.is_directory() ? entry.path() : tree;
    }
    strew(tree, "");
    strew(tree / "sub", "");
    fs::create_directory(tree / "mounted");
    ASSERT_EQ(::mount((mount / "canary").c_str(), (tree / "mounted").c_str(), nullptr, MS_BIND, nullptr), 0);
    const sweep_report report = sweep();
    ASSERT_EQ(report.left.size(), 1U);
    EXPECT_EQ(report.left.front().path, tree);
    EXPECT_TRUE(fs::exists(tree / "mounted/file")) << "another mount is none of ours";
    expect_canary_untouched();
    ASSERT_EQ(::umount2((tree / "mounted").c_str(), MNT_DETACH), 0);
    const ended next = run({ACTOR, "first_object", "1"});
    EXPECT_TRUE(next.well()) << next.text;
    EXPECT_TRUE(fs::exists(tree)) << "whoever begins next does not try again so soon";
    EXPECT_TRUE(sweep().left.empty());
    EXPECT_EQ(entries(objects()), 0U);
    expect_canary_untouched();
    EXPECT_EQ(fs::hard_link_count(mount / "canary/file"), 1U);
}

TEST_F(hostile, S5_traps_at_the_recorded_paths) {
    strew(objects(), "");
    const std::size_t strewn = entries(objects());
    std::vector<std::string> traps;
    for (const auto& entry : fs::directory_iterator(objects())) {
        traps.push_back(entry.path().filename());
    }
    living owner([&] {
        for (std::size_t i = 0; i < strewn; ++i) {
            make_both(objects());
        }
    });
    owner.end();
    // One trap of each kind for a file and one for a directory. A hard link is a regular file of ours: the name goes.
    std::size_t files = 0;
    std::size_t directories = 0;
    std::size_t to_stay = 0;
    for (const registered& r : leftovers()) {
        if (r.path.parent_path() == objects()) {
            const std::string& trap = traps[(r.directory ? directories : files)++];
            to_stay += trap == "hard-link" && !r.directory ? 0U : 1U;
            fs::remove_all(r.path);
            ASSERT_EQ(shell("cp -a --link " + (objects() / trap).string() + ' ' + r.path.string()), "");
        }
    }
    ASSERT_EQ(files, strewn);
    ASSERT_EQ(directories, strewn);
    const sweep_report report = sweep();
    EXPECT_EQ(report.left.size(), to_stay);
    for (const registered& left : report.left) {
        EXPECT_EQ(left.error.value(), ESTALE) << left.path;
        EXPECT_TRUE(fs::exists(fs::symlink_status(left.path)));
        fs::remove(left.path);
    }
    EXPECT_EQ(entries(objects()), strewn);
    expect_canary_untouched();
    EXPECT_TRUE(sweep().left.empty());
}

TEST_F(hostile, S5_traps_in_the_directory_of_registries) {
    const path registry = mount / "registry";
    fs::create_directory(registry);
    ASSERT_EQ(::chmod(registry.c_str(), 0700), 0);
    expect_in_child([&] {
        ::setenv("TEMPFILE_REGISTRY", registry.c_str(), 1);
        living owner([&] { make_both(objects()); });
        strew(registry, "1-");
        strew(registry, "new-");
        fs::create_directory(registry / "2-directory");
        owner.end();
        const sweep_report report = sweep();
        EXPECT_EQ(report.removed.size(), 2U);
        EXPECT_EQ(entries(objects()), 0U);
        expect_canary_untouched();
        EXPECT_TRUE(leftovers().empty());
    });
}

// The owner lives when its directory goes and another comes by the same name, whose inode is a new one for certain,
// since the owner holds the old one.
TEST_F(hostile, S4_an_impostor_is_not_touched) {
    living owner([&] { make_both(objects()); });
    path tree;
    for (const auto& entry : fs::directory_iterator(objects())) {
        tree = entry.is_directory() ? entry.path() : tree;
    }
    fs::remove_all(tree);
    fs::create_directory(tree);
    std::ofstream(tree / "of somebody else") << "x";
    sweep();
    EXPECT_TRUE(fs::exists(tree / "of somebody else"));
    owner.end();
    const sweep_report report = sweep();
    ASSERT_EQ(report.left.size(), 1U);
    EXPECT_EQ(report.left.front().error.value(), ESTALE);
    EXPECT_TRUE(fs::exists(tree / "of somebody else"));
    fs::remove_all(tree);
    EXPECT_TRUE(sweep().left.empty());
}

// After the owner's death ext4 gives the same inode to the next directory, which some other program may make there.
TEST(impostor, S4_of_the_same_inode_is_not_touched) {
    const mounted disk(file_systems::ext4.commands);
    if (!disk) {
        GTEST_SKIP() << disk.why_not();
    }
    living owner([&] {
        const auto* tree = new temporary_directory({.dir = disk.path()});
        static_cast<void>(tree);
    });
    path tree;
    for (const auto& entry : fs::directory_iterator(disk.path())) {
        tree = entry.path();
    }
    const auto inode_there = [&] {
        struct stat there = {};
        ::stat(tree.c_str(), &there);
        return there.st_ino;
    };
    const auto inode = inode_there();
    owner.end();
    fs::remove(tree);
    fs::create_directory(tree);
    ASSERT_EQ(inode_there(), inode);
    std::ofstream(tree / "of somebody else") << "x";
    const sweep_report report = sweep();
    EXPECT_TRUE(fs::exists(tree / "of somebody else"));
    ASSERT_EQ(report.left.size(), 1U);
    EXPECT_EQ(report.left.front().error.value(), ESTALE);
    fs::remove_all(tree);
    EXPECT_TRUE(sweep().left.empty());
}

TEST(editor, S9_what_it_put_in_the_place_of_a_file_goes_with_it) {
    const scratch dir;
    living owner([&] { make_both(dir.path()); });
    for (const auto& entry : fs::directory_iterator(dir.path())) {
        if (!entry.is_directory()) {
            std::ofstream(dir / "new") << "edited";
            fs::rename(dir / "new", entry.path());
        }
    }
    owner.end();
    EXPECT_TRUE(sweep().left.empty());
    EXPECT_TRUE(dir.empty());
}

}  // namespace
}  // namespace tempfile::test
