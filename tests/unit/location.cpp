#include "tempfile/location.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "creators.hpp"
#include "helpers.hpp"
#include "support/in_child.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

using create_unnamed_call = replace_call<&sys::calls::create_unnamed>;

// Forgets what was chosen before, at the beginning and at the end, when the environment is what it was.
struct forget_choice {
    forget_choice() { tempdir = std::nullopt; }
    ~forget_choice() { tempdir = std::nullopt; }
};

class location_test : public testing::Test {
protected:
    // The process's default directories cannot be used, so that what is behind them is reached.
    static create_unnamed_call refuse(const std::vector<std::string>& dirs, int e) {
        return create_unnamed_call([dirs, e](const char* where, bool append, sys::handle& made) {
            return std::find(dirs.begin(), dirs.end(), where) != dirs.end()
                       ? e
                       : create_unnamed_call::real(where, append, made);
        });
    }

    forget_choice forget;
    environment_variable tmpdir{"TMPDIR", nullptr};
    environment_variable temp{"TEMP", nullptr};
    environment_variable tmp{"TMP", nullptr};
    scratch dir;
};

const candidate& candidate_from(const explanation& e, const std::string& origin) {
    for (const candidate& c : e.candidates) {
        if (c.origin == origin) {
            return c;
        }
    }
    throw std::runtime_error("no candidate from " + origin);
}

// --- The order ---

TEST_F(location_test, the_environment_comes_first_in_pythons_order) {
    for (const char* name : {"first", "second", "third"}) {
        std::filesystem::create_directory(dir / name);
    }
    const environment_variable third("TMP", (dir / "third").c_str());
    EXPECT_EQ(gettempdir(), dir / "third");
    const environment_variable second("TEMP", (dir / "second").c_str());
    EXPECT_EQ(gettempdir(), dir / "third") << "the search runs once";
    tempdir = std::nullopt;
    EXPECT_EQ(gettempdir(), dir / "second");
    const environment_variable first("TMPDIR", (dir / "first").c_str());
    tempdir = std::nullopt;
    EXPECT_EQ(gettempdir(), dir / "first");
}

TEST_F(location_test, then_tmp) {
    EXPECT_EQ(gettempdir(), "/tmp");
}

TEST_F(location_test, then_var_tmp) {
    const auto full = refuse({"/tmp"}, ENOSPC);
    EXPECT_EQ(gettempdir(), "/var/tmp");
}

TEST_F(location_test, then_the_working_directory) {
    const working_directory here(dir.path());
    const auto full = refuse({"/tmp", "/var/tmp", "/usr/tmp"}, ENOSPC);
    EXPECT_EQ(gettempdir(), dir.path());
}

TEST_F(location_test, all_candidates_are_listed_in_order_also_those_behind_the_chosen_one) {
    const environment_variable first("TMPDIR", dir.path().c_str());
    const environment_variable third("TMP", "/nonexistent");
    const working_directory here(dir.path());
    std::vector<std::string> listed;
    for (const candidate& c : explain().candidates) {
        listed.push_back(c.origin + ' ' + c.dir.string());
    }
    EXPECT_EQ(listed, (std::vector<std::string>{"$TMPDIR " + dir.path().string(), "$TMP /nonexistent", "default /tmp",
                                                "default /var/tmp", "default /usr/tmp",
                                                "working directory " + dir.path().string()}));
}

TEST_F(location_test, an_empty_variable_is_as_good_as_none) {
    const environment_variable first("TMPDIR", "");
    EXPECT_EQ(gettempdir(), "/tmp");
    EXPECT_EQ(explain().candidates.front().origin, "default");
}

TEST_F(location_test, in_a_set_user_id_program_the_environment_is_not_looked_at) {
    const environment_variable first("TMPDIR", dir.path().c_str());
    const replace_call<&sys::calls::environment> secure([](const char*) { return nullptr; });
    const replace_call<&sys::calls::set_user_id> privileged([] { return true; });
    EXPECT_EQ(gettempdir(), "/tmp");
    EXPECT_TRUE(explain().environment_ignored);
    EXPECT_EQ(explain().candidates.front().dir, "/tmp");
}

TEST_F(location_test, in_an_ordinary_program_the_environment_is_not_ignored) {
    EXPECT_FALSE(explain().environment_ignored);
}

// --- A directory in which others can rename and remove ---

