// Makes a named file and a directory, says so, and waits to be killed.

#include <tempfile/tempfile.hpp>

#include <unistd.h>

#include <fstream>
#include <iostream>

int main() {
    const tempfile::named_temporary_file fp;
    const tempfile::temporary_directory dir;
    std::ofstream(dir / "file") << "x";
    std::cout << "ready" << std::endl;
    ::pause();
}
