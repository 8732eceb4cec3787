// PATH...: removes each with std::filesystem.
#include <exception>
#include <filesystem>
#include <iostream>

int main(int argc, char** argv) {
    try {
        for (int i = 1; i < argc; ++i) {
            std::filesystem::remove_all(argv[i]);
        }
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
