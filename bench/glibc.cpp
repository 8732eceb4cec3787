// glibc: tmpfile, mkstemp, mkdtemp, FILE*, nftw.
#include "participant.hpp"

#include <benchmark/benchmark.h>

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

using namespace bench;

constexpr std::size_t large_buffer = 64 * 1024;

FILE* unnamed_file() {
    FILE* fp = std::tmpfile();
    must(fp != nullptr, "tmpfile");
    return fp;
}

void unnamed() {
    must(std::fclose(unnamed_file()) == 0, "fclose");
}

void roundtrip() {
    char back[page_size];
    FILE* fp = unnamed_file();
    must(std::fwrite(page.data(), 1, page_size, fp) == page_size, "fwrite");
    must(std::fseek(fp, 0, SEEK_SET) == 0, "fseek");
    must(std::fread(back, 1, page_size, fp) == page_size, "fread");
    must(std::fclose(fp) == 0, "fclose");
    benchmark::DoNotOptimize(back);
}

void named_file() {
    std::string path = directory() + "/tmpXXXXXX";
    const int fd = mkstemp(path.data());
    must(fd >= 0, "mkstemp");
    must(write(fd, page.data(), note_size) == note_size, "write");
    must(close(fd) == 0, "close");
    must(unlink(path.c_str()) == 0, "unlink");
}

void named() {
    std::string path = directory() + "/tmpXXXXXX";
    FILE* fp = fdopen(mkstemp(path.data()), "w+");
    must(fp != nullptr, "fdopen");
    must(std::fwrite(page.data(), 1, note_size, fp) == note_size, "fwrite");
    must(std::fclose(fp) == 0, "fclose");
    must(unlink(path.c_str()) == 0, "unlink");
}

void empty_directory() {
    std::string path = directory() + "/tmpXXXXXX";
    must(mkdtemp(path.data()) != nullptr, "mkdtemp");
    must(rmdir(path.c_str()) == 0, "rmdir");
}

void full_directory() {
    std::string path = directory() + "/tmpXXXXXX";
    must(mkdtemp(path.data()) != nullptr, "mkdtemp");
    fill(path.c_str());
    const auto remove_each = [](const char* each, const struct stat*, int, FTW*) { return std::remove(each); };
    must(nftw(path.c_str(), remove_each, 16, FTW_DEPTH | FTW_PHYS) == 0, "nftw");
}

void write_records(std::size_t size) {
    FILE* fp = unnamed_file();
    for (std::size_t done = 0; done < size; done += record_size) {
        must(std::fwrite(page.data(), 1, record_size, fp) == record_size, "fwrite");
    }
    must(std::fflush(fp) == 0 && std::fclose(fp) == 0, "fclose");
}

// With a buffer of its own: the size is ignored without one (setvbuf(3); glibc then allocates st_blksize bytes).
void use_large_buffer(FILE* fp) {
    static char buffer[large_buffer];
    must(fp != nullptr && std::setvbuf(fp, buffer, _IOFBF, sizeof buffer) == 0, "setvbuf");
}

void stream_write() {
    FILE* fp = unnamed_file();
    use_large_buffer(fp);
    for (std::size_t done = 0; done < large_size; done += page_size) {
        must(std::fwrite(page.data(), 1, page_size, fp) == page_size, "fwrite");
    }
    must(std::fclose(fp) == 0, "fclose");
}

void stream_read() {
    char piece[page_size];
    FILE* fp = std::fopen(large_path().c_str(), "r");
    use_large_buffer(fp);
    for (std::size_t done = 0; done < large_size; done += page_size) {
        must(std::fread(piece, 1, page_size, fp) == page_size, "fread");
    }
    must(std::fclose(fp) == 0, "fclose");
    benchmark::DoNotOptimize(piece);
}

// tmpfile() knows no TMPDIR, only /tmp: where that is another file system, it would be measured on the wrong one.
bool tmpfile_works_where_we_work() {
    struct stat ours {};
    struct stat its {};
    if (stat(directory().c_str(), &ours) == 0 && stat(P_tmpdir, &its) == 0 && ours.st_dev == its.st_dev) {
        return true;
    }
    std::fprintf(stderr, "tempfile-bench: no tmpfile(): it works in %s only, and %s is another file system\n", P_tmpdir,
                 directory().c_str());
    return false;
}

constexpr std::array entries{
    entry{"named_file", named_file},        entry{"named", named},
    entry{"named_2_threads", named},        entry{"directory", empty_directory},
    entry{"directory_100", full_directory}, entry{"stream_read", stream_read},
};
[[maybe_unused]] const bool entered = enter("glibc", entries);

constexpr std::array tmpfile_entries{
    entry{"unnamed", unnamed},
    entry{"roundtrip", roundtrip},
    entry{"spool_stream", [] { write_records(small_size); }},
    entry{"spool_rolled", [] { write_records(large_size); }},
    entry{"stream_write", stream_write},
};
[[maybe_unused]] const bool tmpfile_entered = tmpfile_works_where_we_work() && enter("glibc", tmpfile_entries);

}  // namespace
