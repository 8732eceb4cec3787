#include "tempfile/temporary_file.hpp"

#include <gtest/gtest.h>

#include "helpers.hpp"
#include "support/scratch.hpp"
#include "tempfile/location.hpp"

namespace tempfile::test {
namespace {

// Where the kernel says that a descriptor leads.
std::string where_is(int handle) {
    return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(handle)).string();
}

unsigned long links_of(int handle) {
    struct stat meta {};
    return ::fstat(handle, &meta) == 0 ? meta.st_nlink : ~0UL;
}

// The two ways to make one: as the kernel does it, and as it is done where the kernel cannot.
class on_each_rung : public testing::TestWithParam<int> {
protected:
    using call = replace_call<&sys::calls::create_unnamed>;

    scratch dir;
    call rung{[](const char* where, bool append, sys::handle& made) {
        return GetParam() != 0 ? GetParam() : call::real(where, append, made);
    }};
};

INSTANTIATE_TEST_SUITE_P(temporary_file, on_each_rung, testing::Values(0, EOPNOTSUPP),
                         [](const auto& rung) { return rung.param == 0 ? "unnamed" : "unlinked"; });

TEST_P(on_each_rung, it_has_no_name_and_is_gone_when_closed) {
    temporary_file fp({.dir = dir.path()});
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(links_of(fp.native_handle()), 0U);
    fp.write("Stack Overflow!");
    fp.seek(0);
    EXPECT_EQ(fp.read(), "Stack Overflow!");
    const int handle = fp.native_handle();
    fp.close();
    EXPECT_FALSE(is_open(handle));
    EXPECT_TRUE(dir.empty());
}

TEST_P(on_each_rung, T10_nobody_else_gets_in) {
    const file_mode_mask all_allowed(0);
    const temporary_file fp({.dir = dir.path()});
    EXPECT_EQ(permissions_of(fp.native_handle()), 0600U);
    EXPECT_EQ(::fcntl(fp.native_handle(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_P(on_each_rung, S7_it_can_never_be_given_a_name) {
    const temporary_file fp({.dir = dir.path()});
    const std::string self = "/proc/self/fd/" + std::to_string(fp.native_handle());
    EXPECT_EQ(::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, (dir / "name").c_str(), AT_SYMLINK_FOLLOW), -1);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(::linkat(fp.native_handle(), "", AT_FDCWD, (dir / "name").c_str(), AT_EMPTY_PATH), -1);
    EXPECT_TRUE(dir.empty());
}

TEST_P(on_each_rung, T1_a_change_of_the_working_directory_does_not_matter) {
    std::filesystem::create_directory(dir / "sub");
    const working_directory there(dir.path());
    {
        temporary_file fp({.dir = "sub"});
        const working_directory elsewhere("/");
        fp << "text";
        fp.flush();
    }
    EXPECT_TRUE(std::filesystem::is_empty(dir / "sub"));
}

TEST(temporary_file, lives_in_the_default_place) {
    const temporary_file fp;
    EXPECT_TRUE(where_is(fp.native_handle()).starts_with(gettempdir().string() + '/')) << where_is(fp.native_handle());
}

TEST(temporary_file, the_name_that_it_has_for_a_moment_is_made_of_prefix_and_suffix) {
    const scratch dir;
    const replace_call<&sys::calls::create_unnamed> old_kernel([](auto&&...) { return EISDIR; });
    using call = replace_call<&sys::calls::create_file>;
    std::string name;
    const call spy([&](const char* path, bool append, sys::handle& made) {
        name = path;
        return call::real(path, append, made);
    });
    const temporary_file fp({.prefix = "pre-", .suffix = ".suf", .dir = dir.path()});
    EXPECT_TRUE(name.starts_with((dir / "pre-").string())) << name;
    EXPECT_TRUE(name.ends_with(".suf")) << name;
    EXPECT_TRUE(dir.empty());
}

TEST(temporary_file, what_is_about_to_vanish_is_not_written) {
    const count_calls<&sys::calls::pwrite> pwrites;
    const count_calls<&sys::calls::write> writes;
    std::ignore = gettempdir();
    const int probes = writes.count();
    {
        temporary_file fp;
        fp << "for nobody";
    }
    {
        temporary_file fp;
        fp << "for nobody";
        fp = temporary_file();
    }
    {
        temporary_file fp({.mode = std::ios::app});
        fp << "for nobody";
    }
    EXPECT_EQ(pwrites.count() + writes.count() - probes, 0);
}

TEST(temporary_file, close_writes_for_those_who_hold_a_reopened_handle) {
    temporary_file fp;
    const file other = fp.reopen();
    fp << "for somebody";
    fp.close();
    EXPECT_EQ(contents(other.native_handle()), "for somebody");
}

TEST(temporary_file, creating_and_closing_is_one_call_each) {
    std::ignore = temporary_file();  // the first of a process is looked at
    const count_calls<&sys::calls::create_unnamed> creates;
    const count_calls<&sys::calls::close> closes;
    const count_calls<&sys::calls::stat> looks;
    const count_calls<&sys::calls::seek> seeks;
    { const temporary_file fp; }
    EXPECT_EQ(creates.count(), 1);
    EXPECT_EQ(closes.count(), 1);
    EXPECT_EQ(looks.count() + seeks.count(), 0);
}

TEST(temporary_file, errors_are_filesystem_errors_with_directory_and_advice) {
    const scratch dir;
    const std::string missing = (dir / "missing").string();
    const std::string message = message_of([&] { const temporary_file fp({.dir = missing}); });
    EXPECT_TRUE(mentions(message, "cannot make a temporary file")) << message;
    EXPECT_TRUE(mentions(message, missing)) << message;
    EXPECT_TRUE(mentions(message, "make the directory, or name one")) << message;
}

TEST(temporary_file, error_code_form_leaves_a_closed_object) {
    const scratch dir;
    std::error_code ec;
    temporary_file fp({.dir = dir / "missing"}, ec);
    EXPECT_EQ(ec, std::errc::no_such_file_or_directory);
    EXPECT_TRUE(fp.closed());
    EXPECT_EQ(thrown([&] { fp.write("x"); }), std::errc::bad_file_descriptor);
    EXPECT_EQ(thrown([&] { fp << "x"; }), std::errc::bad_file_descriptor);

    temporary_file bad({.mode = std::ios::binary}, ec);
    EXPECT_EQ(ec, std::errc::invalid_argument);
    EXPECT_TRUE(bad.closed());

    temporary_file good({.dir = dir.path()}, ec);
    EXPECT_FALSE(ec);
    EXPECT_FALSE(good.closed());
}

}  // namespace
}  // namespace tempfile::test
