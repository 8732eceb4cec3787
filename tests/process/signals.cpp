// What signals remove, what they do besides, and what they leave alone.

#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "registry.hpp"
#include "support/mounted.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

class signals : public testing::Test {
protected:
    // Objects that nobody destroys.
    void make_both() {
        auto* fp = new named_temporary_file({.dir = dir.path()});
        *fp << "x" << std::flush;
        auto* made = new temporary_directory({.dir = dir.path()});
        fs::create_directories(*made / "sub/sub");
        std::ofstream(*made / "sub/file") << "x";
    }

    scratch dir;
};

TEST_F(signals, remove_everything_and_then_end_the_process_as_ever) {
    for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGRTMAX}) {
        const ended child = forked([&](int out) {
            cleanup_on_signals({signal});
            make_both();
            // Other threads might still write into the registry, then it stays.
            say(out, sys::call.other_threads() ? "/nonexistent" : explain_crash_safety().registry.string());
            ::raise(signal);
        });
        EXPECT_TRUE(child.killed_by(signal)) << signal << ' ' << in_words(child.status) << child.text;
        EXPECT_TRUE(dir.empty()) << signal;
        EXPECT_FALSE(child.text.empty());
        EXPECT_FALSE(fs::exists(child.text)) << "nothing is left for a sweep";
    }
}

TEST_F(signals, a_wild_pointer_is_one_of_them) {
    if (!sanitizer.empty()) {
        GTEST_SKIP() << sanitizer << " has a handler for this";
    }
    const ended child = forked([&](int) {
        cleanup_on_signals({SIGSEGV});
        make_both();
        *static_cast<volatile int*>(nullptr) = 1;
    });
    EXPECT_TRUE(child.killed_by(SIGSEGV)) << in_words(child.status);
    EXPECT_TRUE(dir.empty());
}

TEST_F(signals, abort_is_one_of_them) {
    const ended child = forked([&](int) {
        cleanup_on_signals({SIGABRT});
        make_both();
        std::abort();
    });
    EXPECT_TRUE(child.killed_by(SIGABRT));
    EXPECT_TRUE(dir.empty());
}

TEST_F(signals, nothing_is_installed_unless_asked) {
    if (!sanitizer.empty()) {
        GTEST_SKIP() << sanitizer << " installs some";
    }
    struct sigaction now {};
    for (int signal = 1; signal < 32; ++signal) {
        if (::sigaction(signal, nullptr, &now) == 0) {
            EXPECT_EQ(now.sa_flags & SA_SIGINFO, 0) << signal;
        }
    }
}

TEST_F(signals, T7_what_is_ignored_stays_ignored) {
    const ended child = forked([&](int) {
        ::signal(SIGHUP, SIG_IGN);
        cleanup_on_signals({SIGHUP, SIGTERM});
        make_both();
        ::raise(SIGHUP);
        if (dir.names().size() != 2 || ::signal(SIGHUP, SIG_IGN) != SIG_IGN) {
            ::_exit(1);
        }
        ::raise(SIGTERM);
    });
    EXPECT_TRUE(child.killed_by(SIGTERM)) << in_words(child.status);
    EXPECT_TRUE(dir.empty());
}

// --- Handlers of the program ---

const scratch* looked_at = nullptr;
std::atomic<int> handled = 0;
std::atomic<bool> was_empty = false;
siginfo_t seen{};

TEST_F(signals, T7_the_handler_that_was_there_runs_afterwards_and_the_process_goes_on) {
    if (sanitizer == "ThreadSanitizer") {
        GTEST_SKIP() << "ThreadSanitizer calls handlers when it likes";
    }
    expect_in_child([&] {
        looked_at = &dir;
        struct sigaction own {};
        own.sa_flags = SA_SIGINFO;
        own.sa_sigaction = [](int, siginfo_t* info, void*) {
            ++handled;
            was_empty = looked_at->empty();
            seen = *info;
            errno = EDOM;
        };
        ::sigaction(SIGTERM, &own, nullptr);
        ::signal(SIGINT, [](int) { handled += 100; });
        cleanup_on_signals();
        cleanup_on_signals({SIGTERM});  // once more does no more
        for (int i = 1; i <= 2; ++i) {
            make_both();
            errno = ENOTTY;
            ::kill(::getpid(), SIGTERM);
            EXPECT_EQ(handled, i);
            EXPECT_TRUE(was_empty);
            EXPECT_EQ(errno, EDOM) << "the handler's own";
            EXPECT_EQ(seen.si_pid, ::getpid());
            EXPECT_EQ(seen.si_signo, SIGTERM);
            EXPECT_EQ(seen.si_code, SI_USER);
        }
        ::raise(SIGINT);
        EXPECT_EQ(handled, 102);
        EXPECT_TRUE(explain_crash_safety().on);
        const named_temporary_file next({.dir = dir.path()});
        EXPECT_EQ(dir.names().size(), 1U) << "and what is made afterwards is there";
    });
    EXPECT_TRUE(dir.empty());
}

