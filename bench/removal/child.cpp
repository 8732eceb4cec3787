#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace bench {

void must(bool ok, const std::string& what) {
    if (!ok) {
        std::perror(what.c_str());
        std::exit(1);
    }
}

namespace {

constexpr int not_started = 127;
constexpr int most_milliseconds = 120'000;

// Hard limits stay as they are: that Go raises the soft one is its own way.
void limit(__rlimit_resource which, rlim_t value) {
    rlimit now{};
    if (getrlimit(which, &now) == 0) {
        now.rlim_cur = std::min(value, now.rlim_max);
        setrlimit(which, &now);
    }
}

[[noreturn]] void become(char* const* words, int messages, const limits& within) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(messages, STDERR_FILENO);
    limit(RLIMIT_NOFILE, within.descriptors);
    limit(RLIMIT_STACK, within.stack);
    execvp(words[0], words);
    _exit(not_started);
}

bool is_over_in_time(pid_t child) {
    const int fd = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
    must(fd >= 0, "pidfd_open");
    pollfd end{.fd = fd, .events = POLLIN, .revents = 0};
    const bool over = poll(&end, 1, most_milliseconds) == 1;
    close(fd);
    return over;
}

// Its first line says what the matter is; the last one where it comes from Python. Paths in it may be very long.
std::string message_in(int messages) {
    std::string text(static_cast<std::size_t>(lseek(messages, 0, SEEK_END)), '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, pread(messages, text.data(), text.size(), 0))));
    text.erase(std::min(text.find_last_not_of('\n') + 1, text.size()));
    text = text.starts_with("Traceback") ? text.substr(text.rfind('\n') + 1) : text.substr(0, text.find('\n'));
    constexpr std::size_t longest = 100;
    constexpr std::size_t end = 30;
    return text.size() <= longest ? text : text.substr(0, longest - end) + " ... " + text.substr(text.size() - end);
}

std::string failure_of(int status, bool in_time, int messages) {
    if (!in_time) {
        return "did not end in two minutes";
    }
    if (WIFSIGNALED(status)) {
        return std::string(strsignal(WTERMSIG(status))) + "; " + message_in(messages);
    }
    return WEXITSTATUS(status) == 0 ? ""
           : WEXITSTATUS(status) == not_started
               ? "not found"
               : message_in(messages) + " (exit status " + std::to_string(WEXITSTATUS(status)) + ")";
}

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

outcome run(const command& what, const limits& within) {
    std::vector<char*> words;
    for (const std::string& word : what) {
        words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    const int messages = memfd_create("messages", MFD_CLOEXEC);
    must(messages >= 0, "memfd_create");

    const auto begin = std::chrono::steady_clock::now();
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        become(words.data(), messages, within);
    }
    const bool in_time = is_over_in_time(child);
    if (!in_time) {
        kill(child, SIGKILL);
    }
    int status = 0;
    rusage used{};
    must(wait4(child, &status, 0, &used) == child, "wait4");
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;

    outcome result{.seconds = taken.count(),
                   .processor_seconds = seconds(used.ru_utime) + seconds(used.ru_stime),
                   .kib = used.ru_maxrss,
                   .failure = failure_of(status, in_time, messages)};
    close(messages);
    return result;
}

// A new descriptor is the lowest that is free, so that the highest one tells how many there were.
std::optional<int> most_descriptors(const command& what, const limits& within) {
    char log[] = "/dev/shm/tempfile-bench-XXXXXX";
    const int fd = mkstemp(log);
    must(fd >= 0, log);
    close(fd);
    command traced{"strace", "-f",
                   "-qq",    "--seccomp-bpf",
                   "-e",     "signal=none",
                   "-e",     "trace=open,openat,openat2,dup,fcntl,epoll_create1,eventfd2,pipe2",
                   "-o",     log};
    traced.insert(traced.end(), what.begin(), what.end());
    const bool succeeded = run(traced, within).failure.empty();
    int highest = STDERR_FILENO;
    std::ifstream in(log);
    for (std::string line; std::getline(in, line);) {  // "... = 5", but not "... = 0x8000 (flags ...)"
        const std::size_t at = line.rfind("= ");
        int value = 0;
        if (at != line.npos &&
            std::from_chars(&line[at + 2], line.data() + line.size(), value).ptr == line.data() + line.size()) {
            highest = std::max(highest, value);
        }
    }
    unlink(log);
    return succeeded ? std::optional(highest + 1) : std::nullopt;
}

}  // namespace bench
