// Modes, whatever the umask: exactly 0600 and 0700.
//
// The library looks at what the umask does when it makes the first thing in a process. So each test here is a child of
// a process that never used the library.

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <cerrno>
#include <cstdio>
#include <functional>
#include <ostream>
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
using tempfile::test::child_body;
using tempfile::test::every_call;
using tempfile::test::in_child;
using tempfile::test::open_descriptors;
using tempfile::test::refuse;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using path = std::filesystem::path;

std::string octal(unsigned mode) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode);
    return text.data();
}

void expect_mode(std::ostream& wrong, const std::string& what, const struct stat& is, unsigned expected) {
    if ((is.st_mode & 07777U) != expected) {
        wrong << what << " has mode " << octal(is.st_mode & 07777U) << '\n';
    }
}

void expect_mode(std::ostream& wrong, const std::string& what, const path& name, unsigned expected) {
    struct stat is {};
    if (::lstat(name.c_str(), &is) != 0) {
        wrong << what << " is not there\n";
    }
    expect_mode(wrong, what, is, expected);
}

void expect_mode(std::ostream& wrong, const std::string& what, int handle, unsigned expected) {
    struct stat is {};
    if (::fstat(handle, &is) != 0) {
        wrong << what << " has no handle\n";
    }
    expect_mode(wrong, what, is, expected);
}

// --- Everything that is made, each as the first thing and after all others ---

struct maker {
    const char* name;
    void (*make)(std::ostream& wrong, const path& dir);
};

constexpr std::array<maker, 7> makers = {{
    {"temporary_file",
     [](std::ostream& wrong, const path& dir) {
         temporary_file fp({.dir = dir});
         expect_mode(wrong, "temporary_file", fp.native_handle(), 0600);
         fp.reopen().close();
     }},
    {"temporary_file without O_TMPFILE",
     [](std::ostream& wrong, const path& dir) {
         const replace_call<&sys::calls::create_unnamed> old_kernel([](auto...) { return EISDIR; });
         temporary_file fp({.dir = dir});
         expect_mode(wrong, "temporary_file without O_TMPFILE", fp.native_handle(), 0600);
     }},
    {"named_temporary_file",
     [](std::ostream& wrong, const path& dir) {
         named_temporary_file fp({.dir = dir});
         expect_mode(wrong, "named_temporary_file", fp.path(), 0600);
     }},
    {"mkstemp",
     [](std::ostream& wrong, const path& dir) {
         auto [f, name] = mkstemp({.dir = dir});
         expect_mode(wrong, "mkstemp", name, 0600);
         std::filesystem::remove(name);
     }},
    {"spooled_temporary_file",
     [](std::ostream& wrong, const path& dir) {
         spooled_temporary_file fp({.dir = dir});
         fp.rollover();
         expect_mode(wrong, "spooled_temporary_file", fp.native_handle(), 0600);
     }},
    {"temporary_directory",
     [](std::ostream& wrong, const path& dir) {
         temporary_directory made({.dir = dir});
         expect_mode(wrong, "temporary_directory", made.path(), 0700);
         named_temporary_file inside({.dir = made.path()});
         expect_mode(wrong, "a file in a temporary_directory", inside.path(), 0600);
     }},
    {"mkdtemp",
     [](std::ostream& wrong, const path& dir) {
         const path made = mkdtemp({.dir = dir});
         expect_mode(wrong, "mkdtemp", made, 0700);
         std::filesystem::remove(made);
     }},
}};

struct user {
    const char* name;
    std::string (*run)(const child_body& body);
};

class umask_of : public testing::TestWithParam<std::tuple<unsigned, user>> {
protected:
    [[nodiscard]] static unsigned mask() { return std::get<0>(GetParam()); }
    // Runs the body with the umask, in a fresh process, in a directory where everybody may make files.
    std::string run(const child_body& body) {
        ::chmod(dir.path().c_str(), 0777);
        return std::get<1>(GetParam()).run([&](std::ostream& wrong) {
            ::umask(mask());
            body(wrong);
            if (::umask(0) != mask()) {
                wrong << "the umask was changed\n";
            }
        });
    }
    scratch dir;
};

