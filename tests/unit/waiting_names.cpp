#include "waiting_names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using tempfile::waiting_names;

TEST(waiting_names, come_out_in_the_order_in_which_they_went_in) {
    waiting_names names;
    EXPECT_TRUE(names.empty());
    const std::string longest(255, '\xff');
    for (const std::string& name : {std::string("a"), longest, std::string("b c")}) {
        names.add(name);
    }
    EXPECT_EQ(names.size(), 3U);
    EXPECT_EQ(names.take(), "a");
    names.add("last");
    EXPECT_EQ(names.take(), longest);
    EXPECT_EQ(names.take(), "b c");
    EXPECT_EQ(names.take(), "last");
    EXPECT_TRUE(names.empty());
    names.add("again");
    EXPECT_EQ(names.take(), "again");
    EXPECT_TRUE(names.empty());
}

TEST(waiting_names, as_many_as_there_are_also_when_some_come_later) {
    waiting_names names;
    int in = 0;
    int out = 0;
    for (; in < 10'000; ++in) {
        names.add(std::to_string(in));
    }
    while (!names.empty()) {
        if (out % 4 == 0 && in < 12'000) {
            names.add(std::to_string(in++));
        }
        ASSERT_EQ(names.take(), std::to_string(out++));
    }
    EXPECT_EQ(out, 12'000);
}

}  // namespace
