// Running a command as if its caller ran it: signals, job control and its end go through.

#pragma once

#include <csignal>
#include <string>

#include <sys/types.h>

namespace tool {

// The statuses of a program that runs another one, as those of env(1), nohup(1) and timeout(1).
enum run_status { run_failed = 125, not_executable = 126, not_found = 127, killed = 128 };

// The tool's own way with a closed pipe and a file that may not grow: errors like any other, which must not keep it
// from tidying up. A command gets what the caller had.
void ignore_signals_of_writing();

// How a command ended: by itself, or by a signal if that is not 0.
struct ending {
    int exit_status = 0;
    int signal = 0;
    [[nodiscard]] int status() const { return signal == 0 ? exit_status : killed + signal; }
};

class supervisor {
public:
    // From now on signals wait, until there is a command to send them to; they wait for ever once that has ended, so
    // that nothing interrupts the tidying up. What the caller ignored stays ignored.
    supervisor();

    // Runs `command`, an argument vector ended by a null pointer, with `directory` as its place for temporary files,
    // and stays until it has ended.
    ending run(char* const* command, const std::string& directory);

private:
    [[noreturn]] void become(char* const* command, const std::string& directory, pid_t parent, int go) const;
    bool take_pending(const sigset_t& which, siginfo_t& info) const;
    void send_what_came_before() const;
    void pass_on(const siginfo_t& info) const;
    void stop_with_it(int signal) const;
    [[nodiscard]] bool has_it_already(const siginfo_t& info) const;
    [[nodiscard]] ending wait() const;

    sigset_t ours_ = {};      // what we wait for
    sigset_t original_ = {};  // what the caller had blocked
    bool children_ignored_ = false;
    pid_t child_ = 0;
};

}  // namespace tool
