// PATH...: removes each with Boost.
#include <boost/filesystem.hpp>

#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    try {
        for (int i = 1; i < argc; ++i) {
            boost::filesystem::remove_all(argv[i]);
        }
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
