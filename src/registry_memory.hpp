// The memory in which the registry of this process lies: mapped from a file that this process makes and holds locked,
// or, where none can be made, memory alone.

#pragma once

#include "registry_format.hpp"
#include "sys/sys.hpp"
#include "tempfile/file.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tempfile {

// A directory that could not be used, and why.
struct registry_place {
    std::string directory;
    sys::error trouble;
};

// Who calls sees to it that one thread at a time does, but for at() and discard().
class registry_memory {
public:
    // Makes it, with the first piece. @return false when there is not even memory.
    bool make() noexcept;

    // Reserves and maps one more piece.
    sys::error add_piece(std::size_t piece) noexcept;

    // Leaves it alone: it is the parent's, or could not be completed.
    void abandon() noexcept;

    // Takes its name away. It stays mapped: threads may still run.
    void discard() noexcept;

    [[nodiscard]] registry_format::slot& at(std::uint32_t number) const noexcept {
        const std::size_t piece = registry_format::piece_of(number);
        return pieces_[piece].load(std::memory_order_acquire)[number - registry_format::first_in_piece(piece)];
    }

    // Waits until the disk knows, too, what this slot is.
    void sync(std::uint32_t number) noexcept;

    // What the header says for the name of the program, now or when it is made; empty: that name.
    void label(std::string_view text) noexcept;
    // Which process it says for this one, likewise. The errors of `start_time` in sys.hpp.
    sys::error assign(std::uint64_t pid) noexcept;
    void write_owner() noexcept;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }  // empty when it has no file
    [[nodiscard]] sys::error trouble() const noexcept { return trouble_; }    // why it has none
    [[nodiscard]] const std::vector<registry_place>& refused() const noexcept { return refused_; }

private:
    sys::error open_in(const std::string& dir);
    sys::error try_to_open_in(const std::string& dir, sys::handle directory);
    sys::error fill(sys::handle directory, const char* temporary_name, sys::handle h);
    sys::error map_piece(sys::handle h, std::size_t piece) noexcept;
    [[nodiscard]] bool holds_its_file() const noexcept;
    [[nodiscard]] sys::error owner(sys::process_identity& out) const noexcept;

    std::array<std::atomic<registry_format::slot*>, registry_format::most_pieces> pieces_{};
    std::array<char, 64> label_{};
    std::optional<sys::process_identity> owner_;  // instead of this process
    file file_;                                   // holds the lock; closed when there is only memory
    sys::identity id_;                            // of the file
    std::string path_;
    sys::error trouble_ = 0;
    std::vector<registry_place> refused_;
};

}  // namespace tempfile
