// persist() of each kind of object; the rules themselves are tested in atomic_file.cpp.

#include "tempfile/persist.hpp"

#include <gtest/gtest.h>
#include <sys/xattr.h>

#include <fstream>
#include <memory>
#include <stdexcept>

#include "helpers.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/scratch.hpp"
#include "tempfile/tempfile.hpp"

namespace tempfile::test {
namespace {

using std::errc;

class persist_test : public testing::Test {
protected:
    [[nodiscard]] std::vector<std::string> others() const {
        auto names = dir.names();
        std::erase(names, "target");
        return names;
    }
    [[nodiscard]] bool two_file_systems() const {
        return identity_of(dir.path()).first != identity_of(elsewhere.path()).first;
    }

    file_mode_mask usual{022};
    scratch dir;
    scratch elsewhere{in_memory()};
    const std::filesystem::path target = dir / "target";
};

// --- Named files ---

TEST_F(persist_test, a_named_file_is_moved_and_stays_open) {
    auto fp = std::make_unique<named_temporary_file>(named_temporary_file_options{.dir = dir.path()});
    *fp << "text";
    const auto before = fp->path();
    const persisted how = fp->persist(target);
    EXPECT_EQ(how.method, persist_method::rename);
    EXPECT_EQ(how.copied, copy_method::none);
    EXPECT_FALSE(stands(before));
    EXPECT_EQ(contents(target), "text");
    EXPECT_EQ(permissions_of(target), 0644U) << "as any new file";
    EXPECT_EQ(fp->path(), target);
    *fp << " and more";
    fp.reset();
    EXPECT_EQ(contents(target), "text and more") << "what is buffered is not thrown away any more";
    EXPECT_TRUE(others().empty());
}

TEST_F(persist_test, a_closed_named_file_can_be_persisted) {
    named_temporary_file fp({.dir = dir.path(), .deletion = delete_when::destroyed});
    fp << "text";
    fp.close();
    fp.persist(target);
    EXPECT_EQ(contents(target), "text");
}

TEST_F(persist_test, what_an_editor_put_at_the_name_is_published) {
    named_temporary_file fp({.dir = dir.path()});
    fp << "first";
    fp.flush();
    write_file(dir / "edited", "edited");
    std::filesystem::rename(dir / "edited", fp.path());
    fp.persist(target);
    EXPECT_EQ(contents(target), "edited");
}

TEST_F(persist_test, T12_a_failure_leaves_the_object_its_file) {
    named_temporary_file fp({.dir = dir.path()});
    fp << "text";
    EXPECT_EQ(thrown([&] { fp.persist(dir / "nowhere/target"); }), errc::no_such_file_or_directory);
    EXPECT_EQ(thrown([&] { fp.persist(dir.path()); }), errc::is_a_directory);
    EXPECT_TRUE(fp.still_there());
    EXPECT_EQ(permissions_of(fp.path()), 0600U);
    const auto path = fp.path();
    fp.close();
    EXPECT_FALSE(stands(path));
    EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::operation_not_permitted) << "there is nothing left to persist";
}

TEST_F(persist_test, T12_the_mode_of_a_file_that_could_not_be_published_is_what_it_was) {
    named_temporary_file fp({.dir = dir.path()});
    const replace_call<&sys::calls::rename> refused([](auto...) { return EACCES; });
    EXPECT_EQ(thrown([&] { fp.persist(target, {.mode = std::filesystem::perms(0666)}); }), errc::permission_denied);
    EXPECT_EQ(permissions_of(fp.path()), 0600U);
}

TEST_F(persist_test, T12_its_own_file_is_no_target) {
    named_temporary_file fp({.dir = dir.path()});
    fp << "text";
    EXPECT_EQ(thrown([&] { fp.persist(fp.path()); }), errc::invalid_argument);
    std::filesystem::create_hard_link(fp.path(), target);
    EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::invalid_argument) << "rename(2) would do nothing, and say 0";
    EXPECT_TRUE(fp.still_there());
}

