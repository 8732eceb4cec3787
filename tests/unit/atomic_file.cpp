#include "tempfile/atomic_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "helpers.hpp"
#include "support/descriptors.hpp"
#include "support/in_child.hpp"
#include "support/scratch.hpp"
#include "tempfile/named_temporary_file.hpp"
#include "tempfile/sweep.hpp"
#include "tempfile/temporary_file.hpp"

namespace tempfile::test {
namespace {

using std::errc;

class atomic_test : public testing::Test {
protected:
    // What is in the directory besides the target.
    [[nodiscard]] std::vector<std::string> others() const {
        auto names = dir.names();
        std::erase(names, "target");
        return names;
    }

    file_mode_mask usual{022};
    scratch dir;
    const std::filesystem::path target = dir / "target";
};

// --- From beginning to end ---

TEST_F(atomic_test, the_target_appears_whole_with_commit) {
    atomic_file f(target);
    f << "a,b\n" << 1 << '\n';
    f.flush();
    EXPECT_FALSE(stands(target));
    EXPECT_TRUE(dir.empty()) << "it has no name until then";
    const persisted how = f.commit();
    EXPECT_EQ(contents(target), "a,b\n1\n");
    EXPECT_EQ(how.path, target);
    EXPECT_EQ(how.method, persist_method::link);
    EXPECT_TRUE(how.atomic);
    EXPECT_EQ(how.durable, durability::data);
    EXPECT_EQ(how.copied, copy_method::none);
    EXPECT_TRUE(f.closed());
}

TEST_F(atomic_test, an_existing_target_is_replaced_with_commit) {
    write_file(target, "old");
    atomic_file f(target);
    f << "new";
    f.flush();
    EXPECT_EQ(contents(target), "old");
    const persisted how = f.commit();
    EXPECT_EQ(how.method, persist_method::rename);
    EXPECT_EQ(contents(target), "new");
    EXPECT_TRUE(others().empty());
}

TEST_F(atomic_test, without_commit_nothing_happens) {
    write_file(target, "old");
    { atomic_file(target) << "destroyed"; }
    {
        atomic_file f(target);
        f << "cancelled";
        f.cancel();
        EXPECT_TRUE(f.closed());
        EXPECT_EQ(thrown([&] { f.commit(); }), errc::bad_file_descriptor);
    }
    {
        atomic_file f(target);
        f << "closed";
        f.close();
    }
    EXPECT_EQ(contents(target), "old");
    EXPECT_TRUE(others().empty());
}

TEST_F(atomic_test, a_second_commit_is_an_error) {
    atomic_file f(target);
    f.commit();
    EXPECT_EQ(thrown([&] { f.commit(); }), errc::bad_file_descriptor);
}

TEST_F(atomic_test, write_file_does_it_in_one_call) {
    tempfile::write_file(target, "one");
    EXPECT_EQ(contents(target), "one");
    const std::string many = sample(300'000);
    std::error_code ec;
    EXPECT_EQ(tempfile::write_file(target, std::as_bytes(std::span(many)), {}, ec).path, target);
    EXPECT_FALSE(ec);
    EXPECT_EQ(contents(target), many);
    tempfile::write_file(dir / "nowhere/target", "text", {}, ec);
    EXPECT_EQ(ec, errc::no_such_file_or_directory);
}

TEST_F(atomic_test, a_relative_target_is_one_of_when_it_was_made) {
    const working_directory here(dir.path());
    atomic_file f("target");
    EXPECT_EQ(f.path(), target);
    std::filesystem::current_path("/");
    f << "text";
    f.commit();
    EXPECT_EQ(contents(target), "text");
}

TEST_F(atomic_test, it_can_be_moved_and_swapped) {
    atomic_file a(target);
    a << "text";
    atomic_file b = std::move(a);
    EXPECT_TRUE(a.closed());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(a.path(), "");  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(thrown([&] { a.commit(); }), errc::bad_file_descriptor);
    atomic_file other(dir / "other");
    other << "more";
    swap(b, other);
    other.commit();
    b = std::move(other);
    EXPECT_EQ(contents(target), "text");
    EXPECT_FALSE(stands(dir / "other"));
}

TEST_F(atomic_test, no_descriptor_is_lost) {
    const auto before = open_descriptors();
    {
        atomic_file f(target);
        f.commit();
        atomic_file given_up(target);
    }
    EXPECT_EQ(thrown([&] { const atomic_file f(dir.path()); }), errc::is_a_directory);
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(atomic_test, T32_none_is_a_standard_stream) {
    write_file(target, "text");
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  const std::array streams = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
                  std::for_each(streams.begin(), streams.end(), ::close);
                  const atomic_file f(target);
                  named_temporary_file same({.dir = dir.path()});
                  same << "text";
                  same.persist(target, {.same = if_same::leave});  // from now on its handle is one of the target
                  for (const int fd : streams) {
                      if (::fcntl(fd, F_GETFD) != -1) {
                          wrong << fd << " is open\n";
                      }
                  }
              }),
              "");
}

// --- Errors ---

TEST_F(atomic_test, T29_a_write_error_is_sticky) {
    write_file(target, "old");
    for (const std::size_t buffering : {std::size_t{0}, std::size_t{4096}}) {
        atomic_file f(target, {}, {.buffering = buffering});
        nearly_full_disk disk(10'000);
        EXPECT_EQ(thrown([&] { f.write(std::string(20'000, 'x')); }), errc::no_space_on_device);
        disk.add_room(1'000'000);
        f.write("there is room again");
        EXPECT_EQ(thrown([&] { f.commit(); }), errc::no_space_on_device);
        EXPECT_EQ(contents(target), "old");
        f.truncate(0);
        f.seek(0);
        f.write("anew");
        f.commit();
        EXPECT_EQ(contents(target), "anew");
        write_file(target, "old");
    }
}

TEST_F(atomic_test, T29_so_is_one_of_an_operator) {
    write_file(target, "old");
    atomic_file f(target, {}, {.buffering = 0});
    {
        const nearly_full_disk disk(2);
        EXPECT_THROW(f << "text", std::system_error);
    }
    f.clear();
    EXPECT_EQ(thrown([&] { f.commit(); }), errc::no_space_on_device);
    atomic_file bad(target);
    EXPECT_THROW(bad.setstate(std::ios::badbit), std::ios::failure);
    EXPECT_EQ(thrown([&] { bad.commit(); }), errc::io_error);
    EXPECT_EQ(contents(target), "old");
}

TEST_F(atomic_test, T29_what_could_not_be_written_out_can_be_tried_again) {
    write_file(target, "old");
    atomic_file f(target);
    f << "in the buffer";
    {
        const nearly_full_disk disk(0);
        EXPECT_EQ(thrown([&] { f.commit(); }), errc::no_space_on_device);
        EXPECT_EQ(contents(target), "old");
    }
    f.commit();
    EXPECT_EQ(contents(target), "in the buffer");
}

TEST_F(atomic_test, T29_files_that_grow_too_large_are_not_published) {
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  write_file(target, "old");
                  atomic_file f(target);
                  const file_size_limit small(1000);
                  if (thrown([&] { f << std::string(100'000, 'x'); }) != errc::file_too_large) {
                      wrong << "the write fails with EFBIG\n";
                  }
                  if (thrown([&] { f.commit(); }) != errc::file_too_large || contents(target) != "old") {
                      wrong << "nothing is published\n";
                  }
              }),
              "");
}

TEST_F(atomic_test, room_is_reserved_when_the_size_is_known) {
    std::uint64_t asked = 0;
    const replace_call<&sys::calls::reserve> full([&](sys::handle, std::uint64_t bytes) {
        asked = bytes;
        return ENOSPC;
    });
    EXPECT_EQ(thrown([&] { atomic_file f(target, {}, {.expected_size = 12'345'678}); }), errc::no_space_on_device);
    EXPECT_EQ(asked, 12'345'678U);
    EXPECT_TRUE(dir.empty());
}

TEST_F(atomic_test, what_is_reserved_and_not_written_is_not_in_the_file) {
    atomic_file f(target, {}, {.expected_size = 10'000'000});
    f << "short";
    f.commit();
    EXPECT_EQ(contents(target), "short");
}

TEST_F(atomic_test, targets_that_cannot_be_are_refused_at_once) {
    write_file(target, "old");
    std::filesystem::create_directory(dir / "d");
    const auto refused = [](const std::filesystem::path& path, const persist_options& rules = {}) {
        std::error_code ec;
        const atomic_file f(path, rules, ec);
        EXPECT_TRUE(f.closed());
        return ec;
    };
    EXPECT_EQ(refused(""), errc::invalid_argument);
    EXPECT_EQ(refused(dir / "d"), errc::is_a_directory);
    EXPECT_EQ(refused(dir / "d/"), errc::is_a_directory);
    EXPECT_EQ(refused(dir / "d/."), errc::is_a_directory);
    EXPECT_EQ(refused(dir / "d/.."), errc::is_a_directory);
    EXPECT_EQ(refused("/"), errc::is_a_directory);
    EXPECT_EQ(refused(dir / "target/"), errc::is_a_directory);
    EXPECT_EQ(refused(dir / "target/below"), errc::not_a_directory);
    EXPECT_EQ(refused(dir / "nowhere/target"), errc::no_such_file_or_directory);
    EXPECT_EQ(refused(dir / std::string(300, 'x')), errc::filename_too_long);
    EXPECT_EQ(refused(std::string("a\0b", 3)), errc::invalid_argument);
    EXPECT_EQ(refused("/dev/null"), errc::invalid_argument) << "or root would replace it by a file";
    EXPECT_EQ(refused(target, {.existing = if_exists::refuse}), errc::file_exists);
    EXPECT_EQ(refused(dir / "new", {.existing = if_exists::exchange}), errc::no_such_file_or_directory);
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(refused(dir / "fifo"), errc::invalid_argument);
    EXPECT_EQ(others().size(), 2U);
}

TEST_F(atomic_test, messages_name_the_target_and_say_what_to_do) {
    EXPECT_TRUE(mentions(message_of([&] { atomic_file f(dir / "nowhere/target"); }), (dir / "nowhere").string()));
    EXPECT_TRUE(mentions(message_of([&] { atomic_file f(dir / "nowhere/target"); }), "make the directory"));
    EXPECT_TRUE(mentions(message_of([&] { atomic_file f(dir.path()); }), "directory"));
    EXPECT_TRUE(mentions(message_of([&] { atomic_file f("/dev/null"); }), "/dev/null"));
}

// --- When the target exists ---

TEST_F(atomic_test, T15_of_two_that_refuse_one_wins) {
    atomic_file a(target, {.existing = if_exists::refuse});
    atomic_file b(target, {.existing = if_exists::refuse});
    a << "a";
    b << "b";
    b.commit();
    EXPECT_EQ(thrown([&] { a.commit(); }), errc::file_exists);
    EXPECT_EQ(contents(target), "b");
    std::filesystem::remove(target);
    EXPECT_EQ(a.commit().method, persist_method::link) << "and it can be tried again";
    EXPECT_EQ(contents(target), "a");
}

TEST_F(atomic_test, an_exchange_keeps_the_old_file) {
    write_file(target, "old");
    persisted how;
    {
        atomic_file f(target, {.existing = if_exists::exchange});
        f << "new";
        how = f.commit();
    }
    EXPECT_EQ(how.method, persist_method::exchange);
    EXPECT_EQ(contents(target), "new");
    EXPECT_EQ(contents(how.previous), "old");
    EXPECT_EQ(how.previous.parent_path(), dir.path());
}

TEST_F(atomic_test, T6_what_an_exchange_keeps_is_in_no_registry_at_any_moment) {
    write_file(target, "old");
    using exchange_call = replace_call<&sys::calls::exchange>;
    const auto registered = [] {
        const auto all = leftovers();
        return std::any_of(all.begin(), all.end(), [](const auto& each) { return stands(each.path); });
    };
    const exchange_call looked_at([&](auto... arguments) {
        EXPECT_FALSE(registered()) << "or a kill after it would give the old file to the sweep";
        return exchange_call::real(arguments...);
    });
    tempfile::write_file(target, "new", {.existing = if_exists::exchange});
    EXPECT_FALSE(registered());
    const exchange_call refused([](auto...) { return EINVAL; });
    atomic_file f(target, {.existing = if_exists::exchange});
    EXPECT_EQ(thrown([&] { f.commit(); }), errc::invalid_argument);
    EXPECT_TRUE(registered()) << "what was not exchanged is ours";
}

TEST_F(atomic_test, what_is_left_alone_is_waited_for_and_can_be_written_to) {
    write_file(target, "same");
    const count_calls<&sys::calls::sync> syncs;
    temporary_file fp({.dir = dir.path()});
    fp << "same";
    const persisted how = fp.persist(target, {.same = if_same::leave, .durable = durability::data_and_directory});
    EXPECT_EQ(how.method, persist_method::left);
    EXPECT_EQ(how.durable, durability::data_and_directory);
    EXPECT_EQ(syncs.count(), 2);
    fp << "!";
    fp.close();
    EXPECT_EQ(contents(target), "same!");
}

TEST_F(atomic_test, the_same_contents_can_be_left_alone) {
    write_file(target, "same");
    const auto before = identity_of(target);
    const auto commit = [&](std::string_view text) {
        atomic_file f(target, {.same = if_same::leave});
        f.write(text);
        return f.commit().method;
    };
    EXPECT_EQ(commit("same"), persist_method::left);
    EXPECT_EQ(identity_of(target), before);
    EXPECT_EQ(commit("SAME"), persist_method::rename);
    EXPECT_EQ(commit("SAME and more"), persist_method::rename);
    EXPECT_EQ(commit("SAME"), persist_method::rename);
    const std::string large = sample(1'000'000);
    EXPECT_EQ(commit(large), persist_method::rename);
    EXPECT_EQ(commit(large), persist_method::left);
    std::string other = large;
    other.back() = '!';
    EXPECT_EQ(commit(other), persist_method::rename);
    EXPECT_TRUE(others().empty());
}

TEST_F(atomic_test, the_same_contents_with_another_mode_are_not_left_alone) {
    const auto write = [&](unsigned mode) {
        return tempfile::write_file(target, "same", {.same = if_same::leave, .mode = std::filesystem::perms{mode}})
            .method;
    };
    const auto has_mode = [&](unsigned mode) {
        return std::filesystem::status(target).permissions() == std::filesystem::perms{mode};
    };
    EXPECT_EQ(write(0640), persist_method::link);
    EXPECT_EQ(write(0640), persist_method::left);
    EXPECT_TRUE(has_mode(0640));
    EXPECT_EQ(write(0600), persist_method::rename);
    EXPECT_TRUE(has_mode(0600));
    EXPECT_TRUE(others().empty());
}

// --- Links ---

TEST_F(atomic_test, T13_a_link_is_followed_and_stays_one) {
    write_file(dir / "real", "old");
    std::filesystem::create_directory(dir / "d");
    std::filesystem::create_symlink("../real", dir / "d/relative");
    std::filesystem::create_symlink(dir / "d/relative", target);
    atomic_file f(target);
    f << "new";
    EXPECT_EQ(f.commit().path, dir / "d/../real");
    EXPECT_TRUE(std::filesystem::is_symlink(target));
    EXPECT_EQ(contents(dir / "real"), "new");
}

TEST_F(atomic_test, T13_a_link_to_nothing_gets_something_to_lead_to) {
    std::filesystem::create_symlink("new", target);
    tempfile::write_file(target, "text");
    EXPECT_TRUE(std::filesystem::is_symlink(target));
    EXPECT_EQ(contents(dir / "new"), "text");
}

TEST_F(atomic_test, T13_a_link_can_be_replaced_or_refused) {
    write_file(dir / "real", "old");
    std::filesystem::create_symlink("real", target);
    EXPECT_EQ(thrown([&] { tempfile::write_file(target, "new", {.symlink = if_symlink::refuse}); }),
              errc::too_many_symbolic_link_levels);
    tempfile::write_file(target, "new", {.symlink = if_symlink::replace});
    EXPECT_FALSE(std::filesystem::is_symlink(target));
    EXPECT_EQ(contents(target), "new");
    EXPECT_EQ(contents(dir / "real"), "old");
}

TEST_F(atomic_test, T13_links_in_a_circle_are_an_error) {
    std::filesystem::create_symlink("other", target);
    std::filesystem::create_symlink("target", dir / "other");
    EXPECT_EQ(thrown([&] { tempfile::write_file(target, "new"); }), errc::too_many_symbolic_link_levels);
}

TEST_F(atomic_test, T13_a_link_that_a_stranger_put_into_a_shared_directory_is_not_followed) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "making a stranger's link needs root";
    }
    write_file(dir / "precious", "old");
    std::filesystem::create_directory(dir / "shared");
    std::filesystem::create_symlink("../precious", dir / "shared/link");
    ASSERT_EQ(::lchown((dir / "shared/link").c_str(), nobody, nobody), 0);
    ASSERT_EQ(::chmod((dir / "shared").c_str(), 01777), 0);
    EXPECT_EQ(thrown([&] { tempfile::write_file(dir / "shared/link", "new"); }), errc::permission_denied);
    EXPECT_EQ(contents(dir / "precious"), "old");
    ASSERT_EQ(::chmod((dir / "shared").c_str(), 0777), 0);
    tempfile::write_file(dir / "shared/link", "new");  // as the kernel has it: only where it is sticky
    EXPECT_EQ(contents(dir / "precious"), "new");
}

TEST_F(atomic_test, T13_nor_is_a_strangers_file_replaced_there) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "making a stranger's file needs root";
    }
    std::filesystem::create_directory(dir / "shared");
    write_file(dir / "shared/file", "theirs");
    ASSERT_EQ(::chown((dir / "shared/file").c_str(), nobody, nobody), 0);
    ASSERT_EQ(::chmod((dir / "shared").c_str(), 01777), 0);
    EXPECT_EQ(thrown([&] { tempfile::write_file(dir / "shared/file", "secret"); }), errc::permission_denied)
        << "the new one would belong to the stranger";
    EXPECT_EQ(contents(dir / "shared/file"), "theirs");
}

// --- Mode, owner, attributes ---

TEST_F(atomic_test, T13_a_new_file_has_the_mode_of_new_files) {
    const auto mode_with = [&](mode_t mask) {
        const file_mode_mask now(mask);
        std::filesystem::remove(target);
        tempfile::write_file(target, "text");
        return permissions_of(target);
    };
    EXPECT_EQ(mode_with(022), 0644U);
    EXPECT_EQ(mode_with(0), 0666U);
    EXPECT_EQ(mode_with(077), 0600U);
    EXPECT_EQ(mode_with(0777), 0U);
}

TEST_F(atomic_test, T13_a_replaced_file_keeps_its_mode) {
    for (const unsigned mode : {0600U, 0644U, 0755U, 0444U, 0000U, 04755U}) {
        std::filesystem::remove(target);
        write_file(target, "old");
        ASSERT_EQ(::chmod(target.c_str(), mode), 0);
        tempfile::write_file(target, "new");
        EXPECT_EQ(permissions_of(target), mode);
    }
}

TEST_F(atomic_test, T13_an_exact_mode_wins) {
    const file_mode_mask strict(077);
    const persist_options rules{.mode = std::filesystem::perms(0640)};
    tempfile::write_file(target, "new", rules);
    EXPECT_EQ(permissions_of(target), 0640U);
    ASSERT_EQ(::chmod(target.c_str(), 0777), 0);
    tempfile::write_file(target, "new", rules);
    EXPECT_EQ(permissions_of(target), 0640U);
    tempfile::write_file(target, "new", {.metadata = metadata_of::new_file});
    EXPECT_EQ(permissions_of(target), 0600U);
}

TEST_F(atomic_test, T13_owner_and_group_stay) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving files away needs root";
    }
    write_file(target, "old");
    ASSERT_EQ(::chown(target.c_str(), nobody, nobody), 0);
    EXPECT_TRUE(tempfile::write_file(target, "new").not_copied.empty());
    struct stat is {};
    ASSERT_EQ(::stat(target.c_str(), &is), 0);
    EXPECT_EQ(is.st_uid, nobody);
    EXPECT_EQ(is.st_gid, nobody);
}

TEST_F(atomic_test, T13_an_owner_that_cannot_be_kept_is_told_and_nobody_gets_more) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving files away needs root";
    }
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    write_file(target, "old");
    ASSERT_EQ(::chmod(target.c_str(), 04674), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  const persisted how = tempfile::write_file(target, "new");
                  if (how.not_copied != std::vector<std::string>{"owner", "group"}) {
                      wrong << "it says what it could not copy\n";
                  }
                  if (permissions_of(target) != 0644U) {
                      wrong << "the group has what everybody has, and nobody the rights of the owner: " << std::oct
                            << permissions_of(target) << '\n';
                  }
              }),
              "");
}

