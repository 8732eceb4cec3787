// The library.
#include "participant.hpp"

#include <benchmark/benchmark.h>
#include <tempfile/tempfile.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace bench;

const std::span<const std::byte> record = std::as_bytes(std::span(page)).first(record_size);
const std::span<const std::byte> piece = std::as_bytes(std::span(page));

void unnamed_file() {
    tempfile::tmpfile().close();
}

void unnamed() {
    tempfile::temporary_file file;
    file.close();
}

void roundtrip_file() {
    std::array<std::byte, page_size> back;
    tempfile::file file = tempfile::tmpfile();
    file.pwrite(piece, 0);
    must(file.pread(std::span(back), 0) == page_size, "tempfile: pread");
    file.close();
    benchmark::DoNotOptimize(back);
}

void roundtrip(bool flushed) {
    std::array<std::byte, page_size> back;
    tempfile::temporary_file file;
    file.write(piece);
    if (flushed) {
        file.flush();
    }
    file.seek(0);
    must(file.read(std::span(back)) == page_size, "tempfile: read");
    benchmark::DoNotOptimize(back);
}

void named_file() {
    auto [file, path] = tempfile::mkstemp();
    file.write(piece.first(note_size));
    file.close();
    must(unlink(path.c_str()) == 0, "unlink");
}

void named() {
    tempfile::named_temporary_file file;
    file.write(piece.first(note_size));
    file.close();  // writes the bytes first, though nobody can read them any more
}

void empty_directory() {
    tempfile::temporary_directory dir;
    dir.cleanup();
}

void full_directory() {
    tempfile::temporary_directory dir;
    fill(dir.path().c_str());
    dir.cleanup();
}

void spool_direct(std::size_t size) {
    tempfile::spooled_temporary_file spool;
    for (std::size_t done = 0; done < size; done += record_size) {
        spool.write(record);
    }
    spool.flush();
}

void spool_stream() {
    tempfile::spooled_temporary_file spool;
    std::ostream& stream = spool;
    for (std::size_t done = 0; done < small_size; done += record_size) {
        stream.write(page.data(), record_size);
    }
    stream.flush();
}

void stream_write() {
    tempfile::temporary_file file;
    for (std::size_t done = 0; done < large_size; done += page_size) {
        file.write(piece);
    }
    file.close();
}

void stream_read() {
    std::array<std::byte, page_size> back;
    tempfile::file_object file(tempfile::file(open(large_path().c_str(), O_RDONLY | O_CLOEXEC)),
                               {.mode = std::ios::in});
    for (std::size_t done = 0; done < large_size; done += page_size) {
        must(file.read(std::span(back)) == page_size, "tempfile: read");
    }
    benchmark::DoNotOptimize(back);
}

constexpr std::array entries{
    entry{"unnamed_file", unnamed_file},
    entry{"unnamed", unnamed},
    entry{"roundtrip_file", roundtrip_file},
    entry{"roundtrip", [] { roundtrip(false); }},
    entry{"roundtrip_flushed", [] { roundtrip(true); }},
    entry{"named_file", named_file},
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
    entry{"spool_direct", [] { spool_direct(small_size); }},
    entry{"spool_stream", spool_stream},
    entry{"spool_rolled", [] { spool_direct(large_size); }},
    entry{"stream_write", stream_write},
    entry{"stream_read", stream_read},
};
[[maybe_unused]] const bool entered = enter("ours", entries);

}  // namespace
