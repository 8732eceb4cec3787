// Kernels and containers that refuse a system call, by seccomp(2): the real kernel's answer, not a replaced table.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "scenario.hpp"
#include "support/mounted.hpp"
#include "support/refused.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

void without_unnamed_files(std::uint32_t error) {
    constexpr std::uint32_t only_of_tmpfile = O_TMPFILE & ~O_DIRECTORY;
    refuse({.call = SYS_openat, .error = error, .argument = 2, .mask = only_of_tmpfile, .value = only_of_tmpfile});
}

void without_wipe_on_fork() {
    refuse({.call = SYS_madvise, .error = EINVAL, .argument = 2, .mask = ~0U, .value = MADV_WIPEONFORK});
}

class seccomp : public testing::Test {
protected:
    void SetUp() override {
        const ended probe = forked([](int) {
            const bool refused = refuse({.call = SYS_getppid, .error = ENOSYS}) && ::syscall(SYS_getppid) == -1;
            ::_exit(refused ? 0 : 1);
        });
        if (!probe.well()) {
            GTEST_SKIP() << "no system call can be refused here (seccomp(2))";
        }
        ::setenv("TMPDIR", dir.path().c_str(), 1);
    }
    void TearDown() override { ::unsetenv("TMPDIR"); }

    void everything_works_after(const std::function<void()>& refusals) {
        expect_in_child([&] {
            refusals();
            use_everything();
            temporary_file fp;
            fp << "text";
            EXPECT_EQ(fp.reopen().size(), 4U);
            EXPECT_TRUE(dir.empty());
        });
        EXPECT_TRUE(dir.empty());
    }

    scratch dir;
};

TEST_F(seccomp, T9_without_O_TMPFILE_everything_works) {
    static constexpr std::uint32_t errors[] = {ENOENT, EISDIR, EOPNOTSUPP, EINVAL, ENOSYS};
    for (const std::uint32_t error : errors) {
        SCOPED_TRACE(std::strerror(static_cast<int>(error)));
        everything_works_after([error] { without_unnamed_files(error); });
    }
}

TEST_F(seccomp, T16_without_getrandom_names_come_from_the_device) {
    static constexpr std::uint32_t errors[] = {ENOSYS, EPERM, EAGAIN};
    for (const std::uint32_t error : errors) {
        SCOPED_TRACE(std::strerror(static_cast<int>(error)));
        everything_works_after([error] { refuse({.call = SYS_getrandom, .error = error}); });
    }
}

// A name that can be guessed is worse than none.
TEST_F(seccomp, T16_without_getrandom_and_device_there_are_no_names) {
    const ended probe = forked([](int out) { say(out, enter_own_mount_namespace()); });
    if (!probe.text.empty()) {
        GTEST_SKIP() << probe.text;
    }
    expect_in_child([this] {
        ASSERT_EQ(enter_own_mount_namespace(), "");
        ASSERT_EQ(::mount("tmpfs", "/dev", "tmpfs", 0, nullptr), 0);
        refuse({.call = SYS_getrandom, .error = ENOSYS});
        try {
            const named_temporary_file fp({.dir = dir.path()});
            ADD_FAILURE() << "made " << fp.path();
        } catch (const std::system_error& e) {
            EXPECT_NE(std::string(e.what()).find("random"), std::string::npos) << e.what();
        }
        use_unnamed_files();  // no name, no need of random bytes
        EXPECT_TRUE(dir.empty());
    });
}

// Before Linux 4.11 there is no statx(2), and some containers refuse what they do not know with EPERM.
TEST_F(seccomp, T8_without_statx_everything_works) {
    everything_works_after([] { refuse({.call = SYS_statx, .error = ENOSYS}); });
}

TEST_F(seccomp, T8_with_statx_forbidden_everything_works) {
    everything_works_after([] { refuse({.call = SYS_statx, .error = EPERM}); });
}

std::string next_name() {
    const named_temporary_file drawn;
    return drawn.path();
}

// Before Linux 4.14 madvise(2) knows no MADV_WIPEONFORK; then pthread_atfork(3) tells a child that it is one.
TEST_F(seccomp, T5_without_MADV_WIPEONFORK_a_forked_child_deletes_nothing) {
    everything_works_after(without_wipe_on_fork);
    expect_in_child([&] {
        without_wipe_on_fork();
        std::optional<named_temporary_file> named(std::in_place);
        std::optional<temporary_directory> directory(std::in_place);
        const ended child = forked([&](int out) {
            named.reset();
            directory.reset();
            say(out, next_name());
        });
        EXPECT_TRUE(child.well());
        EXPECT_EQ(dir.names().size(), 2U);
        EXPECT_NE(child.text, next_name());
        named.reset();
        directory.reset();
        EXPECT_TRUE(dir.empty());
    });
}

TEST_F(seccomp, T8_on_a_kernel_of_2013_everything_works) {
    everything_works_after([] {
        without_unnamed_files(EISDIR);
        refuse({.call = SYS_getrandom, .error = ENOSYS});
        refuse({.call = SYS_statx, .error = ENOSYS});
        without_wipe_on_fork();
    });
}

}  // namespace
}  // namespace tempfile::test
