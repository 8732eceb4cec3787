// A temporary directory that was moved away or replaced behind the object's back: neither it nor the impostor is
// touched.

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>

#include "support/every_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::every_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

class moved_directory : public testing::Test {
protected:
    void SetUp() override { std::ofstream(made / "ours").put('x'); }

    void move_away() const { std::filesystem::rename(made.path(), home / "aside"); }
    void put_impostor() const {
        std::filesystem::create_directory(made.path());
        std::ofstream(made / "theirs").put('x');
    }

    scratch home;
    temporary_directory made{{.dir = home.path()}};
};

TEST_F(moved_directory, S4_the_impostor_is_not_touched_and_cleanup_says_so) {
    move_away();
    put_impostor();
    try {
        made.cleanup();
        ADD_FAILURE() << "no error";
    } catch (const std::filesystem::filesystem_error& e) {
        EXPECT_EQ(e.code(), system_code(ESTALE));
        EXPECT_EQ(e.path1(), made.path());
    }
    EXPECT_TRUE(std::filesystem::exists(made / "theirs"));
    EXPECT_TRUE(std::filesystem::exists(home / "aside/ours"));
}

TEST_F(moved_directory, S4_nor_by_the_destructor) {
    const path name = made.path();
    move_away();
    put_impostor();
    made = temporary_directory({.dir = home.path()});
    EXPECT_TRUE(std::filesystem::exists(name / "theirs"));
    EXPECT_TRUE(std::filesystem::exists(home / "aside/ours"));
}

TEST_F(moved_directory, S4_a_link_to_where_it_went_is_an_impostor_too) {
    move_away();
    std::filesystem::create_directory_symlink(home / "aside", made.path());
    std::error_code ec;
    made.cleanup(ec);
    EXPECT_EQ(ec, system_code(ESTALE));
    EXPECT_TRUE(std::filesystem::is_symlink(made.path()));
    EXPECT_TRUE(std::filesystem::exists(home / "aside/ours"));
}

TEST_F(moved_directory, S4_a_file_in_its_place_stays) {
    move_away();
    std::ofstream(made.path()).put('x');
    std::error_code ec;
    made.cleanup(ec);
    EXPECT_EQ(ec, system_code(ESTALE));
    EXPECT_TRUE(std::filesystem::is_regular_file(made.path()));
}

TEST_F(moved_directory, S4_removed_and_made_anew_by_somebody_else) {
    std::filesystem::remove_all(made.path());
    put_impostor();
    std::error_code ec;
    made.cleanup(ec);
    EXPECT_EQ(ec, system_code(ESTALE));
    EXPECT_TRUE(std::filesystem::exists(made / "theirs"));
}

TEST_F(moved_directory, S4_moved_away_it_is_somebody_elses) {
    move_away();
    made.cleanup();
    EXPECT_TRUE(std::filesystem::exists(home / "aside/ours"));
}

TEST_F(moved_directory, S4_back_in_its_place_it_is_ours_again) {
    move_away();
    put_impostor();
    std::error_code ec;
    made.cleanup(ec);
    EXPECT_EQ(ec, system_code(ESTALE));
    std::filesystem::remove_all(made.path());
    std::filesystem::rename(home / "aside", made.path());
    made.cleanup();
    EXPECT_TRUE(home.empty());
}

// The check and the removal are two calls: whatever comes between them, nothing in the impostor is touched.
TEST_F(moved_directory, S4_before_any_call_of_the_removal) {
    for (std::size_t n = 1;; ++n) {
        const scratch here;
        temporary_directory tree({.dir = here.path()});
        std::ofstream(tree / "ours").put('x');
        std::size_t calls = 0;
        bool swapped = false;
        std::error_code ec;
        {
            const every_call gate([&](std::string_view) {
                if (++calls == n && std::rename(tree.path().c_str(), (here / "aside").c_str()) == 0) {
                    swapped = true;
                    std::filesystem::create_directory(tree.path());
                    std::ofstream(tree / "theirs").put('x');
                }
                return 0;
            });
            tree.cleanup(ec);
        }
        if (calls < n) {
            EXPECT_GT(n, 5U);
            break;
        }
        EXPECT_EQ(ec, swapped ? system_code(ESTALE) : std::error_code()) << "before call " << n;
        EXPECT_EQ(std::filesystem::exists(tree / "theirs"), swapped) << "before call " << n;
    }
}

}  // namespace
