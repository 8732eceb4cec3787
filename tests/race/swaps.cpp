// Somebody swaps things in a tree while it is being removed: before each single call of the removal, and in another
// thread. Nothing outside of the tree is ever touched.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "race/attacks.hpp"
#include "race/canary.hpp"
#include "support/descriptors.hpp"
#include "support/every_call.hpp"
#include "support/held.hpp"
#include "support/in_child.hpp"
#include "support/in_memory.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace {

using namespace tempfile;
using namespace tempfile::test::attacks;
using tempfile::test::as_ordinary_user;
using tempfile::test::canary;
using tempfile::test::every_call;
using tempfile::test::held;
using tempfile::test::in_memory;
using tempfile::test::open_descriptors;
using tempfile::test::plant_tree;
using tempfile::test::replace_call;
using tempfile::test::scratch;
using tempfile::test::victims;
using path = std::filesystem::path;

std::error_code system_code(int e) {
    return {e, std::system_category()};
}

// --- T2, through the table ---

class swaps : public testing::TestWithParam<attack> {
protected:
    // Removes a new tree while the attack strikes before call number `n`. @return false when there were fewer calls.
    bool strike_before_call(std::size_t n, const char* victim);

    scratch world{in_memory()};
    canary outside{world / "canary"};
    std::size_t hits = 0;
};

bool swaps::strike_before_call(std::size_t n, const char* victim) {
    const path home = world / "home";
    const path twin = below(outside.path(), victim);
    std::filesystem::create_directory(home);
    std::size_t calls = 0;
    {
        temporary_directory tree({.dir = home});
        plant_tree(tree.path());
        std::error_code ec;
        {
            const every_call gate([&](std::string_view) {
                if (++calls == n) {
                    hits += GetParam().strike(below(tree.path(), victim), twin, world / "aside") ? 1U : 0U;
                }
                return 0;
            });
            tree.cleanup(ec);
        }
        EXPECT_TRUE(ec || !std::filesystem::exists(std::filesystem::symlink_status(tree.path())))
            << "no error is reported, but something is left";
    }
    EXPECT_EQ(outside.damage(), "");
    std::filesystem::remove_all(home);
    std::filesystem::remove_all(world / "aside");
    std::filesystem::remove_all(twin.parent_path() / "adopted");
    return calls >= n;
}

TEST_P(swaps, T2_before_any_call_of_a_removal) {
    const auto before = open_descriptors();
    for (const char* victim : victims) {
        hits = 0;
        for (std::size_t n = 1; strike_before_call(n, victim); ++n) {
            ASSERT_FALSE(HasFailure()) << GetParam().name << ", " << victim << ", before call " << n;
        }
        EXPECT_GT(hits, 0U) << victim;
    }
    EXPECT_EQ(open_descriptors(), before);
}

INSTANTIATE_TEST_SUITE_P(every, swaps, testing::ValuesIn(all),
                         [](const auto& of) { return std::string(of.param.name); });

// --- T2, in another thread ---

// Exchanges two names again and again, as long as it lives.
class exchanger {
public:
    exchanger(path a, path b) : a_(std::move(a)), b_(std::move(b)), thread_([this] { run(); }) {}
    ~exchanger() {
        over_ = true;
        thread_.join();
    }
    exchanger(const exchanger&) = delete;
    exchanger& operator=(const exchanger&) = delete;
    [[nodiscard]] std::size_t times() const { return times_; }

private:
    void run() {
        while (!over_) {
            times_ += exchange(a_, b_) ? 1U : 0U;
        }
    }

    path a_;
    path b_;
    std::atomic<bool> over_{false};
    std::atomic<std::size_t> times_{0};
    std::thread thread_;
};

