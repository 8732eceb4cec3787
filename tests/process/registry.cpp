// What a process writes down, and what others make of it: living and dead owners, forks, and the sweep beside them.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <fstream>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "child.hpp"
#include "registry.hpp"
#include "registry_format.hpp"
#include "support/living.hpp"
#include "support/mounted.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"
#include "support/sweeping.hpp"

namespace tempfile::test {
namespace {

using path = std::filesystem::path;

class registries : public testing::Test {
protected:
    void make_both() { test::make_both(dir.path()); }

    // What is registered in `dir`.
    std::vector<registered> here() {
        std::vector<registered> all = leftovers();
        std::erase_if(all, [&](const registered& r) { return r.path.parent_path() != dir.path(); });
        return all;
    }

    scratch dir;
};

TEST_F(registries, T5_what_a_living_process_owns_is_left_alone_and_what_a_dead_one_owned_goes) {
    living owner([&] { make_both(); });
    sweep();
    EXPECT_EQ(dir.names().size(), 2U) << "its owner lives";
    const auto listed = here();
    ASSERT_EQ(listed.size(), 2U);
    for (const registered& r : listed) {
        EXPECT_EQ(r.owner, owner_state::alive);
        EXPECT_EQ(r.pid, static_cast<std::uint64_t>(owner.pid()));
        EXPECT_EQ(r.program, "registry");
        EXPECT_EQ(r.directory, std::filesystem::is_directory(r.path));
        EXPECT_LT(std::chrono::system_clock::now() - r.created, std::chrono::minutes(5));
    }
    owner.end();
    for (const registered& r : here()) {
        EXPECT_EQ(r.owner, owner_state::dead);
    }
    const sweep_report would = sweep({.dry_run = true});
    EXPECT_EQ(would.removed.size(), 2U);
    EXPECT_EQ(dir.names().size(), 2U) << "nothing is done in a dry run";
    const sweep_report report = sweep();
    EXPECT_EQ(report.removed.size(), 2U);
    EXPECT_TRUE(report.left.empty() && report.complete);
    EXPECT_TRUE(dir.empty());
    EXPECT_TRUE(here().empty());
}

TEST_F(registries, what_was_kept_or_closed_is_not_in_it) {
    living owner([&] {
        named_temporary_file({.prefix = "kept-", .dir = dir.path()}).keep();
        temporary_directory({.prefix = "kept-", .dir = dir.path()}).keep();
        auto* caller =
            new named_temporary_file({.prefix = "never-", .dir = dir.path(), .deletion = delete_when::never});
        caller->flush();
        named_temporary_file({.dir = dir.path()}).close();
        static_cast<void>(mkstemp({.prefix = "mkstemp-", .dir = dir.path()}));
    });
    EXPECT_TRUE(here().empty());
    owner.end();
    sweep();
    EXPECT_EQ(dir.names().size(), 4U);
}

TEST_F(registries, a_forked_child_has_its_own_and_takes_nothing_from_its_parent) {
    named_temporary_file ours({.dir = dir.path()});
    living child([&] { make_both(); });
    EXPECT_EQ(here().size(), 3U);
    child.end();
    sweep();
    ASSERT_EQ(dir.names().size(), 1U);
    EXPECT_TRUE(std::filesystem::exists(ours.path()));
}

TEST_F(registries, a_child_can_adopt_what_its_parent_gives_away) {
    named_temporary_file fp({.dir = dir.path()});
    temporary_directory made({.dir = dir.path()});
    std::ofstream(made / "file") << "x";
    living child([&] {
        fp.adopt();
        made.adopt();
    });
    fp.keep();
    made.keep();
    sweep();
    EXPECT_EQ(dir.names().size(), 2U) << "the child lives";
    child.end();
    sweep();
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, what_is_nobodys_to_remove_stays_so_when_it_is_adopted) {
    named_temporary_file fp({.dir = dir.path(), .deletion = delete_when::never});
    temporary_directory made({.dir = dir.path(), .deletion = delete_when::never});
    living child([&] {
        fp.adopt();
        made.adopt();
    });
    EXPECT_TRUE(here().empty());
    child.end();
    sweep();
    EXPECT_EQ(dir.names().size(), 2U);
}

TEST_F(registries, a_descriptor_that_was_closed_by_others_is_not_used) {
    const living owner([&] {
        named_temporary_file first({.dir = dir.path()});
        const std::string registry = registry_here().path;
        const path stranger = dir / "stranger";
        for (int h = 3; h < 64; ++h) {
            if (std::error_code ec;
                std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(h), ec) == registry) {
                ::close(h);
                if (::open(stranger.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600) != h) {
                    ::_exit(1);
                }
            }
        }
        std::vector<named_temporary_file> all;
        for (int i = 0; i < 400; ++i) {  // more than there is room for without growing
            all.emplace_back(named_temporary_file_options{.dir = dir.path(), .deletion = delete_when::destroyed})
                .close();
        }
        if (std::filesystem::file_size(stranger) != 0) {
            ::_exit(1);
        }
        std::filesystem::remove(stranger);
    });
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, T34_a_process_that_ended_and_was_not_asked_how_is_dead) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        make_both();
        ::kill(::getpid(), SIGKILL);
    }
    siginfo_t ended{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT), 0);
    sweep();
    EXPECT_TRUE(dir.empty());
    ::waitpid(pid, nullptr, 0);
}

