// Two processes that publish at the same time.

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <new>
#include <string>
#include <system_error>

#include "support/scratch.hpp"

namespace tempfile::test {
namespace {

constexpr int rounds = 100;
constexpr int publishers = 2;

enum class answer : unsigned char { none, published, refused, failed };

// What the processes see of each other.
struct meeting {
    std::atomic<int> ready{0};
    std::array<std::array<answer, rounds>, publishers> answers{};

    // Returns when all have come for the n-th time.
    void wait_for_the_others(int n) {
        ++ready;
        while (ready < n * publishers) {
            ::sched_yield();
        }
    }
};

class shared_meeting {
public:
    shared_meeting()
        : memory_(::mmap(nullptr, sizeof(meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
        new (memory_) meeting;
    }
    ~shared_meeting() { ::munmap(memory_, sizeof(meeting)); }
    shared_meeting(const shared_meeting&) = delete;
    shared_meeting& operator=(const shared_meeting&) = delete;
    meeting& operator*() const { return *static_cast<meeting*>(memory_); }
    meeting* operator->() const { return &**this; }

private:
    void* memory_;
};

std::string contents(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Makes everything ready, waits for the other one, and publishes.
using no_clobber = void (*)(const std::filesystem::path& target, const std::string& text, meeting& other, int round,
                            std::error_code& ec);

void atomic(const std::filesystem::path& target, const std::string& text, meeting& other, int round,
            std::error_code& ec) {
    atomic_file f(target, {.existing = if_exists::refuse, .durable = durability::none});
    f << text;
    other.wait_for_the_others(round);
    f.commit(ec);
}

void named(const std::filesystem::path& target, const std::string& text, meeting& other, int round,
           std::error_code& ec) {
    named_temporary_file f({.dir = target.parent_path()});
    f << text;
    other.wait_for_the_others(round);
    f.persist(target, {.existing = if_exists::refuse, .durable = durability::none}, ec);
}

void tree(const std::filesystem::path& target, const std::string& text, meeting& other, int round,
          std::error_code& ec) {
    temporary_directory d({.dir = target.parent_path()});
    std::ofstream(d / "text") << text;
    other.wait_for_the_others(round);
    d.persist(target, {.existing = if_exists::refuse, .durable = durability::none}, ec);
}

void publish_all(no_clobber publish, const scratch& dir, meeting& all, int me) {
    for (int i = 0; i < rounds; ++i) {
        std::error_code ec;
        publish(dir / std::to_string(i), std::to_string(me), all, i + 1, ec);
        all.answers[static_cast<std::size_t>(me)][static_cast<std::size_t>(i)] = !ec ? answer::published
                                                                                 : ec == std::errc::file_exists
                                                                                     ? answer::refused
                                                                                     : answer::failed;
    }
}

class publishing_at_the_same_time : public testing::TestWithParam<no_clobber> {};

TEST_P(publishing_at_the_same_time, exactly_one_gets_a_name_that_must_be_new) {
    const scratch dir;
    const shared_meeting all;
    std::array<pid_t, publishers> children{};
    for (int me = 0; me < publishers; ++me) {
        children[static_cast<std::size_t>(me)] = ::fork();
        if (children[static_cast<std::size_t>(me)] == 0) {
            publish_all(GetParam(), dir, *all, me);
            ::_exit(0);
        }
    }
    for (const pid_t child : children) {
        int status = -1;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    for (std::size_t i = 0; i < rounds; ++i) {
        const bool first = all->answers[0][i] == answer::published;
        EXPECT_EQ(all->answers[first ? 0 : 1][i], answer::published) << i;
        EXPECT_EQ(all->answers[first ? 1 : 0][i], answer::refused) << i;
        const auto target = dir / std::to_string(i);
        EXPECT_EQ(contents(std::filesystem::is_directory(target) ? target / "text" : target), first ? "0" : "1");
    }
    EXPECT_EQ(dir.names().size(), static_cast<std::size_t>(rounds)) << "nothing is left beside them";
}

INSTANTIATE_TEST_SUITE_P(each, publishing_at_the_same_time, testing::Values(atomic, named, tree));

}  // namespace
}  // namespace tempfile::test
