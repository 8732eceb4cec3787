// Qt: QTemporaryFile, which has no name until it is asked for one, and QTemporaryDir.
#include "participant.hpp"

#include <benchmark/benchmark.h>

#include <QTemporaryDir>
#include <QTemporaryFile>

#include <memory>

namespace {

using namespace bench;

void unnamed() {
    QTemporaryFile file;
    must(file.open(), "QTemporaryFile");
}

void roundtrip() {
    char back[page_size];
    QTemporaryFile file;
    must(file.open() && file.write(page.data(), page_size) == page_size, "QTemporaryFile::write");
    must(file.seek(0) && file.read(back, page_size) == page_size, "QTemporaryFile::read");
    benchmark::DoNotOptimize(back);
}

void named() {
    QTemporaryFile file;
    must(file.open() && !file.fileName().isEmpty(), "QTemporaryFile");
    must(file.write(page.data(), note_size) == note_size && file.flush(), "QTemporaryFile::write");
    must(file.remove(), "QTemporaryFile::remove");
}

void empty_directory() {
    QTemporaryDir dir;
    must(dir.isValid() && dir.remove(), "QTemporaryDir");
}

void full_directory() {
    QTemporaryDir dir;
    must(dir.isValid(), "QTemporaryDir");
    fill(dir.path().toLocal8Bit().constData());
    must(dir.remove(), "QTemporaryDir::remove");
}

std::unique_ptr<QTemporaryFile> large_file(std::size_t piece) {
    auto file = std::make_unique<QTemporaryFile>();
    must(file->open(), "QTemporaryFile");
    const auto length = static_cast<qint64>(piece);
    for (std::size_t done = 0; done < large_size; done += piece) {
        must(file->write(page.data(), length) == length, "QTemporaryFile::write");
    }
    must(file->flush(), "QTemporaryFile::flush");
    return file;
}

void stream_read() {
    char piece[page_size];
    static const std::unique_ptr<QTemporaryFile> file = large_file(page_size);
    must(file->seek(0), "QTemporaryFile::seek");
    for (std::size_t done = 0; done < large_size; done += page_size) {
        must(file->read(piece, page_size) == page_size, "QTemporaryFile::read");
    }
    benchmark::DoNotOptimize(piece);
}

constexpr std::array entries{
    entry{"unnamed", unnamed},
    entry{"roundtrip", roundtrip},
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
    entry{"spool_rolled", [] { large_file(record_size); }},
    entry{"stream_write", [] { large_file(page_size); }},
    entry{"stream_read", stream_read},
};
[[maybe_unused]] const bool entered = enter("Qt", entries);

}  // namespace