TEST_F(registries, still_there_tells_whether_the_name_leads_to_ours) {
    named_temporary_file fp({.dir = dir.path()});
    temporary_directory made({.dir = dir.path()});
    EXPECT_TRUE(fp.still_there() && made.still_there());
    std::filesystem::rename(fp.path(), dir / "elsewhere");
    std::filesystem::rename(made.path(), dir / "elsewhere too");
    EXPECT_FALSE(fp.still_there() || made.still_there());
    std::ofstream(fp.path()) << "another";
    std::filesystem::create_directory(made.path());
    EXPECT_FALSE(fp.still_there() || made.still_there());
    std::filesystem::remove_all(dir / "elsewhere too");
    std::filesystem::remove(dir / "elsewhere");
}

TEST_F(registries, a_child_that_goes_on_does_not_keep_its_dead_parent_alive) {
    int grandchild[2];
    ASSERT_EQ(::pipe(grandchild), 0);
    living parent([&] {
        make_both();
        if (::fork() == 0) {  // inherits every descriptor, the registry's too
            const pid_t self = ::getpid();
            static_cast<void>(::write(grandchild[1], &self, sizeof self));
            ::pause();
        }
    });
    pid_t left = 0;
    ASSERT_EQ(::read(grandchild[0], &left, sizeof left), static_cast<ssize_t>(sizeof left));
    parent.end();
    sweep();
    EXPECT_TRUE(dir.empty());
    ::kill(left, SIGKILL);
}

TEST_F(registries, a_process_that_executes_another_program_is_still_the_owner) {
    living owner([&] { make_both(); });
    owner.end();
    sweep();
    int gone[2];
    ASSERT_EQ(::pipe(gone), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        make_both();
        ::dup2(gone[1], 1);
        ::execlp("sh", "sh", "-c", "echo; exec sleep 1000", nullptr);
        ::_exit(1);
    }
    char byte = 0;
    ASSERT_EQ(::read(gone[0], &byte, 1), 1);
    sweep();
    EXPECT_EQ(dir.names().size(), 2U) << "the lock is gone, the process is not";
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    sweep();
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, S4_something_else_at_the_path_is_not_touched) {
    living owner([&] { make_both(); });
    owner.end();
    for (const registered& r : here()) {
        std::filesystem::rename(r.path, r.path.string() + "-moved");
        std::filesystem::create_directory(r.path);
        std::ofstream(r.path / "of somebody else") << "x";
    }
    const sweep_report report = sweep();
    EXPECT_EQ(report.left.size(), 2U);
    EXPECT_TRUE(sweep().left.empty()) << "it is said once";
    for (const registered& r : report.left) {
        EXPECT_EQ(r.error.value(), ESTALE);
        EXPECT_TRUE(std::filesystem::exists(r.path / "of somebody else"));
        std::filesystem::remove_all(r.path);
    }
    EXPECT_TRUE(here().empty());
}

