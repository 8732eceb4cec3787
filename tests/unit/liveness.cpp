#include "liveness.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "support/replace_call.hpp"

namespace tempfile::test {
namespace {

sys::process_identity self() {
    sys::process_identity is;
    EXPECT_EQ(sys::call.this_process(is), 0);
    return is;
}

liveness judged(const sys::process_identity& process) {
    return liveness_of(process, self());
}

TEST(liveness, this_process_lives) {
    EXPECT_EQ(judged(self()), liveness::alive);
}

TEST(liveness, T34_a_number_that_is_used_again_is_not_the_process) {
    auto before = self();
    before.start -= 1;
    EXPECT_EQ(judged(before), liveness::dead);
}

TEST(liveness, T34_a_number_that_nobody_has_is_dead) {
    auto gone = self();
    gone.pid = 0x7ffffffe;
    EXPECT_EQ(judged(gone), liveness::dead);
}

TEST(liveness, T34_of_before_the_last_start_of_this_machine_everybody_is_dead) {
    auto before = self();
    before.boot[0] = before.boot[0] == 'a' ? 'b' : 'a';
    EXPECT_EQ(judged(before), liveness::dead);
    before.host[0] = before.host[0] == 'a' ? 'b' : 'a';
    EXPECT_EQ(judged(before), liveness::unknown) << "another machine";
}

TEST(liveness, T34_another_name_of_the_same_machine_is_a_container_of_it) {
    auto contained = self();
    contained.host[0] = contained.host[0] == 'a' ? 'b' : 'a';
    EXPECT_EQ(judged(contained), liveness::alive);
}

constexpr std::uint64_t initial_namespace = 0xEFFFFFFC;

// As if this process were in the namespace `inside`.
auto we_are_in(std::uint64_t inside) {
    return [inside](sys::process_identity& out) {
        const sys::error e = replace_call<&sys::calls::this_process>::real(out);
        out.pid_namespace = inside;
        return e;
    };
}

TEST(liveness, T34_another_namespace_is_judged_from_the_initial_one_only) {
    auto contained = self();
    contained.pid_namespace = 12345;
    {
        const replace_call<&sys::calls::this_process> outside(we_are_in(initial_namespace));
        EXPECT_EQ(judged(contained), liveness::dead) << "nobody lives in it";
        const replace_call<&sys::calls::process_namespace> somebody([](std::uint64_t pid, std::uint64_t& its) {
            its = pid == 1 ? 12345 : initial_namespace;
            return 0;
        });
        EXPECT_EQ(judged(contained), liveness::unknown) << "somebody lives in it";
    }
    const replace_call<&sys::calls::this_process> inside(we_are_in(54321));
    EXPECT_EQ(judged(contained), liveness::unknown) << "it cannot be seen from another container";
}

TEST(liveness, T34_in_another_time_namespace_the_time_of_start_is_told_differently) {
    auto elsewhere = self();
    elsewhere.time_namespace += 1;
    elsewhere.start += 1000;
    EXPECT_EQ(judged(elsewhere), liveness::unknown);
    elsewhere.pid = 0x7ffffffe;
    EXPECT_EQ(judged(elsewhere), liveness::dead) << "nobody has the number";
}

TEST(liveness, T34_where_the_system_says_nothing_it_is_not_known) {
    auto nameless = self();
    nameless.boot = {};
    EXPECT_EQ(judged(nameless), liveness::unknown);
    const replace_call<&sys::calls::start_time> hidden([](auto&&...) { return EACCES; });
    EXPECT_EQ(judged(self()), liveness::unknown);
}

}  // namespace
}  // namespace tempfile::test
