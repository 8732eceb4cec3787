// In memory as long as it is small, in a file without a name when it grows.

#include <tempfile/spooled_temporary_file.hpp>

#include <cassert>
#include <string>

int main() {
    tempfile::spooled_temporary_file spool({.max_size = 1000});
    spool << "small";
    assert(!spool.rolled());  // no file, no system call

    spool.write(std::string(2000, 'x'));
    assert(spool.rolled());  // the same object goes on
    assert(spool.size() == 2005 && spool.tell() == 2005);

    spool.seek(0);
    assert(spool.read(6) == "smallx");

    // Whoever needs a descriptor gets one: that rolls over too.
    tempfile::spooled_temporary_file small;
    small.write("a few bytes");
    const int descriptor = small.fileno();
    assert(small.rolled() && descriptor >= 0);
}
