// Writes the pages of the manual and the completions of the shells: pages DIRECTORY DATE

#include "page.hpp"

#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file;
    file.exceptions(std::ios::failbit | std::ios::badbit);
    file.open(path, std::ios::binary);
    file << text;
    file.close();
}

void write_all(const std::filesystem::path& to, const std::string& date) {
    const auto commands = pages::all_pages();
    for (const char* const directory : {"man", "bash", "zsh", "fish"}) {
        std::filesystem::create_directories(to / directory);
    }
    write(to / "man/tmp.1", pages::overview(commands, date));
    for (const pages::page& command : commands) {
        write(to / "man" / ("tmp-" + command.name + ".1"), pages::manual(command, date));
    }
    write(to / "bash/tmp", pages::bash(commands));
    write(to / "zsh/_tmp", pages::zsh(commands));
    write(to / "fish/tmp.fish", pages::fish(commands));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::cerr << "usage: pages DIRECTORY DATE\n";
        return 2;
    }
    try {
        write_all(argv[1], argv[2]);
    } catch (const std::exception& e) {
        std::cerr << "pages: " << e.what() << '\n';
        return 1;
    }
    return 0;
}
