// A process namespace of its own, as a container has it, with an init and whoever else is started in it. Its processes
// are seen from here by other numbers than from inside (pid_namespaces(7)). For a child (child.hpp): it becomes the
// parent of orphans.

#pragma once

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "child.hpp"

namespace tempfile::test {

struct namespace_options {
    bool own_user = false;  // a user namespace too, which an ordinary user needs; the user is root in there
    bool own_proc = true;   // a /proc that shows the processes in there, else that of the outside stays
};

class process_namespace {
public:
    explicit process_namespace(namespace_options options) : options_(options) {
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
        init_ = start_behind([this] { unshare_all(); }, 0, [this](int) { mount_proc(); });
    }
    ~process_namespace() { end(); }
    process_namespace(const process_namespace&) = delete;
    process_namespace& operator=(const process_namespace&) = delete;

    // A process in there that runs `body(ready)` and stays; its number as it is seen from here. In there it is `number`
    // if that is not 0. The body may write a byte to `ready` itself, if it does not return.
    pid_t start(const std::function<void(int ready)>& body, pid_t number = 0) {
        const pid_t pid = start_behind([this] { enter(); }, number, body);
        running_.push_back(pid);
        return pid;
    }

    void kill(pid_t pid) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        std::erase(running_, pid);
    }

    // Runs `work` in there; what its EXPECT_ have to say, fails here.
    void inside(const std::function<void()>& work) const {
        expect_in_child([&] {
            enter();
            expect_in_child(work);
        });
    }

    // Nobody lives in there any more.
    void end() {
        if (init_ > 0) {
            ::kill(init_, SIGKILL);
            // Its end waits until those are waited for whose parent is outside.
            for (const pid_t pid : running_) {
                ::waitpid(pid, nullptr, 0);
            }
            ::waitpid(init_, nullptr, 0);
            running_.clear();
            init_ = 0;
        }
    }

private:
    static void must_succeed(bool success, const char* what) {
        if (!success) {
            throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
        }
    }

    static void write_file(const char* path, const std::string& text) {
        std::ofstream file(path);
        file << text << std::flush;
        must_succeed(file.good(), path);
    }

    void unshare_all() const {
        const auto user = std::to_string(::geteuid());
        const auto group = std::to_string(::getegid());
        must_succeed(::unshare(CLONE_NEWPID | CLONE_NEWNS | (options_.own_user ? CLONE_NEWUSER : 0)) == 0, "unshare");
        if (options_.own_user) {
            write_file("/proc/self/setgroups", "deny");
            write_file("/proc/self/uid_map", "0 " + user + " 1");
            write_file("/proc/self/gid_map", "0 " + group + " 1");
        }
    }

    void mount_proc() const {
        must_succeed(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "a private /");
        if (options_.own_proc) {
            must_succeed(::mount("proc", "/proc", "proc", 0, nullptr) == 0, "mount /proc");
        }
    }

    // From now on the children of this process are born in there.
    void enter() const {
        std::vector<int> spaces;
        for (const char* kind : {"user", "pid", "mnt"}) {
            if (options_.own_user || std::string_view(kind) != "user") {
                spaces.push_back(
                    ::open(("/proc/" + std::to_string(init_) + "/ns/" + kind).c_str(), O_RDONLY | O_CLOEXEC));
            }
        }
        // A mount namespace is entered at its very root (setns(2)), which is not ours in a chroot.
        const int root = ::open(("/proc/" + std::to_string(init_) + "/root").c_str(), O_PATH | O_CLOEXEC);
        ::unshare(CLONE_FS);  // setns(2) refuses a mount namespace to who shares a working directory
        for (const int space : spaces) {
            must_succeed(::setns(space, 0) == 0, "setns");
            ::close(space);
        }
        must_succeed(::fchdir(root) == 0 && ::chroot(".") == 0, "chroot");
        ::close(root);
    }

    // fork, with a number of our choice if it is not 0.
    static pid_t fork_as(pid_t number) {
        if (number == 0) {
            return ::fork();
        }
        clone_args arguments{};
        arguments.exit_signal = SIGCHLD;
        arguments.set_tid = reinterpret_cast<std::uint64_t>(&number);
        arguments.set_tid_size = 1;
        return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
    }

    // A child prepares itself, has a child that runs `body`, and ends: that one becomes ours.
    static pid_t start_behind(const std::function<void()>& prepare, pid_t number,
                              const std::function<void(int ready)>& body) {
        int ready[2];
        must_succeed(::pipe2(ready, O_CLOEXEC) == 0, "pipe");
        const ended between = forked([&](int out) {
            prepare();
            const pid_t pid = fork_as(number);
            must_succeed(pid >= 0, "fork");
            if (pid == 0) {
                ::close(out);
                try {
                    body(ready[1]);
                } catch (const std::exception& e) {
                    say(ready[1], std::string("!") + e.what());
                    ::_exit(98);
                }
                say(ready[1], "r");
                while (true) {
                    ::pause();
                }
            }
            say(out, std::to_string(pid));
        });
        ::close(ready[1]);
        char text[256] = {};
        const ssize_t got = between.well() ? ::read(ready[0], text, sizeof text - 1) : 0;
        ::close(ready[0]);
        if (!between.well()) {
            throw std::runtime_error(between.text);
        }
        const pid_t pid = std::stoi(between.text);
        if (got <= 0 || text[0] == '!') {
            ::waitpid(pid, nullptr, 0);  // or the end of the namespace would wait for it
            throw std::runtime_error(got > 0 ? text : "it ended without a word");
        }
        return pid;
    }

    namespace_options options_;
    pid_t init_ = 0;
    std::vector<pid_t> running_;
};

// Empty when this process can make one, after `prepare` in a child.
inline std::string why_no_process_namespace(namespace_options options, const std::function<void()>& prepare) {
    const ended child = forked([&](int) {
        prepare();
        process_namespace made(options);
        made.kill(made.start([](int) {}, 1000));  // numbers of one's choice: since Linux 5.5
    });
    return child.well() ? std::string() : "no process namespace of our own: " + child.text;
}

}  // namespace tempfile::test
