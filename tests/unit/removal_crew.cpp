// remove_tree with several threads.

#include "removal_crew.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "helpers.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/scratch.hpp"
#include "tempfile/remove_tree.hpp"
#include "tempfile/temporary_directory.hpp"

namespace tempfile::test {
namespace {

constexpr int wide = 20;
constexpr std::uint64_t entries_of_tree = 1 + wide + wide * wide * (1 + 5);

// 20 directories with 20 in each, and 5 files in each of those.
void plant(const std::filesystem::path& root) {
    for (int i = 0; i < wide * wide; ++i) {
        const auto dir = root / std::to_string(i / wide) / std::to_string(i % wide);
        std::filesystem::create_directories(dir);
        for (int n = 0; n < 5; ++n) {
            write_file(dir / std::to_string(n), "x");
        }
    }
}

// Sees to it that others get something to do: the calling thread dawdles, until another one lists a directory. And that
// none is left running.
class shared_work {
public:
    shared_work() = default;
    ~shared_work() { EXPECT_EQ(started_, joined_) << "one is left running"; }
    shared_work(const shared_work&) = delete;
    shared_work& operator=(const shared_work&) = delete;

    [[nodiscard]] std::size_t threads() {
        const std::scoped_lock lock(mutex_);
        return listing_.size();
    }
    [[nodiscard]] unsigned started() const { return started_; }

private:
    using list_call = replace_call<&sys::calls::list>;
    using start_call = replace_call<&sys::calls::start_thread>;
    using join_call = replace_call<&sys::calls::join_thread>;

    void dawdle() {
        {
            const std::scoped_lock lock(mutex_);
            listing_.insert(std::this_thread::get_id());
        }
        for (int i = 0; i < 1000 && started_ > 0 && threads() == 1; ++i) {
            std::this_thread::yield();
        }
    }