TEST_P(umask_of, T11_modes_are_exact_whatever_is_made_first) {
    for (const maker& first : makers) {
        EXPECT_EQ(run([&](std::ostream& wrong) {
                      first.make(wrong, dir.path());
                      for (const maker& next : makers) {
                          next.make(wrong, dir.path());
                      }
                  }),
                  "")
            << "the first was " << first.name;
        EXPECT_TRUE(dir.empty());
    }
}

// The search for the directory makes a file, before anything else is made.
TEST_P(umask_of, T11_modes_are_exact_after_the_search) {
    EXPECT_EQ(run([&](std::ostream& wrong) {
                  ::setenv("TMPDIR", dir.path().c_str(), 1);
                  if (gettempdir() != dir.path()) {
                      wrong << "another directory was chosen: " << gettempdir() << '\n';
                  }
                  temporary_directory made;
                  expect_mode(wrong, "temporary_directory", made.path(), 0700);
                  named_temporary_file fp;
                  expect_mode(wrong, "named_temporary_file", fp.path(), 0600);
              }),
              "");
    EXPECT_TRUE(dir.empty());
}

std::string name_of(const testing::TestParamInfo<std::tuple<unsigned, user>>& info) {
    return octal(std::get<0>(info.param)) + "_as_" + std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(every, umask_of,
                         testing::Combine(testing::Values(0000U, 0022U, 0077U, 0177U, 0277U, 0477U, 0777U),
                                          testing::Values(user{"who_we_are", in_child},
                                                          user{"ordinary_user", as_ordinary_user})),
                         name_of);

// --- From the first instant ---

// What the system is asked to make has its final mode already, and nothing is changed afterwards.
TEST(umask, S2_nothing_is_made_first_and_closed_to_others_later) {
    const scratch dir;
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  ::umask(0);
                  std::vector<std::string> trace;
                  const every_call watch([&](std::string_view entry) {
                      trace.emplace_back(entry);
                      return 0;
                  });
                  for (const maker& m : makers) {
                      m.make(wrong, dir.path());
                      m.make(wrong, dir.path());
                  }
                  for (const std::string& entry : trace) {
                      if (entry == "set_permissions" || entry == "set_path_permissions") {
                          wrong << entry << " was called\n";
                      }
                  }
              }),
              "");
}

// A name may lead to something else by the time it is used: every call that changes a mode by name is refused here.
TEST(umask, T15_the_mode_of_a_named_file_is_changed_through_its_handle) {
    const scratch dir;
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  ::umask(0777);
                  constexpr int fchmodat2 = 452;  // since Linux 6.6
                  for (const int by_name : {SYS_chmod, SYS_fchmodat, fchmodat2}) {
                      if (!refuse({.call = static_cast<std::uint32_t>(by_name), .error = EIO})) {
                          wrong << "no seccomp filter\n";
                      }
                  }
                  const named_temporary_file fp({.dir = dir.path()});
                  expect_mode(wrong, "a named file", fp.path(), 0600);
              }),
              "");
}

// --- When the repair fails, nothing is left ---

TEST(umask, T11_a_mode_that_cannot_be_made_right_is_an_error) {
    const scratch dir;
    ASSERT_EQ(::chmod(dir.path().c_str(), 0777), 0);
    const auto only_this_fails = [&](const std::string& failing, const maker& m) {
        return as_ordinary_user([&](std::ostream& wrong) {
            ::umask(0777);
            bool failed = false;
            const every_call gate([&](std::string_view entry) {
                const bool now = entry == failing && !failed;
                failed = failed || now;
                return now ? EIO : 0;
            });
            std::error_code reported;
            const auto before = open_descriptors();
            try {
                m.make(wrong, dir.path());
            } catch (const std::system_error& e) {
                reported = e.code();
            }
            if (open_descriptors() != before) {
                wrong << "a descriptor is lost\n";
            }
            if (failed != (reported.value() == EIO)) {
                wrong << m.name << " reports " << reported.message() << " when " << failing << " fails\n";
            }
        });
    };
    for (const char* failing : {"stat", "set_permissions", "open_path", "set_path_permissions"}) {
        for (const maker& m : makers) {
            EXPECT_EQ(only_this_fails(failing, m), "") << m.name << ", " << failing;
            EXPECT_TRUE(dir.empty()) << m.name << ", " << failing;
        }
    }
}

}  // namespace
