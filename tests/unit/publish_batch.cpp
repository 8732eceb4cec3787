#include "tempfile/publish_batch.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/stat.h>

#include "helpers.hpp"
#include "support/descriptors.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

using std::errc;

class batch_test : public testing::Test {
protected:
    void fill(publish_batch& batch, int count = 5) {
        for (int i = 0; i < count; ++i) {
            files.push_back(&batch.add(target(i)));
            *files.back() << "new " << i;
        }
    }
    [[nodiscard]] std::filesystem::path target(int i) const { return dir / ("target" + std::to_string(i)); }

    scratch dir;
    std::vector<atomic_file*> files;
};

TEST_F(batch_test, all_files_are_published_and_each_directory_is_waited_for_once) {
    publish_batch batch;
    fill(batch);
    std::filesystem::create_directory(dir / "d");
    batch.add(dir / "d/other") << "other";
    EXPECT_EQ(batch.size(), 6U);
    EXPECT_EQ(dir.names().size(), 1U) << "nothing before commit";
    batch.add(atomic_file(target(6))) << "the same directory, opened by itself";
    const count_calls<&sys::calls::sync> syncs;
    const count_calls<&sys::calls::begin_sync> begun;
    const batch_result done = batch.commit();
    EXPECT_EQ(syncs.count(), 7 + 2);
    EXPECT_EQ(begun.count(), 7);
    ASSERT_EQ(done.published.size(), 7U);
    EXPECT_EQ(done.left, 0U);
    EXPECT_EQ(batch.size(), 0U);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(done.published[static_cast<std::size_t>(i)].path, target(i));
        EXPECT_EQ(done.published[static_cast<std::size_t>(i)].durable, durability::data_and_directory);
        EXPECT_EQ(contents(target(i)), "new " + std::to_string(i));
    }
    EXPECT_EQ(contents(dir / "d/other"), "other");
}

TEST_F(batch_test, it_waits_for_what_it_is_told_to) {
    const auto calls = [&](const publish_batch_options& options) {
        publish_batch batch(options);
        fill(batch);
        const count_calls<&sys::calls::sync> syncs;
        const count_calls<&sys::calls::sync_file_system> whole;
        EXPECT_EQ(batch.commit().published[0].durable, options.durable);
        return std::pair(syncs.count(), whole.count());
    };
    EXPECT_EQ(calls({.durable = durability::none}), std::pair(0, 0));
    EXPECT_EQ(calls({.durable = durability::data}), std::pair(5, 0));
    EXPECT_EQ(calls({}), std::pair(6, 0));
    EXPECT_EQ(calls({.durable = durability::data, .whole_file_systems = true}), std::pair(0, 1));
    EXPECT_EQ(calls({.whole_file_systems = true}), std::pair(0, 2));
}

TEST_F(batch_test, when_one_cannot_be_made_ready_nothing_is_published) {
    publish_batch batch;
    fill(batch);
    {
        int syncs = 0;
        const replace_call<&sys::calls::sync> broken([&](sys::handle) { return ++syncs == 3 ? EIO : 0; });
        std::error_code ec;
        const batch_result done = batch.commit(ec);
        EXPECT_EQ(ec, errc::io_error);
        EXPECT_TRUE(done.published.empty());
        EXPECT_EQ(done.left, 5U);
        EXPECT_TRUE(dir.empty());
    }
    EXPECT_EQ(thrown([&] { batch.commit(); }), errc::io_error) << "the disk may have lost that one";
    EXPECT_TRUE(dir.empty());
    files[2]->cancel();
    EXPECT_EQ(batch.commit().published.size(), 4U);
}

// --- Threads that wait ---

