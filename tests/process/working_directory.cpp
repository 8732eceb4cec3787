// T1: a relative directory means the working directory of the moment; whatever chdir(2) does later, the right thing is
// deleted and nothing else.

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "scenario.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

std::optional<scoped_tempdir> scope;

// How a program may say "the directory sub of the working directory".
struct way {
    const char* name;
    const char* dir;  // the option
    void (*choose)();

    friend void PrintTo(const way& w, std::ostream* out) { *out << w.name; }
};

const std::array<way, 7> ways = {{
    {"option", "sub", [] {}},
    {"option_with_slashes", ".//sub/", [] {}},
    {"option_with_parent", "../here/sub", [] {}},
    {"TMPDIR", "", [] { ::setenv("TMPDIR", "sub", 1); }},
    {"TMPDIR_with_dot", "", [] { ::setenv("TMPDIR", "./sub/.", 1); }},
    {"tempdir", "", [] { tempdir = "sub"; }},
    {"scoped_tempdir", "", [] { scope.emplace("sub"); }},
}};

class working_directory : public testing::TestWithParam<way> {
protected:
    void SetUp() override {
        fs::create_directories(here / "sub");
        fs::create_directories(there / "sub");
    }

    // Something at the same relative path, seen from the other working directory.
    void plant(const fs::path& path) const {
        const fs::path canary = there / "sub" / path.filename();
        if (fs::is_directory(path)) {
            fs::create_directory(canary);
            std::ofstream(canary / "file") << "canary";
        } else {
            std::ofstream(canary) << "canary";
        }
    }

    void make_objects_go_there_and_destroy() const {
        fs::current_path(here);
        GetParam().choose();
        std::optional<named_temporary_file> closed(std::in_place, named_temporary_file_options{.dir = GetParam().dir});
        std::optional<named_temporary_file> destroyed(std::in_place,
                                                      named_temporary_file_options{.dir = GetParam().dir});
        std::optional<temporary_directory> directory(std::in_place, temporary_directory_options{.dir = GetParam().dir});
        std::ofstream(*directory / "file") << "ours";
        EXPECT_EQ(fs::canonical(directory->path().parent_path()), fs::canonical(here / "sub"));
        for (const fs::path& path : {closed->path(), destroyed->path(), directory->path()}) {
            EXPECT_TRUE(path.is_absolute()) << path;
            plant(path);
        }
        fs::current_path(there);
        closed->close();
        destroyed.reset();
        directory.reset();
    }

    scratch dir;
    fs::path here = dir / "here";
    fs::path there = dir / "there";
};

INSTANTIATE_TEST_SUITE_P(said_by, working_directory, testing::ValuesIn(ways));

TEST_P(working_directory, T1_change_does_not_change_what_is_deleted) {
    expect_in_child([this] { make_objects_go_there_and_destroy(); });
    EXPECT_TRUE(fs::is_empty(here / "sub"));
    int canaries = 0;
    for (const auto& entry : fs::directory_iterator(there / "sub")) {
        EXPECT_EQ(contents(entry.is_directory() ? entry.path() / "file" : entry.path()), "canary") << entry.path();
        ++canaries;
    }
    EXPECT_EQ(canaries, 3);
}

TEST_P(working_directory, T1_paths_are_absolute_and_stay) {
    expect_in_child([this] {
        fs::current_path(here);
        GetParam().choose();
        const auto [file, path] = mkstemp({.dir = GetParam().dir});
        const auto made = mkdtemp({.dir = GetParam().dir});
        fs::current_path(there);
        EXPECT_TRUE(path.is_absolute() && made.is_absolute()) << path << made;
        EXPECT_TRUE(fs::remove(path) && fs::remove(made));
    });
    EXPECT_TRUE(fs::is_empty(here / "sub"));
}

// A spool that was told a directory keeps it, though it makes its file later.
TEST_P(working_directory, T1_change_does_not_change_where_a_spool_rolls_over_to) {
    expect_in_child([this] {
        fs::current_path(here);
        GetParam().choose();
        EXPECT_TRUE(gettempdir().is_absolute());  // the search of TMPDIR is done here
        spooled_temporary_file spool({.dir = GetParam().dir});
        spool << "text";
        fs::current_path(there);
        const auto link = fs::read_symlink("/proc/self/fd/" + std::to_string(spool.fileno()));
        EXPECT_EQ(fs::canonical(link.parent_path()), fs::canonical(here / "sub")) << link;
    });
}

}  // namespace
}  // namespace tempfile::test
