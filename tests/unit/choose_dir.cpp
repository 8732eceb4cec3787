#include "tempfile/choose_dir.hpp"

#include <gtest/gtest.h>

#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "helpers.hpp"
#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/file_systems.hpp"
#include "support/in_child.hpp"
#include "support/mounted.hpp"
#include "support/scratch.hpp"
#include "tempfile/file.hpp"

namespace tempfile::test {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;
constexpr std::uint64_t exbibyte = std::uint64_t{1} << 60;  // more than there is

const dir_candidate& at(const choice& made, const std::filesystem::path& dir) {
    for (const dir_candidate& c : made.candidates) {
        if (c.dir == dir) {
            return c;
        }
    }
    throw std::runtime_error(dir.string() + " is no candidate");
}

bool lacks(const dir_candidate& c, misfit lack) {
    return std::find(c.misfits.begin(), c.misfits.end(), lack) != c.misfits.end();
}

std::vector<std::string> names_of(const choice& made) {
    std::vector<std::string> names;
    for (const dir_candidate& c : made.candidates) {
        names.push_back(c.origin + ' ' + c.dir.string());
    }
    return names;
}

class choose_dir_test : public testing::Test {
protected:
    environment_variable tmpdir{"TMPDIR", nullptr};
    environment_variable temp{"TEMP", nullptr};
    environment_variable tmp{"TMP", nullptr};
    environment_variable runtime{"XDG_RUNTIME_DIR", nullptr};
    scratch dir;
};

// What $TMPDIR is for as long as this lives.
environment_variable tmpdir_is(const std::filesystem::path& path) {
    return {"TMPDIR", path.c_str()};
}

// --- No need, and the order ---

TEST_F(choose_dir_test, without_a_need_it_is_the_first_of_gettempdir) {
    EXPECT_EQ(choose_dir(), "/tmp");
    const auto set = tmpdir_is(dir.path());
    EXPECT_EQ(choose_dir(), dir.path());
    const auto made = explain(need{});
    EXPECT_EQ(made.dir, dir.path());
    EXPECT_FALSE(made.error);
    EXPECT_EQ(made.message, "");
    EXPECT_EQ(at(made, dir.path()).why_not, "");
    EXPECT_TRUE(at(made, dir.path()).chosen);
    EXPECT_EQ(at(made, "/tmp").why_not, "it would do; " + dir.path().string() + " comes first");
    EXPECT_TRUE(dir.empty());
}

TEST_F(choose_dir_test, an_override_of_the_program_comes_first) {
    scratch other;
    const scoped_tempdir here(other.path());
    const auto set = tmpdir_is(dir.path());
    EXPECT_EQ(choose_dir(), other.path());
    EXPECT_EQ(at(explain(need{}), other.path()).origin, "scoped_tempdir");
}

TEST_F(choose_dir_test, an_unusable_one_is_passed_over) {
    const auto set = tmpdir_is("/nonexistent");
    const auto made = explain(need{});
    EXPECT_EQ(made.dir, "/tmp");
    EXPECT_EQ(at(made, "/nonexistent").misfits, std::vector{misfit::unusable});
    EXPECT_EQ(at(made, "/nonexistent").why_not, "No such file or directory");
}

TEST_F(choose_dir_test, each_path_is_listed_once) {
    const auto set = tmpdir_is("/var/tmp");
    const working_directory here(dir.path());
    EXPECT_EQ(names_of(explain(need{})),
              (std::vector<std::string>{"$TMPDIR /var/tmp", "default /tmp", "default /usr/tmp",
                                        "working directory " + dir.path().string()}));
}

TEST_F(choose_dir_test, large_things_go_to_var_tmp_before_tmp) {
    const auto names = names_of(explain({.large = true}));
    EXPECT_EQ(names.at(0), "default /var/tmp");
    EXPECT_EQ(names.at(1), "default /tmp");
}

TEST_F(choose_dir_test, memory_and_secrets_have_places_of_their_own) {
    const environment_variable set("XDG_RUNTIME_DIR", dir.path().c_str());
    const auto memory = names_of(explain({.memory = true}));
    EXPECT_EQ(memory.at(0), "memory /dev/shm");
    EXPECT_EQ(memory.at(1), "$XDG_RUNTIME_DIR " + dir.path().string());
    EXPECT_EQ(memory.at(2), "default /tmp");
    const auto secret = names_of(explain({.secret = true}));
    EXPECT_EQ(secret.at(0), "$XDG_RUNTIME_DIR " + dir.path().string());
    EXPECT_EQ(secret.at(1), "memory /dev/shm");
    const environment_variable relative("XDG_RUNTIME_DIR", "run");
    EXPECT_EQ(names_of(explain({.secret = true})).at(0), "memory /dev/shm");
}

TEST_F(choose_dir_test, in_a_set_user_id_program_the_environment_is_not_looked_at) {
    const environment_variable set("XDG_RUNTIME_DIR", dir.path().c_str());
    const auto also = tmpdir_is(dir.path());
    const replace_call<&sys::calls::environment> secure([](const char*) { return nullptr; });
    const replace_call<&sys::calls::set_user_id> privileged([] { return true; });
    const auto made = explain({.memory = true});
    EXPECT_TRUE(made.environment_ignored);
    EXPECT_EQ(names_of(made).at(0), "memory /dev/shm");
    EXPECT_EQ(names_of(made).at(1), "default /tmp");
}

// --- Room ---

TEST_F(choose_dir_test, what_is_free_is_told_as_the_system_tells_it) {
    struct statvfs about {};
    ASSERT_EQ(::statvfs("/tmp", &about), 0);
    const auto made = explain(need{});
    const dir_candidate c = at(made, "/tmp");
    ASSERT_TRUE(c.free_bytes);
    const auto difference =
        static_cast<double>(*c.free_bytes) - static_cast<double>(about.f_bavail) * static_cast<double>(about.f_bsize);
    EXPECT_LT(difference < 0 ? -difference : difference, 1e9) << "others work in /tmp, too";
    EXPECT_NE(c.file_system, "");
}

TEST_F(choose_dir_test, when_nothing_is_large_enough_the_message_names_the_need_and_the_nearest) {
    std::error_code ec;
    EXPECT_EQ(choose_dir({.bytes = exbibyte}, ec), "");
    EXPECT_EQ(ec, std::errc::no_space_on_device);
    try {
        static_cast<void>(choose_dir({.bytes = exbibyte, .large = true}));
        FAIL() << "there is no such disk";
    } catch (const std::filesystem::filesystem_error& e) {
        const std::string said = e.std::system_error::what();  // to which the path is added
        EXPECT_TRUE(mentions(said, "has what is needed (1 EiB free, not in memory), not even the nearest (only "));
        EXPECT_TRUE(said.ends_with(" free): " + std::generic_category().message(ENOSPC))) << said;
        EXPECT_FALSE(mentions(said, e.path1().string())) << "it is said once: " << said;
        EXPECT_EQ(e.code(), std::errc::no_space_on_device);
    }
    const auto made = explain({.bytes = exbibyte});
    EXPECT_EQ(made.dir, "");
    EXPECT_EQ(made.error, std::errc::no_space_on_device);
    EXPECT_TRUE(mentions(made.message, "1 EiB free")) << made.message;
    EXPECT_TRUE(made.message.ends_with(" free)")) << "the reason is said once: " << made.message;
}

TEST_F(choose_dir_test, why_none_can_be_used_is_said_once) {
    const replace_call<&sys::calls::open_path> broken([](sys::handle, const char*, sys::handle&) { return EIO; });
    const auto said_of = [](const need& what) {
        try {
            return choose_dir(what).string();
        } catch (const std::filesystem::filesystem_error& e) {
            return std::string(e.std::system_error::what());
        }
    };
    EXPECT_EQ(said_of({}), "tempfile: no directory for temporary files can be used, not even the nearest: " +
                               std::generic_category().message(EIO));
    EXPECT_EQ(said_of({.bytes = 1}),
              "tempfile: no directory for temporary files has what is needed (1 byte free), "
              "not even the nearest: " +
                  std::generic_category().message(EIO));
    EXPECT_EQ(explain(need{}).message,
              "no directory for temporary files can be used; the nearest is \"/tmp\" (Input/output error)");
}

TEST_F(choose_dir_test, sizes_in_messages_are_rounded_down) {
    for (const auto& [bytes, text] : std::vector<std::pair<std::uint64_t, std::string>>{
             {exbibyte + exbibyte / 2, "1.5 EiB"}, {2 * exbibyte - 1, "1.9 EiB"}, {~std::uint64_t{0}, "15.9 EiB"}}) {
        EXPECT_TRUE(mentions(explain({.bytes = bytes}).message, "(" + text + " free)")) << text;
    }
}

// As root and as an ordinary user.
void expect_for_all(const child_body& body) {
    EXPECT_EQ(in_child(body), "");
    EXPECT_EQ(as_ordinary_user(body), "");
}

TEST_F(choose_dir_test, one_is_said_in_the_singular) {
    constexpr std::uint64_t more_than_there_is = std::uint64_t{1} << 60;
    const std::string byte = tempfile::explain({.bytes = 1, .inodes = more_than_there_is}).message;
    EXPECT_TRUE(mentions(byte, "(1 byte free, room for 1152921504606846976 files)")) << byte;
    const std::string file = tempfile::explain({.bytes = more_than_there_is, .inodes = 1}).message;
    EXPECT_TRUE(mentions(file, "(1 EiB free, room for 1 file)")) << file;
}

TEST_F(choose_dir_test, a_small_file_system_is_passed_over_where_room_is_needed) {
    const mounted small("mount -t tmpfs -o size=1m,mode=1777 tmpfs $M");
    if (!small) {
        GTEST_SKIP() << small.why_not();
    }
    std::filesystem::permissions(small.path().parent_path(), std::filesystem::perms(0755));
    const auto set = tmpdir_is(small.path());
    expect_for_all([&](std::ostream& wrong) {
        if (choose_dir({.bytes = mebibyte / 2}) != small.path()) {
            wrong << "what fits is not taken\n";
        }
        const auto made = explain({.bytes = 2 * mebibyte});
        const dir_candidate c = at(made, small.path());
        if (made.dir == small.path() || !lacks(c, misfit::no_room) || c.free_bytes != mebibyte ||
            c.why_not != "only 1 MiB free" || c.file_system != "tmpfs" || c.kind != medium::memory) {
            wrong << c.why_not << ' ' << c.file_system << ' ' << c.free_bytes.value_or(0) << '\n';
        }
    });
}

TEST_F(choose_dir_test, where_no_inodes_are_left_nothing_can_be_made) {
    const mounted few("mount -t tmpfs -o nr_inodes=10,mode=1777 tmpfs $M; cd $M; touch 1 2 3");
    if (!few) {
        GTEST_SKIP() << few.why_not();
    }
    std::filesystem::permissions(few.path().parent_path(), std::filesystem::perms(0755));
    const auto set = tmpdir_is(few.path());
    expect_for_all([&](std::ostream& wrong) {
        const auto made = explain({.inodes = 7});
        const dir_candidate c = at(made, few.path());
        if (choose_dir({.inodes = 6}) != few.path() || !lacks(c, misfit::no_inodes) ||
            c.why_not != "only room for 6 files") {
            wrong << c.why_not << '\n';
        }
    });
    for (int i = 4; i < 10; ++i) {
        write_file(few / std::to_string(i), "");
    }
    expect_for_all([&](std::ostream& wrong) {
        const auto made = explain(need{});
        if (at(made, few.path()).why_not != "No space left on device" || made.dir == few.path()) {
            wrong << at(made, few.path()).why_not << '\n';
        }
    });
}

TEST_F(choose_dir_test, a_file_system_without_limits_has_room_for_anything_but_memory) {
    const mounted unlimited("mount -t ramfs ramfs $M");
    if (!unlimited) {
        GTEST_SKIP() << unlimited.why_not();
    }
    const auto set = tmpdir_is(unlimited.path());
    const auto made = explain({.bytes = 1, .inodes = exbibyte});
    EXPECT_EQ(made.dir, unlimited.path());
    const dir_candidate c = at(made, unlimited.path());
    EXPECT_EQ(c.free_inodes, std::nullopt);
    ASSERT_TRUE(c.free_bytes);
    EXPECT_LT(*c.free_bytes, exbibyte) << "that much memory is available";
    const replace_call<&sys::calls::available_memory> untold([](std::uint64_t&) { return ENOENT; });
    EXPECT_EQ(at(explain(need{}), unlimited.path()).free_bytes, std::nullopt);
    EXPECT_EQ(choose_dir({.bytes = exbibyte}), unlimited.path());
}

// --- Quotas ---

TEST_F(choose_dir_test, a_quota_that_is_used_up_is_met_for_real) {
    const mounted fs(
        "truncate -s 128M $W/image; mkfs.btrfs -q $W/image; mount -o loop $W/image $M; btrfs quota enable $M; "
        "btrfs subvolume create $M/sub; btrfs qgroup limit 1M $M/sub; chmod 1777 $M/sub");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const std::error_code full = [&] {
        std::error_code ec;
        file fill(::open((fs / "sub/fill").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        while (!ec) {
            fill.write(std::string(4096, 'x'), ec);
        }
        return ec;
    }();
    if (full.value() != EDQUOT) {
        GTEST_SKIP() << "no quota that is kept: " << full.message();
    }
    const auto set = tmpdir_is(fs / "sub");
    EXPECT_EQ(at(explain(need{}), fs / "sub").error.value(), EDQUOT);
}

// This kernel may have been built without them, and then nothing shows them for real.
TEST_F(choose_dir_test, what_a_quota_leaves_counts) {
    const auto set = tmpdir_is(dir.path());
    for (const bool whose : {false, true}) {
        const replace_call<&sys::calls::quota> limited([&](sys::handle, bool of_group, sys::allowance& out) {
            out = {.bytes = of_group == whose ? mebibyte : sys::no_limit, .inodes = of_group == whose ? 5U : 9U};
            return 0;
        });
        const auto made = explain({.bytes = 2 * mebibyte});
        const dir_candidate c = at(made, dir.path());
        EXPECT_EQ(c.misfits, std::vector{misfit::over_quota});
        EXPECT_EQ(c.why_not, "the quota leaves only 1 MiB and 5 files");
        EXPECT_EQ(c.free_bytes, mebibyte);
        EXPECT_EQ(c.free_inodes, 5);
        EXPECT_EQ(made.error.value(), EDQUOT);
        EXPECT_EQ(choose_dir({.bytes = mebibyte, .inodes = 5}), dir.path());
        EXPECT_TRUE(lacks(at(explain({.inodes = 6}), dir.path()), misfit::over_quota));
    }
}

// --- Kinds of file systems ---

TEST_F(choose_dir_test, memory_and_storage_are_told_apart) {
    const mounted memory("mount -t tmpfs -o size=8m tmpfs $M");
    const mounted storage(file_systems::ext4.commands);
    if (!memory || !storage) {
        GTEST_SKIP() << memory.why_not() << storage.why_not();
    }
    const environment_variable first("TMPDIR", memory.path().c_str());
    const environment_variable second("TEMP", storage.path().c_str());
    EXPECT_EQ(choose_dir({.large = true}), storage.path());
    EXPECT_EQ(at(explain({.large = true}), memory.path()).misfits, std::vector{misfit::in_memory});
    EXPECT_EQ(choose_dir({.memory = true}), memory.path());
    const auto made = explain({.memory = true});
    EXPECT_EQ(at(made, storage.path()).misfits, std::vector{misfit::not_memory});
    EXPECT_EQ(at(made, storage.path()).file_system, "ext4");
    EXPECT_EQ(at(made, storage.path()).kind, medium::storage);
}

TEST_F(choose_dir_test, of_what_is_laid_over_something_the_medium_is_unknown) {
    for (const auto& fs : {file_systems::overlay, file_systems::bindfs}) {
        const mounted over(fs.commands);
        if (!over) {
            GTEST_SKIP() << over.why_not();
        }
        const auto set = tmpdir_is(over.path());
        const auto made = explain({.large = true});
        EXPECT_EQ(at(made, over.path()).kind, medium::unknown) << fs.name;
        EXPECT_EQ(made.dir, over.path()) << fs.name;
        EXPECT_TRUE(lacks(at(explain({.memory = true}), over.path()), misfit::not_memory)) << fs.name;
    }
}

TEST_F(choose_dir_test, noexec_is_no_place_for_programs) {
    const mounted fs("mount -t tmpfs -o size=8m,noexec tmpfs $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const auto set = tmpdir_is(fs.path());
    EXPECT_EQ(choose_dir(), fs.path());
    const auto made = explain({.exec = true});
    EXPECT_NE(made.dir, fs.path());
    EXPECT_TRUE(at(made, fs.path()).noexec);
    EXPECT_EQ(at(made, fs.path()).why_not, "mounted with noexec");
}

TEST_F(choose_dir_test, read_only_is_no_place_for_anything) {
    const mounted fs("mount -t tmpfs -o size=8m,ro,mode=1777 tmpfs $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    std::filesystem::permissions(fs.path().parent_path(), std::filesystem::perms(0755));
    const auto set = tmpdir_is(fs.path());
    expect_for_all([&](std::ostream& wrong) {
        const auto made = explain(need{});
        if (at(made, fs.path()).error != std::errc::read_only_file_system || made.dir == fs.path()) {
            wrong << at(made, fs.path()).why_not << '\n';
        }
    });
}

TEST_F(choose_dir_test, where_one_may_not_write_is_no_place) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "needs root, whose directory this is for the others";
    }
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
    const auto set = tmpdir_is(dir.path());
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  const auto made = explain(need{});
                  if (at(made, dir.path()).why_not != "Permission denied" || made.dir != "/tmp") {
                      wrong << at(made, dir.path()).why_not << '\n';
                  }
              }),
              "");
}

