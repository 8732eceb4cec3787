// T5: what a process made is deleted by that process, and by none of its children.

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "scenario.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

// One of each object with something in it.
struct possessions {
    explicit possessions(const fs::path& dir)
        : named({.dir = dir}),
          closed({.dir = dir, .deletion = delete_when::destroyed}),
          directory({.dir = dir}),
          unnamed({.dir = dir}),
          spool({.max_size = 0, .dir = dir}) {
        named << "named" << std::flush;
        closed << "closed";
        closed.close();
        fs::create_directory(directory / "sub");
        std::ofstream(directory / "sub/file") << "inside";
        unnamed << "unnamed" << std::flush;
        spool << "spooled" << std::flush;
    }

    void expect_whole() {
        EXPECT_EQ(contents(named.path()), "named");
        EXPECT_EQ(contents(closed.path()), "closed");
        EXPECT_EQ(contents(directory / "sub/file"), "inside");
        named.seek(0);
        EXPECT_EQ(named.read(), "named");
        unnamed.seek(0);
        EXPECT_EQ(unnamed.read(), "unnamed");
        spool.seek(0);
        EXPECT_EQ(spool.read(), "spooled");
    }

    named_temporary_file named;
    named_temporary_file closed;
    temporary_directory directory;
    temporary_file unnamed;
    spooled_temporary_file spool;
};

class fork : public testing::Test {
protected:
    // The child runs `work`, and ends as that says; then everything of the parent must be there, and go with it.
    void child_deletes_nothing(const std::function<void()>& work, int expected_status = 0,
                               fork_function fork_now = ::fork) {
        const ended child = forked([&](int) { work(); }, fork_now);
        EXPECT_EQ(in_words(child.status), in_words(expected_status));
        owned->expect_whole();
        owned.reset();
        EXPECT_TRUE(dir.empty());
    }

    scratch dir;
    std::optional<possessions> owned{std::in_place, dir.path()};
};

constexpr int exit_status(int status) {
    return status << 8;  // as wait(2) codes it
}

TEST_F(fork, T5_child_that_leaves_the_scope_deletes_nothing) {
    child_deletes_nothing([this] { owned.reset(); });
}

TEST_F(fork, T5_child_that_unwinds_deletes_nothing) {
    child_deletes_nothing(
        [this] {
            try {
                const possessions taken = std::move(*owned);
                throw std::runtime_error("in the child");
            } catch (const std::runtime_error&) {
                ::_exit(7);
            }
        },
        exit_status(7));
}

TEST_F(fork, T5_child_that_quits_with__exit_deletes_nothing) {
    child_deletes_nothing([] { ::_exit(3); }, exit_status(3));
}

TEST_F(fork, T5_child_that_is_killed_deletes_nothing) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGKILL}) {
        const ended child = forked([signal](int) { ::raise(signal); });
        EXPECT_TRUE(child.killed_by(signal)) << in_words(child.status);
    }
    child_deletes_nothing([] { ::raise(SIGTERM); }, SIGTERM);
}

TEST_F(fork, T5_child_that_executes_a_program_deletes_nothing) {
    child_deletes_nothing([] { execute({"/bin/true"}); });
}

// exit(3) destroys objects with static storage in the child too: statics.cpp forks while it has some.
TEST(fork_of_statics, T5_child_that_exits_deletes_nothing) {
    const scratch dir;
    for (const char* const ending : {"exit", "return", "quick_exit"}) {
        const ended parent = run({STATICS, "fork", ending, dir.path().string()});
        EXPECT_TRUE(parent.well()) << in_words(parent.status);
        EXPECT_EQ(parent.text, "the parent still has everything\n") << ending;
        EXPECT_TRUE(dir.empty()) << ending;
    }
}

TEST_F(fork, T5_child_that_closes_deletes_nothing) {
    child_deletes_nothing([this] {
        owned->named.close();
        owned->closed.close();
        owned->unnamed.close();
        owned->spool.close();
    });
}