TEST_F(atomic_test, T13_extended_attributes_stay) {
    write_file(target, "old");
    const std::string large(3000, 'v');
    if (::setxattr(target.c_str(), "user.note", large.data(), large.size(), 0) != 0) {
        GTEST_SKIP() << "the file system of " << dir.path() << " has no room for user attributes";
    }
    EXPECT_TRUE(tempfile::write_file(target, "new").not_copied.empty());
    std::string value(4000, '\0');
    const auto length = ::getxattr(target.c_str(), "user.note", value.data(), value.size());
    ASSERT_EQ(length, 3000);
    EXPECT_TRUE(value.starts_with(large));
}

TEST_F(atomic_test, T13_an_attribute_that_cannot_be_copied_is_told) {
    write_file(target, "old");
    if (::setxattr(target.c_str(), "user.note", "v", 1, 0) != 0) {
        GTEST_SKIP() << "the file system of " << dir.path() << " has no user attributes";
    }
    const replace_call<&sys::calls::set_attribute> full([](auto...) { return ENOSPC; });
    EXPECT_EQ(tempfile::write_file(target, "new").not_copied, std::vector<std::string>{"user.note"});
    EXPECT_EQ(contents(target), "new");
}

TEST_F(atomic_test, T15_the_mode_is_set_before_the_name) {
    write_file(target, "old");
    ASSERT_EQ(::chmod(target.c_str(), 0640), 0);
    bool named = false;
    const replace_call<&sys::calls::rename> rename([&](auto... arguments) {
        named = true;
        return replace_call<&sys::calls::rename>::real(arguments...);
    });
    const replace_call<&sys::calls::set_permissions> chmod([&](auto... arguments) {
        EXPECT_FALSE(named);
        return replace_call<&sys::calls::set_permissions>::real(arguments...);
    });
    tempfile::write_file(target, "new");
    EXPECT_TRUE(named);
}

