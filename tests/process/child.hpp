// Work in another process, and how it ended.

#pragma once

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

namespace tempfile::test {

// How a process ended, and everything it said.
struct ended {
    int status = 0;  // waitpid's
    std::string text;

    [[nodiscard]] bool well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
    [[nodiscard]] bool killed_by(int signal) const { return WIFSIGNALED(status) && WTERMSIG(status) == signal; }
};

inline std::string in_words(int status) {
    return WIFSIGNALED(status) ? "was killed by signal " + std::to_string(WTERMSIG(status))
                               : "ended with status " + std::to_string(WEXITSTATUS(status));
}

using fork_function = pid_t (*)();

inline void say(int out, const std::string& text) {
    if (::write(out, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
        ::_exit(99);
    }
}

// Runs `work(out)` in a forked child, which ends by _exit(0) if the work does not end it. `out` is where to write what
// shall be the text; it is far above the descriptors that tests count or close.
inline ended forked(const std::function<void(int out)>& work, fork_function fork_now = ::fork) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
    }
    std::fflush(nullptr);  // or the child would print it once more
    const pid_t child = fork_now();
    if (child < 0) {
        throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
    }
    if (child == 0) {
        const int out = ::fcntl(ends[1], F_DUPFD_CLOEXEC, 200);
        ::close(ends[0]);
        ::close(ends[1]);
        try {
            work(out);
        } catch (const std::exception& e) {  // or the child would go on with the parent's tests
            say(out, std::string("threw: ") + e.what());
            ::_exit(98);
        }
        ::_exit(0);
    }
    ::close(ends[1]);
    ended child_ended;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
        child_ended.text.append(buffer, static_cast<std::size_t>(n));
    }
    ::close(ends[0]);
    ::waitpid(child, &child_ended.status, 0);
    return child_ended;
}

// Runs `work` in a forked child; what its EXPECT_ and ASSERT_ have to say there, fails here.
inline void expect_in_child(const std::function<void()>& work, fork_function fork_now = ::fork) {
    const ended child = forked(
        [&](int out) {
            testing::TestPartResultArray results;
            {
                const testing::ScopedFakeTestPartResultReporter collect(
                    testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
                work();
            }
            for (int i = 0; i < results.size(); ++i) {
                const testing::TestPartResult& result = results.GetTestPartResult(i);
                say(out, std::string(result.file_name() == nullptr ? "?" : result.file_name()) + ':' +
                             std::to_string(result.line_number()) + ": " + result.message() + '\n');
            }
        },
        fork_now);
    if (!child.well() || !child.text.empty()) {
        ADD_FAILURE() << "in a child, which " << in_words(child.status) << ":\n" << child.text;
    }
}

// Replaces the child by a program; for `forked` and `run`. Does not return.
[[noreturn]] inline void execute(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
        arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    std::perror(arguments[0]);
    ::_exit(127);
}

// From root to a user without privileges; for `forked` and `run`.
inline void become_ordinary_user() {
    constexpr unsigned nobody = 65534;
    if (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0) {
        throw std::runtime_error(std::string("cannot become nobody: ") + std::strerror(errno));
    }
}

// Runs a program, after `prepare` in the child; the text is its standard output and its standard error.
inline ended run(
    const std::vector<std::string>& command, const std::function<void()>& prepare = [] {}) {
    return forked([&](int out) {
        ::dup2(out, STDOUT_FILENO);
        ::dup2(out, STDERR_FILENO);
        prepare();
        execute(command);
    });
}

}  // namespace tempfile::test
