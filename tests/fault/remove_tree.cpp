// Removing a tree that is large, deep, locked, or on a file system with habits.

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/file_systems.hpp"
#include "support/held.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/mounted.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::as_ordinary_user;
using tempfile::test::every_call;
using tempfile::test::held;
using tempfile::test::in_child;
using tempfile::test::in_memory;
using tempfile::test::mounted;
using tempfile::test::open_descriptors;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

void touch(const path& name) {
    const std::ofstream made(name);
}

void fill(const path& dir, int files) {
    for (int i = 0; i < files; ++i) {
        touch(dir / std::to_string(i));
    }
}

class remove_tree : public testing::Test {
protected:
    scratch dir{in_memory()};
};

// --- Everything that a directory can hold ---

TEST_F(remove_tree, takes_every_kind_of_entry_and_follows_no_link) {
    const scratch canary(in_memory());
    touch(canary / "file");
    temporary_directory made({.dir = dir.path()});
    std::filesystem::create_directories(made / "a/b/c");
    touch(made / "a/b/file");
    ASSERT_EQ(::mkfifo((made / "fifo").c_str(), 0600), 0);
    ASSERT_EQ(::mknod((made / "socket").c_str(), S_IFSOCK | 0600, 0), 0);
    std::filesystem::create_directory_symlink(canary.path(), made / "link");
    std::filesystem::create_directory_symlink(canary.path(), made / "a/link");
    std::filesystem::create_symlink("nowhere", made / "dangling");
    std::filesystem::create_hard_link(canary / "file", made / "hard");
    touch(made / std::string(255, 'n'));
    touch(made / "new\nline\xff");
    made.cleanup();
    EXPECT_TRUE(dir.empty());
    EXPECT_TRUE(std::filesystem::exists(canary / "file"));
}

TEST_F(remove_tree, also_where_the_file_system_does_not_tell_kinds) {
    const replace_call<&sys::calls::list> no_kinds([](sys::handle h, void* buffer, std::size_t& used) {
        const sys::error e = replace_call<&sys::calls::list>::real(h, buffer, used);
        for (std::size_t at = 0; e == 0 && at < used;) {
            auto* entry = reinterpret_cast<dirent64*>(static_cast<char*>(buffer) + at);
            entry->d_type = DT_UNKNOWN;
            at += entry->d_reclen;
        }
        return e;
    });
    temporary_directory made({.dir = dir.path()});
    std::filesystem::create_directories(made / "a/b/c");
    touch(made / "a/b/file");
    std::filesystem::create_symlink("a", made / "link");
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

// --- T21: lists that skip ---

// A directory whose list counts entries: what is removed while it is listed moves the rest, and entries are skipped.
class skipping_lists {
public:
    explicit skipping_lists(std::size_t at_a_time) : at_a_time_(at_a_time) {}

private:
    struct record {
        std::string bytes;
        [[nodiscard]] bool is_dot() const {
            const char* name = reinterpret_cast<const dirent64*>(bytes.data())->d_name;
            return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
        }
    };

    static std::vector<record> all_of(sys::handle h) {
        std::vector<record> all;
        alignas(std::uint64_t) std::array<char, sys::list_bytes> buffer{};
        std::size_t used = 0;
        ::lseek(h, 0, SEEK_SET);
        while (replace_call<&sys::calls::list>::real(h, buffer.data(), used) == 0 && used != 0) {
            for (std::size_t at = 0; at < used;) {
                const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
                all.push_back({std::string(buffer.data() + at, entry->d_reclen)});
                at += entry->d_reclen;
            }
        }
        std::erase_if(all, [](const record& r) { return r.is_dot(); });
        return all;
    }

    sys::error list(sys::handle h, void* buffer, std::size_t& used) {
        const std::vector<record> all = all_of(h);
        std::size_t& position = positions_[h];
        const std::size_t end = std::min(all.size(), position + at_a_time_);
        used = 0;
        for (; position < end; ++position) {
            used += all[position].bytes.copy(static_cast<char*>(buffer) + used, std::string::npos);
        }
        return 0;
    }

    std::size_t at_a_time_;
    std::map<sys::handle, std::size_t> positions_;
    replace_call<&sys::calls::list> list_{
        [this](sys::handle h, void* buffer, std::size_t& used) { return list(h, buffer, used); }};
    replace_call<&sys::calls::rewind> rewind_{[this](sys::handle h) {
        positions_.erase(h);
        return 0;
    }};
};

TEST_F(remove_tree, T21_entries_that_are_skipped_after_others_were_removed) {
    temporary_directory made({.dir = dir.path()});
    std::filesystem::create_directories(made / "sub/sub");
    fill(made.path(), 300);
    fill(made / "sub", 300);
    fill(made / "sub/sub", 300);
    for (const std::size_t at_a_time : {std::size_t{10}, std::size_t{100}}) {
        const skipping_lists strange(at_a_time);
        made.cleanup();
        EXPECT_TRUE(dir.empty());
        made = temporary_directory({.dir = dir.path()});
        std::filesystem::create_directories(made / "sub");
        fill(made / "sub", 300);
    }
}

// A failure in the directory must not end the passes before what was skipped has been seen.
TEST_F(remove_tree, T21_also_with_an_entry_that_cannot_be_removed) {
    temporary_directory made({.dir = dir.path()});
    fill(made.path(), 300);
    touch(made / "stays");
    const replace_call<&sys::calls::remove_file> one_refused([](sys::handle at, const char* name) {
        return std::string_view(name) == "stays" ? EBUSY : replace_call<&sys::calls::remove_file>::real(at, name);
    });
    const skipping_lists strange(10);
    std::error_code ec;
    made.cleanup(ec);
    EXPECT_EQ(ec, system_code(EBUSY));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(made.path()), {}), 1);
    EXPECT_TRUE(std::filesystem::exists(made / "stays"));
}

