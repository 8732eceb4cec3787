// What the documents refer to is there: tests by name, files, headings.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace tempfile::test {
namespace {

namespace fs = std::filesystem;

const fs::path project = PROJECT;

std::string text_of(const fs::path& file) {
    std::ifstream in(file);
    EXPECT_TRUE(in) << "cannot read " << file;
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<fs::path> documents() {
    std::vector<fs::path> found;
    for (const fs::path& dir : {project, project / "docs"}) {
        for (const auto& entry : fs::directory_iterator(dir)) {
            if (entry.path().extension() == ".md") {
                found.push_back(entry.path());
            }
        }
    }
    return found;
}

// The lines outside of code blocks.
std::vector<std::string> prose_of(const fs::path& document) {
    std::istringstream text(text_of(document));
    std::vector<std::string> lines;
    bool in_block = false;
    for (std::string line; std::getline(text, line);) {
        const bool fence = line.starts_with("```");
        in_block = in_block != fence;
        if (!in_block && !fence) {
            lines.push_back(line);
        }
    }
    return lines;
}

std::vector<std::smatch> matches(const std::string& text, const std::regex& pattern) {
    return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}

// The cells of a row of a table, without the backticks; empty for any other line.
std::vector<std::string> cells(const std::string& line) {
    std::vector<std::string> found;
    if (line.starts_with("| ")) {
        static const std::regex cell(R"(\| *((?:[^|\\]|\\.)*?) *(?=\|))");
        for (const std::smatch& m : matches(line, cell)) {
            found.push_back(std::regex_replace(m[1].str(), std::regex("`"), ""));
        }
    }
    return found;
}

// --- Links ---

// As the web sites that show Markdown make it of a heading.
std::string anchor(std::string heading) {
    heading = std::regex_replace(heading, std::regex("[^A-Za-z0-9 _-]"), "");
    std::transform(heading.begin(), heading.end(), heading.begin(),
                   [](char c) { return c == ' ' ? '-' : static_cast<char>(std::tolower(c)); });
    return heading;
}

bool has_heading(const fs::path& document, const std::string& wanted) {
    const auto lines = prose_of(document);
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
        return line.starts_with("#") && anchor(line.substr(line.find(' ') + 1)) == wanted;
    });
}

TEST(documents, links_lead_somewhere) {
    static const std::regex link(R"(\]\(([^)#]*)#?([^)]*)\))");
    static const std::regex code("`[^`]*`");
    int links = 0;
    for (const fs::path& document : documents()) {
        for (const std::string& line : prose_of(document)) {
            const std::string prose = std::regex_replace(line, code, "");
            for (const std::smatch& m : matches(prose, link)) {
                if (m[1].str().starts_with("http")) {
                    continue;
                }
                const fs::path target = m[1].length() == 0 ? document : document.parent_path() / m[1].str();
                EXPECT_TRUE(fs::exists(target)) << document << " has a link to " << target;
                EXPECT_TRUE(m[2].length() == 0 || has_heading(target, m[2])) << document << ": no heading " << m[2];
                ++links;
            }
        }
    }
    EXPECT_GT(links, 10);
}

// --- Tests by name ---

using names = std::set<std::string>;

// The tests of each source, by "room/stem"; what must not compile is marked by BAD_ and its name.
const std::map<std::string, names>& all_tests() {
    static const auto* const found = [] {
        auto* const tests = new std::map<std::string, names>;
        static const std::regex test(R"(\b(?:TYPED_)?TEST(?:_F|_P)?\(\w+,\s*(\w+)\)|#ifdef BAD_(\w+))");
        for (const auto& entry : fs::recursive_directory_iterator(project / "tests")) {
            const fs::path stem = fs::relative(entry.path(), project / "tests").replace_extension();
            if (entry.path().extension() == ".cpp") {
                const std::string source = text_of(entry.path());
                for (const std::smatch& m : matches(source, test)) {
                    (*tests)[stem.string()].insert(m[1].matched ? m[1] : m[2]);
                }
            }
        }
        return tests;
    }();
    return *found;
}

// The numbers of traps that a test's name begins with: T8_T9_falls_back has two.
std::vector<std::string> numbers_of(const std::string& test) {
    static const std::regex number("([TS][0-9]+)_");
    std::vector<std::string> found;
    std::smatch m;
    for (auto rest = test.begin();
         std::regex_search(rest, test.end(), m, number, std::regex_constants::match_continuous); rest = m[0].second) {
        found.push_back(m[1]);
    }
    return found;
}

// `test` is a name, or T5_* for all tests with that number.
bool exists(const std::string& source, const std::string& test) {
    const auto found = all_tests().find(source);
    if (found == all_tests().end()) {
        return false;
    }
    return std::any_of(found->second.begin(), found->second.end(), [&](const std::string& name) {
        const auto numbers = numbers_of(name);
        return name == test || std::any_of(numbers.begin(), numbers.end(),
                                           [&](const std::string& number) { return number + "_*" == test; });
    });
}

// `room/stem: test`, or `room/script.sh`
const std::regex reference(R"(`([a-z_]+/\w+): (\w+\*?)`)");
const std::regex script_reference(R"(`((?:cli|consume|docs|compile_fail)/\w+\.\w+)`)");