TEST_F(signals, T7_flags_of_the_earlier_handler_hold) {
    expect_in_child([&] {
        for (const auto& [signal, flags] : {std::pair{SIGUSR1, 0}, std::pair{SIGUSR2, SA_RESTART | SA_NODEFER}}) {
            struct sigaction own {};
            own.sa_flags = flags;
            own.sa_handler = [](int) {};
            ::sigaction(signal, &own, nullptr);
            cleanup_on_signals({signal});
            struct sigaction now {};
            ::sigaction(signal, nullptr, &now);
            EXPECT_EQ(now.sa_flags & (SA_RESTART | SA_NODEFER), flags);
        }
    });
}

TEST_F(signals, a_handler_of_the_program_can_call_cleanup_all) {
    const ended child = forked([&](int) {
        ::signal(SIGTERM, [](int signal) {
            cleanup_all();
            ::signal(signal, SIG_DFL);
            ::raise(signal);
        });
        make_both();
        ::raise(SIGTERM);
    });
    EXPECT_TRUE(child.killed_by(SIGTERM));
    EXPECT_TRUE(dir.empty());
}

TEST_F(signals, what_cleanup_all_removed_can_still_be_used_and_destroyed) {
    named_temporary_file fp({.dir = dir.path()});
    temporary_directory made({.dir = dir.path()});
    fp << "still";
    cleanup_all();
    EXPECT_TRUE(dir.empty());
    fp.seek(0);
    EXPECT_EQ(fp.read(), "still");
    EXPECT_FALSE(fp.still_there());
    EXPECT_FALSE(made.still_there());
    EXPECT_NO_THROW(fp.close());
    EXPECT_NO_THROW(made.cleanup());
    const auto left = leftovers();
    EXPECT_TRUE(std::none_of(left.begin(), left.end(), [&](auto& r) { return r.path.parent_path() == dir.path(); }));
}

