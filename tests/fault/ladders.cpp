// Each rung of each ladder, forced through the system-call table: a fallback that no test forces is broken.

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/in_child.hpp"
#include "support/refused.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::as_ordinary_user;
using tempfile::test::every_call;
using tempfile::test::in_child;
using tempfile::test::open_descriptors;
using tempfile::test::refuse;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;
using names = std::vector<std::string>;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

std::string errno_name(const testing::TestParamInfo<int>& info) {
    return std::string(::strerrorname_np(info.param));
}

bool makes_unnamed_files(const path& dir) {
    const int h = ::open(dir.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return h >= 0 && ::close(h) == 0;
}

// The calls that make, open or remove something or change a mode, in their order.
class recorder {
public:
    recorder()
        : gate_([this](std::string_view entry) {
              static const std::set<std::string_view> told = {
                  "create_unnamed", "create_file",     "remove_file", "create_directory",    "remove_directory",
                  "open_directory", "set_permissions", "open_path",   "set_path_permissions"};
              if (told.contains(entry)) {
                  seen_.emplace_back(entry);
              }
              return 0;
          }) {}
    names take() { return std::exchange(seen_, {}); }

private:
    names seen_;
    every_call gate_;
};

// --- Without O_TMPFILE ---

class no_unnamed_files : public testing::TestWithParam<int> {
protected:
    scratch dir;
    replace_call<&sys::calls::create_unnamed> refused_{[](auto...) { return GetParam(); }};
};

TEST_P(no_unnamed_files, T8_T9_fall_back_to_create_and_unlink) {
    recorder calls;
    temporary_file fp({.prefix = "before-", .suffix = ".after", .dir = dir.path()});
    EXPECT_EQ(calls.take(), (names{"create_unnamed", "create_file", "remove_file"}));
    EXPECT_TRUE(dir.empty());
    fp << "text";
    fp.seek(0);
    EXPECT_EQ(fp.read(), "text");
    struct stat is {};
    ASSERT_EQ(::fstat(fp.fileno(), &is), 0);
    EXPECT_EQ(is.st_nlink, 0U);
    EXPECT_EQ(is.st_mode & 07777U, 0600U);
}

TEST_P(no_unnamed_files, T8_the_name_of_a_moment_is_what_was_asked_for) {
    std::string seen;
    const replace_call<&sys::calls::create_file> watched([&](const char* name, bool append, sys::handle& made) {
        seen = name;
        return replace_call<&sys::calls::create_file>::real(name, append, made);
    });
    const temporary_file fp({.prefix = "before-", .suffix = ".after", .dir = dir.path()});
    EXPECT_TRUE(seen.starts_with((dir / "before-").string())) << seen;
    EXPECT_TRUE(seen.ends_with(".after")) << seen;
}

TEST_P(no_unnamed_files, T6_the_name_of_a_moment_is_registered_for_that_moment) {
    using create = replace_call<&sys::calls::create_file>;
    const auto registered_here = [&] {
        const auto all = leftovers();
        return std::count_if(all.begin(), all.end(), [&](auto& r) { return r.path.parent_path() == dir.path(); });
    };
    std::ptrdiff_t meanwhile = 0;
    const create watched([&](const char* name, bool append, sys::handle& made) {
        meanwhile = registered_here();
        return create::real(name, append, made);
    });
    const temporary_file fp({.dir = dir.path()});
    EXPECT_EQ(meanwhile, 1);
    EXPECT_EQ(registered_here(), 0);
}

TEST_P(no_unnamed_files, T8_appending_files_too) {
    temporary_file fp({.dir = dir.path(), .mode = std::ios::in | std::ios::app});
    fp << "one";
    fp.seek(0);
    fp << "two";
    fp.seek(0);
    EXPECT_EQ(fp.read(), "onetwo");
    EXPECT_NE(::fcntl(fp.fileno(), F_GETFL) & O_APPEND, 0);
}

TEST_P(no_unnamed_files, T8_a_name_that_cannot_be_taken_away_is_told) {
    const auto before = open_descriptors();
    const replace_call<&sys::calls::remove_file> refused([](auto...) { return EPERM; });
    try {
        const temporary_file fp({.dir = dir.path()});
        ADD_FAILURE() << "no error";
    } catch (const std::filesystem::filesystem_error& e) {
        EXPECT_EQ(e.code(), system_code(EPERM));
        ASSERT_EQ(dir.names().size(), 1U);
        EXPECT_EQ(e.path1(), dir / dir.names().front());
    }
    EXPECT_EQ(open_descriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(every, no_unnamed_files, testing::Values(ENOENT, EISDIR, EOPNOTSUPP, EINVAL, ENOSYS),
                         errno_name);

class other_refusal : public testing::TestWithParam<int> {};

TEST_P(other_refusal, T9_is_an_error_and_nothing_else_is_tried) {
    const scratch dir;
    const replace_call<&sys::calls::create_unnamed> refused([](auto...) { return GetParam(); });
    recorder calls;
    std::error_code ec;
    const temporary_file fp({.dir = dir.path()}, ec);
    EXPECT_EQ(ec, system_code(GetParam()));
    EXPECT_TRUE(fp.closed());
    EXPECT_EQ(calls.take(), names{"create_unnamed"});
    EXPECT_TRUE(dir.empty());
}

INSTANTIATE_TEST_SUITE_P(every, other_refusal,
                         testing::Values(EACCES, EPERM, EROFS, ENOSPC, EDQUOT, EMFILE, ENFILE, EIO, ENOMEM, ENOTDIR,
                                         ELOOP, ENAMETOOLONG),
                         errno_name);

TEST(unnamed_files, T9_one_directory_says_nothing_about_another) {
    const scratch without;
    const scratch with;
    if (!makes_unnamed_files(with.path())) {
        GTEST_SKIP() << "the file system of /tmp has no O_TMPFILE";
    }
    const replace_call<&sys::calls::create_unnamed> one_of_two([&](const char* dir, bool append, sys::handle& made) {
        return dir == without.path() ? EOPNOTSUPP : replace_call<&sys::calls::create_unnamed>::real(dir, append, made);
    });
    const names fallback = {"create_unnamed", "create_file", "remove_file"};
    recorder calls;
    for (int i = 0; i < 3; ++i) {
        const temporary_file first({.dir = without.path()});
        EXPECT_EQ(calls.take(), fallback);
        const temporary_file second({.dir = with.path()});
        EXPECT_EQ(calls.take(), names{"create_unnamed"});
    }
}

// Before Linux 3.11 the flag was not known, and a directory opened for writing is EISDIR.
TEST(unnamed_files, T8_where_the_kernel_itself_refuses) {
    const scratch dir;
    for (const int error : {EISDIR, EOPNOTSUPP, ENOSYS}) {
        EXPECT_EQ(in_child([&](std::ostream& wrong) {
                      if (!refuse({.call = SYS_openat,
                                   .error = static_cast<std::uint32_t>(error),
                                   .argument = 2,
                                   .mask = O_TMPFILE,
                                   .value = O_TMPFILE})) {
                          wrong << "no seccomp filter\n";
                      }
                      temporary_file fp({.dir = dir.path()});
                      fp << "text";
                      fp.seek(0);
                      if (fp.read() != "text") {
                          wrong << "not read back\n";
                      }
                      if (!dir.empty()) {
                          wrong << "it has a name\n";
                      }
                  }),
                  "");
    }
}

// --- One call each, with its final mode (the modes themselves: umask.cpp) ---

TEST(creation, S2_takes_one_call) {
    const scratch dir;
    if (!makes_unnamed_files(dir.path())) {
        GTEST_SKIP() << "the file system of /tmp has no O_TMPFILE";
    }
    recorder calls;
    { const temporary_file fp({.dir = dir.path()}); }
    EXPECT_EQ(calls.take(), names{"create_unnamed"});
    { const named_temporary_file fp({.dir = dir.path()}); }
    EXPECT_EQ(calls.take(), (names{"create_file", "remove_file"}));
    { const temporary_directory made({.dir = dir.path()}); }
    EXPECT_EQ(calls.take(), (names{"create_directory", "open_directory", "remove_directory"}));
    spooled_temporary_file spool({.dir = dir.path()});
    spool << "text";
    EXPECT_EQ(calls.take(), names{});
    spool.rollover();
    EXPECT_EQ(calls.take(), names{"create_unnamed"});
    ::unlink(mkstemp({.dir = dir.path()}).path.c_str());
    EXPECT_EQ(calls.take(), names{"create_file"});
    ::rmdir(mkdtemp({.dir = dir.path()}).c_str());
    EXPECT_EQ(calls.take(), names{"create_directory"});
}

// --- Random bytes ---

class no_random_bytes : public testing::TestWithParam<int> {};

TEST_P(no_random_bytes, T16_come_from_the_device) {
    const scratch dir;
    int asked = 0;
    const replace_call<&sys::calls::random> refused([&](auto...) {
        ++asked;
        return GetParam();
    });
    std::set<path> seen;
    for (int i = 0; i < 100; ++i) {
        const auto [f, name] = mkstemp({.dir = dir.path()});
        seen.insert(name);
    }
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_GT(asked, 0);
}

TEST_P(no_random_bytes, T16_nothing_is_made_without_them) {
    const scratch dir;
    EXPECT_EQ(in_child([&](std::ostream& wrong) {  // where no bytes have been drawn yet
                  const replace_call<&sys::calls::random> refused([](auto...) { return GetParam(); });
                  const replace_call<&sys::calls::random_device> refused_too([](auto...) { return ENOENT; });
                  const replace_call<&sys::calls::create_unnamed> old_kernel([](auto...) { return EISDIR; });
                  const auto expect_refusal = [&](const char* what, const std::error_code& ec) {
                      if (ec != system_code(ENOENT)) {
                          wrong << what << ": " << ec.message() << '\n';
                      }
                  };
                  std::error_code ec;
                  { const temporary_file fp({.dir = dir.path()}, ec); }
                  expect_refusal("temporary_file", ec);
                  { const named_temporary_file fp({.dir = dir.path()}, ec); }
                  expect_refusal("named_temporary_file", ec);
                  { const temporary_directory made({.dir = dir.path()}, ec); }
                  expect_refusal("temporary_directory", ec);
                  static_cast<void>(mkstemp({.dir = dir.path()}, ec));
                  expect_refusal("mkstemp", ec);
                  static_cast<void>(mkdtemp({.dir = dir.path()}, ec));
                  expect_refusal("mkdtemp", ec);
                  if (!dir.empty()) {
                      wrong << "something was made\n";
                  }
              }),
              "");
}

INSTANTIATE_TEST_SUITE_P(every, no_random_bytes, testing::Values(EAGAIN, ENOSYS, EPERM), errno_name);

// A child that goes on where its parent's bytes are would draw the parent's names.
TEST(random_bytes, T16_a_forked_child_draws_its_own) {
    const scratch dir;
    std::set<std::string> seen;
    const auto draw = [&] {  // and leave nothing that would be in the way of the same name
        const path made = mkstemp({.dir = dir.path()}).path;
        std::filesystem::remove(made);
        return made.string();
    };
    seen.insert(draw());
    constexpr std::size_t children = 50;
    for (std::size_t i = 0; i < children; ++i) {
        seen.insert(in_child([&](std::ostream& out) { out << draw(); }));
    }
    seen.insert(draw());
    EXPECT_EQ(seen.size(), children + 2);
}

// --- Names that are taken ---

TEST(names_that_are_taken, T28_S8_running_out_of_tries_says_so) {
    const scratch dir;
    int tries = 0;
    const replace_call<&sys::calls::create_unnamed> old_kernel([](auto...) { return EISDIR; });
    const replace_call<&sys::calls::create_file> taken([&](auto...) {
        ++tries;
        return EEXIST;
    });
    const replace_call<&sys::calls::create_directory> taken_too([&](auto...) {
        ++tries;
        return EEXIST;
    });
    const auto expect_all_tried = [&](const char* what, const std::error_code& ec) {
        EXPECT_EQ(std::exchange(tries, 0), tmp_max) << what;
        EXPECT_EQ(ec, std::errc::file_exists) << what;
    };
    std::error_code ec;
    { const temporary_file fp({.dir = dir.path()}, ec); }
    expect_all_tried("temporary_file", ec);
    { const named_temporary_file fp({.dir = dir.path()}, ec); }
    expect_all_tried("named_temporary_file", ec);
    { const temporary_directory made({.dir = dir.path()}, ec); }
    expect_all_tried("temporary_directory", ec);
    static_cast<void>(mkstemp({.dir = dir.path()}, ec));
    expect_all_tried("mkstemp", ec);
    static_cast<void>(mkdtemp({.dir = dir.path()}, ec));
    expect_all_tried("mkdtemp", ec);
    spooled_temporary_file spool({.dir = dir.path()});
    spool.rollover(ec);
    expect_all_tried("spooled_temporary_file", ec);
}

TEST(names_that_are_taken, T28_the_last_try_counts) {
    const scratch dir;
    int tries = 0;
    const replace_call<&sys::calls::create_file> taken([&](const char* name, bool append, sys::handle& made) {
        return ++tries < tmp_max ? EEXIST : replace_call<&sys::calls::create_file>::real(name, append, made);
    });
    const named_temporary_file fp({.dir = dir.path()});
    EXPECT_EQ(tries, tmp_max);
    EXPECT_TRUE(std::filesystem::exists(fp.path()));
}

TEST(names_that_are_taken, T28_another_error_ends_the_tries) {
    const scratch dir;
    int tries = 0;
    const replace_call<&sys::calls::create_file> full([&](auto...) { return ++tries < 5 ? EEXIST : ENOSPC; });
    std::error_code ec;
    const named_temporary_file fp({.dir = dir.path()}, ec);
    EXPECT_EQ(tries, 5);
    EXPECT_EQ(ec, system_code(ENOSPC));
}

// --- Standard streams ---

TEST(standard_streams, T32_a_handle_that_cannot_be_moved_up_is_an_error) {
    const scratch dir;
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  ::close(0);
                  const replace_call<&sys::calls::duplicate> refused([](auto...) { return EMFILE; });
                  std::error_code ec;
                  const named_temporary_file fp({.dir = dir.path()}, ec);
                  if (ec != system_code(EMFILE)) {
                      wrong << "reports " << ec.message() << '\n';
                  }
                  if (::fcntl(0, F_GETFD) != -1) {
                      wrong << "descriptor 0 is still taken\n";
                  }
                  if (!dir.empty()) {
                      wrong << "something stays behind\n";
                  }
              }),
              "");
}

}  // namespace
