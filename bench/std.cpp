// The C++ standard library: std::fstream on a name that mkstemp made (it can make none itself), std::filesystem.
#include "participant.hpp"

#include <benchmark/benchmark.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace {

using namespace bench;
namespace fs = std::filesystem;

constexpr auto read_write = std::ios::in | std::ios::out | std::ios::binary;

std::string new_file() {
    std::string path = directory() + "/tmpXXXXXX";
    const int fd = mkstemp(path.data());
    must(fd >= 0 && close(fd) == 0, "mkstemp");
    return path;
}

std::fstream unnamed_file() {
    const std::string path = new_file();
    std::fstream stream(path, read_write);
    must(stream.is_open() && fs::remove(path), "fstream");
    return stream;
}

void unnamed() {
    std::fstream stream = unnamed_file();
    stream.close();
    must(stream.good(), "close");
}

void roundtrip() {
    char back[page_size];
    std::fstream stream = unnamed_file();
    stream.write(page.data(), page_size);
    stream.seekg(0);
    stream.read(back, page_size);
    stream.close();
    must(stream.good(), "fstream");
    benchmark::DoNotOptimize(back);
}

void named() {
    const std::string path = new_file();
    // An ofstream would truncate, which makes ext4 allocate at once when it is closed (ext4(5), auto_da_alloc): 8 times
    // slower.
    std::fstream stream(path, read_write);
    stream.write(page.data(), note_size);
    stream.close();
    must(stream.good() && fs::remove(path), "fstream");
}

void empty_directory() {
    const fs::path path = next_path();
    must(fs::create_directory(path), "create_directory");
    must(fs::remove(path), "remove");
}

void full_directory() {
    std::string path = directory() + "/tmpXXXXXX";
    must(mkdtemp(path.data()) != nullptr, "mkdtemp");
    fill(path.c_str());
    must(fs::remove_all(path) == files_in_directory + 1, "remove_all");
}

void write_records(std::ostream& stream, std::size_t size) {
    for (std::size_t done = 0; done < size; done += record_size) {
        stream.write(page.data(), record_size);
    }
    must(stream.flush().good(), "write");
}

void records_to_memory() {
    std::stringstream stream;
    write_records(stream, small_size);
}

void records_to_file() {
    std::fstream stream = unnamed_file();
    write_records(stream, large_size);
}

void stream_write() {
    std::fstream stream = unnamed_file();
    for (std::size_t done = 0; done < large_size; done += page_size) {
        stream.write(page.data(), page_size);
    }
    stream.close();
    must(stream.good(), "fstream");
}

void stream_read() {
    char piece[page_size];
    std::ifstream stream(large_path(), std::ios::binary);
    for (std::size_t done = 0; done < large_size; done += page_size) {
        stream.read(piece, page_size);
    }
    must(stream.good(), "ifstream");
    benchmark::DoNotOptimize(piece);
}

constexpr std::array entries{
    entry{"unnamed", unnamed},
    entry{"roundtrip", roundtrip},
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
    entry{"spool_stream", records_to_memory},
    entry{"spool_rolled", records_to_file},
    entry{"stream_write", stream_write},
    entry{"stream_read", stream_read},
};
[[maybe_unused]] const bool entered = enter("std", entries);

}  // namespace