TEST_F(persist_test, T29_a_closed_file_that_the_disk_may_have_lost_is_not_published) {
    named_temporary_file fp({.dir = dir.path(), .deletion = delete_when::destroyed});
    fp << "text";
    fp.close();
    {
        const replace_call<&sys::calls::sync> broken([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::io_error);
        EXPECT_EQ(permissions_of(fp.path()), 0600U) << "and its mode is what it was";
    }
    EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::io_error);
    EXPECT_FALSE(stands(target));
}

TEST_F(persist_test, a_failure_is_an_exception_that_says_what_was_achieved) {
    write_file(target, "old");
    named_temporary_file fp({.dir = dir.path()});
    try {
        fp.persist_noclobber(target);
        FAIL();
    } catch (const persist_error& e) {
        EXPECT_EQ(e.result().path, "");
    }
    int syncs = 0;
    const replace_call<&sys::calls::sync> broken([&](sys::handle) { return ++syncs == 2 ? EIO : 0; });
    try {
        fp.persist(target, {.durable = durability::data_and_directory});
        FAIL();
    } catch (const persist_error& e) {
        EXPECT_EQ(e.result().path, target);
        EXPECT_EQ(e.result().durable, durability::data);
    }
}

TEST_F(persist_test, T13_attributes_of_a_target_that_was_not_to_be_had_do_not_stay) {
    write_file(target, "old");
    if (::setxattr(target.c_str(), "user.note", "v", 1, 0) != 0) {
        GTEST_SKIP() << "the file system of " << dir.path() << " has no user attributes";
    }
    named_temporary_file fp({.dir = dir.path()});
    {
        const replace_call<&sys::calls::rename> refused([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::io_error);
    }
    fp.persist(dir / "other");
    char value = 0;
    EXPECT_EQ(::getxattr((dir / "other").c_str(), "user.note", &value, 1), -1);
}

TEST_F(persist_test, no_clobber_is_an_error_when_something_stands_there) {
    write_file(target, "old");
    named_temporary_file fp({.dir = dir.path()});
    fp << "new";
    EXPECT_EQ(thrown([&] { fp.persist_noclobber(target); }), errc::file_exists);
    EXPECT_EQ(contents(target), "old");
    std::filesystem::remove(target);
    std::filesystem::create_symlink("nowhere", target);
    EXPECT_EQ(thrown([&] { fp.persist_noclobber(target, {.symlink = if_symlink::replace}); }), errc::file_exists);
    std::filesystem::remove(target);
    EXPECT_EQ(fp.persist_noclobber(target).method, persist_method::rename);
    EXPECT_EQ(contents(target), "new");
}

TEST_F(persist_test, T8_no_clobber_without_renameat2) {
    for (const sys::error none : {EINVAL, ENOSYS}) {
        const replace_call<&sys::calls::rename_new> old([&](auto...) { return none; });
        named_temporary_file fp({.dir = dir.path()});
        fp << "new";
        write_file(target, "old");
        EXPECT_EQ(thrown([&] { fp.persist_noclobber(target); }), errc::file_exists);
        EXPECT_EQ(contents(target), "old");
        std::filesystem::remove(target);
        EXPECT_EQ(fp.persist_noclobber(target).method, persist_method::link);
        EXPECT_EQ(contents(target), "new");
        EXPECT_TRUE(others().empty()) << "the first name is gone";
        std::filesystem::remove(target);
    }
}

TEST_F(persist_test, T8_an_exchange_is_never_something_else) {
    write_file(target, "old");
    const replace_call<&sys::calls::exchange> old([](auto...) { return EINVAL; });
    named_temporary_file fp({.dir = dir.path()});
    EXPECT_EQ(thrown([&] { fp.persist(target, {.existing = if_exists::exchange}); }), errc::invalid_argument);
    EXPECT_EQ(contents(target), "old");
    EXPECT_TRUE(fp.still_there());
}

// --- Somebody else comes in between ---

class persist_in_between : public persist_test, public testing::WithParamInterface<bool> {
protected:
    // Puts another file, or a directory, where the target was, and the target elsewhere.
    void come_in() const {
        std::filesystem::rename(target, dir / "aside");
        if (GetParam()) {
            std::filesystem::create_directory(target);
        }
        write_file(GetParam() ? target / "text" : target, "a stranger's");
    }
    void expect_strangers(const std::filesystem::path& at) const {
        EXPECT_EQ(contents(GetParam() ? at / "text" : at), "a stranger's");
    }
};

TEST_P(persist_in_between, a_directory_that_it_does_not_know_is_not_removed) {
    std::filesystem::create_directory(target);
    write_file(target / "text", "old");
    std::filesystem::path staged;
    {
        temporary_directory tree({.dir = dir.path()});
        staged = tree.path();
        write_file(tree / "text", "new");
        const replace_call<&sys::calls::exchange> late([&](auto... arguments) {
            come_in();
            return replace_call<&sys::calls::exchange>::real(arguments...);
        });
        std::error_code ec;
        EXPECT_EQ(tree.persist(target, {}, ec).path, target);
        EXPECT_TRUE(ec) << "the one it replaced is still there";
    }
    EXPECT_EQ(contents(target / "text"), "new");
    EXPECT_EQ(contents(dir / "aside/text"), "old");
    expect_strangers(staged);
    sweep();
    expect_strangers(staged);
}

TEST_P(persist_in_between, what_is_exchanged_is_the_callers_whatever_it_is) {
    tempfile::write_file(target, "old");
    std::filesystem::path previous;
    {
        atomic_file f(target, {.existing = if_exists::exchange});
        f << "new";
        const replace_call<&sys::calls::exchange> late([&](auto... arguments) {
            come_in();
            return replace_call<&sys::calls::exchange>::real(arguments...);
        });
        previous = f.commit().previous;
    }
    EXPECT_EQ(contents(target), "new");
    EXPECT_EQ(contents(dir / "aside"), "old");
    expect_strangers(previous);
}

TEST_P(persist_in_between, a_directory_is_not_replaced_by_a_file) {
    tempfile::write_file(target, "old");
    atomic_file f(target);
    f << "new";
    {
        const replace_call<&sys::calls::rename> late([&](auto... arguments) {
            come_in();
            return replace_call<&sys::calls::rename>::real(arguments...);
        });
        EXPECT_EQ(thrown([&] { f.commit(); }), GetParam() ? errc::is_a_directory : errc());
    }
    if (GetParam()) {
        expect_strangers(target);
        std::filesystem::remove_all(target);
        f.commit();
    }
    EXPECT_EQ(contents(target), "new");
}

INSTANTIATE_TEST_SUITE_P(a, persist_in_between, testing::Bool(),
                         [](const auto& is) { return is.param ? "directory" : "file"; });

TEST_F(persist_test, T12_in_a_forked_child_it_is_the_parents) {
    named_temporary_file fp({.dir = dir.path()});
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  if (thrown([&] { fp.persist(target); }) != errc::operation_not_permitted) {
                      wrong << "the child may not persist it\n";
                  }
              }),
              "");
    EXPECT_TRUE(fp.still_there());
}