TEST_F(location_test, S6_a_directory_that_is_open_to_others_is_reported) {
    std::filesystem::create_directory_symlink(dir.path(), dir / "link");
    for (const auto& [mode, exposed] : std::vector<std::pair<unsigned, bool>>{
             {0700, false}, {0755, false}, {01777, false}, {0777, true}, {0770, true}, {0702, true}}) {
        for (const auto& path : {dir.path(), dir / "link"}) {
            const environment_variable set("TMPDIR", path.c_str());
            std::filesystem::permissions(dir.path(), std::filesystem::perms(mode));
            EXPECT_EQ(candidate_from(explain(), "$TMPDIR").exposed, exposed) << std::oct << mode << ' ' << path;
        }
    }
    std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
}

TEST_F(location_test, S6_also_one_that_may_not_be_listed) {
    std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
    const scratch drop(dir.path());
    const environment_variable set("TMPDIR", drop.path().c_str());
    for (const auto& [mode, exposed] : std::vector<std::pair<unsigned, bool>>{{0333, true}, {01333, false}}) {
        std::filesystem::permissions(drop.path(), std::filesystem::perms(mode));
        if (::geteuid() == 0) {
            ASSERT_EQ(::chown(drop.path().c_str(), nobody, nobody), 0);  // to be its own, in the child
        }
        EXPECT_EQ(as_ordinary_user([&, is = exposed](std::ostream& wrong) {
                      if (candidate_from(explain(), "$TMPDIR").exposed != is) {
                          wrong << "it is said to be otherwise\n";
                      }
                  }),
                  "");
    }
}

TEST_F(location_test, S6_a_directory_of_another_user_is_reported) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a directory to another user";
    }
    const environment_variable set("TMPDIR", dir.path().c_str());
    ASSERT_EQ(::chown(dir.path().c_str(), 65534, 65534), 0);
    EXPECT_TRUE(candidate_from(explain(), "$TMPDIR").exposed);
    ASSERT_EQ(::chown(dir.path().c_str(), 0, 0), 0);
    EXPECT_FALSE(candidate_from(explain(), "$TMPDIR").exposed);
}

// --- A TMPDIR that cannot be used ---

TEST_F(location_test, an_unusable_TMPDIR_is_passed_over_and_explained) {
    write_file(dir / "file", "");
    std::filesystem::create_symlink(dir / "missing", dir / "dangling");
    std::filesystem::create_symlink("loop", dir / "loop");
    const std::vector<std::pair<std::string, int>> unusable{{(dir / "missing").string(), ENOENT},
                                                            {(dir / "file").string(), ENOTDIR},
                                                            {(dir / "dangling").string(), ENOENT},
                                                            {(dir / "loop").string(), ELOOP},
                                                            {(dir / std::string(300, 'd')).string(), ENAMETOOLONG},
                                                            {(dir / "\xff\xfe").string(), ENOENT}};
    for (const auto& [value, code] : unusable) {
        const environment_variable set("TMPDIR", value.c_str());
        tempdir = std::nullopt;
        EXPECT_EQ(gettempdir(), "/tmp") << value;
        const explanation e = explain();
        EXPECT_EQ(e.dir, "/tmp");
        const candidate c = candidate_from(e, "$TMPDIR");
        EXPECT_EQ(c.dir, value);
        EXPECT_EQ(c.error.value(), code) << value;
        EXPECT_FALSE(c.chosen);
    }
}

TEST_F(location_test, a_read_only_TMPDIR_is_passed_over) {
    const environment_variable set("TMPDIR", "/proc/self");
    EXPECT_EQ(gettempdir(), "/tmp");
    EXPECT_TRUE(candidate_from(explain(), "$TMPDIR").error) << "no file can be made in /proc";
    const environment_variable other("TMPDIR", dir.path().c_str());
    tempdir = std::nullopt;
    const auto read_only = refuse({dir.path().string()}, EROFS);
    EXPECT_EQ(gettempdir(), "/tmp");
    EXPECT_EQ(candidate_from(explain(), "$TMPDIR").error, std::errc::read_only_file_system);
}

// As on hugetlbfs, or on a full disk.
TEST_F(location_test, a_TMPDIR_where_files_can_be_made_but_not_written_is_passed_over) {
    const environment_variable set("TMPDIR", dir.path().c_str());
    using write_call = replace_call<&sys::calls::write>;
    const write_call unwritable([&](sys::handle h, const void* from, std::size_t bytes, std::size_t& done) {
        const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(h));
        return link.parent_path() == dir.path() ? EINVAL : write_call::real(h, from, bytes, done);
    });
    EXPECT_EQ(gettempdir(), "/tmp");
    EXPECT_EQ(candidate_from(explain(), "$TMPDIR").error.value(), EINVAL);
}

