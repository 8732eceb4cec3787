// What several of these tests need.

#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "support/replace_call.hpp"
#include "sys/sys.hpp"

namespace tempfile::test {

// The code of the std::system_error that f() throws; no error when it throws none.
template <class F>
std::error_code thrown(F f) {
    try {
        f();
    } catch (const std::system_error& e) {
        return e.code();
    }
    return {};
}

// The text of the exception that f() throws; empty when it throws none.
template <class F>
std::string message_of(F f) {
    try {
        f();
    } catch (const std::exception& e) {
        return e.what();
    }
    return {};
}

inline bool mentions(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

inline std::string contents(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(const std::filesystem::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
}

// The contents of an open file, past every buffer of ours.
inline std::string contents(int handle) {
    std::string all;
    char piece[4096];
    for (ssize_t n = 0; (n = ::pread(handle, piece, sizeof piece, static_cast<off_t>(all.size()))) > 0;) {
        all.append(piece, static_cast<std::size_t>(n));
    }
    return all;
}

inline unsigned permissions_of(int handle) {
    struct stat meta {};
    return ::fstat(handle, &meta) == 0 ? meta.st_mode & 07777U : ~0U;
}

inline unsigned permissions_of(const std::filesystem::path& path) {
    struct stat meta {};
    return ::lstat(path.c_str(), &meta) == 0 ? meta.st_mode & 07777U : ~0U;
}

// Which file it is, whatever its name.
inline std::pair<dev_t, ino_t> identity_of(const std::filesystem::path& path) {
    struct stat meta {};
    return ::lstat(path.c_str(), &meta) == 0 ? std::pair(meta.st_dev, meta.st_ino) : std::pair<dev_t, ino_t>();
}

inline bool is_open(int handle) {
    return ::fcntl(handle, F_GETFD) != -1;
}

// Whatever stands there, a link that leads nowhere included.
inline bool stands(const std::filesystem::path& path) {
    return std::filesystem::symlink_status(path).type() != std::filesystem::file_type::not_found;
}

// Text in which every stretch tells where it is from.
inline std::string sample(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; text.size() < bytes; ++i) {
        text += std::to_string(i) + ' ';
    }
    text.resize(bytes);
    return text;
}

// Sets, or with nullptr unsets, a variable of the environment until the end of the block.
class environment_variable {
public:
    environment_variable(const char* name, const char* value) : name_(name) {
        if (const char* before = std::getenv(name)) {
            before_ = before;
        }
        set(value);
    }
    ~environment_variable() { set(before_ ? before_->c_str() : nullptr); }
    environment_variable(const environment_variable&) = delete;
    environment_variable& operator=(const environment_variable&) = delete;

private:
    void set(const char* value) const {
        if (value != nullptr) {
            ::setenv(name_, value, 1);
        } else {
            ::unsetenv(name_);
        }
    }

    const char* name_;
    std::optional<std::string> before_;
};

class working_directory {
public:
    explicit working_directory(const std::filesystem::path& there) : before_(std::filesystem::current_path()) {
        std::filesystem::current_path(there);
    }
    ~working_directory() { std::filesystem::current_path(before_); }
    working_directory(const working_directory&) = delete;
    working_directory& operator=(const working_directory&) = delete;

private:
    std::filesystem::path before_;
};

class file_mode_mask {
public:
    explicit file_mode_mask(mode_t mask) : before_(::umask(mask)) {}
    ~file_mode_mask() { ::umask(before_); }
    file_mode_mask(const file_mode_mask&) = delete;
    file_mode_mask& operator=(const file_mode_mask&) = delete;

private:
    mode_t before_;
};

// No file may grow beyond so many bytes: short writes and EFBIG from the real thing.
class file_size_limit {
public:
    explicit file_size_limit(rlim_t bytes) : signal_before_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limited{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limited);
    }
    ~file_size_limit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, signal_before_);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;

private:
    void (*signal_before_)(int);
    rlimit before_{};
};

// A disk that has room for so many bytes more: as on a real one, the last write is a short one, and the next ENOSPC.
class nearly_full_disk {
public:
    explicit nearly_full_disk(std::size_t room = 0) : room_(room) {}
    void add_room(std::size_t bytes) { room_ += bytes; }

private:
    using write_call = replace_call<&sys::calls::write>;
    using pwrite_call = replace_call<&sys::calls::pwrite>;

    template <class Write>
    sys::error limited(std::size_t bytes, std::size_t& done, Write write) {
        if (bytes != 0 && room_ == 0) {
            return ENOSPC;
        }
        const sys::error e = write(std::min(bytes, room_));
        room_ -= e == 0 ? done : 0;
        return e;
    }

    std::size_t room_;
    write_call write_{[this](sys::handle h, const void* from, std::size_t bytes, std::size_t& done) {
        return limited(bytes, done, [&](std::size_t n) { return write_call::real(h, from, n, done); });
    }};
    pwrite_call pwrite_{
        [this](sys::handle h, const void* from, std::size_t bytes, std::uint64_t at, std::size_t& done) {
            return limited(bytes, done, [&](std::size_t n) { return pwrite_call::real(h, from, n, at, done); });
        }};
};

// Counts the calls of one entry of the table.
template <auto Entry>
class count_calls {
public:
    [[nodiscard]] int count() const noexcept { return count_; }

private:
    int count_ = 0;
    replace_call<Entry> counting_{[this](auto&&... arguments) {
        ++count_;
        return replace_call<Entry>::real(arguments...);
    }};
};

}  // namespace tempfile::test