TEST_F(fork, T5_child_that_cleans_up_is_told_that_it_is_not_the_owner) {
    expect_in_child([this] {
        std::error_code ec;
        owned->named.cleanup(ec);
        EXPECT_EQ(ec, std::errc::operation_not_permitted);
        owned->closed.cleanup(ec);
        EXPECT_EQ(ec, std::errc::operation_not_permitted);
        owned->directory.cleanup(ec);
        EXPECT_EQ(ec, std::errc::operation_not_permitted);
        EXPECT_THROW(owned->named.cleanup(), fs::filesystem_error);
        EXPECT_FALSE(owned->named.closed()) << "a refused cleanup changes nothing";
        try {
            owned->directory.cleanup();
            ADD_FAILURE() << "the child could clean up";
        } catch (const fs::filesystem_error& e) {
            EXPECT_EQ(e.path1(), owned->directory.path());
            EXPECT_NE(std::string(e.what()).find("parent process"), std::string::npos) << e.what();
        }
    });
    owned->expect_whole();
}

TEST_F(fork, T5_child_that_moves_assigns_and_swaps_deletes_nothing_of_the_parent) {
    child_deletes_nothing([this] {
        named_temporary_file own({.dir = dir.path()});
        swap(own, owned->named);  // `own` holds the parent's now
        owned->named = named_temporary_file({.dir = dir.path()});
        own = named_temporary_file({.dir = dir.path()});
        temporary_directory directory(std::move(owned->directory));
        directory = temporary_directory({.dir = dir.path()});
        owned.reset();
    });
}

TEST_F(fork, T5_child_of_a_child_deletes_nothing) {
    child_deletes_nothing([this] {
        const ended grandchild = forked([this](int) { owned.reset(); });
        ::_exit(grandchild.well() ? 0 : 1);
    });
}

// Neither runs the handlers of pthread_atfork(3).
TEST_F(fork, T5_child_of_a_raw_clone_deletes_nothing) {
    child_deletes_nothing([this] { owned.reset(); }, 0,
                          [] { return static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); });
}

TEST_F(fork, T5_child_of__Fork_deletes_nothing) {
    child_deletes_nothing([this] { owned.reset(); }, 0, ::_Fork);
}

TEST_F(fork, T5_child_deletes_what_it_made_itself) {
    expect_in_child([this] {
        const auto before = dir.names().size();
        possessions own(dir.path());
        own.expect_whole();
        EXPECT_EQ(dir.names().size(), before + 3);
        own.directory.cleanup();
        own.named.cleanup();
        EXPECT_FALSE(fs::exists(own.named.path()));
        EXPECT_EQ(dir.names().size(), before + 1);
    });
    EXPECT_EQ(dir.names().size(), 3U);
    owned->expect_whole();
}

TEST_F(fork, T5_what_a_child_made_is_not_deleted_by_its_own_child) {
    expect_in_child([this] {
        std::optional<possessions> own(std::in_place, dir.path());
        const ended grandchild = forked([&](int) { own.reset(); });
        EXPECT_TRUE(grandchild.well());
        own->expect_whole();
    });
    owned->expect_whole();
}

// The parent's own deletion does not depend on its children: it may end before them, or after.
TEST_F(fork, T5_parent_deletes_while_a_child_still_has_a_copy) {
    int parent_is_done[2];
    ASSERT_EQ(::pipe(parent_is_done), 0);
    std::fflush(nullptr);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        ::close(parent_is_done[1]);
        char byte = 0;
        const bool ended = ::read(parent_is_done[0], &byte, 1) == 0;  // until the parent closes its end
        owned->unnamed.seek(0);
        ::_exit(ended && owned->unnamed.read() == "unnamed" ? 0 : 1);
    }
    ::close(parent_is_done[0]);
    owned.reset();
    EXPECT_TRUE(dir.empty());
    ::close(parent_is_done[1]);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(in_words(status), in_words(0)) << "the child's handle keeps the contents alive";
}

}  // namespace
}  // namespace tempfile::test