TEST_F(persist_test, one_that_is_never_deleted_can_be_persisted) {
    named_temporary_file fp({.dir = dir.path(), .deletion = delete_when::never});
    fp << "text";
    fp.persist(target);
    EXPECT_EQ(contents(target), "text");
    EXPECT_TRUE(others().empty());
}

TEST_F(persist_test, what_closing_a_published_file_reports_is_told_at_once) {
    temporary_file fp({.dir = dir.path(), .cleanup = cleanup::background, .linkable = true});
    fp.truncate(large_file);
    fp.persist(target);
    const sys::handle h = fp.native_handle();
    const replace_call<&sys::calls::close> broken([&](sys::handle each) {
        const sys::error e = replace_call<&sys::calls::close>::real(each);
        return each == h ? EIO : e;
    });
    EXPECT_EQ(thrown([&] { fp.close(); }), errc::io_error);
}

// --- From elsewhere ---

TEST_F(persist_test, from_another_file_system_it_is_copied) {
    if (!two_file_systems()) {
        GTEST_SKIP() << "/tmp and /dev/shm are one file system";
    }
    named_temporary_file fp({.dir = elsewhere.path()});
    const std::string text = sample(3'000'000);
    fp << text;
    EXPECT_EQ(thrown([&] { fp.persist(target, {.elsewhere = if_elsewhere::refuse}); }), errc::cross_device_link);
    EXPECT_EQ(permissions_of(fp.path()), 0600U);
    std::vector<std::uint64_t> seen;
    const persisted how = fp.persist(target, {.progress = [&](std::uint64_t done, std::uint64_t all) {
                                         EXPECT_EQ(all, text.size());
                                         seen.push_back(done);
                                         return true;
                                     }});
    EXPECT_NE(how.copied, copy_method::none);
    EXPECT_TRUE(how.atomic);
    EXPECT_EQ(contents(target), text);
    EXPECT_TRUE(elsewhere.empty());
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen.front(), 0U);
    EXPECT_EQ(seen.back(), text.size());
    fp << "!";
    fp.flush();
    EXPECT_EQ(contents(target), text + "!") << "the object has the published file";
}