// --- Secrets ---

TEST_F(choose_dir_test, S6_a_secret_goes_only_where_it_is_not_swapped_out) {
    const mounted ram("mount -t ramfs -o mode=700 ramfs $M");
    const mounted pinned("mount -t tmpfs -o size=8m,noswap,mode=700 tmpfs $M");
    const mounted usual("mount -t tmpfs -o size=8m,mode=700 tmpfs $M");
    if (!ram || !pinned || !usual) {
        GTEST_SKIP() << ram.why_not() << pinned.why_not() << usual.why_not();
    }
    const environment_variable first("TMPDIR", usual.path().c_str());
    for (const auto* const fs : {&ram, &pinned}) {
        const environment_variable second("TEMP", fs->path().c_str());
        const replace_call<&sys::calls::swaps> in_use([](bool& yes) {
            yes = true;
            return 0;
        });
        const auto made = explain({.secret = true});
        EXPECT_EQ(made.dir, fs->path());
        EXPECT_EQ(at(made, usual.path()).why_not, "may be swapped out");
        EXPECT_EQ(at(made, "/tmp").misfits.front(), misfit::not_memory);
    }
    {
        const replace_call<&sys::calls::swaps> none([](bool& yes) {
            yes = false;
            return 0;
        });
        EXPECT_EQ(choose_dir({.secret = true}), usual.path());
    }
    const replace_call<&sys::calls::swaps> untold([](bool&) { return ENOENT; });
    const auto unfit = [](const need& what) {
        try {
            return choose_dir(what).string();
        } catch (const std::exception& e) {
            return std::string(e.what());
        }
    };
    EXPECT_TRUE(mentions(unfit({.secret = true}), "may be swapped out")) << "nearer than storage, which has more room";
    EXPECT_TRUE(lacks(at(explain({.secret = true}), usual.path()), misfit::swappable)) << "nobody can tell";
}