// --- The disk ---

TEST_F(atomic_test, what_is_waited_for_is_what_was_asked) {
    const auto syncs = [&](durability durable) {
        const count_calls<&sys::calls::sync> counted;
        EXPECT_EQ(tempfile::write_file(target, "text", {.durable = durable}).durable, durable);
        return counted.count();
    };
    EXPECT_EQ(syncs(durability::none), 0);
    EXPECT_EQ(syncs(durability::data), 1);
    EXPECT_EQ(syncs(durability::data_and_directory), 2);
}

TEST_F(atomic_test, T29_what_the_disk_refuses_is_not_published) {
    write_file(target, "old");
    const replace_call<&sys::calls::sync> broken([](auto...) { return EIO; });
    EXPECT_EQ(thrown([&] { tempfile::write_file(target, "new"); }), errc::io_error);
    EXPECT_EQ(contents(target), "old");
    EXPECT_TRUE(others().empty());
}

// It was made with the mode that it would have then.
TEST_F(atomic_test, T13_the_mode_is_that_of_what_stands_there_in_the_end) {
    atomic_file f(target);
    f << "new";
    write_file(target, "came in between");
    std::filesystem::permissions(target, std::filesystem::perms(0600));
    {
        const replace_call<&sys::calls::rename> broken([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { f.commit(); }), errc::io_error);
    }
    EXPECT_EQ(permissions_of(f.fileno()), 0600U) << "it has a name now, which others could open it by";
    {
        const replace_call<&sys::calls::rename> broken([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { f.commit(); }), errc::io_error);
    }
    std::filesystem::remove(target);
    f.commit();
    EXPECT_EQ(permissions_of(target), 0644U);

    std::filesystem::permissions(target, std::filesystem::perms(0640));
    atomic_file g(target);
    std::filesystem::remove(target);
    g.commit();
    EXPECT_EQ(permissions_of(target), 0644U);

    std::filesystem::permissions(target, std::filesystem::perms(0666));
    tempfile::write_file(target, "beyond the umask");
    EXPECT_EQ(permissions_of(target), 0666U);
}

