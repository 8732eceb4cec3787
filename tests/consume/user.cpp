#include <tempfile/tempfile.hpp>

#include <iostream>

int main() {
    tempfile::temporary_file fp;
    fp.write("Stack Overflow!");
    fp.seek(0);
    std::cout << fp.read() << '\n';
}
