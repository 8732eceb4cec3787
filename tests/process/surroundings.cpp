// Ordinary users, containers, missing and read-only file systems, no descriptors left.

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "scenario.hpp"
#include "support/mounted.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

// --- Users and namespaces ---

class surroundings : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
        ::setenv("TMPDIR", dir.path().c_str(), 1);
    }
    void TearDown() override {
        EXPECT_TRUE(dir.empty());
        ::unsetenv("TMPDIR");
    }

    scratch dir;
};

TEST_F(surroundings, everything_works_for_an_ordinary_user) {
    expect_in_child([] {
        if (::geteuid() == 0) {
            become_ordinary_user();
        }
        use_everything();
        temporary_file fp;
        EXPECT_EQ(fp.reopen().size(), 0U);
    });
}

std::string why_no_user_namespace() {
    const ended probe = run({"unshare", "-Urm", "true"});
    return probe.well() ? "" : "no user namespaces here: " + probe.text;
}

TEST_F(surroundings, everything_works_in_a_container) {
    if (const std::string why = why_no_user_namespace(); !why.empty()) {
        GTEST_SKIP() << why;
    }
    const ended actor = run({"unshare", "-Urm", ACTOR, "everything"});
    EXPECT_TRUE(actor.well());
    EXPECT_EQ(actor.text, "everything works\n");
}

TEST_F(surroundings, everything_works_in_a_container_of_an_ordinary_user) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can become another user; the other test ran as an ordinary one";
    }
    const scratch home;
    fs::permissions(home.path(), fs::perms(0755));
    fs::copy_file(ACTOR, home / "actor");  // where that user can reach it
    if (const ended probe = run({"unshare", "-Urm", "true"}, become_ordinary_user); !probe.well()) {
        GTEST_SKIP() << "no user namespaces for an ordinary user here: " << probe.text;
    }
    const ended actor = run({"unshare", "-Urm", (home / "actor").string(), "everything"}, become_ordinary_user);
    EXPECT_TRUE(actor.well());
    EXPECT_EQ(actor.text, "everything works\n");
}

// --- Mounts ---

void mount_or_throw(const char* what, const fs::path& where, const char* type, unsigned long flags) {
    if (::mount(what, where.c_str(), type, flags, nullptr) != 0) {
        throw std::runtime_error("cannot mount on " + where.string() + ": " + std::strerror(errno));
    }
}

void make_read_only(const fs::path& where) {
    mount_or_throw(where.c_str(), where, nullptr, MS_BIND | MS_REC);
    mount_or_throw(nullptr, where, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY);
}

// Each test in a child with mounts of its own. Nobody says where temporary files are to go.
class mounts : public testing::Test {
protected:
    void SetUp() override {
        const ended probe = forked([](int out) { say(out, enter_own_mount_namespace()); });
        if (!probe.text.empty()) {
            GTEST_SKIP() << probe.text;
        }
    }

    static void expect_with_own_mounts(const std::function<void()>& work) {
        expect_in_child([&] {
            ASSERT_EQ(enter_own_mount_namespace(), "");
            for (const char* const variable : {"TMPDIR", "TEMP", "TMP"}) {
                ::unsetenv(variable);
            }
            work();
        });
    }
};

std::error_code verdict(const explanation& why, const fs::path& dir) {
    for (const candidate& c : why.candidates) {
        if (c.dir == dir) {
            return c.error;
        }
    }
    ADD_FAILURE() << dir << " is no candidate";
    return {};
}

TEST_F(mounts, without_proc_everything_works_but_reopen_which_says_why) {
    expect_with_own_mounts([] {
        mount_or_throw("tmpfs", "/proc", "tmpfs", 0);
        use_everything();
        temporary_file fp;
        try {
            static_cast<void>(fp.reopen());
            ADD_FAILURE() << "reopen worked";
        } catch (const std::system_error& e) {
            EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
            EXPECT_NE(std::string(e.what()).find("/proc"), std::string::npos) << e.what();
        }
        fp << "still usable";
        EXPECT_EQ(fp.size(), 12U);
    });
}

TEST_F(mounts, a_read_only_tmp_is_passed_over) {
    expect_with_own_mounts([] {
        make_read_only("/tmp");
        EXPECT_EQ(gettempdir(), "/var/tmp");
        EXPECT_EQ(verdict(explain(), "/tmp"), std::errc::read_only_file_system);
        use_everything();
    });
}

TEST_F(mounts, a_full_tmp_is_passed_over) {
    expect_with_own_mounts([] {
        mount_or_throw("tmpfs", "/tmp", "tmpfs", 0);
        ASSERT_EQ(::mount(nullptr, "/tmp", nullptr, MS_REMOUNT, "size=4k"), 0);
        std::ofstream("/tmp/full") << std::string(4096, 'x') << std::flush;
        EXPECT_EQ(gettempdir(), "/var/tmp");
        EXPECT_EQ(verdict(explain(), "/tmp"), std::errc::no_space_on_device);
    });
}

// As in a container made of one program: nothing there that is not needed, /proc and /dev included.
TEST_F(mounts, in_an_empty_root_directory_a_missing_tmp_is_passed_over) {
    const scratch root;
    expect_with_own_mounts([&] {
        mount_or_throw("tmpfs", root.path(), "tmpfs", 0);
        fs::create_directories(root / "var/tmp");
        ASSERT_EQ(::chroot(root.path().c_str()), 0);
        fs::current_path("/");
        EXPECT_EQ(gettempdir(), "/var/tmp");
        EXPECT_EQ(verdict(explain(), "/tmp"), std::errc::no_such_file_or_directory);
        use_everything();
    });
}

