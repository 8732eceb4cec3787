// The slots of the registry of this process: claimed and freed by all of its threads without a lock, walked by a signal
// handler without allocation.

#pragma once

#include "registry_format.hpp"
#include "registry_memory.hpp"
#include "sys/sys.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tempfile {

// The path of this process's registry; empty when there is none (yet), and why.
struct registry_status {
    std::string path;
    sys::error trouble = 0;
    std::vector<registry_place> refused;  // in the order in which they were tried
};

// What stands in the registry of this process.
struct registered_path {
    const char* path;
    registered_kind what;
    sys::identity id;      // of a directory or of what is to be published, once it was looked at
    std::uint64_t thread;  // that made it, or `no_thread`
};

enum class removal { failed, done };

class registry_slots {
public:
    // A free slot, claimed; 0 when there is none to be had.
    std::uint32_t claim() noexcept;
    // That hold no complete path.
    void free(std::uint32_t number) noexcept;
    // That begin with a path.
    void take_out(std::uint32_t number) noexcept;
    void leave_to_sweep(std::uint32_t number) noexcept;
    // Waits until the disk knows, too, that this one was taken out.
    void sync(std::uint32_t number) noexcept { memory_.sync(number); }
    [[nodiscard]] registry_format::slot& at(std::uint32_t number) const noexcept { return memory_.at(number); }

    // Sees to it that this process has its own registry, as far as it can have one.
    void prepare() noexcept {
        if (process_.load(std::memory_order_acquire) != sys::process_generation()) {
            make();
        }
    }

    registry_status status();
    void label(std::string_view text) noexcept;
    sys::error assign(std::uint64_t pid) noexcept;
    void withdraw() noexcept;
    [[nodiscard]] bool is_in_memory_only() const noexcept { return is_here() && memory_.path().empty(); }
    std::size_t remove_all(removal (*remove)(const registered_path&) noexcept, bool forget) noexcept;
    void discard() noexcept;
    // In a child that was just forked: what it inherited belongs to the parent, above all the lock, which its memory
    // holds as well as its descriptor.
    void let_go_in_child() noexcept {
        if (process_.load() != 0 && process_.load() != sys::process_generation()) {
            abandon();
        }
    }

    std::mutex mutex;  // for everything but claiming and freeing

private:
    void make() noexcept;
    void abandon() noexcept;
    std::uint32_t claim_among(std::uint32_t there, std::uint32_t tries) noexcept;
    bool grow(std::uint32_t from) noexcept;
    void seize(std::uint32_t number, registry_format::state next) noexcept;
    [[nodiscard]] std::uint32_t count() const noexcept { return count_.load(std::memory_order_acquire); }
    [[nodiscard]] bool is_here() const noexcept;
    [[nodiscard]] bool path_at(const registry_format::slot& head) noexcept;

    registry_memory memory_;
    std::atomic<std::uint32_t> count_{0};                           // 0 when there is no registry
    std::atomic<std::uint64_t> process_{0};                         // who prepared it (sys::process_generation)
    std::atomic<std::uint64_t> number_{0};                          // of that process
    std::atomic<sys::error> full_{0};                               // why the last path was not entered
    std::atomic<std::uint64_t> walker_{0};                          // the thread in remove_all()
    std::array<char, registry_format::longest_path + 1> walked_{};  // a path there
};

}  // namespace tempfile