TEST_F(atomic_test, T29_after_an_error_of_the_disk_it_is_published_only_when_it_was_written_anew) {
    write_file(target, "old");
    atomic_file f(target);
    f << "lost, and the next fsync succeeds";
    {
        const replace_call<&sys::calls::sync> broken([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { f.commit(); }), errc::io_error);
    }
    EXPECT_EQ(thrown([&] { f.commit(); }), errc::io_error);
    EXPECT_EQ(contents(target), "old");
    f.truncate(0);
    f.seek(0);
    f << "anew";
    f.commit();
    EXPECT_EQ(contents(target), "anew");
}

TEST_F(atomic_test, T29_errors_of_a_network_file_system_are_asked_for_before_it_is_published) {
    write_file(target, "old");
    atomic_file f(target, {.durable = durability::none});
    f << "new";
    int closes = 0;
    {
        const replace_call<&sys::calls::close> quota([&](sys::handle h) {
            replace_call<&sys::calls::close>::real(h);
            return h != f.native_handle() && ++closes >= 2 ? EDQUOT : 0;  // the first is the existing target's
        });
        EXPECT_EQ(thrown([&] { f.commit(); }).value(), EDQUOT);
    }
    EXPECT_EQ(contents(target), "old");
    EXPECT_EQ(thrown([&] { f.commit(); }).value(), EDQUOT) << "it told of it once";
    f.truncate(0);
    f.seek(0);
    f << "new";
    f.commit();
    EXPECT_EQ(contents(target), "new");
}

