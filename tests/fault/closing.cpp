// What close() and cleanup() report, and what an object still owns when they fail.

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/mounted.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::every_call;
using tempfile::test::mounted;
using tempfile::test::open_descriptors;
using tempfile::test::replace_call;
using tempfile::test::scratch;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

class closing : public testing::Test {
protected:
    scratch dir;
};

// --- close(2) ---

TEST_F(closing, T20_an_error_of_close_does_not_keep_the_name) {
    for (const int e : {EIO, ENOSPC, EDQUOT}) {
        const auto before = open_descriptors();
        named_temporary_file fp({.dir = dir.path()});
        fp << "text";
        int closes = 0;
        {
            const replace_call<&sys::calls::close> broken([&](sys::handle h) {
                ++closes;
                replace_call<&sys::calls::close>::real(h);
                return e;
            });
            std::error_code ec;
            fp.close(ec);
            EXPECT_EQ(ec, system_code(e));
            fp.close(ec);
            EXPECT_FALSE(ec) << "reported once";
        }
        EXPECT_EQ(closes, 1);
        EXPECT_TRUE(fp.closed());
        EXPECT_TRUE(dir.empty());
        EXPECT_EQ(open_descriptors(), before);
    }
}

TEST_F(closing, T20_every_kind_of_file_reports_it_once_and_closes_once) {
    temporary_file unnamed({.dir = dir.path()});
    spooled_temporary_file spooled({.max_size = 0, .dir = dir.path()});
    named_temporary_file named({.dir = dir.path(), .deletion = delete_when::destroyed});
    file_object kept(mkstemp({.dir = dir.path()}).file);
    const std::array<file_object*, 4> all = {&unnamed, &spooled, &named, &kept};
    for (file_object* fp : all) {
        *fp << "text";
        int closes = 0;
        const replace_call<&sys::calls::close> broken([&](sys::handle h) {
            ++closes;
            replace_call<&sys::calls::close>::real(h);
            return EIO;
        });
        EXPECT_THROW(fp->close(), std::system_error);
        EXPECT_NO_THROW(fp->close());
        EXPECT_EQ(closes, 1);
        EXPECT_TRUE(fp->closed());
    }
    file plain(mkstemp({.dir = dir.path()}).file);
    const replace_call<&sys::calls::close> broken([&](sys::handle h) {
        replace_call<&sys::calls::close>::real(h);
        return EIO;
    });
    EXPECT_THROW(plain.close(), std::system_error);
    EXPECT_TRUE(plain.closed());
    EXPECT_NO_THROW(plain.close());
}

TEST_F(closing, T25_the_destructor_closes_once_and_throws_nothing) {
    int closes = 0;
    const replace_call<&sys::calls::close> broken([&](sys::handle h) {
        ++closes;
        replace_call<&sys::calls::close>::real(h);
        return EIO;
    });
    { const temporary_file fp({.dir = dir.path()}); }
    EXPECT_EQ(closes, 1);
    { const named_temporary_file fp({.dir = dir.path()}); }
    EXPECT_EQ(closes, 2);
    { const temporary_directory made({.dir = dir.path()}); }
    EXPECT_EQ(closes, 3);
    EXPECT_TRUE(dir.empty());
}

// --- A name that cannot be taken away ---

class name_that_stays : public testing::TestWithParam<int> {
protected:
    scratch dir;
};

TEST_P(name_that_stays, T12_a_named_file_is_still_owned_and_can_be_closed_again) {
    named_temporary_file fp({.dir = dir.path()});
    fp << "text";
    {
        const replace_call<&sys::calls::remove_file> refused([](auto...) { return GetParam(); });
        std::error_code ec;
        fp.close(ec);
        EXPECT_EQ(ec, system_code(GetParam()));
        EXPECT_FALSE(fp.closed()) << "nothing has been given up";
        fp.seek(0);
        EXPECT_EQ(fp.read(), "text");
        fp.cleanup(ec);
        EXPECT_EQ(ec, system_code(GetParam()));
        EXPECT_TRUE(std::filesystem::exists(fp.path()));
    }
    fp.close();
    EXPECT_TRUE(dir.empty());
}