// A change of hands is no proof that ours is gone, and who sweeps by itself at its beginning tells nobody.
TEST_F(registries, what_is_not_certainly_gone_is_not_forgotten) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving files away needs root";
    }
    living owner([&] { make_both(); });
    owner.end();
    for (const registered& r : here()) {
        ASSERT_EQ(::chown(r.path.c_str(), 12345, 12345), 0);
    }
    EXPECT_TRUE(run({ACTOR, "first_object", "1"}).well());
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(sweep().left.size(), 2U);
    }
    {
        const replace_call<&sys::calls::stat_at> stale([](auto&&...) { return ESTALE; });
        EXPECT_EQ(sweep().left.size(), 2U);
    }
    for (const registered& r : here()) {
        ASSERT_EQ(::chown(r.path.c_str(), 0, 0), 0);
    }
    EXPECT_EQ(sweep().removed.size(), 2U);
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, S5_S10_a_link_at_the_path_is_not_followed) {
    const scratch outside;
    std::ofstream(outside / "canary") << "stays";
    living owner([&] { make_both(); });
    owner.end();
    for (const registered& r : here()) {
        std::filesystem::remove_all(r.path);
        std::filesystem::create_symlink(r.directory ? outside.path() : outside / "canary", r.path);
    }
    EXPECT_EQ(sweep().left.size(), 2U);
    EXPECT_TRUE(std::filesystem::exists(outside / "canary"));
    for (const registered& r : here()) {
        std::filesystem::remove(r.path);
    }
    sweep();
}

TEST_F(registries, modes_of_our_own_do_not_stand_in_the_way) {
    living owner([&] { make_both(); });
    owner.end();
    const auto listed = here();
    const auto directory = std::find_if(listed.begin(), listed.end(), [](const registered& r) { return r.directory; });
    std::filesystem::permissions(directory->path / "sub", std::filesystem::perms::none);
    EXPECT_TRUE(sweep().left.empty());
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, a_limit_of_time_is_kept_and_the_rest_done_later) {
    living owner([&] { make_both(); });
    owner.end();
    const sweep_report none = sweep({.at_most = std::chrono::milliseconds(0)});
    EXPECT_FALSE(none.complete);
    EXPECT_TRUE(none.removed.empty());
    EXPECT_EQ(dir.names().size(), 2U);
    sweep();
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, a_sweep_is_stopped_between_two_files_and_the_rest_done_later) {
    living owner([&] { make_both(); });
    owner.end();
    std::vector<std::string> asked;
    const sweep_report none = sweep({.progress = [&](const removal_progress& now) {
        asked.emplace_back(now.path);
        return false;
    }});
    EXPECT_FALSE(none.complete);
    EXPECT_TRUE(none.removed.empty());
    EXPECT_EQ(dir.names().size(), 2U);
    EXPECT_EQ(asked.size(), 1U) << "who has said no is not asked again";
    EXPECT_EQ(path(asked.front()).parent_path(), dir.path());
    const sweep_report would = sweep({.dry_run = true, .progress = [](const auto&) { return false; }});
    EXPECT_FALSE(would.complete);
    EXPECT_TRUE(would.removed.empty());
    std::uint64_t entries = 0;
    EXPECT_TRUE(sweep({.progress = [&](const removal_progress& now) {
                    entries = std::max(entries, now.entries);
                    return true;
                }}).complete);
    EXPECT_GT(entries, 0U);
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, a_sweep_is_stopped_in_the_middle_of_a_tree) {
    living owner([&] {
        const auto* made = new temporary_directory({.dir = dir.path()});
        for (int i = 0; i < 1000; ++i) {
            std::ofstream(*made / std::to_string(i)) << "x";
        }
    });
    owner.end();
    const auto until_something_is_gone = [](const removal_progress& now) { return now.entries == 0; };
    const sweep_report report = sweep({.progress = until_something_is_gone});
    EXPECT_FALSE(report.complete);
    ASSERT_EQ(report.left.size(), 1U);
    EXPECT_EQ(report.left.front().error, std::errc::operation_canceled);
    EXPECT_TRUE(report.left.front().in_the_way.empty());
    EXPECT_EQ(sweep().removed.size(), 1U);
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, what_progress_throws_reaches_the_caller_of_the_sweep) {
    living owner([&] { make_both(); });
    owner.end();
    for (const std::uint64_t after : {0U, 1U}) {
        EXPECT_THROW(sweep({.progress = [&](const removal_progress& now) -> bool {
                         return now.entries < after || (throw std::out_of_range("enough"), false);
                     }}),
                     std::out_of_range);
    }
    sweep();
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, what_stands_in_the_way_in_a_directory_is_named) {
    living owner([&] { make_both(); });
    owner.end();
    const auto listed = here();
    const auto it = std::find_if(listed.begin(), listed.end(), [](const registered& r) { return r.directory; });
    std::ofstream(it->path / "stubborn") << "x";
    {
        using call = replace_call<&sys::calls::remove_file>;
        const call refused([](sys::handle at, const char* name) {
            return std::string_view(name) == "stubborn" ? EPERM : call::real(at, name);
        });
        const sweep_report report = sweep();
        ASSERT_EQ(report.left.size(), 1U);
        EXPECT_TRUE(report.complete);
        EXPECT_EQ(report.left.front().path, it->path);
        EXPECT_EQ(report.left.front().in_the_way, it->path / "stubborn");
        EXPECT_EQ(report.left.front().error, std::errc::operation_not_permitted);
    }
    {
        using call = replace_call<&sys::calls::remove_directory>;
        const call busy([](auto&&...) { return EBUSY; });
        const sweep_report report = sweep();
        ASSERT_EQ(report.left.size(), 1U);
        EXPECT_TRUE(report.left.front().in_the_way.empty()) << "it is the directory itself";
    }
    sweep();
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, the_label_stands_for_the_name_of_the_program) {
    for (const bool before : {true, false}) {
        living owner([&] {
            const std::string longest(100, 'l');
            if (before) {
                set_label("backup of " + longest);
            }
            make_both();
            if (!before) {
                set_label("backup of " + longest);
            }
        });
        const auto listed = here();
        ASSERT_EQ(listed.size(), 2U);
        EXPECT_EQ(listed.front().program, "backup of " + std::string(53, 'l'));
        owner.end();
        sweep();
    }
    const living owner([&] {
        make_both();
        set_label("for a while");
        set_label("");
    });
    EXPECT_EQ(here().front().program, "registry");
}

