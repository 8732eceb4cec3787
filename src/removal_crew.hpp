// Threads that help with one removal: each empties directories that another one hands over, or removes some of what is
// in a large one.

#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mount.hpp"
#include "name_batch.hpp"
#include "removal_job.hpp"
#include "tempfile/file.hpp"

namespace tempfile {

// A directory that was opened on the way, and is what it was taken for. Whoever drops it while it is held, as an
// exception does, gives its mode back.
struct entered_directory {
    entered_directory() = default;
    ~entered_directory() { give_mode_back(handle.native_handle()); }
    entered_directory(entered_directory&&) noexcept = default;
    entered_directory& operator=(entered_directory&&) noexcept = default;

    // If it was changed, and once. `held` is the directory.
    void give_mode_back(sys::handle held) noexcept;

    std::string name;                   // in its parent
    sys::identity id;                   // proved again when we come back
    mount on;                           // which mount
    file handle;                        // closed for those far from the root
    bool large = false;                 // maybe with 10,000 entries
    bool is_mount = false;              // that is entered here
    std::optional<std::uint32_t> mode;  // what it had, if that was changed
    int visits = 0;                     // times it was listed
};

// How a directory was left that was gone through.
struct left_directory {
    bool reported = false;    // something in it stays, and has been reported
    bool comes_back = false;  // what was removed may be there again under another name
    bool stopped = false;     // in the middle
    int visits = 0;
};

// A directory that another thread empties. Who handed it over removes it afterwards.
struct errand {
    entered_directory dir;
    std::string path;     // in messages
    left_directory left;  // when it is done
    std::atomic<bool> done{false};
};

// A large directory in which others remove what is known to be none itself, beside its owner. What they are refused is
// left to him, who knows what to do about it, and reports.
struct shared_directory {
    sys::handle handle;
    name_batch& names;
    std::string path;  // in messages
    std::atomic<bool> removed_something{false};
    unsigned helpers = 0;  // who are in it: under the crew's mutex
};

// Nobody ever waits for an errand that nobody has begun, and who waits for one does others meanwhile; but not while
// waiting in one of those, so that the stack is that of two walks.
class removal_crew {
public:
    explicit removal_crew(removal_job& job) noexcept : job_(job) {}
    ~removal_crew();
    removal_crew(const removal_crew&) = delete;
    removal_crew& operator=(const removal_crew&) = delete;

    // To be called where there is work for others, of so many entries at least. Starts threads if that was asked for,
    // or pays by now; as many as there is room for their descriptors, which copies of `any` take for a moment.
    void start_when_it_pays(sys::handle any, std::uint64_t to_come = 0);

    // False when everybody is busy.
    [[nodiscard]] bool has_idle() const noexcept { return idle_.load(std::memory_order_relaxed) != 0; }
    bool hand_over(std::shared_ptr<errand> what) noexcept;
    // Until it is done. False when nobody has begun it, so that it is the caller's again.
    [[nodiscard]] bool wait_for(const errand& what, bool may_help);

    // From now on others may take some of the names, until the answer is destroyed: then none of them is in it any
    // more.
    class [[nodiscard]] sharing {
    public:
        sharing(removal_crew& crew, shared_directory& dir) : crew_(crew), dir_(dir) { crew_.share(dir_); }
        ~sharing() { crew_.take_back(dir_); }
        sharing(const sharing&) = delete;
        sharing& operator=(const sharing&) = delete;

    private:
        removal_crew& crew_;
        shared_directory& dir_;
    };

    // No thread is left afterwards.
    void end() noexcept;

private:
    using lock = std::unique_lock<std::mutex>;

    void start(unsigned wanted, sys::handle any);
    void work() noexcept;
    bool do_one(lock& held, bool may_help);
    void run(errand& what, bool may_help) noexcept;
    void share(shared_directory& dir);
    void take_back(shared_directory& dir) noexcept;
    bool help_one(lock& held);
    void help(shared_directory& dir) noexcept;

    removal_job& job_;
    std::atomic<bool> started_{false};
    std::vector<sys::thread> threads_;
    sys::thread_body body_{.run = [](void* crew) noexcept { static_cast<removal_crew*>(crew)->work(); }, .with = this};

    std::mutex mutex_;  // for what follows
    std::condition_variable changed_;
    std::vector<std::shared_ptr<errand>> offered_;  // with room for one of each thread
    std::vector<shared_directory*> shared_;
    std::atomic<unsigned> idle_{0};
    bool over_ = false;
};

}  // namespace tempfile
