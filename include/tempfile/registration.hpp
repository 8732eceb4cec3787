// What ties an object to the registry of its process. For the library's own classes; tempfile/sweep.hpp is for
// everybody.

#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

/// @cond internal
namespace tempfile {

// As it stands in the file.
enum class registered_kind : std::uint32_t { file = 1, directory = 2 };

// One path in the registry. It stays there until leave(): the destructor does nothing, since who has one of these
// decides what becomes of the path.
class registration {
public:
    registration() noexcept = default;
    registration(registration&& other) noexcept
        : number_(std::exchange(other.number_, 0)),
          exceptions_(other.exceptions_),
          process_(std::exchange(other.process_, 0)) {}
    registration& operator=(registration&& other) noexcept {
        number_ = std::exchange(other.number_, 0);
        exceptions_ = other.exceptions_;
        process_ = std::exchange(other.process_, 0);
        return *this;
    }

    // From now on `path`, which is absolute, is to be removed when this process ends. Instead of the one before. Where
    // there is no registry, nothing happens but that the path counts as this process's.
    void enter(registered_kind what, std::string_view path) noexcept;

    // The path is this process's and to be kept: as enter(), but for the registry.
    void enter_nowhere() noexcept;

    // The directory, or the file that may get another owner, at the path is this one; `born` in nanoseconds since 1970,
    // 0 if that is not known.
    void identify(std::uint64_t device, std::uint64_t inode, std::uint64_t born) noexcept;

    // The path is gone, or somebody else's from now on. Nothing happens in a forked child.
    void leave() noexcept;

    // The same for what stays: the disk knows, too, when this returns. Else a power cut could bring the record back,
    // and a sweep would remove what is there.
    void leave_for_good() noexcept;

    // It stays there, and the end of this process does not remove it: the next sweep does.
    void leave_to_sweep() noexcept;

    // It stands in the registry, which can be full.
    [[nodiscard]] bool is_recorded() const noexcept { return number_ != 0; }

    // Entered by this process, not by one that it was forked from.
    [[nodiscard]] bool ours() const noexcept;

    // The user of the program wishes to look at it (TEMPFILE_KEEP).
    [[nodiscard]] bool is_to_be_kept() const noexcept;

private:
    std::uint32_t number_ = 0;   // of its first slot; 0 when it is not in the registry
    int exceptions_ = 0;         // that were on their way when it was entered
    std::uint64_t process_ = 0;  // which one: sys::process_generation
};

}  // namespace tempfile
/// @endcond