TEST_F(registries, T34_what_was_written_down_as_another_process_s_stays_until_that_one_ended_too) {
    for (const bool before : {true, false}) {
        living owner([] {});
        const auto pid = static_cast<std::uint64_t>(owner.pid());
        living maker([&] {
            if (before) {
                set_owner(pid);
                make_both();
            } else {
                make_both();
                set_owner(pid);
                set_label("for the other");
            }
        });
        const auto listed = here();
        ASSERT_EQ(listed.size(), 2U);
        EXPECT_EQ(listed.front().pid, pid);
        EXPECT_EQ(listed.front().program, before ? "registry" : "for the other");
        maker.end();
        EXPECT_EQ(here().front().owner, owner_state::alive);
        sweep();
        EXPECT_EQ(dir.names().size(), 2U) << "its owner lives";
        owner.end();
        sweep();
        EXPECT_TRUE(dir.empty());
    }
}

TEST_F(registries, T34_the_owner_of_a_living_process_s_files_may_have_ended) {
    living owner([] {});
    const living maker([&] {
        set_owner(static_cast<std::uint64_t>(owner.pid()));
        make_both();
    });
    owner.end();
    sweep();
    EXPECT_EQ(dir.names().size(), 2U) << "who made them lives";
}

TEST_F(registries, only_a_process_that_runs_can_be_the_owner) {
    living ended([] {});
    const auto pid = static_cast<std::uint64_t>(ended.pid());
    ended.end();
    constexpr std::uint64_t too_large = (std::uint64_t{1} << 32U) + 1;
    for (const std::uint64_t none : {pid, std::uint64_t{0}, too_large}) {
        std::error_code ec;
        set_owner(none, ec);
        EXPECT_EQ(ec, std::errc::no_such_process) << none;
        EXPECT_THROW(set_owner(none), std::system_error);
    }
    const living owner([&] {
        set_owner(static_cast<std::uint64_t>(::getppid()));
        make_both();
        set_owner(static_cast<std::uint64_t>(::getpid()));
    });
    EXPECT_EQ(here().front().pid, static_cast<std::uint64_t>(owner.pid()));
}

