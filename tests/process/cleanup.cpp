// What is removed in the background when the process forks, ends, or gets a signal. How it is with kill -9: killed.cpp.

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "cleanup.hpp"
#include "support/living.hpp"
#include "support/replace_call.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"
#include "support/slow_worker.hpp"
#include "support/sweeping.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

std::ptrdiff_t descriptors() {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

class background : public testing::Test {
protected:
    temporary_directory make(int files = 3) {
        temporary_directory made({.dir = dir.path(), .cleanup = cleanup::background});
        fs::create_directory(made / "sub");
        for (int i = 0; i < files; ++i) {
            std::ofstream(made / "sub" / std::to_string(i)) << 'x';
        }
        return made;
    }

    // Ends by `end` while the worker is held up in the first of two trees until the end is over its time.
    void in_child_that_is_late(std::chrono::milliseconds at_most, const std::function<void()>& end) {
        const ended child = forked([&](int) {
            auto* const held = new slow_worker;
            slow_worker::may_go_on = [] { return is_cleanup_stopped(); };
            cleanup_at_exit(at_most);
            make(200).cleanup();  // the worker looks up every 64 entries
            make(200).cleanup();
            held->wait_until_it_begins();
            end();
        });
        EXPECT_EQ(in_words(child.status), in_words(0)) << child.text;
    }

    void expect_that_a_sweep_removes_the_rest() {
        const sweep_report report = sweep();
        EXPECT_EQ(troubles(report), 0U);
        EXPECT_TRUE(dir.empty());
        EXPECT_TRUE(leftovers_here().empty());
    }
    std::vector<registered> leftovers_here() {
        std::vector<registered> all = leftovers();
        std::erase_if(all, [&](const registered& r) { return r.path.parent_path() != dir.path(); });
        return all;
    }

    scratch dir;
};

// --- The end ---

TEST_F(background, the_end_of_the_process_waits_until_all_is_gone) {
    for (const auto end : {std::exit, std::quick_exit}) {
        const ended child = forked([&](int) {
            for (int i = 0; i < 3; ++i) {
                make(300).cleanup();
            }
            end(0);
        });
        EXPECT_TRUE(child.well()) << in_words(child.status) << child.text;
        EXPECT_TRUE(dir.empty());
        EXPECT_TRUE(leftovers_here().empty());
    }
}

TEST_F(background, static_objects_hand_over_at_the_end_and_nothing_is_left) {
    forked([&](int) {
        static std::optional<temporary_directory> last;
        last.emplace(make(300));
        std::exit(0);
    });
    EXPECT_TRUE(dir.empty());
}

// Whether the worker is at its end when what was arranged for the end before it began has its turn.
void tell_whether_it_is_over() {
    ::_exit(wait_for_cleanup(std::chrono::milliseconds(0)) ? 0 : 1);
}

TEST_F(background, the_end_waits_before_static_objects_go_that_the_hook_may_use) {
    const ended child = forked([&](int) {
        std::atexit(tell_whether_it_is_over);  // as the destructor of a static object
        auto* const held = new slow_worker;
        static std::atomic<bool> ends{false};
        slow_worker::may_go_on = [] { return ends.load(); };
        make(300).cleanup();
        held->wait_until_it_begins();
        std::atexit([] { ends = true; });
        std::exit(2);
    });
    EXPECT_EQ(in_words(child.status), in_words(0)) << child.text;
    EXPECT_TRUE(dir.empty());
}

TEST_F(background, what_static_objects_hand_over_when_the_time_is_up_is_left_to_the_next_sweep) {
    static std::optional<temporary_directory> last;
    in_child_that_is_late(std::chrono::milliseconds(0), [&] {
        last.emplace(make());
        std::exit(0);
    });
    EXPECT_EQ(dir.names().size(), 3U);
    expect_that_a_sweep_removes_the_rest();
}

TEST_F(background, what_is_not_finished_in_time_is_left_to_the_next_sweep) {
    for (const auto end : {std::exit, std::quick_exit}) {
        in_child_that_is_late(std::chrono::milliseconds(0), [&] { end(0); });
        EXPECT_EQ(dir.names().size(), 2U) << "one that was begun, and one that was not";
        EXPECT_EQ(leftovers_here().size(), 2U);
        expect_that_a_sweep_removes_the_rest();
    }
}

TEST_F(background, an_object_that_nobody_destroyed_goes_at_the_end_whatever_the_worker_leaves) {
    in_child_that_is_late(std::chrono::milliseconds(0), [&] {
        static auto* const now = new temporary_directory({.prefix = "now-", .dir = dir.path()});
        std::ofstream(*now / "file") << 'x';
        std::exit(0);
    });
    const auto names = dir.names();
    EXPECT_EQ(names.size(), 2U);
    EXPECT_TRUE(std::none_of(names.begin(), names.end(), [](auto& name) { return name.starts_with("now-"); }));
    expect_that_a_sweep_removes_the_rest();
}

TEST_F(background, without_a_registry_the_end_waits_for_all_of_it) {
    forked([&](int) {
        ::setenv("TEMPFILE_REGISTRY", "", 1);
        cleanup_at_exit(std::chrono::milliseconds(0));
        make(300).cleanup();
        std::exit(0);
    });
    EXPECT_TRUE(dir.empty());
}

TEST_F(background, what_was_closed_last_is_no_reason_to_wait) {
    const ended child = forked([&](int) {
        cleanup_at_exit(std::chrono::milliseconds(0));
        temporary_file fp({.dir = dir.path(), .cleanup = cleanup::background});
        fp.truncate(large_file);
        fp.close();
        std::exit(0);
    });
    EXPECT_TRUE(child.well()) << in_words(child.status);
    EXPECT_TRUE(dir.empty());
}

TEST_F(background, T6_killed_in_the_middle_it_is_finished_by_the_next_sweep) {
    {
        living child([&] {
            auto* const held = new slow_worker;
            make().cleanup();
            make().cleanup();
            held->wait_until_it_begins();
        });
    }
    EXPECT_EQ(dir.names().size(), 2U);
    expect_that_a_sweep_removes_the_rest();
}

// --- Signals ---

TEST_F(background, T7_a_signal_removes_what_waits_and_what_the_worker_is_in) {
    const ended child = forked([&](int) {
        cleanup_on_signals();
        auto* const held = new slow_worker;
        make().cleanup();
        make().cleanup();
        held->wait_until_it_begins();
        ::raise(SIGTERM);
    });
    EXPECT_TRUE(child.killed_by(SIGTERM)) << in_words(child.status);
    EXPECT_TRUE(dir.empty());
}

TEST_F(background, T7_two_that_remove_the_same_tree_do_not_disturb_each_other) {
    expect_in_child([&] {
        static int failures = 0;
        set_report_hook([](const report&) noexcept { ++failures; });
        for (int time = 0; time < 10; ++time) {
            make(100).cleanup();
            cleanup_all();
            EXPECT_TRUE(dir.empty());
            EXPECT_TRUE(wait_for_cleanup());
        }
        EXPECT_EQ(failures, 0);
    });
}

// --- Fork ---

class fork_in_the_background : public background, public testing::WithParamInterface<fork_function> {};

TEST_P(fork_in_the_background, T5_the_child_does_nothing_of_what_waits_and_its_own) {
    if (sanitizer == "ThreadSanitizer") {
        GTEST_SKIP() << "ThreadSanitizer lets no child of a process with threads have any";
    }
    expect_in_child([&] {
        slow_worker held;
        make().cleanup();
        make().cleanup();
        held.wait_until_it_begins();
        expect_in_child(
            [&] {
                EXPECT_TRUE(wait_for_cleanup()) << "nothing waits in the child";
                EXPECT_EQ(dir.names().size(), 2U);
                slow_worker::may_go_on = [] { return true; };
                temporary_directory own = make();
                EXPECT_TRUE(own.cleanup().handed_over);
                EXPECT_TRUE(wait_for_cleanup());
                EXPECT_EQ(dir.names().size(), 2U);
                EXPECT_FALSE(fs::exists(own.path()));
            },
            GetParam());
        EXPECT_EQ(dir.names().size(), 2U);
        held.let_go();
        EXPECT_TRUE(wait_for_cleanup());
        EXPECT_TRUE(dir.empty());
    });
}

INSTANTIATE_TEST_SUITE_P(each_way, fork_in_the_background, testing::Values(::fork, ::_Fork, [] {
                             return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
                         }));

TEST_F(background, T5_the_child_lets_go_of_the_descriptors_that_wait) {
    expect_in_child([&] {
        const std::ptrdiff_t before = descriptors();
        slow_worker held;
        for (int i = 0; i < 5; ++i) {
            make().cleanup();
        }
        held.wait_until_it_begins();
        temporary_file large({.dir = dir.path(), .cleanup = cleanup::background});
        large.truncate(large_file);
        large.close();
        EXPECT_GE(descriptors(), before + 6);
        const ended child = forked([&](int out) { say(out, std::to_string(descriptors() - before)); });
        EXPECT_LE(std::stoi(child.text), 3) << "its pipe, and what the worker has open for a moment";
        held.let_go();
        EXPECT_TRUE(wait_for_cleanup());
    });
}

TEST_F(background, T5_a_child_that_exits_does_nothing_of_what_waits) {
    expect_in_child([&] {
        slow_worker held;
        make().cleanup();
        held.wait_until_it_begins();
        // A leak checker would take for leaked what the worker holds, which the child does not have.
        const ended child = forked([&](int) { sanitizer.empty() ? std::exit(0) : std::quick_exit(0); });
        EXPECT_TRUE(child.well()) << in_words(child.status);
        EXPECT_EQ(dir.names().size(), 1U);
        held.let_go();
        EXPECT_TRUE(wait_for_cleanup());
    });
}

TEST_F(background, T5_forks_while_things_are_handed_over_and_done_do_not_hang) {
    if (!sanitizer.empty()) {
        GTEST_SKIP() << sanitizer << " can hang itself in a child of a process with threads";
    }
    expect_in_child([&] {
        for (int time = 0; time < 50; ++time) {
            make(20).cleanup();
            const ended child = forked([&](int) {
                make().cleanup();
                ::_exit(wait_for_cleanup() ? 0 : 1);
            });
            EXPECT_TRUE(child.well()) << in_words(child.status) << child.text;
        }
        EXPECT_TRUE(wait_for_cleanup());
        EXPECT_TRUE(dir.empty());
    });
}

TEST_F(background, T5_a_child_of_the_worker_s_thread_has_a_worker_as_any_other) {
    if (sanitizer == "ThreadSanitizer") {
        GTEST_SKIP() << "ThreadSanitizer lets no child of a process with threads have any";
    }
    static auto* const self = this;
    static std::atomic<bool> refuses{true};
    expect_in_child([] {
        using remove_call = replace_call<&sys::calls::remove_file>;
        const remove_call refused(
            [](sys::handle at, const char* name) { return refuses ? EPERM : remove_call::real(at, name); });
        set_report_hook([](const report&) noexcept {
            if (refuses.exchange(false)) {
                expect_in_child([] {
                    EXPECT_TRUE(self->make().cleanup().handed_over);
                    EXPECT_TRUE(wait_for_cleanup());
                    EXPECT_EQ(self->dir.names().size(), 1U) << "that of the parent";
                });
            }
        });
        self->make().cleanup();
        EXPECT_TRUE(wait_for_cleanup());
        EXPECT_FALSE(refuses);
        cleanup_all();
        EXPECT_TRUE(self->dir.empty());
    });
}

// --- TEMPFILE_KEEP ---

TEST_F(background, what_is_to_be_looked_at_stays) {
    expect_in_child([&] {
        ::setenv("TEMPFILE_KEEP", "1", 1);
        temporary_directory made = make();
        EXPECT_FALSE(made.cleanup().handed_over);
        EXPECT_TRUE(fs::exists(made.path() / "sub/0"));
    });
    EXPECT_EQ(dir.names().size(), 1U);
}

}  // namespace
}  // namespace tempfile::test
