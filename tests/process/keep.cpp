// TEMPFILE_KEEP, and what the report hook is told. The variable is read once in a process, so each test has one of its
// own, and this one makes nothing that has a name.

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <tempfile/tempfile.hpp>

#include "child.hpp"
#include "support/replace_call.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

struct told {
    report_event what;
    fs::path path;
    std::error_code error;
};
std::vector<told> reports;

void remember(const report& r) noexcept {
    reports.push_back({.what = r.what, .path = fs::path(r.path), .error = r.error});
}

class keep : public testing::Test {
protected:
    void in_process_with(const char* wish, const std::function<void()>& body) {
        expect_in_child([&] {
            ::setenv("TEMPFILE_KEEP", wish, 1);
            set_report_hook(remember);
            body();
        });
    }
    void expect_told(report_event what, const fs::path& path) {
        ASSERT_FALSE(reports.empty());
        EXPECT_EQ(reports.back().what, what);
        EXPECT_EQ(reports.back().path, path);
        reports.pop_back();
    }
    std::string text_of(const fs::path& path) {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    scratch dir;
};

TEST_F(keep, everything_stays_and_is_told) {
    in_process_with("1", [&] {
        fs::path path;
        {
            named_temporary_file fp({.dir = dir.path()});
            fp << "buffered";
            path = fp.path();
        }
        expect_told(report_event::kept, path);
        EXPECT_EQ(text_of(path), "buffered");
        {
            temporary_directory made({.dir = dir.path()});
            std::ofstream(made / "file") << "inside";
            path = made.path();
        }
        expect_told(report_event::kept, path);
        EXPECT_EQ(text_of(path / "file"), "inside");
        EXPECT_TRUE(reports.empty());
    });
    EXPECT_EQ(dir.names().size(), 2U);
}

TEST_F(keep, also_when_it_is_closed_or_cleaned_up) {
    in_process_with("1", [&] {
        named_temporary_file closed({.dir = dir.path()});
        closed << "text";
        closed.close();
        EXPECT_TRUE(reports.empty()) << "its time is the destructor";
        const fs::path path = closed.path();
        EXPECT_EQ(text_of(path), "text");
        { const named_temporary_file over = std::move(closed); }
        expect_told(report_event::kept, path);

        named_temporary_file file({.dir = dir.path()});
        file << "text";
        file.cleanup();
        expect_told(report_event::kept, file.path());
        EXPECT_EQ(text_of(file.path()), "text");
        temporary_directory made({.dir = dir.path()});
        made.cleanup();
        expect_told(report_event::kept, made.path());
        EXPECT_TRUE(fs::exists(made.path()));
        EXPECT_TRUE(reports.empty());
    });
}

TEST_F(keep, also_after_a_signal_and_the_end_of_the_process_and_kill_and_a_sweep) {
    for (const int signal : {0, SIGTERM, SIGKILL}) {
        forked([&](int) {
            ::setenv("TEMPFILE_KEEP", "1", 1);
            cleanup_on_signals();
            new named_temporary_file({.dir = dir.path()});
            new temporary_directory({.dir = dir.path()});
            signal == 0 ? std::exit(0) : static_cast<void>(::raise(signal));
        });
        sweep();
        EXPECT_EQ(dir.names().size(), 2U) << signal;
        for (const auto& name : dir.names()) {
            fs::remove(dir / name);
        }
    }
}

TEST_F(keep, on_error_what_an_exception_unwinds_stays_and_nothing_else) {
    in_process_with("on-error", [&] {
        {
            const named_temporary_file fp({.dir = dir.path()});
            const temporary_directory made({.dir = dir.path()});
        }
        EXPECT_TRUE(dir.empty());
        fs::path path;
        try {
            const named_temporary_file fp({.dir = dir.path()});
            const temporary_directory made({.dir = dir.path()});
            path = fp.path();
            throw std::runtime_error("on the way");
        } catch (const std::runtime_error&) {
            // As a handler of errors does: not while one unwinds.
            const named_temporary_file inside({.dir = dir.path()});
        }
        EXPECT_EQ(dir.names().size(), 2U);
        EXPECT_EQ(reports.size(), 2U);
        expect_told(report_event::kept, path);
        const auto left = leftovers();
        EXPECT_TRUE(std::none_of(left.begin(), left.end(), [&](auto& r) { return r.path == path; }));
    });
}

// What a destructor makes and destroys for itself while an exception unwinds is not what went wrong.
TEST_F(keep, on_error_what_begins_and_ends_during_an_unwinding_goes) {
    in_process_with("on-error", [&] {
        struct guard {
            const fs::path dir;
            ~guard() { const named_temporary_file own({.dir = dir}); }
        };
        try {
            const guard at_the_end{dir.path()};
            throw std::runtime_error("on the way");
        } catch (const std::runtime_error&) {
            EXPECT_TRUE(dir.empty());
        }
    });
}

TEST_F(keep, anything_else_in_the_variable_means_nothing) {
    for (const char* wish : {"", "0", "yes"}) {
        in_process_with(wish, [&] {
            const named_temporary_file fp({.dir = dir.path()});
            const temporary_directory made({.dir = dir.path()});
        });
        EXPECT_TRUE(dir.empty()) << wish;
    }
}

TEST_F(keep, a_forked_child_says_nothing_of_the_parents) {
    in_process_with("1", [&] {
        std::optional<named_temporary_file> fp(std::in_place, named_temporary_file_options{.dir = dir.path()});
        expect_in_child([&] {
            fp.reset();
            EXPECT_TRUE(reports.empty());
        });
        fp.reset();
        EXPECT_EQ(reports.size(), 1U);
    });
}

// --- What fails in a destructor ---

TEST_F(keep, T25_the_hook_is_told_what_a_destructor_could_not_remove) {
    in_process_with("", [&] {
        fs::path path;
        {
            const named_temporary_file fp({.dir = dir.path()});
            path = fp.path();
            const replace_call<&sys::calls::remove_file> refused([](auto...) { return EPERM; });
            const named_temporary_file moved = std::move(const_cast<named_temporary_file&>(fp));
        }
        ASSERT_EQ(reports.size(), 1U);
        EXPECT_EQ(reports.back().error, std::errc::operation_not_permitted);
        expect_told(report_event::not_removed, path);
        {
            const temporary_directory made({.dir = dir.path()});
            path = made.path();
            std::ofstream(path / "file") << 'x';
            std::ofstream(path / "other") << 'x';
            const replace_call<&sys::calls::remove_file> refused([](auto...) { return EPERM; });
            const temporary_directory moved = std::move(const_cast<temporary_directory&>(made));
        }
        ASSERT_EQ(reports.size(), 2U) << "each of what was left";
        std::sort(reports.begin(), reports.end(), [](const told& a, const told& b) { return a.path < b.path; });
        expect_told(report_event::not_removed, path / "other");
        expect_told(report_event::not_removed, path / "file");
    });
    sweep();
    EXPECT_TRUE(dir.empty()) << "they were still in the registry";
}

TEST_F(keep, T25_the_hook_is_told_of_more_than_a_report_keeps) {
    in_process_with("", [&] {
        constexpr std::size_t many = removal_report::kept + 2;
        fs::path path;
        {
            const temporary_directory made({.dir = dir.path()});
            path = made.path();
            for (std::size_t i = 0; i < many; ++i) {
                std::ofstream(path / std::to_string(i)) << 'x';
            }
            const replace_call<&sys::calls::remove_file> refused([](auto...) { return EPERM; });
            const temporary_directory moved = std::move(const_cast<temporary_directory&>(made));
        }
        ASSERT_EQ(reports.size(), removal_report::kept + 1);
        EXPECT_EQ(reports.back().error, std::errc::directory_not_empty);
        expect_told(report_event::not_removed, path);
    });
    sweep();
    EXPECT_TRUE(dir.empty());
}

TEST_F(keep, T29_the_hook_is_told_what_a_destructor_could_not_write) {
    in_process_with("", [&] {
        fs::path path;
        {
            named_temporary_file fp({.dir = dir.path(), .deletion = delete_when::never});
            path = fp.path();
            fp << "buffered";
            const replace_call<&sys::calls::write> full([](auto...) { return ENOSPC; });
            const replace_call<&sys::calls::pwrite> full_too([](auto...) { return ENOSPC; });
            const named_temporary_file moved = std::move(fp);
        }
        ASSERT_EQ(reports.size(), 1U);
        EXPECT_EQ(reports.back().error, std::errc::no_space_on_device);
        expect_told(report_event::not_written, path);
    });
}

TEST_F(keep, the_hook_before_is_handed_back) {
    in_process_with("", [&] {
        EXPECT_EQ(set_report_hook(nullptr), &remember);
        EXPECT_EQ(set_report_hook(&remember), nullptr);
    });
}

}  // namespace
}  // namespace tempfile::test
