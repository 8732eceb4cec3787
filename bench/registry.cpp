// What the registry costs beside many others: tempfile-bench-registry TMP [REPETITIONS], Markdown on standard output.
// TMP is the tool. Works in the default directory for temporary files.
#include <tempfile/tempfile.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using milliseconds = std::chrono::duration<double, std::milli>;

void must(bool ok, const char* what) {
    if (!ok) {
        std::perror(what);
        std::exit(1);
    }
}

// Closed ones that keep their names, so that it is not the number of descriptors that limits it.
void make_files(int count) {
    auto* const files = new std::vector<tempfile::named_temporary_file>;
    for (int i = 0; i < count; ++i) {
        files->emplace_back(tempfile::named_temporary_file_options{.deletion = tempfile::delete_when::destroyed})
            .close();
    }
}

// --- Other processes ---

void make_dead(int count) {
    for (int i = 0; i < count; ++i) {
        const pid_t pid = fork();
        must(pid >= 0, "fork");
        if (pid == 0) {
            setenv("TEMPFILE_SWEEP", "0", 1);  // or each would bury the one before
            make_files(1);
            raise(SIGKILL);
        }
        must(waitpid(pid, nullptr, 0) == pid, "waitpid");
    }
}

class living {
public:
    living(int processes, int objects) {
        for (int i = 0; i < processes; ++i) {
            int ready[2];
            must(pipe(ready) == 0, "pipe");
            all_.push_back(fork());
            must(all_.back() >= 0, "fork");
            if (all_.back() == 0) {
                make_files(objects);
                must(write(ready[1], "r", 1) == 1, "write");
                pause();
            }
            char byte = 0;
            close(ready[1]);
            must(read(ready[0], &byte, 1) == 1, "a process with objects failed");
            close(ready[0]);
        }
    }
    ~living() {
        for (const pid_t pid : all_) {
            kill(pid, SIGKILL);
            waitpid(pid, nullptr, 0);
        }
        tempfile::sweep();
    }
    living(const living&) = delete;
    living& operator=(const living&) = delete;

private:
    std::vector<pid_t> all_;
};

// --- What is measured ---

milliseconds time_of(const std::function<void()>& work) {
    const auto begin = clock::now();
    work();
    return clock::now() - begin;
}

void make_the_first() {
    const tempfile::named_temporary_file fp;
}

std::string shell_word(const std::string& program) {
    return std::string(1, '\'').append(program).append(1, '\'');
}

// In a new process, which says how long it took without its own start.
milliseconds first_object() {
    const std::string command = shell_word(fs::read_symlink("/proc/self/exe")) + " --first";
    std::FILE* answer = popen(command.c_str(), "r");
    must(answer != nullptr, "popen");
    double taken = 0;
    const bool understood = std::fscanf(answer, "%lf", &taken) == 1;
    must(pclose(answer) == 0 && understood, command.c_str());
    return milliseconds(taken);
}

void print_row(const char* what, int repetitions, const std::function<milliseconds()>& measure) {
    std::vector<milliseconds> times;
    for (int i = 0; i < repetitions; ++i) {
        times.push_back(measure());
    }
    std::sort(times.begin(), times.end());
    std::printf("| %s | %.2f ms | %.2f to %.2f ms |\n", what, times[times.size() / 2].count(), times.front().count(),
                times.back().count());
    std::fflush(stdout);
}

void measure_all(const std::string& tool, int repetitions) {
    std::printf("| work | median of %d | from, to |\n|---|---|---|\n", repetitions);
    print_row("first named object: alone", repetitions, first_object);
    const std::string list = shell_word(tool) + " ls >/dev/null";
    const auto list_all = [&] { must(std::system(list.c_str()) == 0, list.c_str()); };
    print_row("`tmp ls`: nothing to be listed, with a shell", repetitions, [&] { return time_of(list_all); });
    {
        const living many(100, 100);
        print_row("leftovers(): 100 processes with 100 objects each", repetitions, [] {
            std::size_t found = 0;
            const auto taken = time_of([&] { found = tempfile::leftovers().size(); });
            must(found == 100 * 100, "leftovers() did not find them all");
            return taken;
        });
        print_row("`tmp ls`: the same, with a shell", repetitions, [&] { return time_of(list_all); });
        print_row("first named object: beside these", repetitions, first_object);
    }
    print_row("first named object: beside 1,000 dead registries", repetitions, [] {
        make_dead(1000);
        const auto taken = first_object();
        tempfile::sweep();
        return taken;
    });
    print_row("sweep(): 1,000 dead registries", repetitions, [] {
        make_dead(1000);
        return time_of([] { must(tempfile::sweep().removed.size() == 1000, "sweep() did not remove them all"); });
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--first") == 0) {
        std::cout << time_of(make_the_first).count() << '\n';
        return 0;
    }
    if (argc < 2) {
        std::cerr << "usage: tempfile-bench-registry TMP [REPETITIONS]\n";
        return 2;
    }
    std::string place = (tempfile::gettempdir() / "tempfile-bench-XXXXXX").string();
    must(mkdtemp(place.data()) != nullptr, "mkdtemp");
    const std::string registry = place + "/registry";
    setenv("TMPDIR", place.c_str(), 1);
    setenv("TEMPFILE_REGISTRY", registry.c_str(), 1);
    measure_all(fs::absolute(argv[1]), argc > 2 ? std::max(1, std::atoi(argv[2])) : 15);
    const bool clean = fs::is_empty(registry) && fs::remove(registry) && fs::is_empty(place) && fs::remove(place);
    must(clean, "something is left");
}