TEST_F(location_test, any_bytes_can_name_a_usable_TMPDIR) {
    for (const char* name : {"\xff\xfe", "with space", "new\nline"}) {
        std::filesystem::create_directories(dir / name);
        const environment_variable set("TMPDIR", (dir / name).c_str());
        tempdir = std::nullopt;
        EXPECT_EQ(gettempdir(), dir / name);
        EXPECT_TRUE(mkstemp().path.native().starts_with((dir / name).native()));
    }
}

TEST_F(location_test, a_relative_TMPDIR_is_made_absolute) {
    std::filesystem::create_directory(dir / "sub");
    const working_directory here(dir.path());
    const environment_variable set("TMPDIR", "sub");
    EXPECT_EQ(gettempdir(), dir / "sub");
    const working_directory elsewhere("/");
    EXPECT_EQ(gettempdir(), dir / "sub");
}

TEST_F(location_test, trying_leaves_nothing_behind) {
    const environment_variable set("TMPDIR", dir.path().c_str());
    std::ignore = gettempdir();
    std::ignore = explain();
    EXPECT_TRUE(dir.empty());
    const auto old_kernel = refuse({dir.path().string()}, EOPNOTSUPP);
    tempdir = std::nullopt;
    EXPECT_EQ(gettempdir(), dir.path());
    EXPECT_EQ(explain().dir, dir.path());
    EXPECT_TRUE(dir.empty());
}

// --- No candidate at all ---

TEST_F(location_test, when_nothing_is_usable_the_error_names_all_candidates) {
    const environment_variable set("TMPDIR", "/nonexistent");
    const working_directory here(dir.path());
    const create_unnamed_call none([](auto&&...) { return EROFS; });
    try {
        std::ignore = gettempdir();
        ADD_FAILURE() << "no error";
    } catch (const std::filesystem::filesystem_error& e) {
        EXPECT_EQ(e.code(), std::errc::read_only_file_system);
        for (const std::string& part : {std::string("$TMPDIR"), std::string("/nonexistent"), std::string("/tmp"),
                                        std::string("/var/tmp"), std::string("/usr/tmp"), dir.path().string()}) {
            EXPECT_TRUE(mentions(e.what(), part)) << part << " in " << e.what();
        }
    }
    std::error_code ec;
    EXPECT_TRUE(gettempdir(ec).empty());
    EXPECT_EQ(ec, std::errc::read_only_file_system);
    for (const creator& c : all_creators()) {
        EXPECT_THROW(c.make({}), std::filesystem::filesystem_error) << c.name;
        c.make_quietly({}, ec);
        EXPECT_EQ(ec, std::errc::read_only_file_system) << c.name;
    }
    EXPECT_TRUE(explain().dir.empty());
}

TEST_F(location_test, a_failed_search_is_not_kept) {
    {
        const create_unnamed_call none([](auto&&...) { return EROFS; });
        EXPECT_THROW(std::ignore = gettempdir(), std::filesystem::filesystem_error);
    }
    EXPECT_EQ(gettempdir(), "/tmp");
}

TEST_F(location_test, a_working_directory_that_is_gone_is_explained) {
    const replace_call<&sys::calls::current_directory> gone([](auto&&...) { return ENOENT; });
    const create_unnamed_call none([](auto&&...) { return EROFS; });
    EXPECT_EQ(candidate_from(explain(), "working directory").error, std::errc::no_such_file_or_directory);
    EXPECT_THROW(std::ignore = gettempdir(), std::filesystem::filesystem_error);
}

// --- Kept, and looked for again ---

TEST_F(location_test, the_search_runs_once) {
    std::ignore = gettempdir();
    const count_calls<&sys::calls::create_unnamed> tries;
    EXPECT_EQ(gettempdir(), gettempdir());
    EXPECT_EQ(tries.count(), 0);
}

TEST_F(location_test, every_creator_looks_again_when_the_directory_has_vanished) {
    std::filesystem::create_directory(dir / "next");
    for (const creator& c : all_creators()) {
        if (std::string_view(c.name) == "mktemp") {
            continue;  // it makes nothing, so it does not notice
        }
        std::filesystem::create_directory(dir / "vanishing");
        const environment_variable set("TMPDIR", (dir / "vanishing").c_str());
        const environment_variable next("TEMP", (dir / "next").c_str());
        tempdir = std::nullopt;
        EXPECT_EQ(gettempdir(), dir / "vanishing");
        std::filesystem::remove(dir / "vanishing");
        EXPECT_NO_THROW(c.make({})) << c.name;
        EXPECT_EQ(gettempdir(), dir / "next") << c.name;
    }
}

