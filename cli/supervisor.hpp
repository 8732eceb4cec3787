// Running a command as if its caller ran it: signals, job control and its end go through.

#pragma once

#include <csignal>
#include <exception>
#include <string>
#include <utility>

#include <sys/types.h>
#include <unistd.h>

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
    bool was_executed = true;  // else the status is ours, and nothing of the command ever ran
    [[nodiscard]] int status() const { return signal == 0 ? exit_status : killed + signal; }
};

// What a command gets of us, and not of our caller.
struct surroundings {
    std::string directory{};  // for its temporary files; empty: none
    int input = STDIN_FILENO;
    int output = STDOUT_FILENO;
    std::string start_in{};          // a working directory; empty: ours
    int when_we_are_dead = SIGTERM;  // what it gets then
    std::string why_not_found{};     // empty: as ever
};

// What is left to be done when a command has ended. What fails of it is told, and the rest is done all the same.
class aftermath {
public:
    aftermath(std::string who, const ending& end) : who_(std::move(who)), end_(end) {}

    template <class Step>
    void then(Step step) {
        try {
            step();
        } catch (const std::exception& e) {
            tell(e);
        }
    }

    // The command's, for our own end, as status_like() has it. If it is 0, and something failed, that of a failure of
    // ours: a status that the command has itself says more. Dies of a signal that was noted since the command ended.
    [[nodiscard]] int status() const;

private:
    void tell(const std::exception& e);

    std::string who_;
    ending end_;
    bool failed_ = false;
};

// The status of the command for our own end, of which we die if the command died of SIGINT: bash goes on with its
// script or loop after a program that has ended otherwise (its manual page, SIGNALS).
int status_like(const ending& end);

// To be called before anything else: what is left to be done at the end of the process, is done before that.
void prepare_to_end_like();

class supervisor {
public:
    // From now on signals wait, until there is a command to send them to; once that has ended they wait for one of the
    // two below, or for ever. What the caller ignored stays ignored. `who` speaks in messages.
    explicit supervisor(std::string who);

    // Runs `command`, an argument vector ended by a null pointer, and stays until it has ended.
    ending run(char* const* command, const surroundings& around);

    // When the command has ended and what is left to be done may take long: what came until now was for the command,
    // and is forgotten. From now on SIGINT and SIGTERM are noted (interrupt.hpp), and what stops a process stops us.
    // The rest waits for ever: what was meant for the command shall not end us while we tidy up. So does SIGHUP: when a
    // terminal goes away, the kernel sends one, its shell another, and the kernel a third when the shell ends; and the
    // second SIGTERM, since timeout(1) sends two.
    void note_interrupts_from_now();

    // When there is more to do than to tidy up: what comes from now on is for us, and ends us as ever.
    void let_signals_through() const;

private:
    [[noreturn]] void become(char* const* command, const surroundings& around, pid_t parent, int go) const;
    void arrange(const surroundings& around) const;
    [[noreturn]] void execute(char* const* command, const surroundings& around) const;
    [[noreturn]] void fail_in_child(run_status status, const std::string& why) const;
    bool take_pending(const sigset_t& which, siginfo_t& info) const;
    void send_what_came_before();
    void pass_on(const siginfo_t& info);
    void stop_with_it(int signal) const;
    [[nodiscard]] bool has_it_already(const siginfo_t& info) const;
    void bury_others() const;
    [[nodiscard]] ending wait();

    std::string who_;
    sigset_t ours_ = {};      // what we wait for
    sigset_t original_ = {};  // what the caller had blocked
    bool children_ignored_ = false;
    bool terminated_ = false;  // by SIGTERM, or asked to be
    pid_t child_ = 0;
    bool* failed_in_child_ = nullptr;  // in memory that the child shares
};

}  // namespace tool
