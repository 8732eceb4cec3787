// What every C++ block of the documents may use, and how it is run.

#pragma once

#include <tempfile/tempfile.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "support/scratch.hpp"

namespace tempfile::test {

inline std::string text_of(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

// What `block` prints.
template <class Block>
std::string printed_by(Block block) {
    struct captured {
        std::ostringstream text;
        std::streambuf* screen = std::cout.rdbuf(text.rdbuf());
        ~captured() { std::cout.rdbuf(screen); }
    } capture;
    block();
    return capture.text.str();
}

// Runs `block` in an empty working directory, with an empty directory for temporary files, which must be empty again
// afterwards. `expected` is a file with what it prints, or empty where the document does not say.
template <class Block>
void run_block(Block block, const std::filesystem::path& expected) {
    const scratch work;
    const scratch temp;
    std::filesystem::current_path(work.path());
    ::setenv("TMPDIR", temp.path().c_str(), 1);
    tempdir = std::nullopt;  // forgets which directory the block before had found
    const std::string printed = printed_by(block);
    if (!expected.empty()) {
        EXPECT_EQ(printed, text_of(expected));
    }
    EXPECT_TRUE(temp.empty()) << "the block leaves something behind in the directory for temporary files";
    std::filesystem::current_path("/");
}

}  // namespace tempfile::test