TEST_F(location_test, every_creator_looks_again_when_the_directory_became_a_file) {
    std::filesystem::create_directory(dir / "next");
    for (const creator& c : all_creators()) {
        std::filesystem::remove(dir / "vanishing");
        std::filesystem::create_directory(dir / "vanishing");
        const environment_variable set("TMPDIR", (dir / "vanishing").c_str());
        const environment_variable next("TEMP", (dir / "next").c_str());
        tempdir = std::nullopt;
        EXPECT_EQ(gettempdir(), dir / "vanishing");
        std::filesystem::remove(dir / "vanishing");
        write_file(dir / "vanishing", "");
        EXPECT_NO_THROW(c.make({})) << c.name;
        EXPECT_EQ(gettempdir(), dir / "next") << c.name;
    }
}

TEST_F(location_test, gettempdir_looks_again_when_the_directory_has_vanished) {
    std::filesystem::create_directory(dir / "vanishing");
    const environment_variable set("TMPDIR", (dir / "vanishing").c_str());
    EXPECT_EQ(gettempdir(), dir / "vanishing");
    std::filesystem::remove(dir / "vanishing");
    EXPECT_EQ(gettempdir(), "/tmp");
}

TEST_F(location_test, what_the_program_chose_is_not_replaced_when_it_vanishes) {
    std::filesystem::create_directory(dir / "vanishing");
    tempdir = dir / "vanishing";
    std::filesystem::remove(dir / "vanishing");
    EXPECT_EQ(thrown([] { const temporary_file fp; }), std::errc::no_such_file_or_directory);
    EXPECT_EQ(gettempdir(), dir / "vanishing");
    const scoped_tempdir here(dir / "missing");
    EXPECT_EQ(thrown([] { const temporary_file fp; }), std::errc::no_such_file_or_directory);
}

// --- The overrides ---

TEST_F(location_test, tempdir_can_be_set_and_forgotten) {
    EXPECT_FALSE(tempdir.value());
    tempdir = dir.path();
    EXPECT_EQ(gettempdir(), dir.path());
    EXPECT_EQ(tempdir.value(), dir.path());
    EXPECT_EQ(mkstemp().path.parent_path(), dir.path());
    tempdir = "/var/tmp";
    EXPECT_EQ(gettempdir(), "/var/tmp");
    tempdir = std::nullopt;
    EXPECT_EQ(gettempdir(), "/tmp");
    EXPECT_FALSE(tempdir.value());
}

TEST_F(location_test, tempdir_need_not_exist_and_is_not_tried) {
    const count_calls<&sys::calls::create_unnamed> tries;
    tempdir = "/nonexistent";
    EXPECT_EQ(gettempdir(), "/nonexistent");
    EXPECT_EQ(tries.count(), 0);
}

TEST_F(location_test, T1_a_relative_override_is_made_absolute_at_once) {
    const working_directory here(dir.path());
    tempdir = "sub";
    {
        const working_directory elsewhere("/");
        EXPECT_EQ(gettempdir(), dir / "sub");
    }
    const scoped_tempdir scoped("other");
    const working_directory elsewhere("/");
    EXPECT_EQ(gettempdir(), dir / "other");
}

TEST_F(location_test, bad_overrides_are_refused_and_change_nothing) {
    const std::string nul("/tmp\0x", 6);
    tempdir = dir.path();
    EXPECT_THROW(tempdir = "", std::invalid_argument);
    EXPECT_THROW(tempdir = nul, std::invalid_argument);
    EXPECT_THROW(const scoped_tempdir here(""), std::invalid_argument);
    EXPECT_THROW(const scoped_tempdir here(nul), std::invalid_argument);
    EXPECT_EQ(gettempdir(), dir.path());
    const replace_call<&sys::calls::current_directory> gone([](auto&&...) { return ENOENT; });
    EXPECT_THROW(tempdir = "relative", std::filesystem::filesystem_error);
    EXPECT_THROW(const scoped_tempdir here("relative"), std::filesystem::filesystem_error);
    EXPECT_EQ(gettempdir(), dir.path());
}

