// The library.
#include "participant.hpp"

#include <benchmark/benchmark.h>
#include <tempfile/tempfile.hpp>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>

#include "create.hpp"

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

// What a named_temporary_file does but for the stream.
void named_handle(tempfile::registration* owner) {
    tempfile::file file;
    std::string path;
    must(!create_named({.dir = directory(), .prefix = "tmp", .suffix = ""}, false, file, path, owner), "create_named");
    file.write(piece.first(note_size));
    file.close();
    must(unlink(path.c_str()) == 0, "unlink");
}

void named_registered() {
    tempfile::registration owner;
    named_handle(&owner);
    owner.leave();
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

void replace(tempfile::durability durable) {
    tempfile::write_file(target(), piece, {.durable = durable});
}

void batch() {
    tempfile::publish_batch all;
    for (int i = 0; i < files_in_batch; ++i) {
        all.add(target(i)).write(piece);
    }
    all.commit();
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
    entry{"named_registered", named_registered},
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
    entry{"spool_direct", [] { spool_direct(small_size); }},
    entry{"spool_stream", spool_stream},
    entry{"spool_rolled", [] { spool_direct(large_size); }},
    entry{"replace", [] { replace(tempfile::durability::none); }},
    entry{"replace_durable", [] { replace(tempfile::durability::data_and_directory); }},
    entry{"batch", batch},
    entry{"stream_write", stream_write},
    entry{"stream_read", stream_read},
};
[[maybe_unused]] const bool entered = enter("ours", entries);

// --- The same without the registry ---

double seconds(void (*body)(), std::int64_t times) {
    for (int i = 0; i < 100; ++i) {  // a process that was just forked gets its memory page by page
        body();
    }
    const auto begin = std::chrono::steady_clock::now();
    for (std::int64_t i = 0; i < times; ++i) {
        body();
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// In a process of its own, since a process decides once whether it has a registry.
double seconds_without(std::string_view row, std::int64_t times) {
    const auto* found = std::find_if(entries.begin(), entries.end(), [&](const entry& e) { return e.row == row; });
    int answer[2];
    must(pipe2(answer, O_CLOEXEC) == 0, "pipe2");
    const pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        setenv("TEMPFILE_REGISTRY", "", 1);
        const double taken = seconds(found->body, times);
        must(!tempfile::explain_crash_safety().on, "there is a registry all the same");
        must(write(answer[1], &taken, sizeof taken) == sizeof taken, "write");
        _exit(0);
    }
    close(answer[1]);
    double taken = 0;
    must(read(answer[0], &taken, sizeof taken) == sizeof taken, "the process without a registry failed");
    close(answer[0]);
    must(waitpid(child, nullptr, 0) == child, "waitpid");
    return taken;
}
[[maybe_unused]] const bool without_entered =
    enter("without", {"named", "directory", "directory_100"}, seconds_without);

constexpr std::array unregistered_entries{entry{"named_registered", [] { named_handle(nullptr); }}};
[[maybe_unused]] const bool unregistered_entered = enter("without", unregistered_entries);

}  // namespace