TEST_F(choose_dir_test, S6_a_directory_that_is_open_to_others_comes_last_and_never_for_a_secret) {
    const mounted open("mount -t ramfs -o mode=777 ramfs $M");
    if (!open) {
        GTEST_SKIP() << open.why_not();
    }
    const auto set = tmpdir_is(open.path());
    const auto made = explain(need{});
    EXPECT_EQ(made.dir, "/tmp");
    EXPECT_EQ(at(made, open.path()).why_not, "others can rename and remove what is in it");
    EXPECT_TRUE(at(made, open.path()).misfits.empty());
    EXPECT_TRUE(lacks(at(explain({.secret = true}), open.path()), misfit::exposed));
    const scratch elsewhere;
    EXPECT_EQ(choose_dir({.same_device_as = open.path()}), open.path()) << "where there is no other";
}

// --- The same device ---

TEST_F(choose_dir_test, a_rename_works_from_what_is_chosen_for_the_same_device) {
    const mounted fs(std::string(file_systems::tmpfs.commands) + "; mkdir -p $M/a/b; touch $M/a/b/file");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    for (const char* target : {"a/b", "a/b/file", "a/b/none", "a/b/"}) {
        const auto chosen = choose_dir({.same_device_as = fs / target});
        EXPECT_EQ(chosen, fs / "a/b") << target;
    }
    const auto made = explain({.same_device_as = fs / "a/b/file"});
    EXPECT_EQ(at(made, "/tmp").why_not, "on another device");
    EXPECT_EQ(at(made, fs / "a").origin, "same device");
    EXPECT_EQ(at(made, fs.path()).origin, "same device");
    EXPECT_THROW(static_cast<void>(at(made, fs.path().parent_path())), std::runtime_error) << "that is another mount";
}

