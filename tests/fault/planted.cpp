// What somebody put in the way beforehand: nothing is opened, followed, adopted or waited for.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "support/in_child.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_child;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

// --- S8: a FIFO, on which an open for reading or writing waits for ever ---

TEST(planted_fifo, S8_as_TMPDIR_is_passed_over) {
    const scratch dir;
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0666), 0);
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  ::setenv("TMPDIR", (dir / "fifo").c_str(), 1);
                  ::setenv("TEMP", dir.path().c_str(), 1);
                  if (gettempdir() != dir.path()) {
                      wrong << gettempdir() << " was chosen\n";
                  }
                  const candidate first = explain().candidates.front();
                  if (first.origin != "$TMPDIR" || first.error != system_code(ENOTDIR)) {
                      wrong << first.origin << ": " << first.error.message() << '\n';
                  }
                  const temporary_file fp;
              }),
              "");
}

TEST(planted_fifo, S8_as_the_directory_asked_for_is_refused) {
    const scratch dir;
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0666), 0);
    std::error_code ec;
    { const temporary_file fp({.dir = dir / "fifo"}, ec); }
    EXPECT_EQ(ec, system_code(ENOTDIR));
    { const named_temporary_file fp({.dir = dir / "fifo"}, ec); }
    EXPECT_EQ(ec, system_code(ENOTDIR));
    { const temporary_directory made({.dir = dir / "fifo"}, ec); }
    EXPECT_EQ(ec, system_code(ENOTDIR));
}

// Where O_TMPFILE is not known it means O_DIRECTORY, and a FIFO is refused by that.
TEST(planted_fifo, S8_instead_of_our_own_directory) {
    const scratch dir;
    temporary_directory made({.dir = dir.path()});
    std::ofstream(made / "file").put('x');
    std::filesystem::rename(made.path(), dir / "aside");
    ASSERT_EQ(::mkfifo(made.path().c_str(), 0666), 0);
    std::error_code ec;
    made.cleanup(ec);
    EXPECT_EQ(ec, system_code(ESTALE));
    EXPECT_TRUE(std::filesystem::exists(dir / "aside/file"));
    EXPECT_TRUE(std::filesystem::is_fifo(made.path()));
}

// --- S1: every name that is tried is taken the moment before ---

struct plant {
    const char* name;
    std::function<void(const path& where, const scratch& canary)> put;
};

std::ostream& operator<<(std::ostream& out, const plant& p) {
    return out << p.name;
}

class planted_names : public testing::TestWithParam<plant> {
protected:
    void SetUp() override {
        std::filesystem::create_directory(canary / "directory");
        std::ofstream(canary / "file") << "canary";
    }
    void TearDown() override {
        std::ifstream in(canary / "file");
        std::string text;
        in >> text;
        EXPECT_EQ(text, "canary");
        EXPECT_EQ(canary.names().size(), 2U);
        EXPECT_TRUE(std::filesystem::is_empty(canary / "directory"));
    }

    // True as long as something is still to be planted.
    bool plant_at(const char* name) {
        if (planted < plants) {
            ++planted;
            GetParam().put(name, canary);
            return true;
        }
        return false;
    }

    static constexpr int plants = 50;
    int planted = 0;
    scratch canary;
    scratch dir;
    replace_call<&sys::calls::create_unnamed> old_kernel{[](auto...) { return EISDIR; }};
    replace_call<&sys::calls::create_file> before_files{[this](const char* name, bool append, sys::handle& made) {
        const bool taken = plant_at(name);
        const sys::error e = replace_call<&sys::calls::create_file>::real(name, append, made);
        EXPECT_EQ(e, taken ? EEXIST : 0);
        return e;
    }};
    replace_call<&sys::calls::create_directory> before_directories{[this](const char* name) {
        const bool taken = plant_at(name);
        const sys::error e = replace_call<&sys::calls::create_directory>::real(name);
        EXPECT_EQ(e, taken ? EEXIST : 0);
        return e;
    }};
};

TEST_P(planted_names, S1_S8_T11_are_not_adopted_by_files) {
    named_temporary_file named({.dir = dir.path()});
    EXPECT_EQ(planted, plants);
    named << "secret";
    named.flush();
    struct stat is {};
    ASSERT_EQ(::lstat(named.path().c_str(), &is), 0);
    EXPECT_TRUE(S_ISREG(is.st_mode));
    EXPECT_EQ(is.st_nlink, 1U);
    named.close();
    planted = 0;
    temporary_file unnamed({.dir = dir.path()});
    unnamed << "secret";
    unnamed.close();
    EXPECT_EQ(dir.names().size(), 2U * plants);
}

TEST_P(planted_names, S1_S8_T11_are_not_adopted_by_directories) {
    temporary_directory made({.dir = dir.path()});
    EXPECT_EQ(planted, plants);
    std::ofstream(made / "secret").put('x');
    made.cleanup();
    planted = 0;
    const path by_hand = mkdtemp({.dir = dir.path()});
    EXPECT_TRUE(std::filesystem::is_directory(std::filesystem::symlink_status(by_hand)));
    EXPECT_EQ(dir.names().size(), 2U * plants + 1);
}

INSTANTIATE_TEST_SUITE_P(
    every, planted_names,
    testing::Values(
        plant{"link_to_a_file", [](const path& where,
                                   const scratch& canary) { std::filesystem::create_symlink(canary / "file", where); }},
        plant{"link_to_a_directory",
              [](const path& where, const scratch& canary) {
                  std::filesystem::create_directory_symlink(canary / "directory", where);
              }},
        plant{"dangling_link",
              [](const path& where, const scratch& canary) {
                  std::filesystem::create_symlink(canary / "missing", where);
              }},
        plant{"hard_link", [](const path& where,
                              const scratch& canary) { std::filesystem::create_hard_link(canary / "file", where); }},
        plant{"fifo", [](const path& where, const scratch&) { ::mkfifo(where.c_str(), 0666); }},
        plant{"directory", [](const path& where, const scratch&) { std::filesystem::create_directory(where); }}),
    [](const auto& of) { return std::string(of.param.name); });

}  // namespace