TEST_F(location_test, scoped_overrides_nest_like_blocks_and_count_before_tempdir) {
    tempdir = "/var/tmp";
    {
        const scoped_tempdir outer("/outer");
        EXPECT_EQ(gettempdir(), "/outer");
        {
            const scoped_tempdir inner("/inner");
            EXPECT_EQ(gettempdir(), "/inner");
        }
        EXPECT_EQ(gettempdir(), "/outer");
        EXPECT_EQ(tempdir.value(), "/var/tmp");
    }
    EXPECT_EQ(gettempdir(), "/var/tmp");
}

TEST_F(location_test, scoped_overrides_may_end_in_any_order) {
    auto first = std::make_unique<const scoped_tempdir>("/first");
    auto second = std::make_unique<const scoped_tempdir>("/second");
    auto third = std::make_unique<const scoped_tempdir>("/third");
    second.reset();
    EXPECT_EQ(gettempdir(), "/third");
    third.reset();
    EXPECT_EQ(gettempdir(), "/first");
    first.reset();
    EXPECT_EQ(gettempdir(), "/tmp");
}

TEST_F(location_test, paths_are_tidy_and_their_links_are_left_alone) {
    const working_directory here(dir.path());
    for (const auto& [given, answered] : std::vector<std::pair<std::string, std::string>>{
             {"/", "/"},
             {"//", "/"},
             {"/a/", "/a"},
             {"/a//b", "/a/b"},
             {"/a/./b/.", "/a/b"},
             {"/a/../b", "/a/../b"},
             {"/a/..", "/a/.."},
             {"/.hidden/...", "/.hidden/..."},
             {".", dir.path().string()},
             {"./sub/", (dir / "sub").string()},
             {"../x", (dir / "../x").string()},
         }) {
        tempdir = given;
        EXPECT_EQ(gettempdir().native(), answered) << given;
    }
}

TEST_F(location_test, a_scoped_override_holds_for_its_own_thread_only) {
    const scoped_tempdir here(dir.path());
    std::thread([] { EXPECT_EQ(gettempdir(), "/tmp"); }).join();
    EXPECT_EQ(gettempdir(), dir.path());
}

TEST_F(location_test, an_override_is_listed_first_and_chosen_even_when_it_is_unusable) {
    tempdir = "/nonexistent";
    explanation e = explain();
    EXPECT_EQ(e.dir, "/nonexistent");
    EXPECT_EQ(e.candidates.front().origin, "tempdir");
    EXPECT_TRUE(e.candidates.front().chosen);
    EXPECT_EQ(e.candidates.front().error, std::errc::no_such_file_or_directory);
    const scoped_tempdir here(dir.path());
    e = explain();
    EXPECT_EQ(e.dir, dir.path());
    EXPECT_EQ(e.candidates.at(0).origin, "scoped_tempdir");
    EXPECT_FALSE(e.candidates.at(0).error);
    EXPECT_EQ(e.candidates.at(1).origin, "tempdir");
    EXPECT_EQ(std::count_if(e.candidates.begin(), e.candidates.end(), [](const candidate& c) { return c.chosen; }), 1);
}

TEST_F(location_test, explain_changes_nothing_that_gettempdir_answers) {
    EXPECT_EQ(gettempdir(), "/tmp");
    const environment_variable set("TMPDIR", dir.path().c_str());
    EXPECT_EQ(explain().dir, dir.path()) << "tries every candidate anew";
    EXPECT_EQ(gettempdir(), "/tmp");
    EXPECT_EQ(explain().candidates.front().error, std::error_code());
    EXPECT_TRUE(explain().candidates.front().chosen);
}

TEST_F(location_test, any_thread_at_any_time) {
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                const scoped_tempdir mine("/thread" + std::to_string(t));
                tempdir = t % 2 == 0 ? std::optional<std::filesystem::path>("/var/tmp") : std::nullopt;
                wrong += gettempdir() != "/thread" + std::to_string(t) ? 1 : 0;
                std::ignore = tempdir.value();
                if (i % 50 == 0) {
                    wrong += explain().dir != "/thread" + std::to_string(t) ? 1 : 0;
                }
                const temporary_file fp({.dir = dir.path()});
            }
            for (int i = 0; i < 200; ++i) {
                const auto answer = gettempdir();
                wrong += answer != "/var/tmp" && answer != "/tmp" ? 1 : 0;
            }
        });
    }
    for (std::thread& t : threads) {
        t.join();
    }
    EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tempfile::test
