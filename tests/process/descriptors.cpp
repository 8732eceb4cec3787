// Descriptors: not inherited by programs that are executed, and never one of the standard streams.

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "child.hpp"
#include "creators.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

class every_creator : public testing::TestWithParam<creator> {
protected:
    scratch dir_;
};

INSTANTIATE_TEST_SUITE_P(descriptors, every_creator, testing::ValuesIn(creators));

// What a program finds open that is executed now.
std::string inherited() {
    const ended actor = run({ACTOR, "descriptors"});
    return actor.well() ? actor.text : "the actor " + in_words(actor.status) + ": " + actor.text;
}

TEST_P(every_creator, T19_is_not_inherited_by_an_executed_program) {
    const std::string before = inherited();
    made all;
    GetParam().make(dir_.path(), all);
    ASSERT_FALSE(all.handles.empty());
    EXPECT_EQ(inherited(), before);
}

// The test above must be able to fail.
TEST(descriptors, T19_an_inheritable_descriptor_is_seen) {
    const std::string before = inherited();
    const file inheritable(::open("/dev/null", O_RDONLY));  // NOLINT(android-cloexec-open)
    EXPECT_NE(inherited(), before);
}

// With standard streams closed a descriptor is moved, and the new one must be close-on-exec too.
TEST_P(every_creator, T19_is_close_on_exec_when_moved_above_the_standard_streams) {
    expect_in_child([&] {
        ::close(STDIN_FILENO);
        made all;
        GetParam().make(dir_.path(), all);
        for (const int h : all.handles) {
            EXPECT_EQ(::fcntl(h, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC) << "descriptor " << h;
        }
    });
}

TEST_P(every_creator, T32_none_is_a_standard_stream) {
    for (int closed = 0; closed < 8; ++closed) {  // as bits: which of the three
        expect_in_child([&] {
            for (int fd = 0; fd < 3; ++fd) {
                if ((closed & (1 << fd)) != 0) {
                    ::close(fd);
                }
            }
            made all;
            GetParam().make(dir_.path(), all);
            for (const int h : all.handles) {
                EXPECT_GE(h, 3) << "with closed streams " << closed;
            }
            for (int fd = 0; fd < 3; ++fd) {
                const bool is_closed = ::fcntl(fd, F_GETFD) == -1;
                EXPECT_EQ(is_closed, (closed & (1 << fd)) != 0) << fd << " with closed streams " << closed;
            }
        });
    }
}

TEST(descriptors, T32_what_is_printed_to_a_closed_stream_is_not_in_the_file) {
    expect_in_child([] {
        ::close(STDIN_FILENO);
        ::close(STDOUT_FILENO);
        ::close(STDERR_FILENO);
        temporary_file fp;
        EXPECT_EQ(::write(STDOUT_FILENO, "printed", 7), -1);
        EXPECT_EQ(::write(STDERR_FILENO, "printed", 7), -1);
        EXPECT_EQ(fp.size(), 0U);
    });
}

TEST(descriptors, T32_the_search_for_a_directory_works_without_standard_streams) {
    expect_in_child([] {
        ::close(STDIN_FILENO);
        ::close(STDOUT_FILENO);
        ::close(STDERR_FILENO);
        EXPECT_FALSE(explain().dir.empty());
        EXPECT_EQ(::fcntl(STDIN_FILENO, F_GETFD), -1);
    });
}

}  // namespace
}  // namespace tempfile::test