void remove_large_directory(const path& parent, int files) {
    temporary_directory made({.dir = parent});
    for (const char* sub : {"a", "b"}) {
        std::filesystem::create_directory(made / sub);
        fill(made / sub, files);
    }
    made.cleanup();
    EXPECT_TRUE(std::filesystem::is_empty(parent));
}

TEST(remove_tree_for_real, T21_large_directories_where_tmp_is) {
    const scratch dir;
    remove_large_directory(dir.path(), 3'000);
}

TEST(remove_tree_for_real, T21_large_directories_on_tmpfs) {
    const mounted fs("mount -t tmpfs tmpfs $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    remove_large_directory(fs.path(), 10'000);
}

TEST(remove_tree_for_real, T21_large_directories_on_overlayfs) {
    const mounted fs(
        "mount -t tmpfs tmpfs $W; mkdir $W/lower $W/upper $W/work; "
        "mount -t overlay -o lowerdir=$W/lower,upperdir=$W/upper,workdir=$W/work overlay $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    remove_large_directory(fs.path(), 10'000);
}

// The names of directories that wait to be entered are memory: the list is left, and goes on later.
TEST_F(remove_tree, S8_no_more_than_ten_thousand_directories_wait_at_a_time) {
    constexpr int many = 12'000;
    for (const auto& [all_stay, on_disk] : {std::pair(false, false), {true, false}, {false, true}, {true, true}}) {
        const replace_call<&sys::calls::file_system_of> says([disk = on_disk](sys::handle, sys::file_system& out) {
            out = disk ? sys::file_system::ext : sys::file_system::memory;
            return 0;
        });
        for (int i = 0; i < many; ++i) {
            std::filesystem::create_directories(dir / "tree" / std::to_string(i));
            touch(dir / "tree" / std::to_string(i) / "file");
        }
        int waiting = 0;
        int most = 0;
        const replace_call<&sys::calls::remove_directory> watch([&](sys::handle at, const char* name) {
            const sys::error e = replace_call<&sys::calls::remove_directory>::real(at, name);
            most = std::max(most, waiting += e == ENOTEMPTY ? 1 : 0);
            return e;
        });
        const replace_call<&sys::calls::open_directory> enter([&](sys::handle at, const char* name, sys::handle& made) {
            --waiting;
            return replace_call<&sys::calls::open_directory>::real(at, name, made);
        });
        const replace_call<&sys::calls::remove_file> remove([stay = all_stay](sys::handle at, const char* name) {
            return stay ? EPERM : replace_call<&sys::calls::remove_file>::real(at, name);
        });
        std::error_code ec;
        const removal_report report = tempfile::remove_tree(dir / "tree", {.threads = 1}, ec);
        EXPECT_EQ(report.entries, all_stay ? 0U : 2U * many + 1);
        EXPECT_EQ(report.failed, all_stay ? 1U * many : 0U);
        EXPECT_LE(most, on_disk ? 11'400 : 10'010);  // in an order of inodes, what one call lists besides
        EXPECT_GE(most, 9'990);
    }
}

// --- The order of inodes ---

// The order in which the files of a directory go, by inodes.
std::vector<ino_t> order_of_removal(const path& large, bool on_disk) {
    std::vector<ino_t> order;
    const replace_call<&sys::calls::file_system_of> says([&](sys::handle, sys::file_system& out) {
        out = on_disk ? sys::file_system::ext : sys::file_system::memory;
        return 0;
    });
    const replace_call<&sys::calls::remove_file> watch([&](sys::handle at, const char* name) {
        struct stat is {};
        if (::fstatat(at, name, &is, AT_SYMLINK_NOFOLLOW) == 0) {
            order.push_back(is.st_ino);
        }
        return replace_call<&sys::calls::remove_file>::real(at, name);
    });
    EXPECT_TRUE(tempfile::remove_tree(large, {.threads = 1}).complete);
    return order;
}

TEST_F(remove_tree, a_large_directory_on_a_disk_goes_in_the_order_of_inodes) {
    for (const bool on_disk : {true, false}) {
        std::filesystem::create_directory(dir / "large");
        fill(dir / "large", 12'000);
        struct stat is {};
        ASSERT_EQ(::stat((dir / "large").c_str(), &is), 0);
        if (is.st_size < 160 * 1024) {
            GTEST_SKIP() << "directories have no size in " << dir.path();
        }
        // A file system in memory lists the newest first.
        const std::vector<ino_t> order = order_of_removal(dir / "large", on_disk);
        EXPECT_EQ(order.size(), 12'000U);
        EXPECT_EQ(std::is_sorted(order.begin(), order.end()), on_disk);
        EXPECT_TRUE(dir.empty());
    }
}

TEST_F(remove_tree, S8_a_very_large_directory_goes_part_by_part) {
    std::filesystem::create_directory(dir / "large");
    constexpr int files = 95'000;
    constexpr int directories = 11'000;
    for (int i = 0; i < files; ++i) {
        ASSERT_EQ(::mknod((dir / "large/file").concat(std::to_string(i)).c_str(), S_IFREG | 0600, 0), 0);
    }
    for (int i = 0; i < directories; ++i) {  // which come first: a file system in memory lists the newest first
        std::filesystem::create_directories(dir / "large" / std::to_string(i) / "sub");
    }
    const replace_call<&sys::calls::file_system_of> on_disk([](sys::handle, sys::file_system& out) {
        out = sys::file_system::ext;
        return 0;
    });
    int resumed = 0;
    const replace_call<&sys::calls::seek> resuming([&](auto&&... arguments) {
        ++resumed;
        return replace_call<&sys::calls::seek>::real(arguments...);
    });
    EXPECT_EQ(tempfile::remove_tree(dir / "large", {.threads = 1}).entries, files + 2 * directories + 1);
    EXPECT_EQ(resumed, 1);
    EXPECT_TRUE(dir.empty());
}

// What could not be entered is more than is told apart, so that it would be tried for ever.
TEST_F(remove_tree, T21_a_list_whose_place_is_lost_again_and_again_is_given_up) {
    std::filesystem::create_directory(dir / "large");
    for (int i = 0; i < 14'200; ++i) {
        std::filesystem::create_directories(dir / "large" / std::to_string(i) / "sub");
    }
    {
        int refused = 0;
        const replace_call<&sys::calls::seek> lost([](auto&&...) { return ESPIPE; });
        const replace_call<&sys::calls::open_directory> closed([&](sys::handle at, const char* name, sys::handle& out) {
            const bool is_sub = std::string_view(name).find_first_not_of("0123456789") == std::string_view::npos;
            refused += is_sub ? 1 : 0;
            return is_sub ? EPERM : replace_call<&sys::calls::open_directory>::real(at, name, out);
        });
        std::error_code ec;
        const removal_report report =
            tempfile::remove_tree(dir / "large", {.threads = 1, .patience = std::chrono::milliseconds(0)}, ec);
        EXPECT_EQ(ec, system_code(EPERM));
        EXPECT_FALSE(report.complete);
        EXPECT_EQ(refused, 100 * 10'000);
    }
    EXPECT_TRUE(tempfile::remove_tree(dir / "large").complete);
}

TEST_F(remove_tree, a_small_directory_goes_in_the_order_of_its_list) {
    std::filesystem::create_directory(dir / "small");
    fill(dir / "small", 1'000);
    const std::vector<ino_t> order = order_of_removal(dir / "small", true);
    EXPECT_EQ(order.size(), 1'000U);
    EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

// It remembers for a second what it said of a file, under each of its names for itself.
TEST(remove_tree_for_real, bytes_of_a_file_that_bindfs_takes_for_two) {
    const mounted fs(test::file_systems::bindfs.commands);
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    std::filesystem::create_directory(fs / "dir");
    std::ofstream(fs / "dir/first") << "0123456789";
    std::filesystem::create_hard_link(fs / "dir/first", fs / "dir/second");
    ASSERT_EQ(std::filesystem::hard_link_count(fs / "dir/first"), 2U);
    ASSERT_EQ(std::filesystem::hard_link_count(fs / "dir/second"), 2U);
    EXPECT_EQ(tempfile::remove_tree(fs / "dir", {.count_bytes = true}).bytes, 10U);
}

TEST(remove_tree_for_real, T21_large_directories_on_ext4_in_the_order_of_inodes) {
    const mounted fs("truncate -s 128M $W/image && mkfs.ext4 -q -F -N 40000 $W/image && mount -o loop $W/image $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    std::filesystem::create_directories(fs / "tree/sub");
    fill(fs / "tree", 30'000);
    EXPECT_EQ(tempfile::remove_tree(fs / "tree").entries, 30'002U);
}

// It is read to its end before anything in it goes.
TEST_F(remove_tree, a_large_directory_that_is_being_read_can_be_left_alone) {
    std::filesystem::create_directory(dir / "large");
    fill(dir / "large", 12'000);
    const replace_call<&sys::calls::file_system_of> on_disk([](sys::handle, sys::file_system& out) {
        out = sys::file_system::ext;
        return 0;
    });
    std::error_code ec;
    const auto stop = [](const removal_progress&) { return false; };
    const removal_report report = tempfile::remove_tree(dir / "large", {.progress = stop}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_EQ(report.entries, 0U);
}

// --- T22: depth ---

constexpr int deep = 50'000;

// A chain of directories, each with a file, by descriptors: no path is that long.
bool make_chain(const path& root, int depth) {
    int at = ::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < depth && at >= 0; ++i) {
        ::close(::openat(at, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        const int below = ::mkdirat(at, "d", 0700) == 0 ? ::openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        ::close(at);
        at = below;
    }
    return at >= 0 && ::close(at) == 0;
}

// Runs `work` on a stack of 256 KiB.
void on_a_small_stack(std::function<void()> work) {
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setstacksize(&attributes, 256 * 1024);
    pthread_t thread{};
    const auto run = [](void* f) -> void* {
        (*static_cast<std::function<void()>*>(f))();
        return nullptr;
    };
    if (::pthread_create(&thread, &attributes, run, &work) != 0) {
        throw std::runtime_error("no thread");
    }
    ::pthread_join(thread, nullptr);
    ::pthread_attr_destroy(&attributes);
}

// What we inherited would count against the limit; a pipe leads to the parent of the child.
void close_all_but_pipes() {
    for (int h = sys::first_free_handle; h < 1024; ++h) {
        struct stat is {};
        if (::fstat(h, &is) == 0 && !S_ISFIFO(is.st_mode)) {
            ::close(h);
        }
    }
}

TEST_F(remove_tree, T22_fifty_thousand_levels_with_sixteen_descriptors_and_a_small_stack) {
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  close_all_but_pipes();
                  temporary_directory made({.dir = dir.path()});
                  if (!make_chain(made.path(), deep)) {
                      wrong << "the chain was not made\n";
                  }
                  const rlimit sixteen = {16, 16};
                  ::setrlimit(RLIMIT_NOFILE, &sixteen);
                  std::error_code ec;
                  on_a_small_stack([&] { made.cleanup(ec); });
                  if (ec) {
                      wrong << ec.message() << '\n';
                  }
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

TEST_F(remove_tree, T22_the_same_by_its_path_and_whatever_the_number_of_threads) {
    for (const unsigned threads : {1U, 2U, 4U}) {
        const path tree = dir / "tree";
        std::filesystem::create_directories(tree / "other");
        ASSERT_TRUE(make_chain(tree, deep));
        EXPECT_EQ(in_child([&](std::ostream& wrong) {
                      close_all_but_pipes();
                      const rlimit sixteen = {16, 16};
                      ::setrlimit(RLIMIT_NOFILE, &sixteen);
                      std::error_code ec;
                      removal_report report;
                      on_a_small_stack([&] { report = tempfile::remove_tree(tree, {.threads = threads}, ec); });
                      if (ec || report.entries != 2 * deep + 2) {
                          wrong << ec.message() << ", " << report.entries << " entries\n";
                      }
                  }),
                  "");
        EXPECT_TRUE(dir.empty());
    }
}

// All stacks are small, also those of the threads that are started.
class small_stacks {
    replace_call<&sys::calls::start_thread> start_{[this](const sys::thread_body& body, sys::thread& made) {
        pthread_attr_t attributes;
        ::pthread_attr_init(&attributes);
        ::pthread_attr_setstacksize(&attributes, 256 * 1024);
        const auto run = [](void* what) -> void* {
            const auto& to_do = *static_cast<const sys::thread_body*>(what);
            to_do.run(to_do.with);
            return nullptr;
        };
        pthread_t id{};
        const sys::error e = ::pthread_create(&id, &attributes, run, const_cast<sys::thread_body*>(&body));
        std::memcpy(made.id.data(), &id, sizeof id);
        started_ += e == 0 ? 1 : 0;
        ::pthread_attr_destroy(&attributes);
        return e;
    }};
    int started_ = 0;

public:
    [[nodiscard]] int started() const { return started_; }
};

TEST_F(remove_tree, T22_deep_trees_side_by_side_by_several_threads_with_small_stacks) {
    for (int i = 0; i < 8; ++i) {
        const path tree = dir / "tree" / std::to_string(i);
        std::filesystem::create_directories(tree);
        ASSERT_TRUE(make_chain(tree, deep / 10));
    }
    const small_stacks small;
    removal_report report;
    on_a_small_stack([&] { report = tempfile::remove_tree(dir / "tree", {.threads = 4}); });
    EXPECT_EQ(report.entries, 8 * (2 * deep / 10 + 1) + 1);
    EXPECT_TRUE(dir.empty());
}

// With sixteen descriptors for each, and as many to start with.
TEST_F(remove_tree, T22_fifty_thousand_levels_side_by_side_by_two_threads) {
    const path tree = dir / "tree";
    for (const char* name : {"a", "b"}) {
        std::filesystem::create_directories(tree / name);
        ASSERT_TRUE(make_chain(tree / name, deep));
    }
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  close_all_but_pipes();
                  const rlimit few = {3 * 16, 3 * 16};
                  ::setrlimit(RLIMIT_NOFILE, &few);
                  const small_stacks small;
                  std::error_code ec;
                  removal_report report;
                  on_a_small_stack([&] { report = tempfile::remove_tree(tree, {.threads = 2}, ec); });
                  if (ec || report.entries != 2 * (2 * deep + 1) + 1 || small.started() != 1) {
                      wrong << ec.message() << ", " << report.entries << " entries, " << small.started()
                            << " threads\n";
                  }
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

// A path may be as long as a tree is deep, and there is one for each failure that is kept.
TEST_F(remove_tree, T22_the_paths_of_failures_far_down_leave_out_the_middle) {
    ASSERT_TRUE(make_chain(dir.path(), 20'000));
    const held root(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto empty_it = [&] {
        std::error_code ec;
        return tempfile::remove_tree(root, dir.path(), {.contents_only = true}, ec);
    };
    {
        int files = 0;
        const replace_call<&sys::calls::remove_file> refused_far_down([&](sys::handle at, const char* name) {
            return ++files > 19'000 ? EPERM : replace_call<&sys::calls::remove_file>::real(at, name);
        });
        const removal_report report = empty_it();
        EXPECT_EQ(report.failed, 1'000U);
        for (const removal_failure& f : report.failures) {
            EXPECT_LT(f.path.native().size(), 17'000U);
            EXPECT_TRUE(f.path.native().ends_with("/d/.../file"));
        }
    }
    EXPECT_TRUE(empty_it().complete);
}

TEST_F(remove_tree, T22_never_holds_more_than_eight_descriptors) {
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  const std::size_t before = open_descriptors().size();
                  temporary_directory made({.dir = dir.path()});
                  make_chain(made.path(), 20);
                  path locked = made.path();
                  for (int i = 0; i < 10; ++i) {
                      locked /= "d";
                  }
                  ::chmod(locked.c_str(), 0);
                  std::size_t most = 0;
                  {
                      const every_call watch([&](std::string_view) {
                          most = std::max(most, open_descriptors().size() - before);
                          return 0;
                      });
                      made.cleanup();
                  }
                  if (most > 8 || most < 4) {
                      wrong << most << " descriptors\n";
                  }
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

// The tree may be deep and fail at the bottom: the way back up must not be lost, nor the rest.
TEST_F(remove_tree, T22_a_deep_tree_with_something_at_the_bottom_that_stays) {
    constexpr int levels = 500;
    temporary_directory made({.dir = dir.path()});
    ASSERT_TRUE(make_chain(made.path(), levels));
    int files = 0;
    {
        const replace_call<&sys::calls::remove_file> last_refused([&](sys::handle at, const char* name) {
            return ++files == levels ? EPERM : replace_call<&sys::calls::remove_file>::real(at, name);
        });
        std::error_code ec;
        made.cleanup(ec);
        EXPECT_EQ(ec, system_code(EPERM));
    }
    EXPECT_EQ(files, levels);
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_F(remove_tree, T22_a_wide_tree_keeps_its_place) {
    temporary_directory made({.dir = dir.path()});
    for (int i = 0; i < 6 * 6 * 6 * 6; ++i) {  // wide above, and deeper than the levels whose descriptors are kept
        path below = made.path();
        for (int n = i, level = 0; level < 7; ++level, n /= 6) {
            below /= std::to_string(level < 4 ? n % 6 : 0);
        }
        std::filesystem::create_directories(below);
        touch(below / "file");
    }
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

// --- Modes that stand in the way ---

TEST_F(remove_tree, T3_directories_of_ours_are_opened_whatever_their_mode) {
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream&) {
                  temporary_directory made({.dir = dir.path()});
                  for (unsigned mode = 0; mode < 8; ++mode) {
                      const path locked = made / std::to_string(mode);
                      std::filesystem::create_directories(locked / "sub/sub");
                      touch(locked / "file");
                      touch(locked / "sub/sub/file");
                      ::chmod((locked / "sub/sub").c_str(), mode << 6U);
                      ::chmod((locked / "sub").c_str(), mode << 6U);
                      ::chmod(locked.c_str(), mode << 6U);
                  }
                  ::chmod(made.path().c_str(), 0);
                  made.cleanup();
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

TEST_F(remove_tree, T8_without_proc_a_locked_directory_is_reported_by_its_name) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "chroot needs root";
    }
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  if (::chroot(dir.path().c_str()) != 0 || ::chdir("/") != 0) {
                      wrong << "no chroot\n";
                  }
                  wrong << as_ordinary_user([&](std::ostream& wrong_below) {
                      temporary_directory made({.dir = "/"});
                      std::filesystem::create_directory(made / "locked");
                      touch(made / "locked/file");
                      touch(made / "other");
                      ::chmod((made / "locked").c_str(), 0);
                      try {
                          made.cleanup();
                          wrong_below << "no error\n";
                      } catch (const std::filesystem::filesystem_error& e) {
                          if (e.code() != system_code(EACCES) || e.path1() != made / "locked") {
                              wrong_below << e.what() << '\n';
                          }
                      }
                      if (std::filesystem::exists(made / "other")) {
                          wrong_below << "the rest was not removed\n";
                      }
                      ::chmod((made / "locked").c_str(), 0700);
                  });
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

// --- What cannot be removed ---

TEST_F(remove_tree, T25_goes_on_after_errors_and_counts_them) {
    temporary_directory made({.dir = dir.path()});
    std::filesystem::create_directories(made / "a/b");
    fill(made.path(), 50);
    fill(made / "a", 50);
    fill(made / "a/b", 50);
    touch(made / "a/goes");
    {
        const replace_call<&sys::calls::remove_file> refused([](sys::handle at, const char* name) {
            return std::string_view(name) == "goes" ? replace_call<&sys::calls::remove_file>::real(at, name) : EBUSY;
        });
        try {
            made.cleanup();
            ADD_FAILURE() << "no error";
        } catch (const std::filesystem::filesystem_error& e) {
            EXPECT_EQ(e.code(), system_code(EBUSY));
            EXPECT_NE(std::string(e.what()).find("149 more"), std::string::npos) << e.what();
        }
    }
    EXPECT_FALSE(std::filesystem::exists(made / "a/goes"));
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_F(remove_tree, T25_the_report_keeps_some_failures_and_counts_the_others) {
    std::filesystem::create_directories(dir / "sub");
    fill(dir / "sub", 50);
    const replace_call<&sys::calls::remove_file> refused([](auto...) { return EIO; });
    const held root(::open(dir.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    std::error_code ec;
    const removal_report report = tempfile::remove_tree(root, "/called/this", {.contents_only = true}, ec);
    EXPECT_EQ(report.failed, 50U);
    ASSERT_EQ(report.failures.size(), removal_report::kept);
    for (const removal_failure& f : report.failures) {
        EXPECT_EQ(f.error, system_code(EIO));
        EXPECT_EQ(f.path.parent_path(), "/called/this/sub");
    }
}

TEST_F(remove_tree, T25_the_contents_go_when_the_directory_itself_cannot) {
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  const path parent = dir / "parent";
                  std::filesystem::create_directory(parent);
                  temporary_directory made({.dir = parent});
                  std::filesystem::create_directory(made / "sub");
                  touch(made / "sub/file");
                  ::chmod(parent.c_str(), 0500);
                  std::error_code ec;
                  made.cleanup(ec);
                  if (ec != system_code(EACCES)) {
                      wrong << "reports " << ec.message() << '\n';
                  }
                  if (!std::filesystem::is_empty(made.path())) {
                      wrong << "the contents are still there\n";
                  }
                  ::chmod(parent.c_str(), 0700);
                  made.cleanup();
                  if (!std::filesystem::is_empty(parent)) {
                      wrong << "the second call did not remove it\n";
                  }
              }),
              "");
}

// EPERM by chattr +i is not a question of modes: no repair is tried.
TEST(remove_tree_for_real, T25_an_immutable_file_is_reported_and_the_rest_goes) {
    const mounted fs("truncate -s 16M $W/image && mkfs.ext4 -q -F $W/image && mount -o loop $W/image $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    temporary_directory made({.dir = fs.path()});
    std::filesystem::create_directory(made / "sub");
    touch(made / "sub/immutable");
    fill(made / "sub", 10);
    const held h(::open((made / "sub/immutable").c_str(), O_RDONLY | O_CLOEXEC));
    int flags = FS_IMMUTABLE_FL;
    ASSERT_EQ(::ioctl(h, FS_IOC_SETFLAGS, &flags), 0);
    try {
        made.cleanup();
        ADD_FAILURE() << "no error";
    } catch (const std::filesystem::filesystem_error& e) {
        EXPECT_EQ(e.code(), system_code(EPERM));
        EXPECT_EQ(e.path1(), made / "sub/immutable");
    }
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(made / "sub"), {}), 1);
    flags = 0;
    ASSERT_EQ(::ioctl(h, FS_IOC_SETFLAGS, &flags), 0);
    made.cleanup();
}

// --- Mounts, where the system cannot tell them apart (before Linux 5.8): by the device ---

TEST_F(remove_tree, T8_another_device_is_not_entered) {
    temporary_directory made({.dir = dir.path()});
    std::filesystem::create_directory(made / "mounted");
    touch(made / "mounted/canary");
    touch(made / "file");
    const held there(::open((made / "mounted").c_str(), O_PATH | O_CLOEXEC));
    sys::metadata mount_point;
    ASSERT_EQ(sys::call.stat(there, mount_point), 0);
    {
        const replace_call<&sys::calls::stat> no_mount_ids([&](sys::handle h, sys::metadata& out) {
            const sys::error e = replace_call<&sys::calls::stat>::real(h, out);
            out.id.device += out.id == mount_point.id ? 1U : 0U;
            out.mount = 0;
            return e;
        });
        std::error_code ec;
        made.cleanup(ec);
        EXPECT_EQ(ec, system_code(EBUSY));
        EXPECT_TRUE(std::filesystem::exists(made / "mounted/canary"));
        EXPECT_FALSE(std::filesystem::exists(made / "file"));
    }
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

}  // namespace