TEST(documents, tests_that_are_named_exist) {
    int references = 0;
    for (const fs::path& document : documents()) {
        for (const std::string& line : prose_of(document)) {
            for (const std::smatch& m : matches(line, reference)) {
                EXPECT_TRUE(exists(m[1], m[2])) << document << " names " << m[0];
                ++references;
            }
            for (const std::smatch& m : matches(line, script_reference)) {
                EXPECT_TRUE(fs::exists(project / "tests" / m[1].str())) << document << " names " << m[0];
            }
        }
    }
    EXPECT_GT(references, 50);
}

TEST(coming_from_python, every_row_has_a_test_or_a_reason) {
    int rows = 0;
    for (const std::string& line : prose_of(project / "docs/coming-from-python.md")) {
        const auto row = cells(line);
        if (line.starts_with("| `")) {
            ASSERT_EQ(row.size(), 4U) << line;
            EXPECT_TRUE(std::regex_search(line, reference) || (row[1].starts_with("none") && !row[2].empty())) << line;
            ++rows;
        }
    }
    EXPECT_GT(rows, 50);
}

// --- Traps ---

std::map<std::string, std::string> rows_of_traps() {
    std::map<std::string, std::string> rows;
    static const std::regex key("[TS][0-9]+");
    for (const std::string& line : prose_of(project / "docs/traps.md")) {
        const auto row = cells(line);
        if (!row.empty() && std::regex_match(row[0], key)) {
            EXPECT_TRUE(rows.emplace(row[0], line).second) << row[0] << " is there twice";
        }
    }
    return rows;
}

TEST(traps, each_has_a_row_with_a_test_or_a_reason) {
    const auto rows = rows_of_traps();
    std::vector<std::string> keys;
    for (int n = 1; n <= 34; ++n) {
        keys.push_back(std::to_string(n).insert(0, 1, 'T'));
    }
    for (int n = 1; n <= 10; ++n) {
        keys.push_back(std::to_string(n).insert(0, 1, 'S'));
    }
    for (const std::string& key : keys) {
        ASSERT_TRUE(rows.contains(key)) << key;
        const std::string& row = rows.at(key);
        EXPECT_TRUE(std::regex_search(row, reference) || row.find("not applicable yet: ") != row.npos ||
                    row.find("does not apply: ") != row.npos)
            << key << " has neither a test nor a reason";
    }
    EXPECT_EQ(rows.size(), keys.size());
}

// Whoever looks a number up finds every test of it.
TEST(traps, tests_with_a_number_are_in_its_row) {
    const auto rows = rows_of_traps();
    int numbered = 0;
    for (const auto& [source, tests] : all_tests()) {
        for (const std::string& test : tests) {
            for (const std::string& number : numbers_of(test)) {
                ASSERT_TRUE(rows.contains(number)) << source << ": " << test;
                const std::string entry = source + ": " + number + "_*";
                EXPECT_NE(rows.at(number).find(entry), std::string::npos) << "docs/traps.md does not have " << entry;
                ++numbered;
            }
        }
    }
    EXPECT_GT(numbered, 50);
}

// --- The map of directories ---

std::set<std::string> map_of_directories() {
    std::set<std::string> paths;
    bool in_map = false;
    for (const std::string& line : prose_of(project / "CONTRIBUTING.md")) {
        in_map = line.starts_with("## ") ? line == "## Where things are" : in_map;
        const auto row = cells(line);
        if (in_map && !row.empty() && row[0] != "Path") {
            paths.insert(row[0]);
        }
    }
    return paths;
}

// As the map says it: a directory with a slash, a header and its source as one.
std::string in_map(const fs::path& path, const fs::path& dir) {
    fs::path from_project = fs::relative(path, project);
    if (fs::is_directory(path)) {
        from_project /= "";
    }
    fs::path header = path;
    fs::path source = path;
    if (dir == project / "src" && fs::exists(header.replace_extension(".hpp")) &&
        fs::exists(source.replace_extension(".cpp"))) {
        from_project.replace_extension(".*");
    }
    return from_project.string();
}

TEST(map_of_directories, has_every_path) {
    const std::set<std::string> listed = map_of_directories();
    const std::set<std::string> not_ours = {
        ".git/", ".git", "build/", "include/", "src/CMakeLists.txt", "tests/CMakeLists.txt"};
    for (const fs::path& dir : {project, project / "src", project / "tests"}) {
        for (const auto& entry : fs::directory_iterator(dir)) {
            const std::string path = in_map(entry.path(), dir);
            EXPECT_TRUE(listed.contains(path) || not_ours.contains(path)) << "CONTRIBUTING.md does not list " << path;
        }
    }
}

TEST(map_of_directories, has_nothing_else) {
    for (const std::string& path : map_of_directories()) {
        const std::string file = std::regex_replace(path, std::regex(R"(\.\*$)"), ".cpp");
        EXPECT_TRUE(fs::exists(project / file)) << "CONTRIBUTING.md lists " << path;
        EXPECT_EQ(path.ends_with('/'), fs::is_directory(project / file)) << path;
    }
}

}  // namespace
}  // namespace tempfile::test
