// Large directories, in which several threads remove together.

#include "name_batch.hpp"

#include <dirent.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "helpers.hpp"
#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/large_directories.hpp"
#include "support/scratch.hpp"
#include "tempfile/remove_tree.hpp"
#include "tempfile/temporary_directory.hpp"

namespace tempfile::test {
namespace {

using sys::file_system;

constexpr std::uint64_t files = 1'600;

void plant(const std::filesystem::path& dir) {
    std::filesystem::create_directory(dir);
    for (std::uint64_t i = 0; i < files; ++i) {
        write_file(dir / std::to_string(i), "x");
    }
}

// Who removes what. The calling thread waits with its first file, until others have tried so many, if there are any.
class watch {
public:
    using try_call = replace_call<&sys::calls::remove_file>;

    // How one is tried.
    using way = std::function<sys::error(sys::handle at, const char* name)>;

    explicit watch(std::size_t enough = files / 2, way of_others = try_call::real, way of_owner = try_call::real)
        : enough_(enough), of_others_(std::move(of_others)), of_owner_(std::move(of_owner)) {}
    ~watch() { EXPECT_EQ(started_, joined_) << "one is left running"; }
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;

    // The owner need not wait for others any more.
    void is_enough() { enough_ = 0; }
    [[nodiscard]] unsigned started() const { return started_; }
    [[nodiscard]] std::size_t tried_by_others() const { return tried_by_others_; }
    [[nodiscard]] int directories_by_others() const { return directories_by_others_; }
    [[nodiscard]] std::set<std::string> names_by_others() {
        const std::scoped_lock lock(mutex_);
        return names_by_others_;
    }
    [[nodiscard]] int times(const std::string& name) {
        const std::scoped_lock lock(mutex_);
        return times_[name];
    }

private:
    using directory_call = replace_call<&sys::calls::remove_directory>;
    using start_call = replace_call<&sys::calls::start_thread>;
    using join_call = replace_call<&sys::calls::join_thread>;

    sys::error try_one(sys::handle at, const char* name) {
        const bool mine = std::this_thread::get_id() == caller_;
        {
            const std::scoped_lock lock(mutex_);
            ++times_[name];
            if (!mine) {
                names_by_others_.insert(name);
            }
        }
        if (mine) {
            for (const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
                 started_ != 0 && tried_by_others_ < enough_ && std::chrono::steady_clock::now() < end;) {
                std::this_thread::yield();
            }
            return of_owner_(at, name);
        }
        const sys::error e = of_others_(at, name);
        ++tried_by_others_;
        return e;
    }