TEST_F(choose_dir_test, the_usual_directory_is_taken_where_it_is_on_the_same_device) {
    EXPECT_EQ(choose_dir({.same_device_as = dir / "file"}), "/tmp");
}

// A rename from one to the other gives EXDEV all the same.
TEST_F(choose_dir_test, a_bind_mount_is_another_device) {
    const mounted bound("mount --bind $W $M");
    if (!bound) {
        GTEST_SKIP() << bound.why_not();
    }
    EXPECT_EQ(choose_dir({.same_device_as = bound.path()}), bound.path());
}

TEST_F(choose_dir_test, where_the_directory_may_not_be_written_to_one_above_it_serves) {
    const mounted fs("mount -t tmpfs -o size=8m,mode=1777 tmpfs $M; mkdir -m 755 $M/theirs; touch $M/theirs/file");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    std::filesystem::permissions(fs.path().parent_path(), std::filesystem::perms(0755));
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  const auto made = explain({.same_device_as = fs / "theirs/file"});
                  if (made.dir != fs.path()) {
                      wrong << made.dir << ' ' << made.message << '\n';
                  }
              }),
              "");
}

TEST_F(choose_dir_test, a_path_that_leads_nowhere_is_an_error) {
    std::error_code ec;
    EXPECT_EQ(choose_dir({.same_device_as = dir / "none/none"}, ec), "");
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
    EXPECT_EQ(thrown([&] { static_cast<void>(explain({.same_device_as = dir / "none/none"})); }),
              std::errc::no_such_file_or_directory);
    EXPECT_THROW(static_cast<void>(choose_dir({.same_device_as = std::string("a\0b", 3)})), std::invalid_argument);
}

