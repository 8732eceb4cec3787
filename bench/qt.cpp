// Qt: QTemporaryFile, which has no name until it is asked for one, and QTemporaryDir.
#include "participant.hpp"

#include <benchmark/benchmark.h>

#include <QFile>
#include <QSaveFile>
#include <QTemporaryDir>
#include <QTemporaryFile>

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

void write_pieces(qint64 piece) {
    QTemporaryFile file;
    must(file.open(), "QTemporaryFile");
    for (std::size_t done = 0; done < large_size; done += static_cast<std::size_t>(piece)) {
        must(file.write(page.data(), piece) == piece, "QTemporaryFile::write");
    }
    must(file.flush(), "QTemporaryFile::flush");
}

void stream_read() {
    char piece[page_size];
    QFile file(QString::fromStdString(large_path()));
    must(file.open(QIODevice::ReadOnly), "QFile");
    for (std::size_t done = 0; done < large_size; done += page_size) {
        must(file.read(piece, page_size) == page_size, "QFile::read");
    }
    benchmark::DoNotOptimize(piece);
}

void replace() {
    QSaveFile file(QString::fromStdString(target()));
    must(file.open(QIODevice::WriteOnly) && file.write(page.data(), page_size) == page_size && file.commit(),
         "QSaveFile");
}

constexpr std::array entries{
    entry{"unnamed", unnamed},
    entry{"roundtrip", roundtrip},
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
    entry{"spool_rolled", [] { write_pieces(record_size); }},
    entry{"replace_durable", replace},  // it calls fsync for the file, not for the directory
    entry{"stream_write", [] { write_pieces(page_size); }},
    entry{"stream_read", stream_read},
};
[[maybe_unused]] const bool entered = enter("Qt", entries);

}  // namespace