TEST_F(atomic_test, a_name_that_may_not_survive_is_an_error_and_published_all_the_same) {
    int syncs = 0;
    const replace_call<&sys::calls::sync> broken([&](sys::handle) { return ++syncs == 2 ? EIO : 0; });
    atomic_file f(target, {.durable = durability::data_and_directory});
    f << "text";
    std::error_code ec;
    const persisted how = f.commit(ec);
    EXPECT_EQ(ec, errc::io_error);
    EXPECT_EQ(how.path, target);
    EXPECT_EQ(how.durable, durability::data);
    EXPECT_TRUE(f.closed());
    EXPECT_EQ(contents(target), "text");
}

// --- Other processes and threads ---

TEST_F(atomic_test, a_forked_child_publishes_nothing_and_removes_nothing) {
    const replace_call<&sys::calls::create_linkable> none([](auto...) { return EOPNOTSUPP; });
    atomic_file f(target);
    f << "parent's";
    f.flush();
    EXPECT_EQ(dir.names().size(), 1U);
    f << "!";
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  if (thrown([&] { f.commit(); }) != errc::operation_not_permitted) {
                      wrong << "it is the parent's\n";
                  }
                  if (f.native_handle() >= 0 && contents(f.native_handle()) != "parent's") {
                      wrong << "nor is anything written\n";
                  }
                  f.cancel();
              }),
              "");
    EXPECT_EQ(dir.names().size(), 1U);
    f.commit();
    EXPECT_EQ(contents(target), "parent's!");
}