void make_all_candidates_read_only() {
    for (const char* const dir : {"/tmp", "/var/tmp", "/usr/tmp"}) {
        if (fs::exists(dir)) {
            make_read_only(dir);
        }
    }
    mount_or_throw(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY);
}

TEST_F(mounts, with_a_read_only_root_the_working_directory_is_taken) {
    const scratch writable;
    expect_with_own_mounts([&] {
        mount_or_throw("tmpfs", writable.path(), "tmpfs", 0);
        make_all_candidates_read_only();
        fs::current_path(writable.path());
        EXPECT_EQ(gettempdir(), writable.path());
        use_everything();
        EXPECT_TRUE(fs::is_empty("."));
    });
}

TEST_F(mounts, with_everything_read_only_the_error_names_every_candidate) {
    expect_with_own_mounts([] {
        make_all_candidates_read_only();
        fs::current_path("/");
        ::setenv("TMPDIR", "/tmp", 1);
        EXPECT_TRUE(explain().dir.empty());
        try {
            const temporary_file fp;
            ADD_FAILURE() << "made a file in " << gettempdir();
        } catch (const fs::filesystem_error& e) {
            const std::string what = e.what();
            EXPECT_EQ(e.code(), std::errc::read_only_file_system);
            for (const char* const part :
                 {"$TMPDIR \"/tmp\"", "\"/var/tmp\"", "working directory \"/\"", "Read-only file system"}) {
                EXPECT_NE(what.find(part), std::string::npos) << part << " is not in: " << what;
            }
        }
        std::error_code ec;
        const named_temporary_file named({}, ec);
        EXPECT_EQ(ec, std::errc::read_only_file_system);
        EXPECT_TRUE(named.closed());
    });
}

// The directory that was found by searching is looked for again when it has gone.
TEST_F(mounts, a_directory_that_vanished_is_searched_again) {
    expect_with_own_mounts([] {
        mount_or_throw("tmpfs", "/tmp", "tmpfs", 0);
        fs::create_directory("/tmp/mine");
        ::setenv("TMPDIR", "/tmp/mine", 1);
        EXPECT_EQ(gettempdir(), "/tmp/mine");
        fs::remove("/tmp/mine");
        use_unnamed_files();
        EXPECT_EQ(gettempdir(), "/tmp");
    });
}

// --- Descriptors ---

std::string why_no_test_without_descriptors() {
    return sanitizer.empty() ? "" : "UndefinedBehaviorSanitizer needs descriptors itself, to look at objects";
}

// Takes every descriptor that is left under a small limit; gives them back one by one, or all.
class no_descriptors {
public:
    no_descriptors() {
        const rlimit few = {64, 64};
        ::setrlimit(RLIMIT_NOFILE, &few);
        for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) != -1;) {
            taken_.push_back(fd);
        }
    }
    ~no_descriptors() { give_back(taken_.size()); }
    no_descriptors(const no_descriptors&) = delete;
    no_descriptors& operator=(const no_descriptors&) = delete;

    void give_back(std::size_t n) {
        for (; n != 0; --n) {
            ::close(taken_.back());
            taken_.pop_back();
        }
    }

private:
    std::vector<int> taken_;
};

void expect_advice(const std::function<void()>& work) {
    try {
        work();
        ADD_FAILURE() << "worked without descriptors";
    } catch (const std::system_error& e) {
        EXPECT_EQ(e.code(), std::errc::too_many_files_open);
        EXPECT_NE(std::string(e.what()).find("ulimit -n"), std::string::npos) << e.what();
    }
}

TEST_F(surroundings, without_descriptors_the_message_says_what_to_do) {
    if (const std::string why = why_no_test_without_descriptors(); !why.empty()) {
        GTEST_SKIP() << why;
    }
    expect_in_child([this] {
        no_descriptors none;
        expect_advice([&] { const temporary_file fp({.dir = dir.path()}); });
        expect_advice([&] { const named_temporary_file fp({.dir = dir.path()}); });
        expect_advice([&] { const temporary_directory made({.dir = dir.path()}); });
        expect_advice([&] { static_cast<void>(mkstemp({.dir = dir.path()})); });
        expect_advice([&] { spooled_temporary_file({.dir = dir.path()}).rollover(); });
        expect_advice([] { static_cast<void>(gettempdir()); });
        none.give_back(1);  // for the look
        EXPECT_TRUE(dir.empty());
    });
}

TEST_F(surroundings, without_descriptors_nothing_is_lost_and_all_can_be_repeated) {
    if (const std::string why = why_no_test_without_descriptors(); !why.empty()) {
        GTEST_SKIP() << why;
    }
    expect_in_child([this] {
        temporary_directory directory;
        fs::create_directories(directory / "sub/sub");
        temporary_file fp;
        fp << "kept";
        spooled_temporary_file spool;
        spool << "kept";
        no_descriptors none;
        std::error_code ec;
        spool.rollover(ec);
        EXPECT_EQ(ec, std::errc::too_many_files_open);
        static_cast<void>(fp.reopen(ec));
        EXPECT_EQ(ec, std::errc::too_many_files_open);
        directory.cleanup(ec);
        EXPECT_EQ(ec, std::errc::too_many_files_open);

        none.give_back(10);
        spool.rollover();
        spool.seek(0);
        EXPECT_EQ(spool.read(), "kept");
        EXPECT_EQ(fp.reopen().size(), 4U);
        directory.cleanup();
        EXPECT_TRUE(dir.empty());
    });
}

}  // namespace
}  // namespace tempfile::test