    std::mutex mutex_;
    std::set<std::thread::id> listing_;
    std::atomic<unsigned> started_{0};
    unsigned joined_ = 0;
    list_call list_{[this](sys::handle h, void* buffer, std::size_t& used) {
        dawdle();
        return list_call::real(h, buffer, used);
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

class removal_crew_test : public testing::Test {
protected:
    scratch dir{in_memory()};
};

TEST_F(removal_crew_test, any_number_of_threads_removes_the_same) {
    for (const unsigned threads : {1U, 2U, 4U}) {
        plant(dir / "tree");
        shared_work work;
        const removal_report report = remove_tree(dir / "tree", {.count_bytes = true, .threads = threads});
        EXPECT_EQ(report.entries, entries_of_tree);
        EXPECT_EQ(report.bytes, wide * wide * 5U);
        EXPECT_TRUE(report.complete);
        EXPECT_TRUE(dir.empty());
        EXPECT_EQ(work.started(), threads - 1);
        EXPECT_TRUE(threads == 1 || work.threads() > 1) << "all of it was done by one of " << threads;
    }
}

// Two threads look at the last two names of a file before either is gone.
TEST_F(removal_crew_test, bytes_go_once_with_names_that_two_threads_remove) {
    std::atomic<bool> met{false};
    for (int round = 0; round < 100 && !met; ++round) {
        plant(dir / "tree");
        write_file(dir / "tree/name", "12345");
        for (int i = 0; i < wide; ++i) {
            std::filesystem::create_hard_link(dir / "tree/name", dir / "tree" / std::to_string(i) / "0/name");
        }
        std::filesystem::remove(dir / "tree/name");
        std::atomic<std::thread::id> first{};
        using stat_call = replace_call<&sys::calls::stat_at_now>;
        const stat_call together([&](sys::handle at, const char* name, sys::metadata& out) {
            const sys::error e = stat_call::real(at, name, out);
            if (e == 0 && std::string_view(name) == "name" && out.links == 2) {
                std::thread::id nobody{};
                const auto me = std::this_thread::get_id();
                met = met || (!first.compare_exchange_strong(nobody, me) && nobody != me);
                for (int i = 0; i < 1000 && !met; ++i) {
                    std::this_thread::yield();
                }
            }
            return e;
        });
        const shared_work work;
        EXPECT_EQ(remove_tree(dir / "tree", {.count_bytes = true, .threads = 2}).bytes, wide * wide * 5U + 5);
    }
    EXPECT_TRUE(met);
}

TEST_F(removal_crew_test, by_itself_it_starts_some_for_large_trees_only) {
    const unsigned some = std::clamp(std::thread::hardware_concurrency(), 1U, 4U) - 1;
    for (const bool large : {false, true}) {
        if (large) {
            plant(dir / "tree");
        } else {
            std::filesystem::create_directories(dir / "tree/a/b");
            std::filesystem::create_directories(dir / "tree/b/c");
        }
        const shared_work work;
        remove_tree(dir / "tree");
        EXPECT_EQ(work.started(), large ? some : 0U);
    }
}

TEST_F(removal_crew_test, a_temporary_directory_starts_none) {
    temporary_directory tree({.dir = dir.path()});
    plant(tree / "tree");
    const shared_work work;
    tree.cleanup();
    EXPECT_EQ(work.started(), 0U);
}

TEST_F(removal_crew_test, where_directories_are_in_a_chain_there_is_nothing_to_share) {
    std::filesystem::create_directories(dir / "tree/a/b/c/d/e/f/g");
    const shared_work work;
    remove_tree(dir / "tree", {.threads = 4});
    EXPECT_EQ(work.started(), 0U);
}

TEST_F(removal_crew_test, T22_does_with_one_where_descriptors_are_short) {
    plant(dir / "tree");
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  const shared_work work;
                  const rlimit few = {32, 32};
                  ::setrlimit(RLIMIT_NOFILE, &few);
                  std::error_code ec;
                  const removal_report report = remove_tree(dir / "tree", {.threads = 4}, ec);
                  if (ec || report.entries != entries_of_tree || work.started() != 0) {
                      wrong << ec.message() << ", " << report.entries << " entries, " << work.started() << " threads\n";
                  }
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

TEST_F(removal_crew_test, T8_does_with_one_where_there_cannot_be_another) {
    plant(dir / "tree");
    const replace_call<&sys::calls::start_thread> refused([](auto&&...) { return EAGAIN; });
    EXPECT_EQ(remove_tree(dir / "tree", {.threads = 4}).entries, entries_of_tree);
    EXPECT_TRUE(dir.empty());
}

TEST_F(removal_crew_test, T22_each_thread_has_at_most_sixteen_descriptors) {
    std::filesystem::path deep = dir / "tree";
    for (int i = 0; i < 12; ++i) {
        deep /= "d";
        plant(deep / "e");
    }
    std::atomic<int> open{0};
    std::atomic<int> most{0};
    using open_call = replace_call<&sys::calls::open_directory>;
    using close_call = replace_call<&sys::calls::close>;
    const open_call opens([&](sys::handle at, const char* name, sys::handle& made) {
        const sys::error e = open_call::real(at, name, made);
        const int now = e == 0 ? ++open : open.load();
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        return e;
    });
    // What is opened otherwise is closed too: the copies that are made before a thread is started, and the parent.
    using duplicate_call = replace_call<&sys::calls::duplicate>;
    using open_path_call = replace_call<&sys::calls::open_path>;
    const duplicate_call duplicates([&](sys::handle of, sys::handle& made) {
        const sys::error e = duplicate_call::real(of, made);
        open += e == 0 ? 1 : 0;
        return e;
    });
    const open_path_call paths([&](sys::handle at, const char* name, sys::handle& made) {
        const sys::error e = open_path_call::real(at, name, made);
        open += e == 0 ? 1 : 0;
        return e;
    });
    const close_call closes([&](sys::handle h) {
        --open;
        return close_call::real(h);
    });
    shared_work work;
    EXPECT_TRUE(remove_tree(dir / "tree", {.threads = 4}).complete);
    EXPECT_LE(most, 4 * 16);
    EXPECT_GT(work.threads(), 1U);
}

TEST_F(removal_crew_test, T25_what_any_of_them_could_not_remove_is_reported_once) {
    plant(dir / "tree");
    shared_work work;
    std::error_code ec;
    removal_report report;
    {
        const replace_call<&sys::calls::remove_file> refused([](sys::handle at, const char* name) {
            return std::string_view(name) == "3" ? EPERM : replace_call<&sys::calls::remove_file>::real(at, name);
        });
        report = remove_tree(dir / "tree", {.threads = 4}, ec);
    }
    EXPECT_EQ(ec.value(), EPERM);
    EXPECT_EQ(report.failed, static_cast<unsigned>(wide * wide));
    EXPECT_EQ(report.entries, wide * wide * 4U) << "everything else is gone, but for what those are in";
    for (const removal_failure& f : report.failures) {
        EXPECT_TRUE(std::filesystem::is_regular_file(f.path)) << f.path;
    }
    EXPECT_GT(work.threads(), 1U);
    EXPECT_EQ(remove_tree(dir / "tree").entries, entries_of_tree - report.entries);
}

TEST_F(removal_crew_test, progress_is_asked_by_one_at_a_time_and_stops_all) {
    plant(dir / "tree");
    shared_work work;
    std::atomic<int> inside{0};
    std::uint64_t last = 0;
    std::error_code ec;
    const auto asked = [&](const removal_progress& p) {
        EXPECT_EQ(++inside, 1);
        EXPECT_GE(p.entries, last);
        last = p.entries;
        --inside;
        return p.entries < 1000;
    };
    const removal_report report = remove_tree(dir / "tree", {.threads = 4, .progress = asked}, ec);
    EXPECT_EQ(ec, std::errc::operation_canceled);
    EXPECT_GE(report.entries, 1000U);
    EXPECT_LT(report.entries, 1000U + 9 * 64) << "two walks in each of four threads, and the one that asked";
    EXPECT_EQ(remove_tree(dir / "tree").entries, entries_of_tree - report.entries);
}

TEST_F(removal_crew_test, what_progress_throws_in_another_thread_reaches_the_caller) {
    plant(dir / "tree");
    shared_work work;
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> elsewhere{false};
    const auto thrower = [&](const removal_progress&) -> bool {
        if (std::this_thread::get_id() != caller) {
            elsewhere = true;
            throw std::runtime_error("enough");
        }
        return true;
    };
    EXPECT_THROW(remove_tree(dir / "tree", {.threads = 2, .progress = thrower}), std::runtime_error);
    EXPECT_TRUE(elsewhere);
}

using paths = std::vector<std::filesystem::path>;

// The same with directories that may not be used.
paths plant_locked(const std::filesystem::path& tree) {
    plant(tree);
    paths locked;
    for (int i = 0; i < wide * wide; ++i) {
        locked.push_back(tree / std::to_string(i / wide) / std::to_string(i % wide));
        ::chmod(locked.back().c_str(), 0);
    }
    return locked;
}

void check_locked(std::ostream& wrong, const paths& locked) {
    for (const auto& path : locked) {
        if (stands(path) && permissions_of(path) != 0U) {
            wrong << path << " has another mode\n";
        }
    }
}

// What another thread was given and has not begun, when it is stopped, gets its mode back too.
TEST_F(removal_crew_test, T3_modes_are_given_back_whoever_changed_them) {
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  shared_work work;
                  // Each walk may go on for another 64 entries: there are enough of them for all.
                  for (const std::uint64_t enough : {64U, 128U, 256U, 512U}) {
                      const auto locked = plant_locked(dir / "tree");
                      std::error_code ec;
                      remove_tree(
                          dir / "tree",
                          {.threads = 4, .progress = [&](const removal_progress& p) { return p.entries < enough; }},
                          ec);
                      if (ec != std::errc::operation_canceled) {
                          wrong << "not stopped\n";
                      }
                      check_locked(wrong, locked);
                      remove_tree(dir / "tree");
                  }
                  if (work.threads() < 2) {
                      wrong << "it was not done together\n";
                  }
              }),
              "");
}

TEST_F(removal_crew_test, T3_modes_are_given_back_when_progress_throws) {
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  const auto caller = std::this_thread::get_id();
                  for (int i = 0; i < 40; ++i) {
                      const auto locked = plant_locked(dir / "tree");
                      const auto thrower = [&](const removal_progress& p) -> bool {
                          const bool enough = p.entries > 32U * static_cast<unsigned>(i);
                          return std::this_thread::get_id() == caller && enough ? throw std::runtime_error("enough")
                                                                                : true;
                      };
                      try {
                          remove_tree(dir / "tree", {.threads = 4, .progress = thrower});
                          continue;  // the caller had nothing more to tell
                      } catch (const std::runtime_error&) {
                      }
                      check_locked(wrong, locked);
                      remove_tree(dir / "tree");
                  }
              }),
              "");
}

