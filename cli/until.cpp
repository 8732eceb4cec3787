#include "until.hpp"

#include "command.hpp"
#include "items.hpp"
#include "process_name.hpp"
#include "streams.hpp"

#include <tempfile/sweep.hpp>

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tool {
namespace {

pid_t number_of_process(const std::string& text) {
    pid_t pid = 0;
    const char* const end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, pid);
    if (error != std::errc() || parsed != end || pid <= 0) {
        throw std::invalid_argument(
            fmt::format("--until-pid \"{}\" is no number of a process; that of a shell is $$", text));
    }
    return pid;
}

[[noreturn]] void fail(int error, const std::string& what) {
    throw std::system_error(error, std::generic_category(), what);
}

// Of the caller's streams some may be closed, and what we open gets their numbers.
tempfile::file above_standard_streams(int descriptor, const char* what) {
    tempfile::file opened(descriptor);
    if (descriptor >= 0 && descriptor <= STDERR_FILENO) {
        opened = tempfile::file(::fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    }
    if (opened.closed()) {
        fail(errno, what);
    }
    return opened;
}

std::string why_not_opened(int error, pid_t pid) {
    switch (error) {
        case ESRCH:
            return fmt::format("there is no process {}", pid);
        case EINVAL:
        case ENOENT:  // since Linux 6.16
            return fmt::format("{} is a thread; say the number of its process", pid);
        case ENOSYS:
        case EPERM:
            return fmt::format(
                "this system does not tell when a process ends (pidfd_open: {}), which takes Linux 5.3, and in a "
                "container that it is allowed",
                std::strerror(error));
        default:
            return "";
    }
}

// Without one, what is to go would stay when we are killed.
void check_registry() {
    const tempfile::crash_safety is = tempfile::explain_crash_safety();
    if (!is.on) {
        throw std::runtime_error(
            fmt::format("what is to go cannot be written down, since no registry can be made ({})", why_not(is)));
    }
}

}  // namespace

watcher::watcher(const command& command, const std::string& pid) : command_(command), pid_(number_of_process(pid)) {
    if (pid_ == ::getpid()) {
        throw std::invalid_argument(
            fmt::format("process {} is this one: the shell has executed tmp in its own place; let it go on", pid_));
    }
    // Whoever reads from the other end of one of them waits until we have closed it.
    ::closefrom(STDERR_FILENO + 1);
    open_process();
    // What stays behind if the watcher is killed is left alone as long as the process runs.
    std::error_code ec;
    tempfile::set_owner(static_cast<std::uint64_t>(pid_), ec);
    const std::string name = process_name(std::to_string(pid_));
    check_that_it_runs();
    if (ec) {
        throw std::system_error(ec, fmt::format("process {} cannot be looked at in /proc", pid_));
    }
    tempfile::set_label(name);
}

void watcher::open_process() {
    const auto opened = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    const int error = errno;
    if (const std::string why = opened < 0 ? why_not_opened(error, pid_) : ""; !why.empty()) {
        throw std::runtime_error(why);
    }
    errno = error;
    process_ = above_standard_streams(opened, "cannot watch a process");
}

void watcher::check_that_it_runs() const {
    pollfd end = {.fd = process_.native_handle(), .events = POLLIN, .revents = 0};
    if (::poll(&end, 1, 0) != 0) {
        throw std::runtime_error(fmt::format("process {} has ended already", pid_));
    }
}

bool watcher::is_in_background() {
    nothing_ = above_standard_streams(::open("/dev/null", O_RDWR | O_CLOEXEC), "cannot open /dev/null");
    std::array<int, 2> ends = {-1, -1};
    static_cast<void>(::pipe2(ends.data(), O_CLOEXEC));  // if it fails, there are no descriptors
    tempfile::file hear = above_standard_streams(ends[0], "cannot make a pipe");
    tempfile::file say = above_standard_streams(ends[1], "cannot make a pipe");
    std::signal(SIGCHLD, SIG_DFL);  // of children that are ignored there is nothing to wait for (wait(2))
    const pid_t child = ::fork();
    if (child < 0) {
        fail(errno, fmt::format("cannot make a process that waits for the end of process {}", pid_));
    }
    if (child == 0) {
        ready_ = std::move(say);
        ::setsid();  // cannot fail in a new process; from here on no terminal sends us signals
        // Who stops a service or a job sends SIGTERM to all of its processes at the same time, the owner among them.
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
        check_registry();
        return true;
    }
    say.close();
    ready_ = std::move(hear);
    status_ = wait_for_background(child);
    return false;
}

int watcher::wait_for_background(pid_t child) {
    std::array<std::byte, 1> byte = {};
    if (ready_.read(byte) == 1) {
        return 0;
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFSIGNALED(status)) {
        throw std::runtime_error(fmt::format("the process that was to wait was killed by signal {}", WTERMSIG(status)));
    }
    return WEXITSTATUS(status);
}

bool watcher::is_to_be_kept() {
    const char* const wish = std::getenv("TEMPFILE_KEEP");
    return wish != nullptr && std::strcmp(wish, "1") == 0;
}

void watcher::tell_of_kept(const std::filesystem::path& made) const {
    complain(fmt::format("{}: kept {}, also when process {} has ended: $TEMPFILE_KEEP is 1", command_.name(),
                         made.native(), pid_));
}

void watcher::hand_over(const tempfile::name_options& options, const std::filesystem::path& made) {
    tool::hand_over(command_, options, made);
    let_go();
    pollfd end = {.fd = process_.native_handle(), .events = POLLIN, .revents = 0};
    while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
    }
}

void watcher::let_go() {
    for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::dup2(nothing_.native_handle(), stream) < 0) {
            fail(errno, "cannot let go of the standard streams");
        }
    }
    nothing_.close();
    if (::chdir("/") != 0) {
        fail(errno, "cannot let go of the working directory");
    }
    ready_.write(std::string_view("r"));  // fails when the caller was killed: nobody knows of it then
    ready_.close();
    ::malloc_trim(0);
}

void add_until_option(command& command, std::string& pid) {
    command.add_option(
        "--until-pid", pid,
        "Remove it, with all that is in it, when process PID has ended, however that happens; in a script: "
        "$$",
        "PID");
}

}  // namespace tool
