// The default directory asked for and changed in many threads at once.

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <cstdlib>
#include <set>
#include <string>

#include "race/threads.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_child;
using tempfile::test::in_memory;
using tempfile::test::in_threads;
using tempfile::test::scratch;
using path = std::filesystem::path;

constexpr std::size_t threads = 8;
constexpr int rounds = 500;

class location_in_threads : public testing::Test {
protected:
    void TearDown() override { tempdir = std::nullopt; }
    scratch one{in_memory()};
    scratch other{in_memory()};
};

TEST_F(location_in_threads, one_of_the_answers_that_were_set_is_given) {
    tempdir = one.path();
    in_threads(threads, [&](std::size_t i) {
        for (int n = 0; n < rounds; ++n) {
            if (i < 2) {
                tempdir = (n % 2 == 0 ? one : other).path();
            } else {
                const path dir = gettempdir();
                EXPECT_TRUE(dir == one.path() || dir == other.path()) << dir;
                const auto value = tempdir.value();
                EXPECT_TRUE(value == one.path() || value == other.path());
                const named_temporary_file fp;
                const path made_in = fp.path().parent_path();
                EXPECT_TRUE(made_in == one.path() || made_in == other.path()) << made_in;
            }
        }
    });
    EXPECT_TRUE(one.empty());
    EXPECT_TRUE(other.empty());
}

TEST_F(location_in_threads, a_scope_is_of_its_thread_only) {
    std::array<path, threads> mine;
    for (std::size_t i = 0; i < threads; ++i) {
        mine[i] = one / std::to_string(i);
        std::filesystem::create_directory(mine[i]);
    }
    in_threads(threads, [&](std::size_t i) {
        for (int n = 0; n < rounds; ++n) {
            if (i == 0) {
                tempdir = n % 2 == 0 ? std::optional<path>(other.path()) : std::nullopt;
                continue;
            }
            const scoped_tempdir here(mine[i]);
            EXPECT_EQ(gettempdir(), mine[i]);
            {
                const scoped_tempdir inner(other.path());
                EXPECT_EQ(gettempdir(), other.path());
            }
            const named_temporary_file fp;
            EXPECT_EQ(fp.path().parent_path(), mine[i]);
        }
    });
}

TEST_F(location_in_threads, the_search_begins_anew_in_all_of_them) {
    EXPECT_EQ(in_child([&](std::ostream& wrong) {
                  ::setenv("TMPDIR", one.path().c_str(), 1);
                  std::array<std::string, threads> complaints;
                  in_threads(threads, [&](std::size_t i) {
                      for (int n = 0; n < rounds / 5; ++n) {
                          if (i == 0) {
                              tempdir = std::nullopt;  // forget
                          }
                          const temporary_file fp;
                          if (gettempdir() != one.path() || (i == 1 && explain().dir != one.path())) {
                              complaints[i] = "another directory\n";
                          }
                      }
                  });
                  for (const std::string& c : complaints) {
                      wrong << c;
                  }
              }),
              "");
    EXPECT_TRUE(one.empty());
}

// The directory that the search found vanishes, and all threads notice it at the same time.
TEST_F(location_in_threads, a_vanished_directory_is_replaced_by_the_next_candidate) {
    for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(in_child([&](std::ostream& wrong) {
                      const path vanishing = one / "vanishing";
                      std::filesystem::create_directory(vanishing);
                      ::setenv("TMPDIR", vanishing.c_str(), 1);
                      ::setenv("TEMP", other.path().c_str(), 1);
                      if (gettempdir() != vanishing) {
                          wrong << "TMPDIR is not used\n";
                      }
                      std::filesystem::remove(vanishing);
                      std::array<path, threads> made_in;
                      in_threads(threads, [&](std::size_t i) {
                          const named_temporary_file fp;
                          made_in[i] = fp.path().parent_path();
                      });
                      for (const path& dir : made_in) {
                          if (dir != other.path()) {
                              wrong << dir << '\n';
                          }
                      }
                  }),
                  "");
    }
    EXPECT_TRUE(other.empty());
}

}  // namespace
