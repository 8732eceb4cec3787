// The same work on real file systems of many kinds.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/file_systems.hpp"
#include "support/in_child.hpp"
#include "support/mounted.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using namespace tempfile::test::file_systems;
using tempfile::test::every_call;
using tempfile::test::file_system;
using tempfile::test::in_child;
using tempfile::test::mounted;
using tempfile::test::open_descriptors;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

class on_file_system : public testing::TestWithParam<file_system> {
protected:
    void SetUp() override {
        if (!fs) {
            GTEST_SKIP() << GetParam().name << ": " << fs.why_not();
        }
    }
    [[nodiscard]] bool empty() const { return std::filesystem::is_empty(fs.path()); }

    mounted fs{GetParam().commands};
};

void use(file_object& fp) {
    const std::string large(200'000, 'l');
    fp << "small";
    fp.write(large);
    fp.seek(0);
    EXPECT_TRUE(fp.read() == "small" + large);
    file again = fp.reopen();
    EXPECT_EQ(again.size(), 200'005U);
    fp.truncate(3);
    EXPECT_EQ(fp.size(), 3U);
    struct stat is {};
    ASSERT_EQ(::fstat(fp.fileno(), &is), 0);
    EXPECT_EQ(is.st_mode & 07777U, 0600U);
}

TEST_P(on_file_system, T8_T9_unnamed_files) {
    std::vector<std::string> made_by;
    const auto before = open_descriptors();
    for (const std::ios::openmode mode : {std::ios::in | std::ios::out, std::ios::in | std::ios::app}) {
        const every_call watch([&](std::string_view entry) {
            if (entry.starts_with("create_")) {
                made_by.emplace_back(entry);
            }
            return 0;
        });
        temporary_file fp({.dir = fs.path(), .mode = mode});
        use(fp);
        fp.close();
    }
    using names = std::vector<std::string>;
    EXPECT_EQ(made_by, GetParam().has_unnamed_files
                           ? (names{"create_unnamed", "create_unnamed"})
                           : (names{"create_unnamed", "create_file", "create_unnamed", "create_file"}));
    EXPECT_TRUE(empty());
    EXPECT_EQ(open_descriptors(), before);
}

TEST_P(on_file_system, T12_named_and_spooled_files) {
    const auto before = open_descriptors();
    {
        named_temporary_file named({.dir = fs.path()});
        EXPECT_TRUE(std::filesystem::exists(named.path()));
        use(named);
        spooled_temporary_file spooled({.max_size = 10, .dir = fs.path()});
        use(spooled);
        EXPECT_TRUE(spooled.rolled());
        auto [plain, name] = mkstemp({.dir = fs.path()});
        plain.write("text");
        plain.sync();
        std::filesystem::remove(name);
        std::error_code ec;
        plain.allocate(100'000, ec);
        EXPECT_TRUE(!ec || ec == system_code(EOPNOTSUPP)) << ec.message();
        named_temporary_file kept({.dir = fs.path()});
        kept << "text";
        const path stays = kept.keep();
        kept.close();
        EXPECT_EQ(std::filesystem::file_size(stays), 4U);
        std::filesystem::remove(stays);
    }
    EXPECT_TRUE(empty());
    EXPECT_EQ(open_descriptors(), before);
}

TEST_P(on_file_system, T21_directories) {
    const auto before = open_descriptors();
    {
        temporary_directory made({.dir = fs.path()});
        struct stat is {};
        ASSERT_EQ(::stat(made.path().c_str(), &is), 0);
        EXPECT_EQ(is.st_mode & 07777U, 0700U);
        path deep = made.path();
        for (int level = 0; level < 10; ++level) {
            for (int i = 0; i < 30; ++i) {
                std::ofstream(deep / ("file" + std::to_string(i))).put('x');
            }
            std::filesystem::create_symlink("..", deep / "link");
            deep /= "d";
            std::filesystem::create_directory(deep);
        }
        made.cleanup();
        EXPECT_TRUE(empty());
        const temporary_directory left_to_the_destructor({.dir = fs.path()});
        std::ofstream(left_to_the_destructor / "file").put('x');
    }
    EXPECT_TRUE(empty());
    EXPECT_EQ(open_descriptors(), before);
}

class on_small_file_system : public on_file_system {};

TEST_P(on_small_file_system, T29_full) {
    const std::string piece(1 << 20U, 'p');
    std::error_code ec;
    temporary_file fp({.dir = fs.path()});
    for (int i = 0; !ec && i < 1000; ++i) {
        fp.write(piece, ec);
    }
    EXPECT_EQ(ec, system_code(ENOSPC));
    fp.truncate(0);
    fp.seek(0);
    fp.write(piece);
    fp.seek(0);
    EXPECT_TRUE(fp.read() == piece);
    fp.close();
    EXPECT_TRUE(empty());
}

INSTANTIATE_TEST_SUITE_P(every, on_file_system, testing::Values(tmpfs, ext4, xfs, btrfs, overlay, bindfs),
                         [](const auto& of) { return std::string(of.param.name); });

// The smallest xfs takes too long to fill.
INSTANTIATE_TEST_SUITE_P(every, on_small_file_system, testing::Values(tmpfs, ext4, btrfs, overlay, bindfs),
                         [](const auto& of) { return std::string(of.param.name); });

// --- Habits of some ---

// FUSE renames an unlinked file that is still open to .fuse_hidden..., which cannot be told from any other file.
TEST(fuse, T25_a_tree_with_an_open_file_in_it) {
    const mounted fs(bindfs.commands);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    temporary_directory made({.dir = fs.path()});
    std::filesystem::create_directory(made / "sub");
    std::error_code ec;
    {
        std::ofstream open_file(made / "sub/file");
        open_file << "text" << std::flush;
        made.cleanup(ec);
        EXPECT_EQ(ec, system_code(ENOTEMPTY));
    }
    made.cleanup();
    EXPECT_TRUE(std::filesystem::is_empty(fs.path()));
}

// hugetlbfs makes files, nameless ones too, and then refuses every write.
TEST(hugetlbfs, T8_is_no_place_for_temporary_files) {
    const mounted fs("mount -t hugetlbfs none $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  ::setenv("TMPDIR", fs.path().c_str(), 1);
                  if (gettempdir() == fs.path()) {
                      wrong << "chosen\n";
                  }
                  const candidate first = explain().candidates.front();
                  if (first.origin != "$TMPDIR" || !first.error || first.chosen) {
                      wrong << first.origin << ' ' << first.error.message() << '\n';
                  }
              }),
              "");
}

// --- remove_tree ---

void plant(const path& root) {
    for (const char* dir : {"a", "b", "c"}) {
        std::filesystem::create_directories(root / dir / "1/2/3/4/5/6/7");
        for (int i = 0; i < 1'000; ++i) {
            const std::ofstream file(root / dir / ("file" + std::to_string(i)));
        }
        std::filesystem::create_symlink("..", root / dir / "1/2/link");
        std::filesystem::create_hard_link(root / dir / "file1", root / dir / "1/hard");
        ::mkfifo((root / dir / "1/2/fifo").c_str(), 0600);
        ::chmod((root / dir / "1/2/3").c_str(), 0);
    }
}

constexpr std::uint64_t planted = 1 + 3 * (1 + 7 + 1'000 + 3);

class trees_on_file_system : public on_file_system {};

TEST_P(trees_on_file_system, T21_T22_trees_are_removed_by_one_or_several_threads) {
    std::filesystem::create_directory(fs / "home");
    ::chmod((fs / "home").c_str(), 0777);
    const auto in_any_number = [&](std::ostream& wrong) {
        for (const unsigned threads : {1U, 2U, 4U}) {
            plant(fs / "home/tree");
            std::error_code ec;
            const removal_report report = remove_tree(fs / "home/tree", {.threads = threads}, ec);
            if (ec || report.entries != planted || !std::filesystem::is_empty(fs / "home")) {
                wrong << threads << " threads: " << ec.message() << ", " << report.entries << " entries\n";
            }
        }
    };
    EXPECT_EQ(in_child(in_any_number), "");
    for (const path& on_the_way : {fs.path(), fs.path().parent_path()}) {
        ::chmod(on_the_way.c_str(), 0755);
    }
    EXPECT_EQ(test::as_ordinary_user(in_any_number), "");
    std::filesystem::remove(fs / "home");
}

// On some file systems what is open stays under another name when it is removed, and goes when it is closed.
TEST_P(trees_on_file_system, T21_a_file_that_is_open_is_waited_for) {
    std::filesystem::create_directories(fs / "tree/sub");
    int open = ::open((fs / "tree/sub/file").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ASSERT_GE(open, 0);
    const replace_call<&sys::calls::pause> closing([&](std::uint64_t nanoseconds) {
        ::close(std::exchange(open, -1));
        replace_call<&sys::calls::pause>::real(nanoseconds);
    });
    EXPECT_TRUE(remove_tree(fs / "tree", {.threads = 1, .patience = std::chrono::seconds(5)}).complete);
    EXPECT_TRUE(empty());
    if (open >= 0) {
        ::close(open);
        EXPECT_NE(std::string_view(GetParam().name), "bindfs") << "it has the habit, and was not waited for";
    }
}

INSTANTIATE_TEST_SUITE_P(every, trees_on_file_system,
                         testing::Values(tmpfs, ext4, xfs, btrfs, overlay, bindfs, fuse_overlay),
                         [](const auto& of) { return std::string(of.param.name); });

TEST(read_only, T9_is_reported_as_such_by_everything_that_makes) {
    const mounted fs("mount -t tmpfs -o ro tmpfs $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    std::error_code ec;
    { const temporary_file fp({.dir = fs.path()}, ec); }
    EXPECT_EQ(ec, system_code(EROFS));
    { const named_temporary_file fp({.dir = fs.path()}, ec); }
    EXPECT_EQ(ec, system_code(EROFS));
    { const temporary_directory made({.dir = fs.path()}, ec); }
    EXPECT_EQ(ec, system_code(EROFS));
    static_cast<void>(mkstemp({.dir = fs.path()}, ec));
    EXPECT_EQ(ec, system_code(EROFS));
    static_cast<void>(mkdtemp({.dir = fs.path()}, ec));
    EXPECT_EQ(ec, system_code(EROFS));
    spooled_temporary_file spool({.dir = fs.path()});
    spool << "text";
    spool.rollover(ec);
    EXPECT_EQ(ec, system_code(EROFS));
    spool.seek(0);
    EXPECT_EQ(spool.read(), "text");
}

TEST(squashfs, T9_is_read_only_too) {
    const mounted fs("mkdir $W/tree; mksquashfs $W/tree $W/image -quiet; mount -o loop $W/image $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    std::error_code ec;
    { const temporary_file fp({.dir = fs.path()}, ec); }
    EXPECT_EQ(ec, system_code(EROFS));
    { const named_temporary_file fp({.dir = fs.path()}, ec); }
    EXPECT_EQ(ec, system_code(EROFS));
    { const temporary_directory made({.dir = fs.path()}, ec); }
    EXPECT_EQ(ec, system_code(EROFS));
}

// Two file systems in one process, one with and one without nameless files: nothing is remembered.
TEST(two_file_systems, T9_each_answers_for_itself) {
    const mounted without(bindfs.commands);
    const mounted with(tmpfs.commands);
    if (!without || !with) {
        GTEST_SKIP() << without.why_not() << with.why_not();
    }
    int by_name = 0;
    const every_call watch([&](std::string_view entry) {
        by_name += entry == "create_file" ? 1 : 0;
        return 0;
    });
    for (int i = 0; i < 3; ++i) {
        const temporary_file first({.dir = without.path()});
        EXPECT_EQ(by_name, i + 1);
        const temporary_file second({.dir = with.path()});
        EXPECT_EQ(by_name, i + 1);
    }
}

}  // namespace