TEST_F(persist_test, copying_can_be_called_off) {
    temporary_file fp({.dir = elsewhere.path()});
    fp << sample(1'000'000);
    write_file(target, "old");
    EXPECT_EQ(thrown([&] { fp.persist(target, {.progress = [](auto...) { return false; }}); }),
              errc::operation_canceled);
    EXPECT_EQ(contents(target), "old");
    EXPECT_TRUE(others().empty());
    EXPECT_EQ(thrown([&] { fp.persist(target, {.progress = [](std::uint64_t done, auto) { return done == 0; }}); }),
              errc::operation_canceled);
    EXPECT_TRUE(contents(target) == "old");
    EXPECT_TRUE(others().empty());
    fp.persist(target);
    EXPECT_TRUE(contents(target) == sample(1'000'000));
}

TEST_F(persist_test, what_progress_throws_leaves_nothing_behind) {
    write_file(target, "old");
    const replace_call<&sys::calls::create_linkable> none([](auto...) { return EOPNOTSUPP; });
    named_temporary_file fp({.dir = elsewhere.path()});
    fp << "text";
    int calls = 0;
    const persist_options throwing{.elsewhere = if_elsewhere::copy, .progress = [&](auto...) -> bool {
                                       return ++calls < 2 ? true : throw std::runtime_error("enough");
                                   }};
    EXPECT_THROW(fp.persist(target, throwing), std::runtime_error);
    EXPECT_TRUE(others().empty());
    EXPECT_EQ(contents(target), "old");
    fp.persist(target);
    EXPECT_EQ(contents(target), "text");
}

TEST_F(persist_test, T8_each_way_of_copying_does_all_of_it) {
    const std::string text = sample(1'234'567);
    const auto none = [](auto...) { return EXDEV; };
    const auto copied_by = [&] {
        temporary_file fp({.dir = elsewhere.path()});
        fp << text;
        const copy_method how = fp.persist(target).copied;
        EXPECT_TRUE(contents(target) == text);
        return how;
    };
    const replace_call<&sys::calls::clone> no_clone(none);
    {
        const replace_call<&sys::calls::copy_range> across(none);
        EXPECT_EQ(copied_by(), copy_method::sendfile);
        const replace_call<&sys::calls::send_range> nor_this([](auto...) { return EINVAL; });
        EXPECT_EQ(copied_by(), copy_method::read_write);
    }
    {
        // In the middle of it, and by saying that it is at the end.
        int calls = 0;
        const replace_call<&sys::calls::copy_range> gives_up(
            [&](sys::handle from, sys::handle to, std::uint64_t at, std::size_t, std::size_t& done) {
                if (++calls == 3) {
                    done = 0;
                    return 0;
                }
                std::string part(1000, '\0');
                std::size_t n = 0;
                sys::call.pread(from, part.data(), part.size(), at, n);
                return sys::call.pwrite(to, part.data(), n, at, done);
            });
        EXPECT_EQ(copied_by(), copy_method::sendfile);
        EXPECT_EQ(calls, 3);
    }
    const replace_call<&sys::calls::copy_range> full([](auto...) { return ENOSPC; });
    EXPECT_EQ(thrown(copied_by), errc::no_space_on_device) << "a full disk is no reason to go on";
}

