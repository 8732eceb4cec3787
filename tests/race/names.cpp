// Objects made in many threads at once.

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "race/threads.hpp"
#include "support/descriptors.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using tempfile::test::in_child;
using tempfile::test::in_memory;
using tempfile::test::in_threads;
using tempfile::test::open_descriptors;
using tempfile::test::replace_call;
using tempfile::test::scratch;

constexpr std::size_t threads = 8;
constexpr std::size_t each = 1000;

TEST(names_in_threads, T16_S1_all_differ) {
    const scratch dir(in_memory());
    std::atomic<int> taken{0};  // the same name twice is taken the second time, and another is tried
    const replace_call<&sys::calls::create_file> files([&](const char* name, bool append, sys::handle& made) {
        const sys::error e = replace_call<&sys::calls::create_file>::real(name, append, made);
        taken += e == EEXIST ? 1 : 0;
        return e;
    });
    const replace_call<&sys::calls::create_directory> directories([&](const char* name) {
        const sys::error e = replace_call<&sys::calls::create_directory>::real(name);
        taken += e == EEXIST ? 1 : 0;
        return e;
    });
    std::array<std::vector<std::string>, threads> made;
    in_threads(threads, [&](std::size_t i) {
        for (std::size_t n = 0; n < each; ++n) {
            made[i].push_back((n % 2 == 0 ? mkstemp({.dir = dir.path()}).path : mkdtemp({.dir = dir.path()})).string());
        }
    });
    std::vector<std::string> all;
    for (const auto& some : made) {
        all.insert(all.end(), some.begin(), some.end());
    }
    std::sort(all.begin(), all.end());
    EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end());
    EXPECT_EQ(dir.names().size(), threads * each);
    EXPECT_EQ(taken, 0);
}

TEST(objects_in_threads, T16_do_not_meet_and_leave_nothing) {
    const scratch dir(in_memory());
    const auto before = open_descriptors();
    in_threads(threads, [&](std::size_t i) {
        const std::string mine = "written by thread " + std::to_string(i);
        const auto use = [&](file_object& fp) {
            fp << mine;
            fp.seek(0);
            EXPECT_EQ(fp.read(), mine);
        };
        for (std::size_t n = 0; n < each / 4; ++n) {
            temporary_file unnamed({.dir = dir.path()});
            named_temporary_file named({.dir = dir.path()});
            spooled_temporary_file spooled({.max_size = 4, .dir = dir.path()});
            use(unnamed);
            use(named);
            use(spooled);
            temporary_directory tree({.dir = dir.path()});
            std::ofstream(tree / "file") << mine;
            tree.cleanup();
        }
    });
    EXPECT_TRUE(dir.empty());
    EXPECT_EQ(open_descriptors(), before);
}

// What is found out only once in a process is found out by all of them at once here.
TEST(objects_in_threads, T9_T11_the_first_of_a_process) {
    const scratch dir(in_memory());
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(in_child([&](std::ostream& wrong) {
                      ::setenv("TMPDIR", dir.path().c_str(), 1);
                      std::array<std::string, threads> parents;
                      in_threads(threads, [&](std::size_t n) {
                          const temporary_directory made;
                          named_temporary_file fp;
                          parents[n] = fp.path().parent_path().string();
                          fp.close();
                      });
                      for (const std::string& parent : parents) {
                          if (parent != dir.path()) {
                              wrong << "made in " << parent << '\n';
                          }
                      }
                  }),
                  "");
    }
    EXPECT_TRUE(dir.empty());
}

}  // namespace
