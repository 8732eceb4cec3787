// What is mounted for the command of `tmp run` alone, in a mount namespace (mount_namespaces(7)) that goes with the
// last process in it, also when we are killed.

#pragma once

#include <cstdint>
#include <string>

namespace tool {

class private_mounts {
public:
    private_mounts() = default;
    private_mounts(const private_mounts&) = delete;
    private_mounts& operator=(const private_mounts&) = delete;
    ~private_mounts();

    // Nothing of what follows can be seen from outside. As root in a mount namespace, else in a user namespace as well.
    // `option` needs it. @throws std::runtime_error where neither is allowed.
    void begin(const char* option);

    // From now on what is in `directory` is in memory, and at most so many bytes.
    void limit(const std::string& directory, std::uint64_t bytes);

    // From now on /tmp and /var/tmp are directories in `directory`, open to all users as those are.
    void cover_tmp(const std::string& directory);

    // The end of these for us, but not for what the command left running.
    void uncover_tmp() noexcept;
    void end() noexcept;

private:
    void step_aside() noexcept;

    bool has_stepped_aside_ = false;
    bool covers_ = false;
    std::string limited_;  // empty: nothing
};

}  // namespace tool
