// POCO: TemporaryFile, which makes the name, and whose destructor removes what stands there.
#include "participant.hpp"

#include <Poco/FileStream.h>
#include <Poco/TemporaryFile.h>

namespace {

using namespace bench;

void named() {
    Poco::TemporaryFile file;
    Poco::FileOutputStream stream(file.path());
    stream.write(page.data(), note_size);
    stream.close();
    must(stream.good(), "Poco::FileOutputStream");
}

void empty_directory() {
    Poco::TemporaryFile dir;
    must(dir.createDirectory(), "Poco::File::createDirectory");
}

void full_directory() {
    Poco::TemporaryFile dir;
    must(dir.createDirectory(), "Poco::File::createDirectory");
    fill(dir.path().c_str());
}

constexpr std::array entries{
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
};
[[maybe_unused]] const bool entered = enter("POCO", entries);

}  // namespace
