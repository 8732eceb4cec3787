// A temporary file is a std::iostream, and can do what Python's file objects do.

#include <tempfile/temporary_file.hpp>

#include <cassert>
#include <string>

int main() {
    tempfile::temporary_file fp;
    fp << "answer " << 42 << '\n';  // operators of the standard library
    fp.seek(0);
    std::string word;
    int number = 0;
    fp >> word >> number;
    assert(word == "answer" && number == 42);

    fp.seek(-1, std::ios::end);  // members after Python's glossary
    fp.write("!\n");
    assert(fp.tell() == 11 && fp.size() == 11);
    fp.seek(0);
    assert(fp.read(6) == "answer");
    assert(fp.readline() == " 42!\n");
    assert(fp.read().empty());

    fp.truncate(6);
    tempfile::file other = fp.reopen();  // an independent handle on the same file
    fp.close();
    assert(other.size() == 6);

    bool refused = false;
    try {
        fp << "too late";
    } catch (const std::system_error& e) {  // the stream throws what write() throws
        refused = e.code() == std::errc::bad_file_descriptor;
    }
    assert(refused);
}