TEST_F(batch_test, many_files_on_a_disk_are_waited_for_by_several_threads_which_are_gone_afterwards) {
    const auto threads = [&](int count, const publish_batch_options& options) {
        publish_batch batch(options);
        fill(batch, count);
        const count_calls<&sys::calls::start_thread> started;
        const count_calls<&sys::calls::join_thread> joined;
        EXPECT_EQ(batch.commit().published.back().durable, options.durable);
        EXPECT_EQ(joined.count(), started.count());
        EXPECT_EQ(contents(target(count - 1)), "new " + std::to_string(count - 1));
        return started.count();
    };
    bool in_memory = false;
    const replace_call<&sys::calls::file_system_of> told([&](sys::handle, sys::file_system& out) {
        out = in_memory ? sys::file_system::memory : sys::file_system::other;
        return 0;
    });
    EXPECT_EQ(threads(15, {}), 0);
    EXPECT_EQ(threads(16, {}), 7);
    EXPECT_EQ(threads(16, {.threads = 1}), 0);
    EXPECT_EQ(threads(3, {.threads = 16}), 2) << "no more than there are files";
    EXPECT_EQ(threads(40, {.threads = 100}), 15);
    EXPECT_EQ(threads(16, {.durable = durability::none}), 0);
    EXPECT_EQ(threads(16, {.whole_file_systems = true}), 0);
    EXPECT_EQ(threads(16, {.durable = durability::none, .threads = 8}), 0) << "nothing to be waited for";
    in_memory = true;
    EXPECT_EQ(threads(16, {}), 0);
}

TEST_F(batch_test, those_that_are_left_alone_are_waited_for_with_the_others) {
    publish_batch batch;
    write_file(target(99), "same");
    batch.add(target(99), {.same = if_same::leave}) << "same";
    fill(batch, 15);
    const replace_call<&sys::calls::file_system_of> on_disk([](sys::handle, sys::file_system& out) {
        out = sys::file_system::other;
        return 0;
    });
    const count_calls<&sys::calls::start_thread> started;
    EXPECT_EQ(batch.commit().published[0].method, persist_method::left);
    EXPECT_EQ(started.count(), 7);
}

TEST_F(batch_test, room_that_was_not_needed_goes_back) {
    publish_batch batch;
    batch.add(target(0), {}, {.expected_size = 1 << 20}) << "x";
    batch.commit();
    struct stat meta {};
    ASSERT_EQ(::stat(target(0).c_str(), &meta), 0);
    EXPECT_LT(meta.st_blocks, 200);
}

// FUSE says that it did, without asking its server.
TEST_F(batch_test, T29_where_whole_file_systems_cannot_be_waited_for_each_file_is) {
    publish_batch batch({.whole_file_systems = true});
    fill(batch);
    const replace_call<&sys::calls::free_space> fuse([](sys::handle, sys::space& about) {
        about.syncs = false;
        return 0;
    });
    const count_calls<&sys::calls::sync> syncs;
    const count_calls<&sys::calls::sync_file_system> whole;
    EXPECT_EQ(batch.commit().published[0].durable, durability::data_and_directory);
    EXPECT_EQ(std::pair(syncs.count(), whole.count()), std::pair(6, 0));
}

TEST_F(batch_test, without_threads_it_waits_alone) {
    const replace_call<&sys::calls::start_thread> none([](auto&&...) { return EAGAIN; });
    publish_batch batch({.threads = 8});
    fill(batch, 20);
    const count_calls<&sys::calls::sync> syncs;
    EXPECT_EQ(batch.commit().published.size(), 20U);
    EXPECT_EQ(syncs.count(), 21);
}

TEST_F(batch_test, T29_an_error_that_a_thread_met_belongs_to_its_file) {
    publish_batch batch({.threads = 8});
    fill(batch, 20);
    {
        const sys::handle bad = files[13]->native_handle();
        const replace_call<&sys::calls::sync> broken([=](sys::handle h) { return h == bad ? EIO : 0; });
        std::error_code ec;
        EXPECT_EQ(batch.commit(ec).left, 20U);
        EXPECT_EQ(ec, errc::io_error);
        EXPECT_TRUE(dir.empty());
    }
    EXPECT_EQ(thrown([&] { batch.commit(); }), errc::io_error) << "the disk may have lost that one";
    files[13]->cancel();
    EXPECT_EQ(batch.commit().published.size(), 19U);
}

// --- Directories that are shared ---

