// A file that another program can open by name, and that goes when its object goes.

#include <tempfile/named_temporary_file.hpp>

#include <cassert>
#include <filesystem>
#include <fstream>
#include <string>

int main() {
    tempfile::named_temporary_file report({.prefix = "report-", .suffix = ".csv"});
    report << "a,b\n" << 1 << ',' << 2 << '\n';
    report.flush();  // so that others see it

    std::ifstream reader(report.path());
    std::string header;
    std::getline(reader, header);
    assert(header == "a,b");

    report.close();  // reports errors; the file is gone
    assert(!std::filesystem::exists(report.path()));

    // Closed before the other program opens it, and removed later.
    std::filesystem::path path;
    {
        tempfile::named_temporary_file config({.deletion = tempfile::delete_when::destroyed});
        config.write("colour = blue\n");
        config.close();
        path = config.path();
        assert(std::filesystem::file_size(path) == 14);
    }
    assert(!std::filesystem::exists(path));

    // Kept after all.
    {
        tempfile::named_temporary_file result;
        path = result.keep();
    }
    assert(std::filesystem::exists(path));
    std::filesystem::remove(path);
}
