// A file system for one test, made and mounted by a piece of shell in which $M is where to mount it and $W a directory
// for what it needs besides:
//
//     mounted small("mount -t tmpfs -o size=8m tmpfs $M");
//     if (!small) GTEST_SKIP() << small.why_not();
//
// It happens in a mount namespace of the program's own, so that nothing stays mounted however the program ends.

#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <string>

#include "support/scratch.hpp"

namespace tempfile::test {

// Empty when the command succeeds, else what it printed.
inline std::string shell(const std::string& command) {
    std::FILE* const output = ::popen(("set -e; exec 2>&1; " + command).c_str(), "r");
    if (output == nullptr) {
        return "no shell";
    }
    std::string text;
    std::array<char, 512> part{};
    while (std::fgets(part.data(), part.size(), output) != nullptr) {
        text += part.data();
    }
    const int status = ::pclose(output);
    return status == 0 ? std::string() : "`" + command + "` failed: " + text;
}

// Empty when this program has a mount namespace of its own, else why not.
inline std::string enter_own_mount_namespace() {
    static const std::string trouble = [] {
        if (::geteuid() != 0) {
            return std::string("mounting needs root");
        }
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            return std::string("no mount namespace of our own: CAP_SYS_ADMIN is missing");
        }
        return std::string();
    }();
    return trouble;
}

class mounted {
public:
    explicit mounted(const std::string& commands) : why_not_(enter_own_mount_namespace()) {
        std::filesystem::create_directory(path());
        std::filesystem::create_directory(work_ / "work");
        if (why_not_.empty()) {
            why_not_ = shell("M=" + path().string() + "; W=" + (work_ / "work").string() + "; " + commands);
        }
    }
    ~mounted() {
        ::umount2(path().c_str(), MNT_DETACH);
        ::umount2((work_ / "work").c_str(), MNT_DETACH);
    }
    mounted(const mounted&) = delete;
    mounted& operator=(const mounted&) = delete;

    explicit operator bool() const noexcept { return why_not_.empty(); }
    [[nodiscard]] const std::string& why_not() const noexcept { return why_not_; }

    [[nodiscard]] std::filesystem::path path() const { return work_ / "mounted"; }
    [[nodiscard]] std::filesystem::path operator/(const std::filesystem::path& inside) const { return path() / inside; }

private:
    scratch work_;
    std::string why_not_;
};

}  // namespace tempfile::test
