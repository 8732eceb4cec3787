// Objects with static storage, in a program that ends in various ways: statics WAY ENDING DIR
//
//     fork     a child ends by ENDING, then the parent looks whether it still has everything
//     end      the program ends by ENDING while it has everything
//     late     objects are made and destroyed by the destructor of a static that is older than anything of the library
//     threads  a thread makes objects all the time while the program ends

#include <tempfile/tempfile.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "scenario.hpp"

namespace {

namespace fs = std::filesystem;

// Constructed before main() and before the library was used, so destroyed after all that the library may have made.
struct older_than_the_library {
    ~older_than_the_library() {
        if (wanted) {
            tempfile::test::use_everything();
            tempfile::tempdir = tempfile::gettempdir();
            tempfile::test::use_everything();
            const auto stays = tempfile::mkdtemp({.prefix = "made-late-"});
            std::ofstream(stays / "and-written");
        }
    }
    bool wanted = false;
};
older_than_the_library oldest;

struct possessions {
    explicit possessions(const fs::path& dir)
        : named({.dir = dir}), directory({.dir = dir}), unnamed({.dir = dir}), spool({.max_size = 0, .dir = dir}) {
        named << "named" << std::flush;
        unnamed << "unnamed";
        spool << "spooled";
        std::ofstream(directory / "file") << "inside";
    }
    [[nodiscard]] bool whole() {
        unnamed.seek(0);
        return tempfile::test::contents(named.path()) == "named" &&
               tempfile::test::contents(directory / "file") == "inside" && unnamed.read() == "unnamed";
    }

    tempfile::named_temporary_file named;
    tempfile::temporary_directory directory;
    tempfile::temporary_file unnamed;
    tempfile::spooled_temporary_file spool;
};
std::optional<possessions> owned;

// True when the caller is to return from main().
bool end_by(const std::string& ending) {
    if (ending == "exit") {
        std::exit(0);
    }
    if (ending == "quick_exit") {
        std::quick_exit(0);
    }
    if (ending == "terminate") {
        throw std::runtime_error("nobody catches this");
    }
    return true;
}

std::atomic<int> rounds = 0;

void make_objects_for_ever(const fs::path& dir) {
    for (;; ++rounds) {
        const tempfile::scoped_tempdir here(dir);
        const tempfile::temporary_file unnamed;
        const tempfile::named_temporary_file named;
        const tempfile::temporary_directory directory;
        tempfile::spooled_temporary_file spool({.max_size = 0});
        spool << "rolled over";
    }
}

void start_threads(const fs::path& dir) {
    for (int i = 0; i < 2; ++i) {
        std::thread(make_objects_for_ever, dir).detach();
    }
    while (rounds < 10) {
        std::this_thread::yield();
    }
}

bool fork_a_child_that_ends_by(const std::string& ending) {
    const pid_t child = ::fork();
    if (child == 0) {
        return end_by(ending);
    }
    int status = 0;
    const bool ended = ::waitpid(child, &status, 0) == child && status == 0;
    std::cout << (ended && owned->whole() ? "the parent still has everything\n" : "the parent lost something\n");
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "statics: say WAY ENDING DIR\n";
        return 2;
    }
    const std::string way = argv[1];
    const std::string ending = argv[2];
    if (way == "late") {
        oldest.wanted = true;
        tempfile::tempdir = argv[3];
        end_by(ending);
        return 0;
    }
    owned.emplace(argv[3]);
    if (way == "fork") {
        fork_a_child_that_ends_by(ending);
        return 0;
    }
    if (way == "threads") {
        start_threads(argv[3]);
    }
    end_by(ending);
}