TEST(swaps_in_a_thread, T2_directories_and_links_exchanged_without_end) {
    const scratch world(in_memory());
    const canary outside(world / "canary");
    const path tree = world / "tree";
    constexpr int rounds = 1500;
    std::size_t exchanges = 0;
    for (const char* victim : {"1", "1/2/3", "1/2/3/4/5/6"}) {
        std::filesystem::create_directory(tree);
        const held root(::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const path evil = world / "evil";
        const exchanger attacker(tree / victim, evil);
        for (int i = 0; i < rounds; ++i) {
            std::error_code ignored;  // the attacker is at work already
            ::symlink((outside.path() / victim).c_str(), evil.c_str());
            try {
                plant_tree(tree);
            } catch (const std::filesystem::filesystem_error&) {
            }
            tempfile::remove_tree(root, tree, {.contents_only = true, .patience = {}}, ignored);
            std::filesystem::remove_all(evil, ignored);
        }
        exchanges += attacker.times();
        ASSERT_EQ(outside.damage(), "") << victim;
        std::filesystem::remove_all(tree);
    }
    EXPECT_GT(exchanges, 100U);
}

// --- T3: permissions ---

bool replace_by_link_in_place(const path& victim, const path& twin, const path&) {
    const path aside = victim.string() + ".aside";
    const path link = victim.string() + ".link";
    return ::symlink(twin.c_str(), link.c_str()) == 0 && ::rename(victim.c_str(), aside.c_str()) == 0 &&
           ::rename(link.c_str(), victim.c_str()) == 0;
}

// Everything below `root` is locked; the attack strikes before call `n` of the removal.
bool strike_locked(std::ostream& wrong, const scratch& world, const canary& outside, const char* victim, unsigned mode,
                   std::size_t n, std::size_t& hits) {
    temporary_directory tree({.dir = world.path()});
    plant_tree(tree.path());
    for (auto v = victims.rbegin(); v != victims.rend(); ++v) {
        if (std::filesystem::is_directory(tree.path() / *v) && **v != '\0') {
            ::chmod((tree.path() / *v).c_str(), mode);
        }
    }
    std::size_t calls = 0;
    std::error_code ec;
    {
        const every_call gate([&](std::string_view) {
            if (++calls == n && replace_by_link_in_place(tree.path() / victim, outside.path() / victim, "")) {
                ++hits;
            }
            return 0;
        });
        tree.cleanup(ec);
    }
    if (!outside.damage().empty()) {
        wrong << victim << ", before call " << n << ": " << outside.damage();
    }
    tree.cleanup(ec);  // what was put aside too late, in a directory that was through already
    if (ec) {
        wrong << victim << ", before call " << n << ": not removed: " << ec.message() << '\n';
    }
    return calls >= n;
}

TEST(swaps_of_locked_directories, T3_a_link_between_the_failure_and_the_repair) {
    const scratch world(in_memory());
    ASSERT_EQ(::chmod(world.path().c_str(), 0777), 0);
    EXPECT_EQ(as_ordinary_user([&](std::ostream& wrong) {
                  const canary outside(world / "canary");
                  std::size_t hits = 0;
                  for (const unsigned mode : {0000U, 0300U, 0500U, 0600U}) {
                      for (const char* victim : {"1", "1/2", "1/2/3", "1/2/3/4/5/6", "1/2/empty"}) {
                          for (std::size_t n = 1; wrong.tellp() == 0; ++n) {
                              if (!strike_locked(wrong, world, outside, victim, mode, n, hits)) {
                                  break;
                              }
                          }
                      }
                  }
                  if (hits < 100) {
                      wrong << "only " << hits << " attacks were possible\n";
                  }
                  std::filesystem::remove_all(outside.path());
              }),
              "");
}

// --- Others who remove or make something meanwhile are no attackers, and no failure ---

class others : public testing::Test {
protected:
    void SetUp() override {
        std::filesystem::create_directories(tree / "sub/inner");
        const std::ofstream file(tree / "sub/file");
    }
    void TearDown() override { EXPECT_TRUE(home.empty()); }

    scratch home{in_memory()};
    temporary_directory tree{{.dir = home.path()}};
};

TEST_F(others, T2_remove_a_directory_that_has_just_been_opened) {
    bool removed = false;
    const replace_call<&sys::calls::list> before([&](sys::handle h, void* buffer, std::size_t& used) {
        const path listed = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(h));
        if (listed == tree / "sub") {
            removed = std::filesystem::remove_all(tree / "sub") > 0;
        }
        return replace_call<&sys::calls::list>::real(h, buffer, used);
    });
    tree.cleanup();
    EXPECT_TRUE(removed);
}

TEST_F(others, T2_remove_a_directory_that_was_found_not_empty) {
    int tries = 0;
    const replace_call<&sys::calls::remove_directory> filled([&](sys::handle at, const char* name) {
        if (std::string_view(name) != "sub" || ++tries != 2) {
            return replace_call<&sys::calls::remove_directory>::real(at, name);
        }
        std::filesystem::remove(tree /
                                "sub");  // it was emptied, but somebody made something in it, and changed his mind
        return ENOTEMPTY;
    });
    tree.cleanup();
    EXPECT_EQ(tries, 2);
}

TEST_F(others, T2_put_a_link_in_the_place_of_an_emptied_directory) {
    const scratch world(in_memory());
    const canary outside(world / "canary");
    int tries = 0;
    const replace_call<&sys::calls::remove_directory> swapped([&](sys::handle at, const char* name) {
        if (std::string_view(name) == "sub" && ++tries == 2) {
            std::filesystem::remove(tree / "sub");
            std::filesystem::create_directory_symlink(outside.path(), tree / "sub");
        }
        return replace_call<&sys::calls::remove_directory>::real(at, name);
    });
    tree.cleanup();
    EXPECT_EQ(tries, 2);
    EXPECT_EQ(outside.damage(), "");
}

TEST_F(others, T2_put_a_directory_in_the_place_of_a_file) {
    bool swapped = false;
    const replace_call<&sys::calls::remove_file> before([&](sys::handle at, const char* name) {
        if (std::string_view(name) == "file" && !std::exchange(swapped, true)) {
            std::filesystem::remove(tree / "sub/file");
            std::filesystem::create_directories(tree / "sub/file/deep");
        }
        return replace_call<&sys::calls::remove_file>::real(at, name);
    });
    tree.cleanup();
    EXPECT_TRUE(swapped);
}

// Patience, but not without end.
TEST_F(others, T2_go_on_making_entries_without_end) {
    std::size_t made = 0;
    std::error_code ec;
    {
        const every_call maker([&](std::string_view entry) {
            if (entry == "remove_directory") {
                const std::ofstream file(tree / "sub" / std::to_string(made++));
            }
            return 0;
        });
        tree.cleanup(ec);
    }
    EXPECT_EQ(ec, system_code(ENOTEMPTY));
    EXPECT_LT(made, 1'000'000U);
    tree.cleanup();
}

}  // namespace
