// Runs a piece of a test in a forked child, where limits, users and the library's memory of the process can be changed:
//
//     EXPECT_EQ(in_child([&](std::ostream& wrong) {
//         if (umask(0) ...) wrong << "this is what is wrong\n";
//     }), "");
//
// The child says what is wrong; an exception or a signal that ends it is something wrong too.

#pragma once

#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>

namespace tempfile::test {

using child_body = std::function<void(std::ostream& wrong)>;

inline std::string run_body(const child_body& body) {
    std::ostringstream wrong;
    try {
        body(wrong);
    } catch (const std::exception& e) {
        wrong << "exception: " << e.what() << '\n';
    }
    return wrong.str();
}

inline void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(descriptor, text.data(), text.size());
        if (n <= 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

inline std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t n = 0; (n = ::read(descriptor, part.data(), part.size())) > 0;) {
        text.append(part.data(), static_cast<std::size_t>(n));
    }
    return text;
}

// Empty when all is well.
inline std::string in_child(const child_body& body) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return "no pipe to the child\n";
    }
    const pid_t child = ::fork();
    if (child == 0) {
        ::close(ends[0]);
        write_all(ends[1], run_body(body));
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string wrong = child < 0 ? "fork failed\n" : read_all(ends[0]);
    ::close(ends[0]);
    int status = 0;
    if (child > 0 && ::waitpid(child, &status, 0) == child && WIFSIGNALED(status)) {
        wrong += "the child was killed by signal " + std::to_string(WTERMSIG(status)) + "\n";
    } else if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        wrong += "the child ended with status " + std::to_string(WEXITSTATUS(status)) + "\n";
    }
    return wrong;
}

inline constexpr unsigned nobody = 65534;

// As a user without privileges: nobody, when we are root; else as who we are.
inline std::string as_ordinary_user(const child_body& body) {
    return in_child([&](std::ostream& wrong) {
        if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(nobody) != 0 || ::setuid(nobody) != 0)) {
            wrong << "cannot become nobody\n";
            return;
        }
        ::prctl(PR_SET_DUMPABLE, 1);  // a process that changed its user is not like others in /proc (prctl(2))
        body(wrong);
    });
}

}  // namespace tempfile::test
