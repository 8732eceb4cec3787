// THREADS PATH...: removes each with the library.
#include <tempfile/remove_tree.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>

int main(int argc, char** argv) {
    try {
        for (int i = 2; i < argc; ++i) {
            tempfile::remove_tree(argv[i], {.threads = static_cast<unsigned>(std::atoi(argv[1]))});
        }
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
