// A file_buf whose file comes later.

#pragma once

#include <string>

#include "problem.hpp"
#include "tempfile/file_buf.hpp"

namespace tempfile {

// What a spool needs to know to make its file.
struct spool_place {
    std::string dir;  // absolute, or empty for gettempdir()
    std::string prefix;
    std::string suffix;
    bool linkable = false;
};

// In memory the window of the file_buf is the whole contents: base 0, and nothing of it in a file. Rolling over writes
// it out; from then on this is a file_buf like any other.
class spool_buf final : public file_buf {
public:
    // At most `max_size` bytes stay in memory; max_size <= largest_max_size, since pbump() takes an int.
    spool_buf(spool_place place, std::size_t max_size, std::ios_base::openmode mode, std::size_t buffering) noexcept;

    [[nodiscard]] bool rolled() const noexcept { return state_ == state::rolled; }

    // Everything into a file; when that fails nothing has changed. The second takes a given one, in directory `dir`.
    problem rollover();
    problem move_into(file made, const std::string& dir, bool linkable);

    // The file may get a name.
    [[nodiscard]] bool linkable() const noexcept { return place_.linkable; }

    std::uint64_t size() override;
    void truncate(std::uint64_t bytes) override;
    void flush() override;
    void close() override;
    [[nodiscard]] bool closed() const noexcept override;
    file& underlying() override;

protected:
    int_type overflow(int_type c) override;
    std::streamsize xsputn(const char* bytes, std::streamsize n) override;
    int_type underflow() override;
    std::streamsize xsgetn(char* into, std::streamsize n) override;

private:
    enum class state { memory, rolled, closed };

    [[nodiscard]] bool in_memory() const noexcept { return state_ == state::memory; }
    void gather() noexcept;
    bool make_room_in_memory(std::size_t n);
    void grow(std::size_t length);
    bool resize_in_memory(std::uint64_t bytes);

    spool_place place_;
    std::size_t max_size_;
    state state_ = state::memory;
};

}  // namespace tempfile
