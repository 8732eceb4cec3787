// What goes when a process has ended: a process of ours stays behind that waits for that end, and removes it then.

#pragma once

#include "names.hpp"

#include <tempfile/file.hpp>
#include <tempfile/mkstemp.hpp>

#include <filesystem>
#include <optional>
#include <string>

#include <sys/types.h>

namespace tool {

class command;

// --until-pid, written into `pid`.
void add_until_option(command& command, std::string& pid);

class watcher {
public:
    // From here on `pid` is that process and no other one, also when its number is used again.
    // @throws std::invalid_argument if that is no number of a process, anything else if it cannot be waited for.
    watcher(const command& command, const std::string& pid);

    // True in a process of its own, which has a session of its own and of the caller's descriptors only the standard
    // streams. False in the caller's process, when the other one has handed over.
    bool is_in_background();

    // In the caller's process: that of the other one, which is 0 when it waits now. If it failed, it has said why.
    [[nodiscard]] int status() const { return status_; }

    // Whether $TEMPFILE_KEEP has it stay. Then there is nothing to wait for; that is told beside the path.
    [[nodiscard]] static bool is_to_be_kept();
    void tell_of_kept(const std::filesystem::path& made) const;

    // Prints the path of what was made, lets go of the standard streams, of the working directory and of the caller,
    // and waits until the process has ended. Throws when nobody could be told of it.
    void hand_over(const tempfile::name_options& options, const std::filesystem::path& made);

private:
    void open_process();
    void check_that_it_runs() const;
    int wait_for_background(pid_t child);
    void let_go();

    const command& command_;
    pid_t pid_ = 0;
    tempfile::file process_;  // a pidfd: it can be read from when the process has ended (pidfd_open(2))
    tempfile::file nothing_;
    tempfile::file ready_;  // a pipe: one process says so, the other one hears it
    int status_ = 0;
};

// As hand_over() in names.hpp, for an object that make() makes: it is removed when process `pid` has ended.
// @return the exit status.
template <class Make>
int hand_over_until(const command& command, const std::string& pid, const tempfile::name_options& options, Make make) {
    watcher w(command, pid);
    if (watcher::is_to_be_kept()) {
        auto made = make();
        hand_over(command, options, made.path());
        w.tell_of_kept(made.keep());
        return 0;
    }
    if (!w.is_in_background()) {
        return w.status();
    }
    auto made = make();
    w.hand_over(options, made.path());
    made.cleanup();
    return 0;
}

}  // namespace tool
