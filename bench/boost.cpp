// Boost.Filesystem: unique_path, its streams, remove_all.
#include "participant.hpp"

#include <boost/filesystem.hpp>
#include <boost/filesystem/fstream.hpp>

namespace {

using namespace bench;
namespace fs = boost::filesystem;

fs::path new_path() {
    return directory() / fs::unique_path("tmp%%%%%%%%%%%%%");
}

void named() {
    const fs::path path = new_path();
    fs::ofstream stream(path, std::ios::binary);
    stream.write(page.data(), note_size);
    stream.close();
    must(stream.good() && fs::remove(path), "boost::filesystem::ofstream");
}

void empty_directory() {
    const fs::path path = new_path();
    must(fs::create_directory(path) && fs::remove_all(path) == 1, "boost::filesystem::create_directory");
}

void full_directory() {
    const fs::path path = new_path();
    must(fs::create_directory(path), "boost::filesystem::create_directory");
    fill(path.c_str());
    must(fs::remove_all(path) == files_in_directory + 1, "boost::filesystem::remove_all");
}

constexpr std::array entries{
    entry{"named", named},
    entry{"named_2_threads", named},
    entry{"directory", empty_directory},
    entry{"directory_100", full_directory},
};
[[maybe_unused]] const bool entered = enter("Boost", entries);

}  // namespace
