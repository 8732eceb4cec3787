// The umbrella: one include brings everything, and it reads like Python's module.

#include "tempfile/tempfile.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/scratch.hpp"

namespace {

TEST(tempfile, the_recipe) {
    tempfile::temporary_file fp;
    fp.write("Stack Overflow!");
    fp.seek(0);
    std::ostringstream out;
    out << fp.read();
    EXPECT_EQ(out.str(), "Stack Overflow!");
}

TEST(tempfile, has_everything_that_pythons_module_has) {
    const tempfile::test::scratch dir;
    const tempfile::scoped_tempdir here(dir.path());
    {
        tempfile::named_temporary_file report({.prefix = "report-", .suffix = ".csv"});
        report << "a,b\n" << 1 << ',' << 2 << '\n';
        report.flush();
        std::ifstream other(report.path());
        std::string header;
        std::getline(other, header);
        EXPECT_EQ(header, "a,b");

        const tempfile::temporary_directory scratch({.prefix = "build-"});
        std::ofstream(scratch / "a.txt") << "hello";

        tempfile::spooled_temporary_file spool({.max_size = 8 << 20});
        spool << "small";
        EXPECT_FALSE(spool.rolled());

        auto [file, path] = tempfile::mkstemp({.suffix = ".log"});
        file.write("first line\n");
        std::filesystem::remove(path);
        std::filesystem::remove(tempfile::mkdtemp());
        EXPECT_EQ(tempfile::gettempdir(), dir.path());
        EXPECT_EQ(tempfile::gettempprefix(), "tmp");
        EXPECT_FALSE(tempfile::tempdir.value());
        EXPECT_EQ(tempfile::explain().dir, dir.path());
    }
    EXPECT_TRUE(dir.empty());
}

}  // namespace