TEST_F(choose_dir_test, a_need_that_contradicts_itself_is_refused) {
    EXPECT_THROW(static_cast<void>(choose_dir({.large = true, .memory = true})), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(explain({.large = true, .secret = true})), std::invalid_argument);
    std::error_code ec;
    EXPECT_EQ(choose_dir({.large = true, .memory = true}, ec), "");
    EXPECT_EQ(ec, std::errc::invalid_argument);
}

// --- What the system does not tell ---

TEST_F(choose_dir_test, what_is_not_told_is_no_reason_against_a_directory) {
    const auto set = tmpdir_is(dir.path());
    const replace_call<&sys::calls::free_space> no_space([](sys::handle, sys::space&) { return ENOSYS; });
    const replace_call<&sys::calls::mounted> no_mounts([](std::uint64_t, sys::mount_entry&) { return ENOENT; });
    const auto made = explain({.bytes = exbibyte, .exec = true});
    EXPECT_EQ(made.dir, dir.path());
    EXPECT_EQ(at(made, dir.path()).file_system, "");
    EXPECT_EQ(at(made, dir.path()).free_bytes, std::nullopt);
}

TEST_F(choose_dir_test, a_directory_that_cannot_be_looked_at_is_not_taken) {
    const auto set = tmpdir_is(dir.path());
    using open_path = replace_call<&sys::calls::open_path>;
    const open_path refused([&](sys::handle from, const char* name, sys::handle& made) {
        return (dir.path() / ".") == name ? EACCES : open_path::real(from, name, made);
    });
    const auto made = explain(need{});
    EXPECT_EQ(made.dir, "/tmp");
    EXPECT_EQ(at(made, dir.path()).why_not, "Permission denied");
}

TEST_F(choose_dir_test, whatever_call_fails_it_leaves_no_handle_and_no_file_and_finds_something) {
    const auto set = tmpdir_is(dir.path());
    const need all = {.bytes = 1, .inodes = 1, .exec = true, .same_device_as = dir / "file"};
    static_cast<void>(explain(all));
    const auto before = open_descriptors();
    bool done = false;
    for (int n = 1; !done; ++n) {
        int calls = 0;
        const every_call gate([&](std::string_view) { return ++calls == n ? EMFILE : 0; });
        try {
            EXPECT_NE(explain(all).dir, "") << n;
        } catch (const std::filesystem::filesystem_error& e) {
            EXPECT_EQ(e.code(), std::errc::too_many_files_open) << n;
            EXPECT_EQ(e.path1(), dir / "file") << n;
        }
        ASSERT_EQ(open_descriptors(), before) << n;
        ASSERT_TRUE(dir.empty()) << n;
        done = calls < n;
    }
}

}  // namespace
}  // namespace tempfile::test