    std::atomic<std::size_t> enough_;
    way of_others_;
    way of_owner_;
    std::thread::id caller_ = std::this_thread::get_id();
    std::mutex mutex_;
    std::map<std::string, int> times_;
    std::set<std::string> names_by_others_;
    std::atomic<std::size_t> tried_by_others_{0};
    std::atomic<int> directories_by_others_{0};
    std::atomic<unsigned> started_{0};
    unsigned joined_ = 0;
    try_call try_{[this](sys::handle at, const char* name) { return try_one(at, name); }};
    directory_call directory_{[this](sys::handle at, const char* name) {
        directories_by_others_ += std::this_thread::get_id() == caller_ ? 0 : 1;
        return directory_call::real(at, name);
    }};
    start_call start_{[this](const sys::thread_body& body, sys::thread& made) {
        const sys::error e = start_call::real(body, made);
        started_ += e == 0 ? 1U : 0U;
        return e;
    }};
    join_call join_{[this](const sys::thread& t) {
        join_call::real(t);
        ++joined_;
    }};
};

class name_batch_test : public testing::Test {
protected:
    scratch dir{in_memory()};
    large_directories large;
};

// --- When ---

TEST_F(name_batch_test, several_threads_remove_what_is_in_one_directory) {
    for (const unsigned threads : {2U, 4U}) {
        plant(dir / "large");
        const watch seen;
        const removal_report report = remove_tree(dir / "large", {.threads = threads});
        EXPECT_TRUE(report.complete);
        EXPECT_EQ(report.entries, files + 1);
        EXPECT_EQ(seen.started(), threads - 1);
        EXPECT_GE(seen.tried_by_others(), files / 2);
        EXPECT_TRUE(dir.empty());
    }
}

TEST_F(name_batch_test, where_bytes_are_counted_one_thread_does_it) {
    plant(dir / "large");
    const watch seen;
    EXPECT_EQ(remove_tree(dir / "large", {.count_bytes = true, .threads = 2}).bytes, files);
    EXPECT_EQ(seen.tried_by_others(), 0U);
}

TEST_F(name_batch_test, by_itself_it_does_where_that_gains) {
    const unsigned some = std::clamp(std::thread::hardware_concurrency(), 1U, 4U) - 1;
    using enum file_system;
    for (const file_system on : {ext, memory, btrfs, other}) {
        large.on = on;
        plant(dir / "large");
        const watch seen;
        EXPECT_EQ(remove_tree(dir / "large").entries, files + 1);
        EXPECT_EQ(seen.started(), on == ext ? some : 0U);
    }
}

TEST_F(name_batch_test, one_that_is_large_and_holds_little_is_worth_no_thread) {
    std::filesystem::create_directory(dir / "large");
    write_file(dir / "large/file", "x");
    const watch seen;
    EXPECT_EQ(remove_tree(dir / "large").entries, 2U);
    EXPECT_EQ(seen.started(), 0U);
}

// In different directories more threads are a loss on btrfs, but who asks for them gets them.
TEST_F(name_batch_test, on_btrfs_there_is_one_thread_unless_more_are_asked_for) {
    large.on = file_system::btrfs;
    for (const unsigned threads : {0U, 2U}) {
        std::filesystem::create_directory(dir / "tree");
        for (const char* name : {"a", "b", "c"}) {
            plant(dir / "tree" / name);
        }
        const watch seen(0);
        EXPECT_EQ(remove_tree(dir / "tree", {.threads = threads}).entries, 3 * (files + 1) + 1);
        EXPECT_EQ(seen.started(), threads == 0 ? 0U : 1U);
    }
}

TEST_F(name_batch_test, where_more_threads_in_one_directory_lose_it_is_left_to_one) {
    for (const file_system on : {file_system::other, file_system::btrfs, file_system::memory}) {
        large.on = on;
        plant(dir / "large");
        const watch seen;
        EXPECT_EQ(remove_tree(dir / "large", {.threads = 4}).entries, files + 1);
        EXPECT_EQ(seen.tried_by_others(), 0U);
    }
}

TEST_F(name_batch_test, a_temporary_directory_is_removed_by_the_thread_that_is_there) {
    temporary_directory made({.dir = dir.path()});
    plant(made / "large");
    const watch seen;
    made.cleanup();
    EXPECT_EQ(seen.started(), 0U);
}

TEST_F(name_batch_test, T8_where_there_cannot_be_another_thread_one_does_it) {
    plant(dir / "large");
    const replace_call<&sys::calls::start_thread> refused([](auto&&...) { return EAGAIN; });
    for (const unsigned threads : {0U, 4U}) {
        std::filesystem::create_directory(dir / "large");
        EXPECT_TRUE(remove_tree(dir / "large", {.threads = threads}).complete);
        EXPECT_TRUE(dir.empty());
    }
}

TEST_F(name_batch_test, several_large_directories_at_the_same_time) {
    for (const unsigned threads : {2U, 4U}) {
        std::filesystem::create_directory(dir / "tree");
        for (const char* name : {"a", "b", "c"}) {
            plant(dir / "tree" / name);
        }
        const watch seen(1);
        EXPECT_EQ(remove_tree(dir / "tree", {.threads = threads}).entries, 3 * (files + 1) + 1);
        EXPECT_TRUE(dir.empty());
    }
}

// --- What others leave alone ---

TEST_F(name_batch_test, S5_others_remove_only_what_is_known_to_be_no_directory) {
    constexpr int each = 300;
    std::filesystem::create_directory(dir / "large");
    for (int i = 0; i < each; ++i) {
        const std::string number = std::to_string(i);
        std::filesystem::create_directory(dir / "large" / ("sub" + number));
        std::filesystem::create_symlink("nowhere", dir / "large" / ("link" + number));
        write_file(dir / "large" / number, "x");
        write_file(dir / "large" / (".nfs" + number), "x");
        write_file(dir / "large" / (".fuse_hidden" + number), "x");
    }
    watch seen(each);
    EXPECT_EQ(remove_tree(dir / "large", {.threads = 2}).entries, 5 * each + 1U);
    EXPECT_EQ(seen.directories_by_others(), 0);
    int links = 0;
    for (const std::string& name : seen.names_by_others()) {
        EXPECT_FALSE(name.starts_with("sub") || name.starts_with(".")) << name;
        links += name.starts_with("link") ? 1 : 0;
    }
    EXPECT_GT(links, 0);
    EXPECT_TRUE(dir.empty());
}

TEST_F(name_batch_test, nothing_where_the_file_system_does_not_tell_kinds) {
    using list_call = replace_call<&sys::calls::list>;
    const list_call no_kinds([](sys::handle h, void* buffer, std::size_t& used) {
        const sys::error e = list_call::real(h, buffer, used);
        for (std::size_t at = 0; e == 0 && at < used;) {
            auto* entry = reinterpret_cast<dirent64*>(static_cast<char*>(buffer) + at);
            entry->d_type = DT_UNKNOWN;
            at += entry->d_reclen;
        }
        return e;
    });
    plant(dir / "large");
    const watch seen(0);
    EXPECT_EQ(remove_tree(dir / "large", {.threads = 2}).entries, files + 1);
    EXPECT_EQ(seen.started(), 1U);
    EXPECT_EQ(seen.tried_by_others(), 0U);
    EXPECT_TRUE(dir.empty());
}

// --- What others are refused ---

TEST_F(name_batch_test, T25_what_others_are_refused_is_reported_once) {
    write_file(dir / "spare", "x");
    plant(dir / "large");
    const auto stays = [](std::string_view name) { return name.ends_with("77"); };  // one in a hundred
    const auto refused = [&](sys::handle at, const char* name) {
        return stays(name) ? EPERM : watch::try_call::real(at, name);
    };
    std::error_code ec;
    // What is put there in between is the first of the next pass, and leaves others the time for the rest.
    const auto refused_to_others = [&](sys::handle at, const char* name) {
        ::rename((dir / "spare").c_str(), (dir / "large/new").c_str());
        return refused(at, name);
    };
    const auto refused_to_owner = [&](sys::handle at, const char* name) {
        for (int i = 0; std::string_view(name) == "new" && i < 1'000; ++i) {
            std::this_thread::yield();
        }
        return refused(at, name);
    };
    watch seen(files / 2, refused_to_others, refused_to_owner);
    const removal_report report = remove_tree(dir / "large", {.threads = 2}, ec);
    EXPECT_EQ(ec.value(), EPERM);
    EXPECT_EQ(report.failed, files / 100);
    EXPECT_EQ(report.entries, files - files / 100 + 1);
    std::set<std::string> reported;
    for (const removal_failure& f : report.failures) {
        reported.insert(f.path.native());
        EXPECT_EQ(f.operation, "remove");
        EXPECT_TRUE(stays(f.path.native()));
        EXPECT_TRUE(stands(f.path));
    }
    EXPECT_EQ(reported.size(), std::min<std::size_t>(removal_report::kept, report.failed));
    bool others_tried_one = false;
    for (const std::string& name : seen.names_by_others()) {
        others_tried_one = others_tried_one || stays(name);
    }
    EXPECT_TRUE(others_tried_one);
    for (std::uint64_t i = 77; i < files; i += 100) {
        EXPECT_LE(seen.times(std::to_string(i)), 2) << "by another, and by the owner; not when it is listed again";
    }
}

// What others removed is a reason to look again, for what has appeared meanwhile.
TEST_F(name_batch_test, T25_where_the_owner_removed_nothing_what_appears_goes_all_the_same) {
    std::filesystem::create_directory(dir / "large");
    for (int i = 0; i < 32; ++i) {
        write_file(dir / "large" / std::to_string(i), "x");
    }
    const watch seen(
        30,
        [&](sys::handle at, const char* name) {
            write_file(dir / "large/new", "x");
            return watch::try_call::real(at, name);
        },
        [](sys::handle at, const char* name) {
            return std::string_view(name) == "new" ? watch::try_call::real(at, name) : EPERM;
        });
    std::error_code ec;
    EXPECT_LE(remove_tree(dir / "large", {.threads = 2}, ec).failed, 2U);
    EXPECT_FALSE(stands(dir / "large/new"));
}

// Before one is removed it is replaced by a directory with something in it.
TEST_F(name_batch_test, S5_a_file_that_becomes_a_directory_while_another_removes) {
    plant(dir / "large");
    std::atomic<int> swapped{0};
    const watch seen(files / 2, [&](sys::handle at, const char* name) {
        if (std::string_view(name).ends_with("77")) {
            std::filesystem::remove(dir / "large" / name);
            std::filesystem::create_directory(dir / "large" / name);
            write_file(dir / "large" / name / "inside", "x");
            ++swapped;
        }
        return watch::try_call::real(at, name);
    });
    const removal_report report = remove_tree(dir / "large", {.threads = 2});
    EXPECT_TRUE(report.complete);
    EXPECT_GT(swapped, 0);
    EXPECT_EQ(report.entries, files + 1 + static_cast<unsigned>(swapped));
    EXPECT_TRUE(dir.empty());
}

// The way to somebody else's directory.
TEST_F(name_batch_test, S5_and_one_that_becomes_a_link_goes_as_a_link) {
    std::filesystem::create_directory(dir / "other");
    write_file(dir / "other/canary", "x");
    plant(dir / "large");
    const watch seen(files / 2, [&](sys::handle at, const char* name) {
        std::filesystem::remove(dir / "large" / name);
        std::filesystem::create_directory_symlink(dir / "other", dir / "large" / name);
        return watch::try_call::real(at, name);
    });
    EXPECT_EQ(remove_tree(dir / "large", {.threads = 2}).entries, files + 1);
    EXPECT_TRUE(stands(dir / "other/canary"));
}

TEST_F(name_batch_test, T3_a_mode_that_is_changed_meanwhile_is_repaired_by_the_owner) {
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  plant(dir / "large");
                  std::atomic<int> refused{0};
                  const watch seen(files / 2, [&](sys::handle at, const char* name) {
                      if (refused == 0) {
                          ::chmod((dir / "large").c_str(), 0500);
                      }
                      const sys::error e = watch::try_call::real(at, name);
                      refused += e == EACCES ? 1 : 0;
                      return e;
                  });
                  const removal_report report = remove_tree(dir / "large", {.threads = 2});
                  if (report.entries != files + 1 || refused == 0) {
                      wrong << report.entries << " entries, " << refused << " refused\n";
                  }
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

TEST_F(name_batch_test, what_is_gone_already_is_no_failure) {
    plant(dir / "large");
    const watch seen(files / 2, [](sys::handle at, const char* name) {
        watch::try_call::real(at, name);
        return watch::try_call::real(at, name);
    });
    const removal_report report = remove_tree(dir / "large", {.threads = 2});
    EXPECT_TRUE(report.complete);
    EXPECT_LE(report.entries, files / 2 + 1);
    EXPECT_TRUE(dir.empty());
}

// Two threads would each have one of the names, if they shared it.
TEST_F(name_batch_test, bytes_of_a_file_with_several_names_count_once) {
    plant(dir / "large");
    for (std::uint64_t i = 0; i < files; i += 2) {
        std::filesystem::remove(dir / "large" / std::to_string(i));
        std::filesystem::create_hard_link(dir / "large/1", dir / "large" / std::to_string(i));
    }
    const watch seen(0);  // who removes one of them keeps others from the next
    EXPECT_EQ(remove_tree(dir / "large", {.count_bytes = true, .threads = 2}).bytes, files / 2);
}

// --- Stopped ---

TEST_F(name_batch_test, progress_that_another_asks_stops_all) {
    plant(dir / "large");
    const auto caller = std::this_thread::get_id();
    std::atomic<int> inside{0};
    watch seen(64);
    const auto asked = [&](const removal_progress& p) {
        EXPECT_EQ(++inside, 1);
        EXPECT_EQ(p.path, (dir / "large").native());
        --inside;
        const bool by_owner = std::this_thread::get_id() == caller;
        if (!by_owner) {
            seen.is_enough();  // which may be before the 64th, when that takes long
        }
        return by_owner;
    };
    std::error_code ec;
    const removal_report report = remove_tree(dir / "large", {.threads = 2, .progress = asked}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_EQ(report.failed, 0U);
    EXPECT_GE(seen.tried_by_others(), 1U);
    EXPECT_LE(seen.tried_by_others(), 64U);
    EXPECT_LE(report.entries, 64U + 64U);
    EXPECT_EQ(remove_tree(dir / "large", {.threads = 1}).entries, files + 1 - report.entries);
}

TEST_F(name_batch_test, what_progress_throws_in_another_thread_reaches_the_caller) {
    plant(dir / "large");
    const auto caller = std::this_thread::get_id();
    watch seen(64);
    const auto thrower = [&](const removal_progress&) -> bool {
        if (std::this_thread::get_id() == caller) {
            return true;
        }
        seen.is_enough();
        throw std::runtime_error("enough");
    };
    EXPECT_THROW(remove_tree(dir / "large", {.threads = 2, .progress = thrower}), std::runtime_error);
    EXPECT_GE(seen.tried_by_others(), 1U);
    EXPECT_LE(seen.tried_by_others(), 64U);
}

// The names and the directory are the owner's: others are out of it before he goes, and do not go on without him.
TEST_F(name_batch_test, what_progress_throws_in_the_owner_stops_others) {
    constexpr std::size_t some = 10;
    plant(dir / "large");
    std::atomic<bool> thrown{false};
    std::atomic<std::size_t> tried{0};
    const watch seen(some, [&](sys::handle at, const char* name) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (tried >= some && !thrown && std::chrono::steady_clock::now() < end) {
            std::this_thread::yield();
        }
        for (int i = 0; thrown && i < 1'000; ++i) {  // until it has reached the crew
            std::this_thread::yield();
        }
        ++tried;
        return watch::try_call::real(at, name);
    });
    const auto caller = std::this_thread::get_id();
    const auto thrower = [&](const removal_progress&) -> bool {
        if (std::this_thread::get_id() == caller && tried != 0) {
            thrown = true;
            throw std::runtime_error("enough");
        }
        return true;
    };
    const auto before = open_descriptors();
    EXPECT_THROW(remove_tree(dir / "large", {.threads = 2, .progress = thrower}), std::runtime_error);
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_LT(tried, files / 2);
}

TEST_F(name_batch_test, others_look_at_the_clock) {
    plant(dir / "large");
    std::atomic<bool> late{false};
    using clock_call = replace_call<&sys::calls::steady_clock>;
    const clock_call clock([&] { return clock_call::real() + (late ? 7'200'000'000'000U : 0U); });
    const watch seen(64, [&](sys::handle at, const char* name) {
        late = true;
        return watch::try_call::real(at, name);
    });
    std::error_code ec;
    const removal_report report = remove_tree(dir / "large", {.threads = 2, .at_most = std::chrono::hours(1)}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_EQ(seen.tried_by_others(), 64U);
    EXPECT_LE(report.entries, 64U + 64U);
}

// --- Whatever fails ---

TEST_F(name_batch_test, T25_any_call_of_any_thread_may_fail) {
    const auto before = open_descriptors();
    std::size_t calls = 0;
    std::size_t failed = 0;
    for (std::size_t n = 1; n == 1 || calls >= n; n += 1 + n / 20) {
        std::filesystem::create_directories(dir / "large/sub/sub");
        for (int i = 0; i < 100; ++i) {
            write_file(dir / "large" / std::to_string(i), "x");
            write_file(dir / "large/sub" / std::to_string(i), "x");
        }
        calls = 0;
        std::error_code ec;
        removal_report report;
        {
            std::mutex one_at_a_time;
            const every_call gate([&](std::string_view) {
                const std::scoped_lock lock(one_at_a_time);
                return ++calls == n ? EIO : 0;
            });
            report = remove_tree(dir / "large", {.threads = 2, .patience = {}}, ec);
        }
        EXPECT_EQ(report.complete, !ec);
        EXPECT_EQ(report.complete, dir.empty()) << "call " << n;
        EXPECT_TRUE(!ec || ec.value() == EIO) << ec.message();
        EXPECT_LE(report.failed, 1U);
        failed += report.failed;
        remove_tree(dir / "large");
        ASSERT_TRUE(dir.empty());
        ASSERT_EQ(open_descriptors(), before);
    }
    EXPECT_GT(failed, 0U);  // which of the calls are more than looks at a clock is chance
}

}  // namespace
}  // namespace tempfile::test
