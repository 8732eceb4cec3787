// What the tests run as another process: actor WORD [NUMBER]

#include <tempfile/tempfile.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "scenario.hpp"

namespace {

// The open descriptors, one a line.
void descriptors(int) {
    for (int fd = 0; fd < ::sysconf(_SC_OPEN_MAX) && fd < 4096; ++fd) {
        if (::fcntl(fd, F_GETFD) != -1) {
            std::cout << fd << '\n';
        }
    }
}

// The random parts of the next names, one a line.
void names(int count) {
    for (int i = 0; i < count; ++i) {
        tempfile::named_temporary_file file({.prefix = "", .suffix = ""});
        std::cout << file.path().filename().string() << '\n';
    }
}

// Where temporary files go, and where one really went.
void where(int) {
    const auto why = tempfile::explain();
    tempfile::named_temporary_file file;
    std::cout << tempfile::gettempdir().string() << '\n'
              << file.path().parent_path().string() << '\n'
              << why.dir.string() << '\n'
              << (why.environment_ignored ? "ignored" : "obeyed") << '\n';
}

// Makes its first named object, sweeping first or not.
void first_object(int sweeps) {
    tempfile::sweep_at_first_use(sweeps != 0);
    const tempfile::named_temporary_file file;
}

void everything(int) {
    tempfile::test::use_everything();
    std::cout << "everything works\n";
}

}  // namespace

int main(int argc, char** argv) {
    const std::map<std::string, void (*)(int)> words = {{"descriptors", descriptors},
                                                        {"names", names},
                                                        {"where", where},
                                                        {"everything", everything},
                                                        {"first_object", first_object}};
    const auto word = words.find(argc > 1 ? argv[1] : "");
    if (word == words.end()) {
        std::cerr << "actor: say one of:";
        for (const auto& [name, action] : words) {
            std::cerr << ' ' << name;
        }
        std::cerr << '\n';
        return 2;
    }
    try {
        word->second(argc > 2 ? std::atoi(argv[2]) : 0);
    } catch (const std::exception& e) {
        std::cout << "actor: " << e.what() << '\n';
        return 1;
    }
}