TEST_F(persist_test, holes_stay_holes) {
    constexpr std::uint64_t far = 1 << 20;
    const auto none = [](auto...) { return EXDEV; };
    const auto copied_by = [&] {
        temporary_file fp({.dir = elsewhere.path()});
        fp.truncate(far);
        fp.seek(far / 2);
        fp << "in the middle";
        fp.flush();
        std::uint64_t last = 0;
        const int before = ::dup(fp.fileno());
        ::lseek(before, 5, SEEK_SET);
        const persisted how = fp.persist(target, {.progress = [&](std::uint64_t done, auto) {
                                             last = done;
                                             return true;
                                         }});
        EXPECT_EQ(last, far);
        EXPECT_EQ(::lseek(before, 0, SEEK_CUR), 5) << "the offset is the user's";
        ::close(before);
        struct stat meta {};
        EXPECT_EQ(::stat(target.c_str(), &meta), 0);
        EXPECT_LT(meta.st_blocks, 200);
        const std::string all = contents(target);
        EXPECT_EQ(all.size(), far);
        EXPECT_EQ(all.find_first_not_of('\0'), far / 2);
        EXPECT_EQ(all.substr(far / 2, 14), std::string("in the middle\0", 14));
        return how.copied;
    };
    if (!two_file_systems()) {
        GTEST_SKIP() << "needs two file systems";
    }
    const replace_call<&sys::calls::clone> no_clone(none);
    copied_by();
    const replace_call<&sys::calls::copy_range> across(none);
    EXPECT_EQ(copied_by(), copy_method::sendfile);
    const replace_call<&sys::calls::send_range> nor_this(none);
    EXPECT_EQ(copied_by(), copy_method::read_write);
}

// Punched between the two questions where contents begin and where they end.
TEST_F(persist_test, a_hole_that_is_made_meanwhile_does_not_end_the_copy) {
    constexpr std::uint64_t far = 1 << 20;
    temporary_file fp({.dir = elsewhere.path()});
    fp << "first";
    fp.truncate(far);
    fp.seek(-4, std::ios::end);
    fp << "last";
    fp.flush();
    const replace_call<&sys::calls::clone> no_clone([](auto...) { return EXDEV; });
    int questions = 0;
    using seek = replace_call<&sys::calls::seek>;
    const seek raced([&](sys::handle h, std::int64_t at, sys::origin from, std::uint64_t& now) {
        if (from == sys::origin::hole && ++questions == 1) {
            now = static_cast<std::uint64_t>(at);
            return 0;
        }
        return seek::real(h, at, from, now);
    });
    fp.persist(target);
    EXPECT_EQ(questions, 1);
    const std::string all = contents(target);
    ASSERT_EQ(all.size(), far);
    EXPECT_EQ(all.substr(0, 5), "first");
    EXPECT_EQ(all.substr(far - 4), "last");
}

TEST_F(persist_test, T12_when_a_copy_is_given_up_by_an_exception_the_offset_is_the_users) {
    temporary_file fp({.dir = elsewhere.path()});
    fp << "some";
    fp.truncate(1 << 20);
    fp.flush();
    const replace_call<&sys::calls::clone> no_clone([](auto...) { return EXDEV; });
    const int other = ::dup(fp.fileno());
    ::lseek(other, 5, SEEK_SET);
    EXPECT_THROW(fp.persist(target, {.progress = [](std::uint64_t done, auto) -> bool {
                                return done == 0 ? true : throw std::logic_error("no more");
                            }}),
                 std::logic_error);
    EXPECT_EQ(::lseek(other, 0, SEEK_CUR), 5);
    ::close(other);
    EXPECT_FALSE(exists(target));
}