TEST_F(batch_test, files_of_one_directory_share_its_descriptor) {
    const auto before = open_descriptors().size();
    publish_batch batch;
    fill(batch, 10);
    EXPECT_EQ(open_descriptors().size(), before + 11);
    batch.commit();
    EXPECT_EQ(open_descriptors().size(), before);
}

TEST_F(batch_test, a_directory_that_took_the_place_of_another_one_is_opened) {
    publish_batch batch;
    std::filesystem::create_directory(dir / "d");
    batch.add(dir / "d/one") << "one";
    std::filesystem::rename(dir / "d", dir / "moved");
    std::filesystem::create_directory(dir / "d");
    batch.add(dir / "d/two") << "two";
    batch.commit();
    EXPECT_EQ(contents(dir / "moved/one"), "one");
    EXPECT_EQ(contents(dir / "d/two"), "two");
}

TEST_F(batch_test, what_progress_throws_leaves_what_was_not_published_in_the_batch) {
    publish_batch batch;
    fill(batch, 2);
    const replace_call<&sys::calls::link_handle> barred([](auto...) { return EPERM; });
    const replace_call<&sys::calls::link_through_proc> barred_too([](auto...) { return EPERM; });
    int calls = 0;
    auto& last = batch.add(dir / "last", {.progress = [&](auto...) -> bool {
                               return ++calls > 1 ? true : throw std::runtime_error("enough");
                           }});
    last << "last";
    EXPECT_THROW(batch.commit(), std::runtime_error);
    EXPECT_EQ(batch.size(), 1U);
    EXPECT_EQ(contents(target(1)), "new 1");
    EXPECT_EQ(last.path(), dir / "last") << "references stay good";
    EXPECT_EQ(batch.commit().published.size(), 1U);
    EXPECT_EQ(contents(dir / "last"), "last");
}

TEST_F(batch_test, when_it_fails_in_the_middle_it_says_what_was_published_and_keeps_the_rest) {
    publish_batch batch;
    fill(batch);
    write_file(target(2), "came in between");
    batch.add(target(2), {.existing = if_exists::replace}) << "the last";
    {
        int links = 0;
        const replace_call<&sys::calls::link_handle> broken([&](auto... arguments) {
            return ++links == 3 ? EIO : replace_call<&sys::calls::link_handle>::real(arguments...);
        });
        try {
            batch.commit();
            FAIL() << "it throws";
        } catch (const batch_error& e) {
            EXPECT_EQ(e.code(), errc::io_error);
            EXPECT_EQ(e.result().published.size(), 2U);
            EXPECT_EQ(e.result().published[0].durable, durability::data_and_directory);
            EXPECT_EQ(e.result().left, 4U);
        }
    }
    EXPECT_EQ(contents(target(1)), "new 1");
    EXPECT_EQ(contents(target(2)), "came in between");
    EXPECT_FALSE(stands(target(3)));
    EXPECT_EQ(batch.commit().published.size(), 4U);
    EXPECT_EQ(contents(target(2)), "the last");
}

TEST_F(batch_test, T29_a_file_from_which_bytes_are_missing_stops_it_before_anything_is_published) {
    publish_batch batch;
    fill(batch, 2);
    auto& bad = batch.add(dir / "bad", {}, {.buffering = 0});
    {
        const nearly_full_disk disk(2);
        EXPECT_THROW(bad.write("text"), std::system_error);
    }
    EXPECT_EQ(thrown([&] { batch.commit(); }), errc::no_space_on_device);
    EXPECT_TRUE(dir.empty());
    bad.cancel();
    EXPECT_EQ(batch.commit().published.size(), 2U);
}

TEST_F(batch_test, given_up_nothing_is_left) {
    const auto before = open_descriptors();
    {
        publish_batch batch;
        fill(batch);
        batch.cancel();
        EXPECT_EQ(batch.size(), 0U);
        batch.add(atomic_file(target(9))) << "destroyed";
    }
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(open_descriptors(), before);
}

TEST_F(batch_test, an_empty_one_is_no_error) {
    EXPECT_TRUE(publish_batch().commit().published.empty());
}

}  // namespace
}  // namespace tempfile::test