TEST_F(registries, the_first_sweep_can_be_turned_off) {
    {
        living owner([&] { make_both(); });
        owner.end();
    }
    const auto first_object = [&](bool sweeps) {
        const ended program =
            run({ACTOR, "first_object", sweeps ? "1" : "0"}, [&] { ::setenv("TMPDIR", dir.path().c_str(), 1); });
        EXPECT_TRUE(program.well()) << program.text;
    };
    first_object(false);
    EXPECT_EQ(dir.names().size(), 2U);
    first_object(true);
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, a_large_tree_is_left_in_the_middle_when_the_time_is_up) {
    living owner([&] {
        const auto* made = new temporary_directory({.dir = dir.path()});
        for (int i = 0; i < 100; ++i) {
            std::filesystem::create_directories(*made / std::to_string(i) / "sub");
        }
    });
    owner.end();
    {
        std::uint64_t now = 0;
        const replace_call<&sys::calls::steady_clock> a_millisecond_later_each_time([&] { return now += 1'000'000; });
        const sweep_report report = sweep({.at_most = std::chrono::milliseconds(20)});
        EXPECT_FALSE(report.complete);
        ASSERT_EQ(report.left.size(), 1U);
        EXPECT_EQ(report.left.front().error, std::errc::operation_canceled);
    }
    const auto in_the_tree = std::distance(std::filesystem::directory_iterator(dir / dir.names().front()), {});
    EXPECT_GT(in_the_tree, 0);
    EXPECT_LT(in_the_tree, 100);
    EXPECT_EQ(sweep().removed.size(), 1U);
    EXPECT_TRUE(dir.empty());
}

// What a living process owns is none of a sweep's business, however much that is.
TEST_F(registries, of_a_living_process_the_header_alone_is_read) {
    const scratch place;
    ASSERT_EQ(::chmod(place.path().c_str(), 0700), 0);
    const environment_variable there("TEMPFILE_REGISTRY", place.path().c_str());
    living owner([&] {
        for (int i = 0; i < 1000; ++i) {
            (new named_temporary_file({.dir = dir.path(), .deletion = delete_when::destroyed}))->close();
        }
    });
    std::size_t bytes = 0;
    using call = replace_call<&sys::calls::pread>;
    const auto count = [&](sys::handle h, void* into, std::size_t n, std::uint64_t at, std::size_t& done) {
        bytes += n;
        return call::real(h, into, n, at, done);
    };
    {
        const call counted(count);
        EXPECT_EQ(sweep().skipped.size(), 1U);
    }
    EXPECT_EQ(bytes, sizeof(registry_format::header));
    owner.end();
    EXPECT_EQ(sweep().removed.size(), 1000U);
}

TEST_F(registries, what_is_kept_is_kept_on_the_disk_too) {
    int syncs = 0;
    using call = replace_call<&sys::calls::sync_map>;
    const auto count = [&](void* memory, std::size_t n) {
        ++syncs;
        return call::real(memory, n);
    };
    const call counted(count);
    {
        named_temporary_file gone({.dir = dir.path()});
        gone.close();
        const named_temporary_file destroyed({.dir = dir.path()});
        temporary_directory removed({.dir = dir.path()});
        removed.cleanup();
        const named_temporary_file never({.dir = dir.path(), .deletion = delete_when::never});
        std::filesystem::remove(never.path());
    }
    EXPECT_EQ(syncs, 0);
    const path file = named_temporary_file({.dir = dir.path()}).keep();
    EXPECT_EQ(syncs, 1);
    const path directory = temporary_directory({.dir = dir.path()}).keep();
    EXPECT_EQ(syncs, 2);
    std::filesystem::remove(file);
    std::filesystem::remove(directory);
}

