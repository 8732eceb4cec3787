// Processes that live until a test ends them, what they own, and the environment that they are born into.

#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <tempfile/tempfile.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace tempfile::test {

// Set until the end of the block.
class environment_variable {
public:
    environment_variable(const char* name, const char* value) : name_(name) {
        if (const char* before = std::getenv(name)) {
            before_ = before;
        }
        ::setenv(name, value, 1);
    }
    ~environment_variable() {
        if (before_) {
            ::setenv(name_, before_->c_str(), 1);
        } else {
            ::unsetenv(name_);
        }
    }
    environment_variable(const environment_variable&) = delete;
    environment_variable& operator=(const environment_variable&) = delete;

private:
    const char* name_;
    std::optional<std::string> before_;
};

// A child that runs `body` and stays until it is killed, which end() does.
class living {
public:
    explicit living(const std::function<void()>& body) {
        int ready[2];
        if (::pipe(ready) != 0) {
            throw std::runtime_error("pipe");
        }
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is stopped leaves nobody behind
            [&]() noexcept { body(); }();  // an exception ends the child, or it would go on with the parent's tests
            static_cast<void>(::write(ready[1], "r", 1));
            ::pause();
            ::_exit(0);
        }
        ::close(ready[1]);
        char byte = 0;
        EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the child failed";
        ::close(ready[0]);
    }
    ~living() { end(); }
    living(const living&) = delete;
    living& operator=(const living&) = delete;

    void end() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
            pid_ = 0;
        }
    }

    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = 0;
};

// A file and a tree that are never destroyed, as in a process that is killed.
inline void make_both(const std::filesystem::path& dir) {
    auto* fp = new named_temporary_file({.dir = dir});
    *fp << "x";
    fp->flush();
    auto* made = new temporary_directory({.dir = dir});
    std::ofstream(*made / "file") << "x";
    std::filesystem::create_directories(*made / "sub/sub");
}

}  // namespace tempfile::test