TEST_P(name_that_stays, T12_a_named_file_can_be_kept_instead) {
    named_temporary_file fp({.dir = dir.path()});
    fp << "text";
    {
        const replace_call<&sys::calls::remove_file> refused([](auto...) { return GetParam(); });
        EXPECT_THROW(fp.close(), std::system_error);
    }
    const std::filesystem::path kept = fp.keep();
    fp.close();
    std::ifstream in(kept);
    std::string text;
    in >> text;
    EXPECT_EQ(text, "text");
}

TEST_P(name_that_stays, T12_a_named_file_is_removed_by_the_destructor_after_all) {
    {
        named_temporary_file fp({.dir = dir.path()});
        const replace_call<&sys::calls::remove_file> refused([](auto...) { return GetParam(); });
        EXPECT_THROW(fp.cleanup(), std::filesystem::filesystem_error);
    }
    EXPECT_TRUE(dir.empty());
}

TEST_P(name_that_stays, T12_T25_a_directory_is_still_owned_and_can_be_cleaned_up_again) {
    temporary_directory made({.dir = dir.path()});
    std::ofstream(made / "file").put('x');
    {
        const replace_call<&sys::calls::remove_file> refused([](auto...) { return GetParam(); });
        try {
            made.cleanup();
            ADD_FAILURE() << "no error";
        } catch (const std::filesystem::filesystem_error& e) {
            EXPECT_EQ(e.code(), system_code(GetParam()));
            EXPECT_EQ(e.path1(), made / "file");
        }
    }
    EXPECT_TRUE(std::filesystem::exists(made / "file"));
    made.cleanup();
    EXPECT_TRUE(dir.empty());
}

TEST_P(name_that_stays, T12_T25_a_directory_can_be_kept_instead) {
    temporary_directory made({.dir = dir.path()});
    std::ofstream(made / "file").put('x');
    {
        const replace_call<&sys::calls::remove_file> refused([](auto...) { return GetParam(); });
        EXPECT_THROW(made.cleanup(), std::filesystem::filesystem_error);
    }
    const std::filesystem::path kept = made.keep();
    made.cleanup();
    EXPECT_TRUE(std::filesystem::exists(kept / "file"));
}

INSTANTIATE_TEST_SUITE_P(every, name_that_stays, testing::Values(EACCES, EPERM, EBUSY, EIO, EROFS, ENOMEM));

// --- For real ---

TEST(closing_for_real, T12_T20_a_file_system_that_became_read_only) {
    const mounted fs("mount -t tmpfs -o size=8m tmpfs $M");
    if (!fs) {
        GTEST_SKIP() << fs.why_not();
    }
    const auto remount = [&](unsigned long flags) {
        return ::mount("none", fs.path().c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr);
    };
    // A mount becomes read-only only when nothing in it is open for writing; the name is what matters here.
    named_temporary_file fp({.dir = fs.path(), .deletion = delete_when::destroyed});
    fp << "text";
    fp.close();
    temporary_directory made({.dir = fs.path()});
    std::ofstream(made / "file").put('x');
    ASSERT_EQ(remount(MS_RDONLY), 0);

    std::error_code ec;
    fp.cleanup(ec);
    EXPECT_EQ(ec, system_code(EROFS));
    made.cleanup(ec);
    EXPECT_EQ(ec, system_code(EROFS));
    EXPECT_EQ(temporary_file({.dir = fs.path()}, ec).closed(), true);
    EXPECT_EQ(ec, system_code(EROFS));
    EXPECT_TRUE(std::filesystem::exists(fp.path()));
    EXPECT_TRUE(std::filesystem::exists(made / "file"));

    ASSERT_EQ(remount(0), 0);
    fp.cleanup();
    made.cleanup();
    EXPECT_TRUE(std::filesystem::is_empty(fs.path()));
}

}  // namespace
