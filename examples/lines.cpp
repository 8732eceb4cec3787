// Lines, one after the other, as `for line in fp` in Python; and line ends of another system.

#include <tempfile/temporary_file.hpp>

#include <cassert>
#include <string>
#include <vector>

int main() {
    tempfile::temporary_file fp;
    fp << "one\ntwo\nthree";
    fp.seek(0);
    std::vector<std::string> lines;
    for (const std::string& line : fp.lines()) {
        lines.push_back(line);
    }
    assert((lines == std::vector<std::string>{"one\n", "two\n", "three"}));

    tempfile::temporary_file page({.newline = tempfile::newlines::crlf});
    page << "one\ntwo\n";
    assert(page.size() == 10);  // "one\r\ntwo\r\n" in the file
    page.seek(0);
    assert(page.readline() == "one\n");  // and back
}
