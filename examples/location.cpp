// Where temporary files go, why there, and how to send them elsewhere.

#include <tempfile/location.hpp>
#include <tempfile/mkstemp.hpp>
#include <tempfile/named_temporary_file.hpp>

#include <cassert>
#include <filesystem>
#include <iostream>
#include <optional>

int main() {
    std::cout << "temporary files go to " << tempfile::gettempdir().native() << '\n';
    const tempfile::explanation why = tempfile::explain();
    for (const tempfile::candidate& c : why.candidates) {
        std::cout << "  " << c.origin << ' ' << c.dir.native() << ": " << c.error.message()
                  << (c.chosen ? " (chosen)\n" : "\n");
    }
    assert(why.dir == tempfile::gettempdir());

    const std::filesystem::path mine = tempfile::mkdtemp({.prefix = "location-"});
    {
        const tempfile::scoped_tempdir here(mine);  // for this thread, until the end of the block
        const tempfile::named_temporary_file report;
        assert(report.path().parent_path() == mine);
    }
    tempfile::tempdir = mine;  // for the whole process
    assert(tempfile::gettempdir() == mine);
    tempfile::tempdir = std::nullopt;
    assert(tempfile::gettempdir() == why.dir);
    std::filesystem::remove(mine);
}
