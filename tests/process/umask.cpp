// T11 for the umask, which belongs to the process: whatever it is, a file is 0600 and a directory 0700.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "child.hpp"
#include "creators.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

// The last ones take from the owner too: what files need, what only directories need, or both.
constexpr mode_t umasks[] = {0, 022, 077, 0777, 0477, 0177, 0377};

std::string octal(mode_t mode) {
    char text[16];
    std::snprintf(text, sizeof text, "%04o", mode);
    return text;
}

void expect_private(const struct stat& status, const std::string& what) {
    const mode_t wanted = S_ISDIR(status.st_mode) ? 0700 : 0600;
    EXPECT_EQ(octal(status.st_mode & 07777), octal(wanted)) << what;
}

void expect_private(const made& all) {
    for (const int h : all.handles) {
        struct stat status {};
        ASSERT_EQ(::fstat(h, &status), 0);
        expect_private(status, "of the handle");
    }
}

void expect_private(const std::filesystem::path& path) {
    struct stat status {};
    ASSERT_EQ(::lstat(path.c_str(), &status), 0);
    expect_private(status, path.string());
}

class every_creator : public testing::TestWithParam<creator> {
protected:
    void SetUp() override { ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0); }

    // In a fresh process for each umask: the library remembers what it learnt about the umask. And twice in it, since
    // the first file of a process is treated differently from the others.
    void in_fresh_processes(const std::function<void()>& before) {
        for (const mode_t mask : umasks) {
            expect_in_child([&] {
                before();
                ::umask(mask);
                for (int time = 0; time < 2; ++time) {
                    SCOPED_TRACE("umask " + octal(mask) + ", time " + std::to_string(time));
                    made all;
                    GetParam().make(dir.path(), all);
                    expect_private(all);
                }
            });
        }
    }

    scratch dir;
};

INSTANTIATE_TEST_SUITE_P(umask, every_creator, testing::ValuesIn(creators));

TEST_P(every_creator, T11_makes_private_things_whatever_the_umask) {
    in_fresh_processes([] {});
}

TEST_P(every_creator, T11_makes_private_things_for_an_ordinary_user_too) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can become an ordinary user; the other tests ran as one";
    }
    in_fresh_processes(become_ordinary_user);
}

// As who we are, and when that is root as an ordinary user too: root may read and write whatever the mode is.
void in_fresh_processes_of_both(const std::function<void()>& work) {
    for (const mode_t mask : umasks) {
        SCOPED_TRACE("umask " + octal(mask));
        expect_in_child([&] {
            ::umask(mask);
            work();
        });
        if (::geteuid() == 0) {
            expect_in_child([&] {
                become_ordinary_user();
                ::umask(mask);
                work();
            });
        }
    }
}

class umask_of_process : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0); }
    scratch dir;
};

TEST_F(umask_of_process, T11_names_lead_to_private_things) {
    in_fresh_processes_of_both([this] {
        for (int time = 0; time < 2; ++time) {
            auto [file, path] = mkstemp({.dir = dir.path()});
            expect_private(path);
            const named_temporary_file named({.dir = dir.path()});
            expect_private(named.path());
            const temporary_directory directory({.dir = dir.path()});
            expect_private(directory.path());
            expect_private(mkdtemp({.dir = dir.path()}));
        }
    });
}

// First in its process, and alone: nothing was learnt from a file.
TEST_F(umask_of_process, T11_mkdtemp_makes_private_directories) {
    in_fresh_processes_of_both([this] {
        for (int time = 0; time < 3; ++time) {
            expect_private(mkdtemp({.dir = dir.path()}));
        }
    });
}

// What was learnt from the first file is out of date then. What can be had is that nobody else gets in.
TEST_F(umask_of_process, T11_changed_later_lets_nobody_in) {
    for (const mode_t mask : umasks) {
        expect_in_child([&] {
            const temporary_file first({.dir = dir.path()});
            ::umask(mask);
            auto [file, path] = mkstemp({.dir = dir.path()});
            const temporary_directory directory({.dir = dir.path()});
            for (const auto& made : {path, directory.path(), mkdtemp({.dir = dir.path()})}) {
                struct stat status {};
                ASSERT_EQ(::lstat(made.c_str(), &status), 0);
                EXPECT_EQ(octal(status.st_mode & 07077), octal(0)) << made;
            }
        });
    }
}

}  // namespace
}  // namespace tempfile::test
