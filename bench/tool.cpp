// How long the tool takes to start, beside GNU mktemp: tempfile-bench-tool TMP [REPETITIONS], Markdown on standard
// output. Each makes one file or directory, in the default directory for temporary files.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

extern char** environ;

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;
using milliseconds = std::chrono::duration<double, std::milli>;

struct contestant {
    std::string name;
    std::vector<std::string> words;
    std::vector<milliseconds> times = {};

    [[nodiscard]] milliseconds median() const {
        std::vector<milliseconds> sorted = times;
        std::sort(sorted.begin(), sorted.end());
        return sorted[sorted.size() / 2];
    }
};

void must(bool ok, const char* what) {
    if (!ok) {
        std::perror(what);
        std::exit(1);
    }
}

pid_t start(const std::vector<std::string>& words, int output) {
    std::vector<char*> arguments;
    for (const std::string& word : words) {
        arguments.push_back(const_cast<char*>(word.c_str()));
    }
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    must(posix_spawn_file_actions_init(&actions) == 0, "posix_spawn_file_actions_init");
    must(posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) == 0, "posix_spawn_file_actions_adddup2");
    pid_t child = 0;
    must(posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ) == 0, arguments[0]);
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

// From before its start to after its end. What it made, whose name it prints, is removed afterwards.
milliseconds time_of(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    must(pipe2(ends.data(), O_CLOEXEC) == 0, "pipe");
    const auto begin = clock::now();
    int status = 0;
    const pid_t child = start(words, ends[1]);
    must(waitpid(child, &status, 0) == child && status == 0, words[0].c_str());
    const milliseconds taken = clock::now() - begin;
    close(ends[1]);
    std::array<char, 4096> printed{};
    const ssize_t length = read(ends[0], printed.data(), printed.size());
    close(ends[0]);
    must(length > 1, "a name was expected");
    must(fs::remove(std::string(printed.data(), static_cast<std::size_t>(length) - 1)), "it made nothing");
    return taken;
}

// The first contestant is what the others are compared with.
void race(const char* work, std::vector<contestant> all, int repetitions) {
    std::mt19937 random(std::random_device{}());
    std::vector<std::size_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    for (int i = 0; i < repetitions; ++i) {
        std::shuffle(order.begin(), order.end(), random);
        for (const std::size_t one : order) {
            all[one].times.push_back(time_of(all[one].words));
        }
    }
    const milliseconds first = all.front().median();
    for (const contestant& c : all) {
        std::printf("| %s | `%s` | %.2f ms | %.2f |\n", work, c.name.c_str(), c.median().count(), c.median() / first);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: tempfile-bench-tool TMP [REPETITIONS]\n", stderr);
        return 2;
    }
    const std::string tmp = fs::absolute(argv[1]);
    const int repetitions = argc > 2 ? std::max(1, std::atoi(argv[2])) : 1001;
    const std::string python = "import tempfile; print(tempfile.mk";
    std::printf("| work | command | median of %d | of GNU mktemp |\n|---|---|---|---|\n", repetitions);
    race("a file",
         {{"mktemp", {"mktemp"}},
          {"tmp file", {tmp, "file"}},
          {"tmp mktemp", {tmp, "mktemp"}},
          {"python3 -c " + python + "stemp()[1])", {"python3", "-c", python + "stemp()[1])"}}},
         repetitions);
    race("a directory",
         {{"mktemp -d", {"mktemp", "-d"}}, {"tmp dir", {tmp, "dir"}}, {"tmp mktemp -d", {tmp, "mktemp", "-d"}}},
         repetitions);
}
