#include "supervisor.hpp"

#include "interrupt.hpp"
#include "streams.hpp"

#include <tempfile/file.hpp>

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tool {
namespace {

constexpr std::array signals_of_writing = {SIGPIPE, SIGXFSZ};
std::array<struct sigaction, signals_of_writing.size()> callers_way;

void restore_signals_of_writing() {
    for (std::size_t i = 0; i < signals_of_writing.size(); ++i) {
        ::sigaction(signals_of_writing.at(i), &callers_way.at(i), nullptr);
    }
}

bool is_ignored(int signal) {
    struct sigaction now = {};
    return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

sigset_t only(int signal) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, signal);
    return set;
}

// Stays for as long as the process does. No pipe: its descriptor could be a standard stream that the caller has closed,
// which the command is about to get.
bool* new_shared_flag() {
    void* const memory = ::mmap(nullptr, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        throw std::system_error(errno, std::generic_category(), "cannot share memory with the command's process");
    }
    return new (memory) bool(false);
}

bool dies_of_interrupt = false;

}  // namespace

int status_like(const ending& end) {
    dies_of_interrupt = end.signal == SIGINT;
    return end.status();
}

int aftermath::status() const {
    if (interrupted() != 0) {
        die_of(interrupted());
    }
    return failed_ && end_.status() == 0 ? static_cast<int>(run_failed) : status_like(end_);
}

void aftermath::tell(const std::exception& e) {
    failed_ = true;
    complain(fmt::format("{}: {}", who_, message_of(e)));
}

void prepare_to_end_like() {
    std::atexit([] {
        if (dies_of_interrupt) {
            die_of(SIGINT);
        }
    });
}

void ignore_signals_of_writing() {
    struct sigaction ignore = {};
    ignore.sa_handler = SIG_IGN;
    for (std::size_t i = 0; i < signals_of_writing.size(); ++i) {
        ::sigaction(signals_of_writing.at(i), &ignore, &callers_way.at(i));
    }
}

supervisor::supervisor(std::string who) : who_(std::move(who)) {
    // The kernel keeps a blocked signal for us even if it is ignored, so those are left out. Not the two that tell of
    // the command; and of children that are ignored there is nothing to wait for (wait(2)).
    ::sigfillset(&ours_);
    for (int n = 1; n <= SIGRTMAX; ++n) {
        if (n != SIGCHLD && n != SIGCONT && is_ignored(n)) {
            ::sigdelset(&ours_, n);
        }
    }
    children_ignored_ = is_ignored(SIGCHLD);
    std::signal(SIGCHLD, SIG_DFL);
    ::sigprocmask(SIG_BLOCK, &ours_, &original_);
}

ending supervisor::run(char* const* command, const surroundings& around) {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
    }
    tempfile::file stay(ends[0]);
    tempfile::file go(ends[1]);
    failed_in_child_ = new_shared_flag();
    const pid_t self = ::getpid();
    child_ = ::fork();
    if (child_ < 0) {
        throw std::system_error(errno, std::generic_category(), "cannot make a process for the command");
    }
    if (child_ == 0) {
        go.close();
        become(command, around, self, ends[0]);
    }
    send_what_came_before();
    stay.close();
    go.close();
    ending end = wait();
    end.was_executed = !*failed_in_child_;
    return end;
}

// What the terminal sent to the command and to us waits for us before the command can have died of it: the kernel lets
// no process of the group end until all have got it (kill_pgrp and the lock of the list of tasks).
void supervisor::note_interrupts_from_now() {
    for (siginfo_t info = {}; take_pending(ours_, info);) {
        terminated_ = terminated_ || info.si_signo == SIGTERM;
    }
    note_interrupts();
    sigset_t mask = {};
    ::sigprocmask(SIG_BLOCK, nullptr, &mask);
    for (const int signal : {SIGINT, SIGTERM, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU}) {
        if (::sigismember(&original_, signal) == 0 && !(signal == SIGTERM && terminated_)) {
            ::sigdelset(&mask, signal);
        }
    }
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
}

void supervisor::let_signals_through() const {
    ::sigprocmask(SIG_SETMASK, &original_, nullptr);
}

// --- In the child ---

void supervisor::fail_in_child(run_status status, const std::string& why) const {
    ignore_signals_of_writing();
    *failed_in_child_ = true;
    complain(who_ + ": " + why);
    ::_exit(status);
}

// All signals are blocked until the parent lets go of the pipe, by closing it or by its death.
void supervisor::become(char* const* command, const surroundings& around, pid_t parent, int go) const {
    ::prctl(PR_SET_PDEATHSIG, around.when_we_are_dead);
    if (::getppid() != parent) {  // it was dead before that
        ::_exit(killed + around.when_we_are_dead);
    }
    char nothing = 0;
    while (::read(go, &nothing, 1) < 0 && errno == EINTR) {
    }
    ::close(go);
    arrange(around);
    if (children_ignored_) {
        std::signal(SIGCHLD, SIG_IGN);
    }
    restore_signals_of_writing();
    ::sigprocmask(SIG_SETMASK, &original_, nullptr);
    execute(command, around);
}