TEST_F(atomic_test, T6_killed_when_it_has_the_owner_of_the_one_it_replaces_it_is_swept) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving files away needs root";
    }
    write_file(target, "old");
    ASSERT_EQ(::chown(target.c_str(), nobody, nobody), 0);
    for (const bool nameless : {true, false}) {
        EXPECT_NE(in_child([&](std::ostream&) {
                      if (!nameless) {
                          sys::call.create_linkable = [](auto...) noexcept { return EOPNOTSUPP; };
                      }
                      sys::call.rename = [](sys::handle, const char* from, sys::handle at, const char* to) noexcept {
                          return std::string_view(to) == "target" ? ::raise(SIGKILL) : ::renameat(at, from, at, to);
                      };
                      tempfile::write_file(target, "new");
                  }),
                  "");
        EXPECT_EQ(others().size(), 1U);
        sweep();
        EXPECT_TRUE(others().empty());
    }
    EXPECT_EQ(contents(target), "old");
}

TEST_F(atomic_test, T15_readers_never_see_a_part_or_nothing) {
    const auto text = [](int i) { return std::string(20'000, static_cast<char>('a' + i % 26)); };
    tempfile::write_file(target, text(0));
    std::atomic<bool> done{false};
    std::atomic<int> seen{0};
    std::thread reader([&] {
        while (!done) {
            const std::string now = contents(target);
            ASSERT_EQ(now.size(), 20'000U);
            ASSERT_EQ(now.find_first_not_of(now[0]), now.npos);
            ++seen;
        }
    });
    for (int i = 0; i < 1000 || seen < 100; ++i) {
        tempfile::write_file(target, text(i), {.durable = durability::none});
    }
    done = true;
    reader.join();
    EXPECT_TRUE(others().empty());
}

TEST_F(atomic_test, T13_it_has_no_rights_for_a_group_while_its_group_changes_back) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "giving a file to somebody else needs root";
    }
    write_file(target, "old");
    std::filesystem::permissions(target, std::filesystem::perms(0664));
    ASSERT_EQ(::chown(target.c_str(), 65534, 65534), 0);
    atomic_file f(target);
    f << "new";
    std::vector<unsigned> modes;
    using set_owner = replace_call<&sys::calls::set_owner>;
    const set_owner watched([&](sys::handle h, std::uint64_t owner, std::uint64_t group) {
        modes.push_back(permissions_of(h));
        return set_owner::real(h, owner, group);
    });
    const replace_call<&sys::calls::rename> fails([](auto...) { return EPERM; });
    EXPECT_EQ(thrown([&] { f.commit(); }), std::errc::operation_not_permitted);
    ASSERT_EQ(modes.size(), 2U);
    EXPECT_EQ(modes[1], 0600U);
}

// It was made with the mode of the target, which is meant for the target's group and ACL.
TEST_F(atomic_test, T13_a_name_that_stays_after_a_failure_is_for_its_owner_alone) {
    write_file(target, "old");
    std::filesystem::permissions(target, std::filesystem::perms(0664));
    const mode_t before = ::umask(0);
    atomic_file f(target);
    ::umask(before);
    f << "new";
    {
        const replace_call<&sys::calls::rename> fails([](auto...) { return EPERM; });
        EXPECT_EQ(thrown([&] { f.commit(); }), std::errc::operation_not_permitted);
    }
    ASSERT_EQ(others().size(), 1U);
    EXPECT_EQ(std::filesystem::status(dir / others()[0]).permissions(), std::filesystem::perms(0600));
    f.commit();
    EXPECT_TRUE(others().empty());
    EXPECT_EQ(contents(target), "new");
    EXPECT_EQ(std::filesystem::status(target).permissions(), std::filesystem::perms(0664));
}

}  // namespace
}  // namespace tempfile::test