// EINVAL of msync(2) and the like would go by unseen.
TEST_F(registries, the_disk_can_be_told_of_any_slot) {
    std::vector<named_temporary_file> all;
    for (int i = 0; i < 400; ++i) {  // more than the first piece has
        all.emplace_back(named_temporary_file_options{.dir = dir.path(), .deletion = delete_when::destroyed}).close();
    }
    using call = replace_call<&sys::calls::sync_map>;
    int failures = 0;
    std::set<void*> slots;
    const call checked([&](void* memory, std::size_t n) {
        const sys::error e = call::real(memory, n);
        failures += e == 0 ? 0 : 1;
        slots.insert(memory);
        return e;
    });
    for (std::size_t i = 0; i < all.size(); i += 7) {
        std::filesystem::remove(all[i].keep());
    }
    EXPECT_EQ(failures, 0);
    EXPECT_GT(slots.size(), 50U);
}

TEST_F(registries, paths_of_any_length_and_thousands_of_them) {
    path deep = dir.path();
    while (deep.native().size() < 3000) {
        deep /= std::string(200, 'd');
    }
    std::filesystem::create_directories(deep);
    constexpr std::size_t many = 2000;
    living owner([&] {
        for (std::size_t i = 0; i < many; ++i) {
            // Closed, so that it is not the number of descriptors that limits it.
            (new named_temporary_file({.dir = i % 100 == 0 ? deep : dir.path(), .deletion = delete_when::destroyed}))
                ->close();
        }
    });
    owner.end();
    EXPECT_EQ(sweep().removed.size(), many);
    EXPECT_EQ(dir.names().size(), 1U);
    EXPECT_TRUE(std::filesystem::is_empty(deep));
}

TEST_F(registries, T31_stays_as_small_as_what_lives) {
    const std::string registry = registry_here().path;
    const auto before = std::filesystem::file_size(registry);
    for (int i = 0; i < 20'000; ++i) {
        const named_temporary_file fp({.dir = dir.path()});
    }
    EXPECT_EQ(std::filesystem::file_size(registry), before);
}

TEST_F(registries, threads_share_it) {
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            std::vector<named_temporary_file> held;
            for (int i = 0; i < 300; ++i) {
                held.emplace_back(named_temporary_file_options{.dir = dir.path()});
                if (i % 3 == 0) {
                    held.erase(held.begin());
                }
            }
            const auto listed = leftovers();
            for (const auto& fp : held) {
                wrong += std::none_of(listed.begin(), listed.end(), [&](auto& r) { return r.path == fp.path(); });
            }
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(here().empty());
}

// A sweep can find a registry that was made and is not locked yet: it holds the lock then, or has removed the file.
TEST_F(registries, a_sweep_between_making_and_locking_is_outrun) {
    for (const bool removed : {false, true}) {
        const living owner([&] {
            int locks = 0;
            using call = replace_call<&sys::calls::lock>;
            const call swept([&](sys::handle h, bool shared) {
                if (++locks > 1) {
                    return call::real(h, shared);
                }
                if (removed) {
                    std::filesystem::remove(std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(h)));
                }
                return removed ? 0 : EWOULDBLOCK;
            });
            if (!explain_crash_safety().on || locks != 2) {
                ::_exit(1);
            }
        });
    }
}

// Where space cannot be reserved it is written, so that the mapped pages have room.
TEST_F(registries, without_fallocate_the_space_is_written) {
    for (const int refusal : {EOPNOTSUPP, EINVAL, ENOSYS}) {
        const living owner([&] {
            const replace_call<&sys::calls::allocate> none([&](auto&&...) { return refusal; });
            const crash_safety is = explain_crash_safety();
            struct stat st {};
            if (!is.on || ::stat(is.registry.c_str(), &st) != 0 || st.st_size != 65536) {
                ::_exit(1);
            }
        });
    }
}

// --- Where it cannot be ---

