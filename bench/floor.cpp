// The floor: the bare system calls in a loop, with absolute names as everybody uses them; and the same with the
// directory held open and names relative to it.
#include "participant.hpp"

#include <benchmark/benchmark.h>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <istream>
#include <streambuf>

namespace {

using namespace bench;

constexpr std::size_t piece_size = 64 * 1024;  // larger pieces are not faster

int unnamed_file() {
    const int fd = open(directory().c_str(), O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0, "open O_TMPFILE");
    return fd;
}

void unnamed() {
    must(close(unnamed_file()) == 0, "close");
}

void unnamed_held() {
    static const int dir = open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0 && close(fd) == 0, "openat O_TMPFILE");
}

void roundtrip() {
    char back[page_size];
    const int fd = unnamed_file();
    must(write(fd, page.data(), page_size) == page_size, "write");
    must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
    must(read(fd, back, page_size) == page_size, "read");
    must(close(fd) == 0, "close");
    benchmark::DoNotOptimize(back);
}

void named() {
    const char* path = next_path();
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0, "open");
    must(write(fd, page.data(), note_size) == note_size, "write");
    must(close(fd) == 0, "close");
    must(unlink(path) == 0, "unlink");
}

void named_held() {
    static const int dir = open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char* name = next_name();
    const int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(fd >= 0, "openat");
    must(write(fd, page.data(), note_size) == note_size, "write");
    must(close(fd) == 0, "close");
    must(unlinkat(dir, name, 0) == 0, "unlinkat");
}

void empty_directory() {
    const char* path = next_path();
    must(mkdir(path, 0700) == 0, "mkdir");
    must(rmdir(path) == 0, "rmdir");
}

void empty_directory_held() {
    static const int dir = open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const char* name = next_name();
    must(mkdirat(dir, name, 0700) == 0, "mkdirat");
    must(unlinkat(dir, name, AT_REMOVEDIR) == 0, "unlinkat");
}

// Who removes a directory does not know what is in it: reading it is part of the floor.
void full_directory() {
    const char* path = next_path();
    must(mkdir(path, 0700) == 0, "mkdir");
    fill(path);
    const int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(dir >= 0, "open");
    alignas(dirent64) char list[32 * 1024];
    for (ssize_t length = 0; (length = getdents64(dir, list, sizeof list)) > 0;) {
        for (ssize_t at = 0; at < length;) {
            const auto* each = reinterpret_cast<const dirent64*>(list + at);
            at += each->d_reclen;
            if (each->d_type == DT_REG) {
                must(unlinkat(dir, each->d_name, 0) == 0, "unlinkat");
            }
        }
    }
    must(close(dir) == 0 && rmdir(path) == 0, "rmdir");
}

void records_to_memory() {
    auto* buffer = static_cast<char*>(std::malloc(small_size));
    must(buffer != nullptr, "malloc");
    for (std::size_t at = 0; at < small_size; at += record_size) {
        std::memcpy(buffer + at, page.data(), record_size);
        benchmark::ClobberMemory();
    }
    benchmark::DoNotOptimize(buffer);
    std::free(buffer);
}

void records_to_file() {
    static char buffer[piece_size];
    const int fd = unnamed_file();
    for (std::size_t done = 0; done < large_size; done += piece_size) {
        for (std::size_t at = 0; at < piece_size; at += record_size) {
            std::memcpy(buffer + at, page.data(), record_size);
            benchmark::ClobberMemory();
        }
        must(write(fd, buffer, piece_size) == piece_size, "write");
    }
    must(close(fd) == 0, "close");
}

// As one who knows what has to be done writes it by hand, without a look at the old one's mode.
void replace(int i, bool durable) {
    const char* path = next_path();
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    must(fd >= 0, "open");
    must(write(fd, page.data(), page_size) == page_size, "write");
    must(!durable || fsync(fd) == 0, "fsync");
    must(close(fd) == 0, "close");
    must(rename(path, target(i).c_str()) == 0, "rename");
    if (durable) {
        const int dir = open(directory().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(dir >= 0 && fsync(dir) == 0 && close(dir) == 0, "fsync of the directory");
    }
}

void one_by_one() {
    for (int i = 0; i < files_in_batch; ++i) {
        replace(i, true);
    }
}

void stream_write() {
    static char buffer[piece_size];
    const int fd = unnamed_file();
    for (std::size_t done = 0; done < large_size; done += piece_size) {
        must(write(fd, buffer, piece_size) == piece_size, "write");
    }
    must(close(fd) == 0, "close");
}

void stream_read() {
    static char buffer[piece_size];
    const int fd = open(large_path().c_str(), O_RDONLY | O_CLOEXEC);
    for (std::size_t done = 0; done < large_size; done += piece_size) {
        must(read(fd, buffer, piece_size) == piece_size, "read");
    }
    must(close(fd) == 0, "close");
}

constexpr std::array floor_entries{
    entry{"unnamed_file", unnamed},
    entry{"unnamed", unnamed},
    entry{"roundtrip", roundtrip},
    entry{"roundtrip_file", roundtrip},
    entry{"roundtrip_flushed", roundtrip},
    entry{"named_file", named},
    entry{"named_registered", named},
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
    entry{"spool_direct", records_to_memory},
    entry{"spool_stream", records_to_memory},
    entry{"spool_rolled", records_to_file},
    entry{"replace", [] { replace(0, false); }},
    entry{"replace_durable", [] { replace(0, true); }},
    entry{"batch", one_by_one},
    entry{"stream_write", stream_write},
    entry{"stream_read", stream_read},
};
[[maybe_unused]] const bool floor_entered = enter("floor", floor_entries);

constexpr std::array held_entries{
    entry{"unnamed_file", unnamed_held},      entry{"unnamed", unnamed_held}, entry{"named_file", named_held},
    entry{"named_registered", named_held},    entry{"named", named_held},     entry{"named_2_threads", named_held},
    entry{"directory", empty_directory_held},
};
[[maybe_unused]] const bool held_entered = enter("held", held_entries);

// What every stream object has to do beside the work, with whatever library.
struct buffer_of_nothing : std::streambuf {};

template <void (*work)()>
void beside_a_stream() {
    buffer_of_nothing buffer;
    std::iostream stream(&buffer);
    benchmark::DoNotOptimize(stream);
    work();
}

constexpr std::array stream_entries{
    entry{"unnamed", beside_a_stream<unnamed>},
    entry{"named", beside_a_stream<named>},
    entry{"named_2_threads", beside_a_stream<named>},
};
[[maybe_unused]] const bool stream_entered = enter("stream", stream_entries);

}  // namespace
