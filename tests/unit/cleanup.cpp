#include "tempfile/cleanup.hpp"

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "helpers.hpp"
#include "support/every_call.hpp"
#include "support/in_memory.hpp"
#include "support/scratch.hpp"
#include "support/slow_worker.hpp"
#include "tempfile/tempfile.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

struct told {
    report_event what;
    fs::path path;
    std::error_code error;
};
std::vector<told> reports;  // read after wait_for_cleanup()

void remember(const report& r) noexcept {
    reports.push_back({.what = r.what, .path = fs::path(r.path), .error = r.error});
}

std::ptrdiff_t threads() {
    return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
}

class cleanup_test : public testing::Test {
protected:
    void SetUp() override {
        reports.clear();
        set_report_hook(remember);
    }
    void TearDown() override {
        EXPECT_TRUE(wait_for_cleanup());
        set_report_hook(nullptr);
    }

    temporary_directory make() { return temporary_directory({.dir = dir.path(), .cleanup = cleanup::background}); }
    temporary_directory make_full() {
        temporary_directory made = make();
        fs::create_directories(made / "a/b/c");
        write_file(made / "a/b/c/deep", "x");
        write_file(made / "top", "x");
        return made;
    }

    scratch dir{in_memory()};
};

using starts = count_calls<&sys::calls::start_thread>;
using rename_call = replace_call<&sys::calls::rename>;

// --- Directories ---

TEST_F(cleanup_test, the_name_is_gone_at_once_and_the_tree_soon) {
    slow_worker held;
    temporary_directory made = make_full();
    const removal_report report = made.cleanup();
    EXPECT_FALSE(stands(made.path()));
    EXPECT_TRUE(report.handed_over && !report.complete && report.entries == 0 && report.failed == 0);
    EXPECT_EQ(made.native_handle(), -1);
    held.wait_until_it_begins();
    EXPECT_EQ(dir.names().size(), 1U) << "under another name";
    EXPECT_FALSE(wait_for_cleanup(std::chrono::milliseconds(0)));
    EXPECT_EQ(made.cleanup().entries, 0U) << "a second time there is nothing to be done";
    held.let_go();
    EXPECT_TRUE(wait_for_cleanup());
    EXPECT_TRUE(dir.empty());
    EXPECT_TRUE(reports.empty());
}

TEST_F(cleanup_test, the_destructor_hands_over_too_and_so_does_assignment) {
    fs::path first;
    {
        temporary_directory made = make_full();
        first = made.path();
        made = make_full();
        EXPECT_FALSE(stands(first));
        first = made.path();
    }
    EXPECT_FALSE(stands(first));
    EXPECT_TRUE(wait_for_cleanup());
    EXPECT_TRUE(dir.empty());
}

TEST_F(cleanup_test, moving_and_swapping_take_it_along) {
    temporary_directory made = make_full();
    temporary_directory moved = std::move(made);
    temporary_directory other({.dir = dir.path()});
    swap(moved, other);
    EXPECT_TRUE(other.cleanup().handed_over);
    EXPECT_TRUE(moved.cleanup().complete);
}

// A thread is listed for an instant after join has returned: the kernel wakes who waits for it first.
bool there_are_soon(std::ptrdiff_t number) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (threads() != number && std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    return threads() == number;
}

// Those of ThreadSanitizer, too, which starts with the first thread and stays.
std::ptrdiff_t threads_but_for_one_of_ours() {
    std::promise<void> counted;
    std::thread ours([end = counted.get_future()] { end.wait(); });
    const std::ptrdiff_t all = threads();
    counted.set_value();
    ours.join();
    return all - 1;
}

TEST_F(cleanup_test, no_thread_is_left_afterwards_and_none_is_started_for_an_empty_directory) {
    const std::ptrdiff_t before = threads_but_for_one_of_ours();
    const starts started;
    const removal_report report = make().cleanup();
    EXPECT_TRUE(report.complete && !report.handed_over && report.entries == 1);
    EXPECT_EQ(started.count(), 0);
    make_full().cleanup();
    make_full().cleanup();
    EXPECT_TRUE(wait_for_cleanup());
    EXPECT_GE(started.count(), 1);
    EXPECT_TRUE(there_are_soon(before)) << threads() << " and not " << before;
}

TEST_F(cleanup_test, one_that_is_gone_already_is_no_error) {
    temporary_directory made = make();
    fs::remove(made.path());
    EXPECT_TRUE(made.cleanup().complete);
}

TEST_F(cleanup_test, keep_keeps) {
    temporary_directory made = make_full();
    const fs::path kept = made.keep();
    made.cleanup();
    EXPECT_TRUE(stands(kept / "a/b/c/deep"));
}