TEST_F(registries, T33_a_full_disk_is_no_SIGBUS) {
    const mounted small("mount -t tmpfs -o size=200k,mode=700 tmpfs $M");
    if (!small) {
        GTEST_SKIP() << small.why_not();
    }
    const living owner([&] {
        ::setenv("TEMPFILE_REGISTRY", small.path().c_str(), 1);
        const bool began = explain_crash_safety().on;
        std::ofstream(small.path() / "ballast") << std::string(1 << 20, 'b');
        std::vector<named_temporary_file> all;
        for (int i = 0; i < 1000; ++i) {  // more than there is room for
            all.emplace_back(named_temporary_file_options{.dir = dir.path(), .deletion = delete_when::destroyed})
                .close();
        }
        const crash_safety is = explain_crash_safety();
        if (!began || leftovers().size() < 200 || leftovers().size() >= 1000 || is.on ||
            is.error != std::errc::no_space_on_device) {
            ::_exit(1);
        }
        all.clear();
    });
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, T34_where_the_system_does_not_say_who_we_are_there_is_none) {
    const scratch place;
    ASSERT_EQ(::chmod(place.path().c_str(), 0700), 0);
    for (const int error : {EMFILE, ENOENT}) {
        const living owner([&] {
            ::setenv("TEMPFILE_REGISTRY", place.path().c_str(), 1);
            using call = replace_call<&sys::calls::this_process>;
            const call silent([&](auto&&...) { return error; });
            const crash_safety is = explain_crash_safety();
            if (is.on || is.error.value() != (error == ENOENT ? ENOTSUP : error) || !place.empty()) {
                ::_exit(1);
            }
        });
    }
}

TEST_F(registries, a_program_whose_nameless_files_have_names_for_a_moment_takes_its_own_away) {
    const scratch place;
    ASSERT_EQ(::chmod(place.path().c_str(), 0700), 0);
    const ended program = run({TRACED, "named for a moment", "1"}, [&] {
        ::setenv("TEMPFILE_REGISTRY", place.path().c_str(), 1);
        ::setenv("TMPDIR", dir.path().c_str(), 1);
    });
    EXPECT_TRUE(program.well()) << program.text;
    EXPECT_TRUE(place.empty());
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, S3_a_directory_that_others_made_or_may_enter_is_refused_and_everything_works_without) {
    const scratch squatted;
    ASSERT_EQ(::chmod(squatted.path().c_str(), 0755), 0);
    const living owner([&] {
        ::setenv("TEMPFILE_REGISTRY", squatted.path().c_str(), 1);
        const crash_safety is = explain_crash_safety();
        named_temporary_file fp({.dir = dir.path()});
        fp << "x";
        temporary_directory made({.dir = dir.path()});
        fp.close();
        made.cleanup();
        if (is.on || is.error != std::errc::operation_not_permitted || is.refused.size() != 1 ||
            is.refused.front().path != squatted.path() || is.refused.front().error != is.error) {
            ::_exit(1);
        }
        const sweep_report report = sweep();
        if (report.skipped.size() != 1 || report.skipped.front().path != squatted.path() ||
            report.skipped.front().reason != skip_reason::refused) {
            ::_exit(2);
        }
    });
    EXPECT_TRUE(squatted.empty());
    EXPECT_TRUE(dir.empty());
}

TEST_F(registries, what_is_no_registry_or_a_damaged_or_newer_one_is_told_and_left_alone) {
    const scratch place;
    ASSERT_EQ(::chmod(place.path().c_str(), 0700), 0);
    living owner([&] {
        ::setenv("TEMPFILE_REGISTRY", place.path().c_str(), 1);
        make_both();
    });
    owner.end();
    ASSERT_EQ(place.names().size(), 1U);
    const path registry = place / place.names().front();
    const auto change = [&](std::size_t at, const std::string& bytes) {
        std::fstream file(registry, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at));
        file << bytes;
    };
    std::ofstream(place / "something") << "else";
    const environment_variable here("TEMPFILE_REGISTRY", place.path().c_str());

    change(8, std::string("\x02\0\0\0", 4));  // a newer version
    const sweep_report before = sweep();
    EXPECT_EQ(before.skipped.size(), 2U);
    EXPECT_EQ(skipped_because(skip_reason::newer, before), 1U);
    EXPECT_EQ(skipped_because(skip_reason::damaged, before), 1U);
    change(8, std::string("\x01\0\0\0", 4));
    std::ifstream written(registry, std::ios::binary);
    const std::string all(std::istreambuf_iterator<char>(written), {});
    change(all.find(dir.path().string()) + 5, "damaged");
    const sweep_report report = sweep();
    EXPECT_EQ(skipped_because(skip_reason::damaged, report), 2U);
    EXPECT_TRUE(report.removed.empty()) << "nothing in it is believed";
    EXPECT_EQ(dir.names().size(), 2U);
    EXPECT_TRUE(std::filesystem::exists(registry));
}

}  // namespace
}  // namespace tempfile::test