void supervisor::arrange(const surroundings& around) const {
    for (const char* variable : {"TMPDIR", "TEMP", "TMP"}) {
        if (!around.directory.empty() && ::setenv(variable, around.directory.c_str(), 1) != 0) {
            fail_in_child(run_failed,
                          fmt::format("cannot set ${}: {}", variable, std::generic_category().message(errno)));
        }
    }
    if (!around.start_in.empty() && ::chdir(around.start_in.c_str()) != 0) {
        fail_in_child(run_failed, fmt::format("cannot change to the directory {}: {}", around.start_in,
                                              std::generic_category().message(errno)));
    }
    const std::array streams = {std::pair(around.input, STDIN_FILENO), std::pair(around.output, STDOUT_FILENO)};
    for (const auto& [ours, commands] : streams) {
        if (ours != commands && ::dup2(ours, commands) < 0) {
            fail_in_child(run_failed,
                          fmt::format("cannot redirect the command: {}", std::generic_category().message(errno)));
        }
    }
}

void supervisor::execute(char* const* command, const surroundings& around) const {
    ::execvp(command[0], command);
    const int error = errno;
    if (error == ENOENT) {
        const bool is_there = std::strchr(command[0], '/') != nullptr && ::access(command[0], F_OK) == 0;
        fail_in_child(not_found,
                      is_there
                          ? fmt::format("command \"{}\" is there, but not the interpreter that it names", command[0])
                      : !around.why_not_found.empty()
                          ? around.why_not_found
                          : fmt::format("command \"{}\" is not found; see $PATH, or say its path", command[0]));
    }
    fail_in_child(not_executable, fmt::format("command \"{}\" cannot be executed: {}", command[0],
                                              std::generic_category().message(error)));
}

// --- In the parent ---

bool supervisor::take_pending(const sigset_t& which, siginfo_t& info) const {
    const timespec at_once = {};
    int taken = 0;
    do {
        taken = ::sigtimedwait(&which, &info, &at_once);
    } while (taken < 0 && errno == EINTR);
    return taken > 0;
}

// What came before there was a command goes to it now, whoever sent it. It may be that the terminal sent it since, and
// to both of us; but as long as the command has it blocked, what was sent twice arrives once (signal(7)).
void supervisor::send_what_came_before() {
    for (siginfo_t info = {}; take_pending(ours_, info);) {
        terminated_ = terminated_ || info.si_signo == SIGTERM;
        if (info.si_signo != SIGCHLD) {
            ::kill(child_, info.si_signo);
        }
    }
}

// The terminal sends to every process of the foreground group. When it is gone, the leader of the session is told
// alone.
bool supervisor::has_it_already(const siginfo_t& info) const {
    if (info.si_code != SI_KERNEL || ::getpgid(child_) != ::getpgrp()) {
        return false;
    }
    switch (info.si_signo) {
        case SIGINT:
        case SIGQUIT:
        case SIGTSTP:
        case SIGTTIN:
        case SIGTTOU:
        case SIGWINCH:
            return true;
        case SIGHUP:
        case SIGCONT:
            return ::getsid(0) != ::getpid();
        default:  // an alarm that was set before we were executed, for one
            return false;
    }
}

void supervisor::pass_on(const siginfo_t& info) {
    terminated_ = terminated_ || info.si_signo == SIGTERM;
    if (info.si_signo != SIGCHLD && !has_it_already(info)) {
        ::kill(child_, info.si_signo);
    }
}

// The command was stopped by `signal`: so that a shell sees it, we stop likewise. Who continues us continues it.
void supervisor::stop_with_it(int signal) const {
    const sigset_t how = only(signal);
    siginfo_t info = {};
    bool continued = take_pending(only(SIGCONT), info);
    if (!continued) {
        ::kill(::getpid(), signal);
        ::sigprocmask(SIG_UNBLOCK, &how, nullptr);  // here we stand still
        ::sigprocmask(SIG_BLOCK, &how, nullptr);
        // Without a shell to continue us the kernel may have refused to stop us (setpgid(2), orphaned process groups).
        continued = take_pending(only(SIGCONT), info);
    }
    if (continued) {
        ::kill(child_, SIGCONT);
    }
}

// Of process 1 of a container whoever loses its parent becomes a child, and stays in the table of processes until it is
// waited for. So do those of the program that we were executed over.
void supervisor::bury_others() const {
    siginfo_t dead = {};
    while (::waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid != 0 && dead.si_pid != child_ &&
           ::waitid(P_PID, static_cast<id_t>(dead.si_pid), &dead, WEXITED | WNOHANG) == 0) {
        dead = {};
    }
}

ending supervisor::wait() {
    for (;;) {
        siginfo_t state = {};
        if (::waitid(P_PID, static_cast<id_t>(child_), &state, WEXITED | WSTOPPED | WNOHANG) != 0) {
            throw std::system_error(errno, std::generic_category(), "cannot wait for the command");
        }
        if (state.si_pid == 0) {
            bury_others();
            siginfo_t info = {};
            if (::sigwaitinfo(&ours_, &info) > 0) {  // EINTR after we were stopped
                pass_on(info);
            }
        } else if (state.si_code == CLD_STOPPED) {
            stop_with_it(state.si_status);
        } else if (state.si_code == CLD_EXITED) {
            return {.exit_status = state.si_status};
        } else {
            terminated_ = terminated_ || state.si_status == SIGTERM;
            return {.signal = state.si_status};
        }
    }
}

}  // namespace tool
