// Giving a file its final name.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "create.hpp"
#include "file_metadata.hpp"
#include "problem.hpp"
#include "publish_target.hpp"
#include "registry.hpp"
#include "tempfile/file.hpp"
#include "tempfile/file_buf.hpp"
#include "tempfile/persist.hpp"
#include "tempfile/staged_name.hpp"

namespace tempfile {

// A file on its way: what an object has of it. When publishing succeeds the handle is one of the published file, and
// the path and the registration are empty. When it fails, a file that had no name may have one.
struct unpublished {
    file& handle;
    std::string& path;    // empty while it has no name
    registration& owner;  // of that name
    bool can_be_linked;   // without a name, but it can get one
    bool& for_everybody;  // it has the mode, and whatever else, that a new file gets there
};

// A file to be written to and published, in the directory of its target. It gets at once the mode that it is to have in
// the end, as far as that is known now, and the umask allows.
problem stage(const publish_target& target, const persist_options& rules, file& made, staged_name& name,
              staging how = staging::without_a_name_if_possible);

// One publication in two steps, so that many can be made ready before the first is published.
//
// REQUIRES: everything is written, and what it was made of outlives it. When there is a problem although result.path is
// set, the file was published all the same, and something after that went wrong.
class publication {
public:
    publication(unpublished what, const publish_target& target, const persist_options& options,
                persisted& result) noexcept
        : what_(what), target_(target), options_(options), result_(result) {}

    // What has to be copied is waited for like that, whatever the options say: for those who wait for all of them
    // before the names are given.
    void copies_wait() noexcept { copies_wait_ = true; }

    // Everything that can fail but for waiting and the name, and for what has to be copied.
    problem prepare();
    // Waits for the disk. Between the two nothing is to change any more: each change after that would be waited for
    // anew.
    problem wait();
    // The same for who does the waiting himself: for what (no_handle: nothing), and what came of it.
    [[nodiscard]] sys::handle to_wait_for() const noexcept;
    problem waited(sys::error e);
    problem give_name();
    // Undoes what prepare() did to our file, for when its name is not to be given.
    void restore() noexcept;

    // The error of a disk that may have lost what was written: fsync(2) tells of it once, and the next one succeeds.
    [[nodiscard]] std::error_code damage() const noexcept { return damage_; }

private:
    problem check_target();
    problem leave_if_same();
    // Before a name is given.
    [[nodiscard]] bool is_left() const noexcept { return result_.method == persist_method::left; }
    problem waited_for_left(sys::error e);
    [[nodiscard]] bool has_to_be_copied() const noexcept;
    void build_answer();
    problem copy_beside(staging how);
    problem make_presentable();
    problem choose_metadata(std::optional<file_metadata>& chosen);
    problem check_contents(sys::error waited);
    problem move_to_name();
    sys::error name_it();
    sys::error link_or_rename();
    sys::error link_new();
    sys::error rename_new();
    sys::error get_a_name();
    sys::error rename_over();
    sys::error exchange();
    problem sync_directory(problem before);
    [[nodiscard]] std::pair<sys::handle, const char*> source() const noexcept;
    problem finish();

    [[nodiscard]] sys::handle directory() const noexcept { return target_.held(); }
    [[nodiscard]] const char* name() const noexcept { return target_.name.c_str(); }
    [[nodiscard]] bool is_elsewhere(sys::error e) const noexcept;

    unpublished what_;
    const publish_target& target_;
    const persist_options& options_;
    persisted& result_;
    std::optional<sys::metadata> there_;  // at the target
    sys::metadata ours_;                  // of our file, before it was made presentable
    presentation looks_;                  // of our file
    std::filesystem::path answer_;        // made before the name is given: afterwards nothing may fail but the system
    bool presentable_ = false;
    bool copies_wait_ = false;
    bool got_a_name_ = false;  // beside the target, from us
    std::error_code damage_;
};

// Calls operation(result), which also throws, for the form of it that does not: what was achieved is answered also when
// something went wrong.
template <class F>
persisted capture_result(std::error_code& ec, F operation) {
    persisted result;
    ec.clear();
    try {
        ec = operation(result).code();
    } catch (const std::system_error& e) {
        ec = e.code();
    }
    return result;
}

// Runs what is to be done once the target is there, also when an exception comes after that.
template <class F>
struct once_published {
    const persisted& result;
    F then;
    ~once_published() {
        if (!result.path.empty()) {
            then();
        }
    }
};
template <class F>
once_published(const persisted&, F) -> once_published<F>;

// Both steps. `damage` as publication::damage().
problem publish(unpublished what, const publish_target& target, const persist_options& options, persisted& result,
                std::error_code& damage);

// For the forms that throw.
persisted succeed(const problem& p, persisted&& result);

// EPERM where what is to be published is the parent process's, or nobody's any more: to be asked before anything is
// written out, since the file may be shared with the parent.
problem check_ownership(const registration& owner, const std::string& path);

// Both steps, for a file behind a buffer from which everything was written out.
problem publish(file_buf& buffer, staged_name& name, const publish_target& target, const persist_options& options,
                persisted& result);
problem publish(file_buf& buffer, staged_name& name, const std::filesystem::path& target,
                const persist_options& options, persisted& result);

}  // namespace tempfile
