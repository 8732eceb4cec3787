// What is mounted for the command of `tmp run` alone, in a mount namespace (mount_namespaces(7)) that goes with the
// last process in it, also when we are killed.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tool {

// Where that is, if it exists and is in /tmp or /var/tmp, which cover_tmp() hides. Else nothing.
std::filesystem::path hidden_by_private(const std::filesystem::path& path);

// The place that is to be covered and in which we are; empty: none. Who starts there again is in what covers it.
std::string covered_working_directory();

class private_mounts {
public:
    private_mounts() = default;
    private_mounts(const private_mounts&) = delete;
    private_mounts& operator=(const private_mounts&) = delete;
    ~private_mounts();

    // Nothing of what follows can be seen from outside. As root in a mount namespace, else in a user namespace as well.
    // `option` needs it. @throws std::runtime_error where neither is allowed.
    void begin(const char* option);

    // From now on what is in `directory` is in memory, and at most so many bytes, and as many files as these are for.
    void limit(const std::string& directory, std::uint64_t bytes);

    // From now on /tmp and /var/tmp are directories in `directory`, open to all users as those are. Where there is no
    // /var/tmp, there is none either.
    void cover_tmp(const std::string& directory);

    // /tmp and /var/tmp, as far as they are now what the command has there.
    [[nodiscard]] const std::vector<std::string>& covered() const { return covered_; }

    // Of what the command ran and uses the library, when nothing stands in it: nobody left that.
    void remove_empty_registry() const;

    // The end of these for us, but not for what the command left running.
    void uncover_tmp() noexcept;
    void end() noexcept;

private:
    [[nodiscard]] bool is_covered(const char* place) const;
    void step_aside() noexcept;

    bool has_stepped_aside_ = false;
    std::vector<std::string> covered_;
    std::string limited_;  // empty: nothing
};

}  // namespace tool