TEST_F(signals, refuses_what_cannot_end_a_process) {
    for (const int signal : {SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH, SIGURG, 0, -1, 32,
                             33, 65, 100'000}) {
        EXPECT_THROW(cleanup_on_signals({SIGTERM, signal}), std::invalid_argument) << signal;
        std::error_code ec;
        cleanup_on_signals({SIGTERM, signal}, ec);
        EXPECT_EQ(ec, std::errc::invalid_argument) << signal;
    }
    struct sigaction now {};
    ::sigaction(SIGTERM, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL) << "nothing is arranged when one is refused";
}

// --- Whose ---

TEST_F(signals, T5_in_a_forked_child_remove_only_what_the_child_made) {
    expect_in_child([&] {
        cleanup_on_signals();
        const named_temporary_file mine({.dir = dir.path()});
        for (const bool makes_something : {false, true}) {
            const ended child = forked([&](int) {
                if (makes_something) {
                    make_both();
                }
                ::raise(SIGTERM);
            });
            EXPECT_TRUE(child.killed_by(SIGTERM));
            EXPECT_EQ(dir.names().size(), 1U);
            EXPECT_TRUE(mine.still_there());
        }
    });
}

// It shares the parent's memory, and with it everything that the library knows.
TEST_F(signals, T5_in_a_child_by_vfork_remove_nothing) {
    expect_in_child([&] {
        cleanup_on_signals();
        const named_temporary_file mine({.dir = dir.path()});
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        const pid_t child = ::vfork();
#pragma GCC diagnostic pop
        if (child == 0) {
            ::kill(::getpid(), SIGTERM);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << in_words(status);
        EXPECT_TRUE(mine.still_there());
    });
}

TEST_F(signals, and_the_end_of_the_process_need_no_place_for_the_registry) {
    for (const bool by_signal : {true, false}) {
        const ended child = forked([&](int) {
            ::setenv("TEMPFILE_REGISTRY", "", 1);
            cleanup_on_signals();
            for (int i = 0; i < 500; ++i) {
                make_both();
            }
            if (explain_crash_safety().on || dir.names().size() != 1000) {
                ::_exit(7);
            }
            by_signal ? static_cast<void>(::raise(SIGTERM)) : std::quick_exit(0);
        });
        EXPECT_EQ(child.killed_by(SIGTERM), by_signal) << in_words(child.status);
        EXPECT_NE(in_words(child.status), in_words(7 << 8));
        EXPECT_TRUE(dir.empty());
    }
}

// As in a container: the kernel does not end it by a signal that it has no handler for (pid_namespaces(7)).
TEST_F(signals, the_first_process_of_a_namespace_ends_too) {
    const scratch place;
    ASSERT_EQ(::chmod(place.path().c_str(), 0700), 0);
    const ended child = forked([&](int out) {
        ::setenv("TEMPFILE_REGISTRY", place.path().c_str(), 1);
        if (::unshare(CLONE_NEWPID) != 0) {
            say(out, "no process namespace of our own: needs root");
            return;
        }
        const pid_t first = ::fork();
        if (first == 0) {
            cleanup_on_signals();
            make_both();
            ::raise(SIGTERM);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(first, &status, 0);
        say(out, in_words(status));
    });
    if (child.text.find("needs root") != child.text.npos) {
        GTEST_SKIP() << child.text;
    }
    EXPECT_EQ(child.text, in_words((128 + SIGTERM) << 8));
    EXPECT_TRUE(dir.empty());
}

// --- Trees ---

class signal_trees : public signals {
protected:
    // Fills a temporary directory, has it removed in a handler, and tells what is left of it.
    void remove_in_handler(const std::function<void(const fs::path&)>& fill, bool all = true) {
        const ended child = forked([&](int) {
            cleanup_on_signals();
            const auto* made = new temporary_directory({.dir = dir.path()});
            fill(made->path());
            ::raise(SIGTERM);
        });
        EXPECT_TRUE(child.killed_by(SIGTERM)) << in_words(child.status) << child.text;
        EXPECT_EQ(dir.empty(), all);
    }

    static void descend(int levels) {
        for (int i = 0; i < levels; ++i) {
            ASSERT_EQ(::mkdir("d", 0700), 0);
            ASSERT_EQ(::chdir("d"), 0);
            std::ofstream("f") << 'x';
        }
    }
};

TEST_F(signal_trees, deeper_than_what_is_remembered) {
    remove_in_handler([](const fs::path& made) {
        ASSERT_EQ(::chdir(made.c_str()), 0);
        descend(5000);
    });
}

TEST_F(signal_trees, wide_and_bushy) {
    remove_in_handler([](const fs::path& made) {
        for (int i = 0; i < 3000; ++i) {
            const std::string n = std::to_string(i);
            std::ofstream(made / ("some-longer-name-for-a-file-" + n)) << 'x';
            fs::create_directories(made / "bush" / std::to_string(i % 50) / n / "leaf");
        }
    });
}

TEST_F(signal_trees, every_kind_of_entry_and_nothing_outside) {
    const scratch outside;
    std::ofstream(outside / "canary") << "stays";
    remove_in_handler([&](const fs::path& made) {
        fs::create_directory_symlink(outside.path(), made / "link");
        fs::create_hard_link(outside / "canary", made / "hard");
        ASSERT_EQ(::mkfifo((made / "fifo").c_str(), 0600), 0);
        fs::create_symlink("nowhere", made / "dangling");
        std::ofstream(made / "name\nwith \xff bytes") << 'x';
    });
    EXPECT_EQ(fs::file_size(outside / "canary"), 5U);
    EXPECT_EQ(outside.names().size(), 1U);
}

TEST_F(signal_trees, T3_directories_that_may_not_be_read_or_written) {
    const auto as_user = [&] {
        fs::permissions(dir.path(), fs::perms::all);
        if (::geteuid() == 0) {
            become_ordinary_user();
        }
        ::setenv("TEMPFILE_REGISTRY", "", 1);
        cleanup_on_signals();
        const auto* made = new temporary_directory({.dir = dir.path()});
        for (const int mode : {0000, 0100, 0400, 0500, 0600, 0700}) {
            const fs::path sub = *made / std::to_string(mode);
            fs::create_directories(sub / "deep");
            std::ofstream(sub / "file") << 'x';
            fs::permissions(sub / "deep", fs::perms(mode));
            fs::permissions(sub, fs::perms(mode));
        }
        fs::permissions(made->path(), fs::perms::none);
        ::raise(SIGTERM);
    };
    const ended child = forked([&](int) { as_user(); });
    EXPECT_TRUE(child.killed_by(SIGTERM)) << in_words(child.status) << child.text;
    EXPECT_TRUE(dir.empty());
}

TEST_F(signal_trees, T3_directories_that_stay_have_the_modes_that_they_had) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, for something that another user cannot remove";
    }
    fs::permissions(dir.path(), fs::perms::all);
    const ended child = forked([&](int out) {
        ::setenv("TEMPFILE_REGISTRY", "", 1);
        EXPECT_EQ(::seteuid(65534), 0);
        cleanup_on_signals();
        const auto* made = new temporary_directory({.dir = dir.path()});
        say(out, made->path().string());
        fs::create_directories(*made / "a/b");
        std::ofstream(*made / "a/file") << 'x';
        EXPECT_EQ(::seteuid(0), 0);
        fs::create_directories(*made / "a/b/roots/own");
        for (const auto& [name, mode] : {std::pair("a/b", 0500), std::pair("a", 0100), std::pair("", 0)}) {
            fs::permissions(*made / name, fs::perms(mode));
        }
        become_ordinary_user();
        ::raise(SIGTERM);
    });
    EXPECT_TRUE(child.killed_by(SIGTERM)) << in_words(child.status) << child.text;
    const fs::path made = child.text;
    EXPECT_TRUE(fs::exists(made / "a/b/roots/own"));
    EXPECT_FALSE(fs::exists(made / "a/file"));
    for (const auto& [name, mode] : {std::pair("a/b", 0500), std::pair("a", 0100), std::pair("", 0)}) {
        EXPECT_EQ(fs::status(made / name).permissions(), fs::perms(mode)) << name;
    }
}

TEST_F(signal_trees, a_mount_is_not_entered_and_what_is_beside_it_goes) {
    const scratch source;
    std::ofstream(source / "canary") << "stays";
    std::string mounted_at;
    const ended child = forked([&](int out) {
        cleanup_on_signals();
        const auto* made = new temporary_directory({.dir = dir.path()});
        fs::create_directories(*made / "a/mount");
        fs::create_directories(*made / "a/zz");
        fs::create_directories(*made / "b/b");
        const std::string command = "mount --bind " + source.path().string() + " " + (*made / "a/mount").string();
        if (std::system(("2>/dev/null " + command).c_str()) != 0) {
            ::_exit(77);
        }
        say(out, *made / "a/mount");
        ::raise(SIGTERM);
    });
    if (!child.killed_by(SIGTERM)) {
        GTEST_SKIP() << "cannot mount: needs root";
    }
    const fs::path mount = child.text;
    EXPECT_TRUE(fs::exists(mount / "canary"));
    EXPECT_EQ(std::system(("umount " + mount.string()).c_str()), 0);
    EXPECT_TRUE(fs::exists(source / "canary"));
    EXPECT_FALSE(fs::exists(mount.parent_path() / "zz"));
    EXPECT_FALSE(fs::exists(mount.parent_path().parent_path() / "b"));
    sweep();
    EXPECT_TRUE(dir.empty()) << "the rest goes with the next sweep";
}

TEST_F(signal_trees, S4_an_impostor_at_the_name_is_left_alone) {
    const ended child = forked([&](int) {
        cleanup_on_signals();
        const auto* made = new temporary_directory({.dir = dir.path()});
        fs::rename(made->path(), dir / "moved");
        fs::create_directory(made->path());
        std::ofstream(*made / "not-ours") << 'x';
        ::raise(SIGTERM);
    });
    EXPECT_TRUE(child.killed_by(SIGTERM));
    EXPECT_EQ(dir.names().size(), 2U);
    EXPECT_TRUE(fs::exists(dir / "moved"));
}

// --- What a handler may not do ---

TEST_F(signals, T7_nothing_is_allocated) {
    const named_temporary_file fp({.dir = dir.path()});
    const temporary_directory made({.dir = dir.path()});
    fs::create_directories(made / "a/b/c");
    fs::create_directories(made / std::string(200, 'x') / std::string(200, 'y'));
    const auto before = ::mallinfo2();
    const auto free_before = before.fordblks;
    cleanup_all();
    const auto after = ::mallinfo2();
    EXPECT_EQ(after.uordblks, before.uordblks);
    EXPECT_EQ(after.fordblks, free_before);
    EXPECT_TRUE(dir.empty());
}

TEST_F(signals, T7_the_smallest_alternative_stack_is_enough) {
    if (!sanitizer.empty()) {
        GTEST_SKIP() << sanitizer << " needs more stack";
    }
    const ended child = forked([&](int) {
        cleanup_on_signals({SIGUSR1});
        make_both();
        // What the system needs for itself, and 4 KiB; a page behind which nothing may be written stands in front.
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        const std::size_t bytes = static_cast<std::size_t>(::sysconf(_SC_MINSIGSTKSZ)) + 4096;
        const std::size_t mapped_bytes = (bytes + page - 1) / page * page + page;
        auto* const memory = static_cast<char*>(
            ::mmap(nullptr, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        ::mprotect(memory, page, PROT_NONE);
        stack_t stack{};
        stack.ss_sp = memory + mapped_bytes - bytes;
        stack.ss_size = bytes;
        ::sigaltstack(&stack, nullptr);
        ::raise(SIGUSR1);
    });
    EXPECT_TRUE(child.killed_by(SIGUSR1)) << in_words(child.status) << child.text;
    EXPECT_TRUE(dir.empty());
}

// --- Threads ---

[[noreturn]] void make_and_keep_in(const fs::path& dir, int out) {
    while (true) {
        const named_temporary_file fp({.dir = dir});
        const temporary_directory made({.dir = dir});
        std::ofstream(made / "file") << 'x';
        const fs::path kept = named_temporary_file({.prefix = "kept-", .dir = dir}).keep();
        if (fs::exists(kept)) {  // else the signal came before keep()
            say(out, kept.string() + '\n');
        }
    }
}

// A signal at any moment while threads make, remove and keep: what a thread said it kept is there, everything else
// goes, at the latest with a sweep.
TEST_F(signals, T7_while_threads_make_and_keep_lose_nothing_and_leave_nothing) {
    for (int round = 0; round < 60; ++round) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            cleanup_on_signals();
            std::vector<std::thread> threads;
            for (int t = 0; t < 3; ++t) {
                threads.emplace_back([&] {
                    try {
                        make_and_keep_in(dir.path(), ends[1]);
                    } catch (const fs::filesystem_error&) {
                        ::pause();  // its files may vanish before it does
                    }
                });
            }
            threads.front().join();
        }
        ::close(ends[1]);
        // Right after one of them has told of so many files; the others are anywhere.
        std::string told;
        char buffer[4096];
        for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
            told.append(buffer, static_cast<std::size_t>(n));
            if (std::count(told.begin(), told.end(), '\n') > round % 10) {
                ::kill(child, SIGTERM);
            }
        }
        ::close(ends[0]);
        int status = 0;
        ::waitpid(child, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << in_words(status);
        std::istringstream lines(told);
        for (std::string path; std::getline(lines, path);) {
            ASSERT_TRUE(fs::exists(path)) << path << " was kept and is gone";
            fs::remove(path);
        }
        sweep();
        const auto left = dir.names();  // what was kept and could not be told any more
        EXPECT_TRUE(std::all_of(left.begin(), left.end(), [](auto& n) { return n.starts_with("kept-"); }));
        for (const auto& name : left) {
            fs::remove(dir / name);
        }
    }
}

}  // namespace
}  // namespace tempfile::test