TEST_F(cleanup_test, fifty_thousand_entries_go) {
    temporary_directory made = make();
    for (int sub = 0; sub < 50; ++sub) {
        const fs::path here = made / std::to_string(sub);
        fs::create_directory(here);
        for (int i = 0; i < 999; ++i) {
            const int fd = ::open((here / std::to_string(i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
            ASSERT_GE(fd, 0);
            ::close(fd);
        }
    }
    made.cleanup();
    EXPECT_FALSE(stands(made.path()));
    EXPECT_TRUE(wait_for_cleanup());
    EXPECT_TRUE(dir.empty());
}

TEST_F(cleanup_test, the_worker_takes_the_time_that_it_takes) {
    using clock_call = replace_call<&sys::calls::steady_clock>;
    slow_worker held;
    make_full().cleanup();
    held.wait_until_it_begins();
    const clock_call a_week_later([] { return clock_call::real() + 7 * 24 * 3600 * std::uint64_t{1'000'000'000}; });
    held.let_go();
    EXPECT_TRUE(wait_for_cleanup());
    EXPECT_TRUE(dir.empty());
}

// --- Where it cannot be handed over ---

TEST_F(cleanup_test, where_no_thread_can_be_started_it_is_removed_now) {
    const replace_call<&sys::calls::start_thread> refused([](auto&&...) { return EAGAIN; });
    const removal_report report = make_full().cleanup();
    EXPECT_TRUE(report.complete && !report.handed_over);
    EXPECT_EQ(report.entries, 6U);
    EXPECT_TRUE(dir.empty());
}

TEST_F(cleanup_test, T12_where_it_cannot_be_renamed_it_is_removed_now) {
    const rename_call refused([](auto&&...) { return EACCES; });
    EXPECT_EQ(make_full().cleanup().entries, 6U);
    EXPECT_TRUE(dir.empty());
}

TEST_F(cleanup_test, T25_where_it_can_be_neither_renamed_nor_removed_cleanup_says_so_and_it_is_still_owned) {
    temporary_directory made = make_full();
    {
        const rename_call refused([](auto&&...) { return EACCES; });
        const replace_call<&sys::calls::remove_file> refused_too([](auto&&...) { return EPERM; });
        EXPECT_EQ(thrown([&] { made.cleanup(); }), std::errc::operation_not_permitted);
    }
    EXPECT_TRUE(stands(made.path()));
    EXPECT_TRUE(reports.empty());
    EXPECT_TRUE(made.cleanup().handed_over);
}

TEST_F(cleanup_test, T12_whichever_call_fails_nothing_is_lost) {
    const auto maker = std::this_thread::get_id();
    for (int n = 1, calls = n; calls >= n; ++n) {
        temporary_directory made = make_full();
        std::error_code ec;
        {
            calls = 0;
            const every_call nth_fails(
                [&](std::string_view) { return std::this_thread::get_id() == maker && ++calls == n ? EIO : 0; });
            made.cleanup(ec);
            wait_for_cleanup();
        }
        EXPECT_EQ(stands(made.path()), bool(ec)) << "call " << n << ": what is still there is an error";
        made.cleanup();
        EXPECT_TRUE(wait_for_cleanup());
        EXPECT_TRUE(dir.empty()) << "call " << n;
    }
    EXPECT_TRUE(reports.empty());
}

TEST_F(cleanup_test, T25_whichever_call_of_the_worker_fails_what_stays_is_told_and_registered) {
    const auto maker = std::this_thread::get_id();
    for (int n = 1, calls = n; calls >= n; ++n) {
        temporary_directory made = make_full();
        {
            calls = 0;
            const every_call nth_fails(
                [&](std::string_view) { return std::this_thread::get_id() != maker && ++calls == n ? EIO : 0; });
            EXPECT_TRUE(made.cleanup().handed_over);
            EXPECT_TRUE(wait_for_cleanup());
        }
        EXPECT_EQ(reports.empty(), dir.empty()) << "call " << n;
        reports.clear();
        cleanup_all();
        EXPECT_TRUE(dir.empty()) << "call " << n << ": it is not in the registry";
    }
}

TEST_F(cleanup_test, T22_no_more_than_64_wait_and_the_next_is_removed_now) {
    slow_worker held;
    make_full().cleanup();
    held.wait_until_it_begins();
    std::list<removal_report> answers;
    for (int i = 0; i < 64; ++i) {
        answers.push_back(make_full().cleanup());
    }
    EXPECT_TRUE(answers.back().complete && !answers.back().handed_over);
    answers.pop_back();
    for (const removal_report& answer : answers) {
        EXPECT_TRUE(answer.handed_over);
    }
    held.let_go();
    EXPECT_TRUE(wait_for_cleanup());
    EXPECT_TRUE(dir.empty());
}

TEST_F(cleanup_test, T25_what_the_worker_cannot_remove_is_told_and_stays_registered) {
    fs::path left;
    {
        const replace_call<&sys::calls::remove_file> refused([](auto&&...) { return EPERM; });
        make_full().cleanup();
        EXPECT_TRUE(wait_for_cleanup());
    }
    ASSERT_FALSE(reports.empty());
    EXPECT_EQ(reports.front().what, report_event::not_removed);
    EXPECT_EQ(reports.front().error, std::errc::operation_not_permitted);
    ASSERT_EQ(dir.names().size(), 1U);
    const fs::path aside = dir / dir.names().front();
    EXPECT_TRUE(reports.front().path.string().starts_with(aside.string()));
    const auto all = leftovers();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const registered& r) { return r.path == aside; }));
    cleanup_all();
    EXPECT_TRUE(dir.empty());
}

// --- Where the name leads elsewhere ---

TEST_F(cleanup_test, S4_what_stands_in_its_place_stays_where_it_is) {
    temporary_directory replaced = make_full();
    fs::rename(replaced.path(), dir / "moved");
    fs::create_directories(replaced / "canary");
    EXPECT_EQ(thrown([&] { replaced.cleanup(); }).value(), ESTALE);
    EXPECT_TRUE(stands(replaced / "canary"));

    temporary_directory filed = make_full();
    fs::rename(filed.path(), dir / "moved too");
    write_file(filed.path(), "somebody's");
    EXPECT_EQ(thrown([&] { filed.cleanup(); }).value(), ESTALE);
    EXPECT_EQ(contents(filed.path()), "somebody's");
    EXPECT_TRUE(stands(dir / "moved/a/b/c/deep") && stands(dir / "moved too/a/b/c/deep"));
    EXPECT_EQ(dir.names().size(), 4U);
}

TEST_F(cleanup_test, S4_what_is_put_there_at_the_last_moment_gets_its_name_back) {
    temporary_directory made = make_full();
    int renames = 0;
    const rename_call meddled([&](sys::handle at, const char* from, sys::handle to_at, const char* to) {
        if (renames++ == 0) {
            fs::rename(made.path(), dir / "moved");
            fs::create_directories(made / "canary");
        }
        return rename_call::real(at, from, to_at, to);
    });
    EXPECT_EQ(thrown([&] { made.cleanup(); }).value(), ESTALE);
    EXPECT_EQ(renames, 2);
    EXPECT_TRUE(stands(made / "canary"));
    EXPECT_TRUE(stands(dir / "moved/a/b/c/deep"));
    EXPECT_EQ(dir.names().size(), 2U);
}

TEST_F(cleanup_test, S4_a_file_or_a_link_that_is_put_there_at_the_last_moment_is_not_renamed) {
    for (const bool link : {false, true}) {
        temporary_directory made = make_full();
        const fs::path moved = dir / (link ? "moved too" : "moved");
        const rename_call meddled([&](sys::handle at, const char* from, sys::handle to_at, const char* to) {
            fs::rename(made.path(), moved);
            link ? fs::create_directory_symlink(moved, made.path()) : write_file(made.path(), "somebody's");
            const sys::error e = rename_call::real(at, from, to_at, to);
            EXPECT_EQ(e, ENOTDIR);
            return e;
        });
        EXPECT_EQ(thrown([&] { made.cleanup(); }).value(), ESTALE);
        EXPECT_TRUE(stands(made.path()));
        EXPECT_TRUE(stands(moved / "a/b/c/deep"));
    }
}

// --- The hook ---

bool answer_in_the_hook = true;

TEST_F(cleanup_test, in_the_hook_it_does_not_wait) {
    set_report_hook([](const report&) noexcept { answer_in_the_hook = wait_for_cleanup(); });
    {
        const replace_call<&sys::calls::remove_file> refused([](auto&&...) { return EPERM; });
        make_full().cleanup();
        EXPECT_TRUE(wait_for_cleanup());
    }
    EXPECT_FALSE(answer_in_the_hook);
    cleanup_all();
}

std::latch* joining = nullptr;

// What the hook has of its own in each thread, and that is destroyed while somebody waits for the end of the thread.
struct of_the_hook {
    std::optional<temporary_directory> dir;
    ~of_the_hook() {
        if (dir) {
            joining->wait();
            EXPECT_TRUE(dir->cleanup().complete);
            EXPECT_TRUE(wait_for_cleanup());
        }
    }
};

TEST_F(cleanup_test, what_the_thread_of_the_hook_hands_over_when_it_ends_is_removed_now) {
    static auto* const self = this;
    std::latch begun{1};
    joining = &begun;
    using join_call = replace_call<&sys::calls::join_thread>;
    const join_call seen([&](const sys::thread& t) {
        begun.count_down();
        join_call::real(t);
    });
    set_report_hook([](const report&) noexcept {
        thread_local of_the_hook mine;
        mine.dir.emplace(self->make());
        fs::create_directory(*mine.dir / "sub");
    });
    using remove_call = replace_call<&sys::calls::remove_file>;
    {
        const remove_call refused([](auto&&...) { return EPERM; });
        make_full().cleanup();
        EXPECT_TRUE(wait_for_cleanup());
    }
    set_report_hook(remember);
    cleanup_all();
    EXPECT_TRUE(dir.empty());
}

TEST_F(cleanup_test, waiting_for_nothing_is_over_at_once) {
    EXPECT_TRUE(wait_for_cleanup(std::chrono::milliseconds(-1)));
}

// --- Files ---

TEST_F(cleanup_test, a_large_file_without_a_name_is_closed_by_the_worker) {
    const starts started;
    for (const bool destroyed : {false, true}) {
        int handle = -1;
        {
            temporary_file fp({.dir = dir.path(), .cleanup = cleanup::background});
            fp.truncate(large_file);
            handle = fp.native_handle();
            if (!destroyed) {
                fp.close();
                EXPECT_TRUE(fp.closed());
            }
        }
        EXPECT_TRUE(wait_for_cleanup());
        EXPECT_FALSE(is_open(handle));
    }
    EXPECT_EQ(started.count(), 2);
    EXPECT_TRUE(reports.empty());
}

TEST_F(cleanup_test, a_spool_and_a_named_file_likewise) {
    const starts started;
    {
        spooled_temporary_file spool({.max_size = 0, .dir = dir.path(), .cleanup = cleanup::background});
        spool.truncate(large_file);
        named_temporary_file named({.dir = dir.path(), .cleanup = cleanup::background});
        named.truncate(large_file);
        named.close();
        EXPECT_FALSE(stands(named.path()));
        EXPECT_TRUE(wait_for_cleanup());
        EXPECT_EQ(started.count(), 1);
    }
    EXPECT_TRUE(wait_for_cleanup());
    EXPECT_EQ(started.count(), 2);
}

TEST_F(cleanup_test, a_smaller_file_one_that_stays_and_one_that_nobody_said_it_of_are_closed_at_once) {
    const starts started;
    temporary_file small({.dir = dir.path(), .cleanup = cleanup::background});
    small.truncate(large_file - 1);
    small.close();
    named_temporary_file kept({.dir = dir.path(), .cleanup = cleanup::background});
    kept.truncate(large_file);
    kept.keep();
    kept.close();
    temporary_file now({.dir = dir.path()});
    now.truncate(large_file);
    now.close();
    EXPECT_EQ(started.count(), 0);
}

TEST_F(cleanup_test, T29_what_cannot_be_written_is_told_by_close_and_what_closing_says_by_the_hook) {
    temporary_file fp({.dir = dir.path(), .cleanup = cleanup::background});
    fp.truncate(large_file);
    fp << "buffered";
    {
        const replace_call<&sys::calls::pwrite> full([](auto&&...) { return ENOSPC; });
        EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::no_space_on_device);
        EXPECT_FALSE(fp.closed());
    }
    using close_call = replace_call<&sys::calls::close>;
    const int handle = fp.native_handle();
    const close_call broken([=](sys::handle h) {
        const sys::error e = close_call::real(h);
        return h == handle ? EIO : e;
    });
    fp.close();
    EXPECT_TRUE(wait_for_cleanup());
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports.front().what, report_event::not_closed);
    EXPECT_EQ(reports.front().error, std::errc::io_error);
    EXPECT_EQ(reports.front().path, "");
}

TEST_F(cleanup_test, where_no_thread_can_be_started_a_file_is_closed_now_and_close_reports) {
    const replace_call<&sys::calls::start_thread> refused([](auto&&...) { return EAGAIN; });
    temporary_file fp({.dir = dir.path(), .cleanup = cleanup::background});
    fp.truncate(large_file);
    using close_call = replace_call<&sys::calls::close>;
    const close_call broken([](sys::handle h) {
        close_call::real(h);
        return EIO;
    });
    EXPECT_EQ(thrown([&] { fp.close(); }), std::errc::io_error);
}

}  // namespace
}  // namespace tempfile::test