// Who loses the way back waits for what others do in what was moved away: when it comes to another pass nobody is at
// work any more, who would tell of failures meanwhile.
TEST_F(removal_crew_test, T2_what_was_handed_over_is_waited_for_also_where_it_was_moved_away) {
    const auto plant_far_down = [&] {
        const auto far = dir / "tree/1/2/3/4/5";
        for (int i = 0; i < 6; ++i) {
            std::filesystem::create_directories(far / std::to_string(i));
            for (int n = 0; n < 40; ++n) {
                write_file(far / std::to_string(i) / std::to_string(n), "x");
            }
        }
    };
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> moved{false};
    std::atomic<int> by_others{0};
    using remove_call = replace_call<&sys::calls::remove_file>;
    const remove_call remove([&](sys::handle at, const char* name) {
        if (std::this_thread::get_id() == caller) {
            return remove_call::real(at, name);
        }
        ++by_others;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        return EBUSY;
    });
    using open_call = replace_call<&sys::calls::open_directory>;
    const open_call open([&](sys::handle at, const char* name, sys::handle& made) {
        if (std::this_thread::get_id() == caller && !moved) {
            std::this_thread::sleep_for(std::chrono::milliseconds(2));  // others are to begin with something
            if (by_others > 0 && std::string(name) == "..") {
                std::filesystem::rename(dir / "tree/1/2/3/4", dir / "away");
                moved = true;
                return EACCES;
            }
        }
        return open_call::real(at, name, made);
    });
    bool over = false;
    const replace_call<&sys::calls::pause> pause([&](std::uint64_t) {
        over = true;
        const int before = by_others;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        EXPECT_EQ(before, by_others);
    });
    bool complete = false;
    for (int tries = 0; tries < 50 && !moved; ++tries) {  // until the other one was quick enough to get something
        std::filesystem::remove_all(dir / "tree");
        plant_far_down();
        by_others = 0;
        over = false;
        std::error_code ec;
        complete = remove_tree(dir / "tree", {.threads = 2}, ec).complete;
    }
    EXPECT_TRUE(moved);
    EXPECT_TRUE(over);
    EXPECT_TRUE(complete);
}

// What is handed over has a path of its own: on each of very many levels that is memory by the square of the depth.
TEST_F(removal_crew_test, S8_far_down_nothing_is_shared) {
    for (const bool far : {false, true}) {
        std::filesystem::path deep = dir / "tree";
        for (int i = 0; i < (far ? 70 : 10); ++i) {
            deep /= "d";
        }
        plant(deep);
        const shared_work work;
        remove_tree(dir / "tree", {.threads = 2});
        EXPECT_EQ(work.started(), far ? 0U : 1U);
        EXPECT_TRUE(dir.empty());
    }
}

}  // namespace
}  // namespace tempfile::test
