// Every call on the way to the final name is made to fail, one after the other, with each error. Whatever happens: the
// target is the whole old or the whole new one, what was not published is still its object's and can be published by a
// second try, nothing is left behind, no descriptor is lost.

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/in_memory.hpp"
#include "support/replace_call.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"

namespace {

// Which allocation from now on has no memory, in this thread; 0: none.
thread_local int without_memory = 0;
thread_local int allocations = 0;

}  // namespace

#ifndef TEMPFILE_TEST_HAS_ITS_OWN_NEW
void* operator new(std::size_t bytes) {
    if (++allocations == without_memory) {
        throw std::bad_alloc();
    }
    void* const memory = std::malloc(bytes);
    return memory != nullptr ? memory : throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
#endif

namespace {

using namespace tempfile;
using tempfile::test::every_call;
using tempfile::test::in_memory;
using tempfile::test::open_descriptors;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

const std::string old_text(5'000, 'o');
const std::string new_text(70'000, 'n');

// An object with `new_text` in it that can be published again and again until it is.
using publisher = std::function<persisted(std::error_code&)>;

struct scenario {
    const char* name;
    bool target_exists;
    // Makes the object, and keeps it in `keep`.
    publisher (*make)(const path& dir, const path& target, std::shared_ptr<void>& keep);
    bool directory = false;
};

template <class Object>
publisher publishing(std::shared_ptr<Object> object, const path& target, const persist_options& rules,
                     std::shared_ptr<void>& keep) {
    *object << new_text;
    keep = object;
    return [=](std::error_code& ec) { return object->persist(target, rules, ec); };
}

publisher atomic(const path& target, const persist_options& rules, std::shared_ptr<void>& keep) {
    auto object = std::make_shared<atomic_file>(target, rules);
    *object << new_text;
    keep = object;
    return [=](std::error_code& ec) { return object->commit(ec); };
}

// As on a file system that has no unnamed files that can be linked.
publisher atomic_with_a_name(const path& target, const persist_options& rules, std::shared_ptr<void>& keep) {
    const replace_call<&sys::calls::create_linkable> none([](auto...) { return EOPNOTSUPP; });
    return atomic(target, rules, keep);
}

publisher tree(const path& dir, const path& target, const persist_options& rules, std::shared_ptr<void>& keep) {
    auto object = std::make_shared<temporary_directory>(temporary_directory_options{.dir = dir});
    std::ofstream(*object / "text") << new_text;
    keep = object;
    return [=](std::error_code& ec) { return object->persist(target, rules, ec); };
}

constexpr auto quick = durability::none;
constexpr auto waiting = durability::data_and_directory;

// On another file system than in_memory(), where there are two.
const path& elsewhere() {
    static const scratch dir("/tmp");
    return dir.path();
}

const scenario scenarios[] = {
    {"a new file", false, [](auto&, auto& target, auto& keep) { return atomic(target, {.durable = waiting}, keep); }},
    {"a file replaced", true,
     [](auto&, auto& target, auto& keep) { return atomic(target, {.durable = waiting}, keep); }},
    {"a file exchanged", true,
     [](auto&, auto& target, auto& keep) {
         return atomic(target, {.existing = if_exists::exchange, .durable = quick}, keep);
     }},
    {"a new file only", false,
     [](auto&, auto& target, auto& keep) {
         return atomic(target, {.existing = if_exists::refuse, .durable = quick}, keep);
     }},
    {"a file left alone if it is the same", true,
     [](auto&, auto& target, auto& keep) { return atomic(target, {.same = if_same::leave, .durable = quick}, keep); }},
    {"a new file, with a name before", false,
     [](auto&, auto& target, auto& keep) { return atomic_with_a_name(target, {.durable = quick}, keep); }},
    {"a file replaced, with a name before", true,
     [](auto&, auto& target, auto& keep) { return atomic_with_a_name(target, {.durable = quick}, keep); }},
    {"a new file only, with a name before", false,
     [](auto&, auto& target, auto& keep) {
         return atomic_with_a_name(target, {.existing = if_exists::refuse, .durable = quick}, keep);
     }},
    {"a named file", true,
     [](auto& dir, auto& target, auto& keep) {
         return publishing(std::make_shared<named_temporary_file>(named_temporary_file_options{.dir = dir}), target,
                           {.durable = waiting}, keep);
     }},
    {"a named file from elsewhere", true,
     [](auto&, auto& target, auto& keep) {
         return publishing(std::make_shared<named_temporary_file>(named_temporary_file_options{.dir = elsewhere()}),
                           target, {.durable = quick}, keep);
     }},
    {"a linkable file", true,
     [](auto& dir, auto& target, auto& keep) {
         return publishing(std::make_shared<temporary_file>(temporary_file_options{.dir = dir, .linkable = true}),
                           target, {.durable = quick}, keep);
     }},
    {"an unnamed file", true,
     [](auto& dir, auto& target, auto& keep) {
         return publishing(std::make_shared<temporary_file>(temporary_file_options{.dir = dir}), target,
                           {.durable = quick}, keep);
     }},
    {"a spool in memory", true,
     [](auto&, auto& target, auto& keep) {
         return publishing(std::make_shared<spooled_temporary_file>(), target, {.durable = quick}, keep);
     }},
    {"a spool that rolled over", true,
     [](auto& dir, auto& target, auto& keep) {
         return publishing(std::make_shared<spooled_temporary_file>(
                               spooled_temporary_file_options{.max_size = 1000, .dir = dir, .linkable = true}),
                           target, {.durable = quick}, keep);
     }},
    {"a new directory", false,
     [](auto& dir, auto& target, auto& keep) { return tree(dir, target, {.durable = waiting}, keep); }, true},
    {"a directory replaced", true,
     [](auto& dir, auto& target, auto& keep) { return tree(dir, target, {.durable = quick}, keep); }, true},
    {"a directory exchanged", true,
     [](auto& dir, auto& target, auto& keep) {
         return tree(dir, target, {.existing = if_exists::exchange, .durable = quick}, keep);
     },
     true},
};

std::string contents(const path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class attempt {
public:
    explicit attempt(const scenario& what) : what_(what) {
        if (what.target_exists) {
            std::filesystem::create_directories(target_.parent_path());
            if (what.directory) {
                std::filesystem::create_directory(target_);
            }
            std::ofstream(text_of_target()) << old_text;
        }
        publish_ = what.make(dir_.path(), target_, object_);
    }

    // With the n-th call failing; false when there were not as many.
    bool run(int n, sys::error e, std::string& where) {
        int calls = 0;
        std::error_code ec;
        persisted how;
        {
            const every_call one_fails([&](std::string_view entry) {
                where = ++calls == n ? entry : where;
                const bool would_be_a_lie = e == ENOENT && (entry.starts_with("remove_") || entry.starts_with("stat"));
                return calls == n && !would_be_a_lie ? e : 0;
            });
            how = publish_(ec);
        }
        where += std::string(" with ") + ::strerrorname_np(e) + ", " + what_.name;
        expect_all_or_nothing(how, ec, where);
        // A disk that has failed may have lost what was written, and the next fsync succeeds all the same.
        const bool damaged = where.starts_with("sync with") || where.starts_with("sync_file_system") ||
                             (where.starts_with("close") && ec.value() == e);
        if (how.path.empty()) {
            const std::error_code first = ec;
            how = publish_(ec);
            EXPECT_TRUE(!ec || (damaged && ec == first)) << "the second try after " << where << ": " << ec.message();
            expect_all_or_nothing(how, ec, where + ", the second try");
        }
        object_.reset();
        publish_ = {};
        expect_nothing_else(how, where);
        return calls >= n;
    }

    // With the n-th allocation failing; false when there were not as many.
    bool run_without_memory(int n) {
        const std::string where = "allocation " + std::to_string(n) + ", " + what_.name;
        std::error_code ec;
        persisted how;
        allocations = 0;
        without_memory = n;
        try {
            how = publish_(ec);
        } catch (const std::bad_alloc&) {
            ec = std::make_error_code(std::errc::not_enough_memory);
        }
        without_memory = 0;
        const bool enough = allocations < n;
        expect_all_or_nothing(how, ec, where);
        if (how.path.empty()) {
            ec.clear();
            how = publish_(ec);
            EXPECT_FALSE(ec) << "the second try after " << where << ": " << ec.message();
            expect_all_or_nothing(how, ec, where + ", the second try");
        }
        object_.reset();
        publish_ = {};
        expect_nothing_else(how, where);
        return !enough;
    }

private:
    [[nodiscard]] path text_of_target() const { return what_.directory ? target_ / "text" : target_; }

    void expect_all_or_nothing(const persisted& how, std::error_code ec, const std::string& where) {
        EXPECT_TRUE(ec || !how.path.empty()) << where;
        const std::string now = contents(text_of_target());
        EXPECT_EQ(now == new_text, !how.path.empty()) << where << ": " << ec.message();
        EXPECT_EQ(now == (what_.target_exists ? old_text : ""), how.path.empty()) << where;
    }

    // What could not be removed after publishing is in the registry.
    void expect_nothing_else(const persisted& how, const std::string& where) {
        if (!how.previous.empty()) {
            EXPECT_EQ(contents(what_.directory ? how.previous / "text" : how.previous), old_text) << where;
            std::filesystem::remove_all(how.previous);
        }
        std::filesystem::remove_all(target_);
        for (const auto& item : leftovers()) {
            std::filesystem::remove_all(item.path);
        }
        EXPECT_TRUE(dir_.empty()) << where << ": " << (dir_.names().empty() ? "" : dir_.names()[0]);
        for (const auto& each : std::filesystem::directory_iterator(elsewhere())) {
            ADD_FAILURE() << each.path() << " is left: " << where;
            std::filesystem::remove_all(each.path());
        }
    }

    const scenario& what_;
    scratch dir_{in_memory()};
    const path target_ = dir_ / "target";
    std::shared_ptr<void> object_;
    publisher publish_;
};

class publishing_with_a_failure : public testing::TestWithParam<scenario> {};

TEST_P(publishing_with_a_failure, T8_T12_T14_changes_nothing_and_can_be_tried_again) {
    std::string where;
    attempt(GetParam()).run(0, EIO, where);
    const auto before = open_descriptors();
    int runs = 0;
    for (const sys::error e : {EIO, ENOSPC, EXDEV, EINVAL, ENOENT, EPERM, EOPNOTSUPP, EEXIST}) {
        int n = 0;
        do {
            where.clear();
            ++n;
            ++runs;
        } while (attempt(GetParam()).run(n, e, where) && !HasFatalFailure());
        EXPECT_GT(n, 5);
    }
    EXPECT_EQ(open_descriptors(), before);
    std::cout << runs << " failures\n";
}

TEST_P(publishing_with_a_failure, T12_without_memory_changes_nothing_and_can_be_tried_again) {
#ifdef TEMPFILE_TEST_HAS_ITS_OWN_NEW
    GTEST_SKIP() << "ThreadSanitizer's operator new cannot be replaced";
#endif
    attempt(GetParam()).run_without_memory(0);
    const auto before = open_descriptors();
    int n = 1;
    while (attempt(GetParam()).run_without_memory(n)) {
        ++n;
    }
    EXPECT_GT(n, 3);
    EXPECT_EQ(open_descriptors(), before);
    std::cout << n - 1 << " allocations\n";
}

// fsync(2) tells of it once: the next one succeeds, and what is on the disk is not what was written.
TEST(publishing_without_memory, T29_what_the_disk_said_is_not_forgotten) {
#ifdef TEMPFILE_TEST_HAS_ITS_OWN_NEW
    GTEST_SKIP() << "ThreadSanitizer's operator new cannot be replaced";
#endif
    const scratch dir(in_memory());
    publish_batch batch;
    batch.add(dir / "a") << "a";
    batch.add(dir / "b") << "b";
    {
        int syncs = 0;
        const replace_call<&sys::calls::sync> broken([&](sys::handle) {
            without_memory = ++syncs == 2 ? allocations + 1 : 0;
            return EIO;
        });
        EXPECT_THROW(batch.commit(), std::bad_alloc);
        without_memory = 0;
    }
    std::error_code ec;
    EXPECT_TRUE(batch.commit(ec).published.empty());
    EXPECT_EQ(ec, std::errc::io_error);
}

INSTANTIATE_TEST_SUITE_P(scenarios, publishing_with_a_failure, testing::ValuesIn(scenarios), [](const auto& each) {
    std::string name = each.param.name;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ' ' || c == ','; }, '_');
    return name;
});

}  // namespace