TEST_F(persist_test, what_is_cut_off_before_its_last_hole_ends_there) {
    temporary_file fp({.dir = elsewhere.path()});
    fp << "some";
    fp.truncate(1 << 20);
    fp.flush();
    const replace_call<&sys::calls::clone> no_clone([](auto...) { return EXDEV; });
    const int other = ::dup(fp.fileno());
    fp.persist(target,
               {.progress = [&](std::uint64_t done, auto) { return done == 0 || ::ftruncate(other, 10) == 0; }});
    ::close(other);
    EXPECT_EQ(contents(target), std::string("some\0\0\0\0\0\0", 10));
}

TEST_F(persist_test, what_is_cut_off_while_it_is_copied_ends_there) {
    temporary_file fp({.dir = elsewhere.path()});
    fp << sample(100'000);
    fp.flush();
    const replace_call<&sys::calls::clone> no_clone([](auto...) { return EXDEV; });
    const replace_call<&sys::calls::reserve> late([&](auto...) { return ::ftruncate(fp.fileno(), 10); });
    fp.persist(target);
    EXPECT_EQ(contents(target), sample(100'000).substr(0, 10));
}

TEST_F(persist_test, room_is_reserved_before_copying) {
    temporary_file fp({.dir = elsewhere.path()});
    fp << "text";
    const replace_call<&sys::calls::clone> no_clone([](auto...) { return EXDEV; });
    const replace_call<&sys::calls::reserve> full([](auto...) { return EDQUOT; });
    const count_calls<&sys::calls::copy_range> copies;
    EXPECT_EQ(thrown([&] { fp.persist(target); }).value(), EDQUOT);
    EXPECT_EQ(copies.count(), 0);
    EXPECT_TRUE(dir.empty());
}

// --- Unnamed files ---

TEST_F(persist_test, a_linkable_file_is_linked) {
    temporary_file fp({.dir = dir.path(), .linkable = true});
    fp << "text";
    const persisted how = fp.persist(target);
    EXPECT_EQ(how.method, persist_method::link);
    EXPECT_EQ(how.copied, copy_method::none);
    EXPECT_EQ(contents(target), "text");
    EXPECT_EQ(thrown([&] { fp.persist(dir / "again"); }), errc::operation_not_permitted);
}

TEST_F(persist_test, one_that_is_not_linkable_is_copied) {
    temporary_file fp({.dir = dir.path()});
    fp << "text";
    EXPECT_EQ(thrown([&] { fp.persist(target, {.elsewhere = if_elsewhere::refuse}); }), errc::cross_device_link);
    EXPECT_NE(fp.persist(target).copied, copy_method::none);
    EXPECT_EQ(contents(target), "text");
}

TEST_F(persist_test, T8_linking_has_two_ways_and_then_it_is_copied) {
    for (const sys::error barred : {ENOENT, EPERM}) {
        const replace_call<&sys::calls::link_handle> changed_credentials([&](auto...) { return barred; });
        temporary_file fp({.dir = dir.path(), .linkable = true});
        fp << "text";
        EXPECT_EQ(fp.persist(target).copied, copy_method::none);
        EXPECT_EQ(contents(target), "text");

        const replace_call<&sys::calls::link_through_proc> no_proc([](auto...) { return ENOENT; });
        temporary_file other({.dir = dir.path(), .linkable = true});
        other << "copied";
        EXPECT_NE(other.persist(target).copied, copy_method::none);
        EXPECT_EQ(contents(target), "copied");
        EXPECT_TRUE(others().empty());
    }
}

TEST_F(persist_test, T14_after_a_failed_rename_the_second_try_works) {
    write_file(target, "old");
    temporary_file fp({.dir = dir.path(), .linkable = true});
    fp << "new";
    {
        const replace_call<&sys::calls::rename> refused([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::io_error);
        EXPECT_EQ(others().size(), 1U) << "unlinked now, it could never be linked again";
    }
    EXPECT_EQ(fp.persist(target).method, persist_method::rename);
    EXPECT_EQ(contents(target), "new");
    EXPECT_TRUE(others().empty());
}

TEST_F(persist_test, T14_without_a_second_try_the_name_beside_the_target_goes_with_the_object) {
    write_file(target, "old");
    {
        temporary_file fp({.dir = dir.path(), .linkable = true});
        const replace_call<&sys::calls::rename> refused([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::io_error);
        temporary_file moved = std::move(fp);
    }
    EXPECT_TRUE(others().empty());
    EXPECT_EQ(contents(target), "old");
}

TEST_F(persist_test, T29_a_file_from_which_bytes_are_missing_is_not_published) {
    named_temporary_file fp({.dir = dir.path()});
    {
        const nearly_full_disk disk(10);
        EXPECT_EQ(thrown([&] { fp.write(std::string(1'000'000, 'x')); }), errc::no_space_on_device);
    }
    EXPECT_EQ(thrown([&] { fp.persist(target); }), errc::no_space_on_device);
    EXPECT_FALSE(stands(target));
}

// --- Spools ---

TEST_F(persist_test, a_spool_in_memory_gets_a_file_beside_the_target) {
    spooled_temporary_file spool({.dir = elsewhere.path()});
    spool << "text";
    const persisted how = spool.persist(target);
    EXPECT_EQ(how.copied, copy_method::none);
    EXPECT_EQ(contents(target), "text");
    EXPECT_TRUE(spool.rolled());
    spool << "!";
    spool.flush();
    EXPECT_EQ(contents(target), "text!");
}

TEST_F(persist_test, a_spool_that_rolled_over_is_linked_if_it_can_be) {
    for (const bool linkable : {true, false}) {
        spooled_temporary_file spool({.max_size = 10, .dir = dir.path(), .linkable = linkable});
        spool << "longer than it may be";
        EXPECT_EQ(spool.persist(target).copied == copy_method::none, linkable);
        EXPECT_EQ(contents(target), "longer than it may be");
    }
}

TEST_F(persist_test, a_spool_that_could_not_be_persisted_still_has_everything) {
    spooled_temporary_file spool;
    spool << "text";
    write_file(target, "old");
    {
        const replace_call<&sys::calls::write> full([](auto...) { return ENOSPC; });
        EXPECT_EQ(thrown([&] { spool.persist(target); }), errc::no_space_on_device);
        EXPECT_FALSE(spool.rolled());
    }
    {
        const replace_call<&sys::calls::rename> refused([](auto...) { return EIO; });
        EXPECT_EQ(thrown([&] { spool.persist(target); }), errc::io_error);
    }
    spool.persist(target);
    EXPECT_EQ(contents(target), "text");
    EXPECT_TRUE(others().empty());
}

// --- Directories ---

class persist_directory : public persist_test {
protected:
    void make_old() {
        std::filesystem::create_directories(target / "sub");
        write_file(target / "sub/old", "old");
    }
    std::unique_ptr<temporary_directory> made() {
        auto made = std::make_unique<temporary_directory>(temporary_directory_options{.dir = dir.path()});
        write_file(*made / "new", "new");
        return made;
    }
};

TEST_F(persist_directory, a_directory_is_moved_with_everything_in_it) {
    auto tree = made();
    const persisted how = tree->persist(target);
    EXPECT_EQ(how.method, persist_method::rename);
    EXPECT_TRUE(how.atomic);
    EXPECT_EQ(permissions_of(target), 0755U) << "as any new directory";
    EXPECT_EQ(tree->path(), target);
    tree.reset();
    EXPECT_EQ(contents(target / "new"), "new");
    EXPECT_TRUE(others().empty());
}

TEST_F(persist_directory, one_that_stands_there_is_exchanged_and_removed) {
    make_old();
    ASSERT_EQ(::chmod(target.c_str(), 0750), 0);
    EXPECT_EQ(made()->persist(target / "").method, persist_method::exchange);
    EXPECT_EQ(permissions_of(target), 0750U);
    EXPECT_EQ(contents(target / "new"), "new");
    EXPECT_FALSE(stands(target / "sub"));
    EXPECT_TRUE(others().empty());
}

TEST_F(persist_directory, or_kept) {
    make_old();
    const persisted how = made()->persist(target, {.existing = if_exists::exchange});
    EXPECT_EQ(contents(target / "new"), "new");
    EXPECT_EQ(contents(how.previous / "sub/old"), "old");
}

TEST_F(persist_directory, T12_or_nothing_happens) {
    make_old();
    auto tree = made();
    EXPECT_EQ(thrown([&] { tree->persist_noclobber(target); }), errc::file_exists);
    {
        const replace_call<&sys::calls::exchange> old([](auto...) { return EINVAL; });
        EXPECT_EQ(thrown([&] { tree->persist(target); }), errc::invalid_argument);
    }
    write_file(dir / "file", "x");
    EXPECT_EQ(thrown([&] { tree->persist(dir / "file"); }), errc::not_a_directory);
    EXPECT_EQ(thrown([&] { tree->persist(dir / "none", {.existing = if_exists::exchange}); }),
              errc::no_such_file_or_directory);
    EXPECT_EQ(permissions_of(tree->path()), 0700U);
    EXPECT_TRUE(tree->still_there());
    EXPECT_EQ(contents(target / "sub/old"), "old");
    tree->persist(target);
    EXPECT_EQ(contents(target / "new"), "new");
}

TEST_F(persist_directory, T12_it_is_no_target_for_itself) {
    auto tree = made();
    EXPECT_EQ(thrown([&] { tree->persist(tree->path()); }), errc::invalid_argument);
    std::filesystem::create_directory_symlink(tree->path(), target);
    EXPECT_EQ(thrown([&] { tree->persist(target); }), errc::invalid_argument);
    EXPECT_EQ(contents(*tree / "new"), "new");
}

TEST_F(persist_directory, T6_what_it_keeps_is_in_no_registry_at_any_moment) {
    make_old();
    using exchange_call = replace_call<&sys::calls::exchange>;
    const exchange_call looked_at([&](auto... arguments) {
        EXPECT_TRUE(leftovers().empty());
        return exchange_call::real(arguments...);
    });
    made()->persist(target, {.existing = if_exists::exchange});
    EXPECT_TRUE(leftovers().empty());
}

TEST_F(persist_directory, from_another_file_system_it_is_refused) {
    if (!two_file_systems()) {
        GTEST_SKIP() << "/tmp and /dev/shm are one file system";
    }
    temporary_directory tree({.dir = elsewhere.path()});
    EXPECT_EQ(thrown([&] { tree.persist(target); }), errc::cross_device_link);
    EXPECT_TRUE(tree.still_there());
}

TEST_F(persist_directory, T8_without_renameat2_an_empty_directory_of_somebody_is_not_replaced) {
    const replace_call<&sys::calls::rename_new> old([](auto...) { return EINVAL; });
    auto tree = made();
    const persisted how = tree->persist(target);
    EXPECT_FALSE(how.atomic);
    EXPECT_EQ(contents(target / "new"), "new");
    auto other = made();
    std::filesystem::create_directory(dir / "empty");
    EXPECT_EQ(thrown([&] { other->persist_noclobber(dir / "empty"); }), errc::file_exists);
    // Also when it came after the look.
    const replace_call<&sys::calls::stat_at> not_yet([](sys::handle at, const char* name, sys::metadata& out) {
        return std::string_view(name) == "empty" ? ENOENT : replace_call<&sys::calls::stat_at>::real(at, name, out);
    });
    EXPECT_EQ(thrown([&] { other->persist_noclobber(dir / "empty"); }), errc::file_exists);
    EXPECT_TRUE(std::filesystem::is_empty(dir / "empty"));
}

TEST_F(persist_directory, what_cannot_be_removed_afterwards_is_an_error_and_left_to_the_sweep) {
    make_old();
    auto tree = made();
    std::error_code ec;
    {
        const replace_call<&sys::calls::remove_file> broken([](auto...) { return EIO; });
        const persisted how = tree->persist(target, {}, ec);
        EXPECT_EQ(ec, errc::io_error);
        EXPECT_EQ(how.path, target);
    }
    EXPECT_EQ(contents(target / "new"), "new");
    ASSERT_EQ(leftovers().size(), 1U);
    EXPECT_EQ(leftovers()[0].path.parent_path(), dir.path());
    EXPECT_EQ(contents(leftovers()[0].path / "sub/old"), "old");
}

}  // namespace
}  // namespace tempfile::test
