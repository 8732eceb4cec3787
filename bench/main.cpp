// Runs every row of every participant under Google Benchmark, or one of them a given number of times under a tool
// that counts: `tempfile-bench --once named/ours 1000`. Takes Google Benchmark's options, and as the first one
// --repetitions_of_large=N, in place of --benchmark_repetitions for the rows that move many bytes.
#include "participant.hpp"

#include <benchmark/benchmark.h>
#include <tempfile/location.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace bench {
namespace {

struct task {
    std::string name;
    const row* what;
    void (*body)();
    stopwatch seconds;
};

// Filled before main, hence not a plain global.
std::vector<task>& tasks() {
    static std::vector<task> all;
    return all;
}

const row* find_row(std::string_view id) {
    const auto* found = std::find_if(rows.begin(), rows.end(), [&](const row& r) { return r.id == id; });
    must(found != rows.end(), "a row that rows.hpp does not know");
    return found;
}

std::string task_name(std::string_view row, std::string_view participant) {
    return std::string(row) + '/' + std::string(participant);
}

void measure(benchmark::State& state, const task& t) {
    if (t.body != nullptr) {
        t.body();  // what is made on first use is not part of the work
        while (state.KeepRunningBatch(t.what->items)) {
            t.body();
        }
        return;
    }
    const auto times = (static_cast<std::int64_t>(state.max_iterations) + t.what->items - 1) / t.what->items;
    const double once = t.seconds(t.what->id, times) / static_cast<double>(times);
    while (state.KeepRunningBatch(t.what->items)) {
        state.SetIterationTime(once);
    }
}

void hand_over_to_google_benchmark(int repetitions_of_large) {
    for (const task& t : tasks()) {
        auto* b = benchmark::RegisterBenchmark(t.name.c_str(), [&t](benchmark::State& state) { measure(state, t); });
        b->Threads(t.what->threads);
        if (t.what->large && repetitions_of_large > 0) {
            b->Repetitions(repetitions_of_large);
        }
        if (t.body != nullptr) {
            b->UseRealTime();
        } else {
            b->UseManualTime();
        }
    }
}

// A participant that leaves files behind has not done its work.
int check_nothing_is_left() {
    for (int i = 0; i < files_in_batch; ++i) {
        std::filesystem::remove(target(i));
    }
    if (std::filesystem::is_empty(directory())) {
        return 0;
    }
    std::cerr << "tempfile-bench: something is left in " << directory() << '\n';
    return 1;
}

int run_once(const char* name, std::int64_t times) {
    const auto t = std::find_if(tasks().begin(), tasks().end(), [&](const task& each) { return each.name == name; });
    if (t == tasks().end() || t->body == nullptr) {
        std::cerr << "tempfile-bench: no row to count is called " << name << "; the names are row/participant\n";
        return 2;
    }
    for (std::int64_t i = 0; i < times; ++i) {
        t->body();
    }
    return check_nothing_is_left();
}

// Exactly as long as the library's: "tmp" and 13 characters.
class path_counter {
public:
    path_counter() : path_(directory() + "/tmp" + std::string(13, '0')), name_(path_.size() - 16) {
        // Threads count in ranges of their own: six digits of thread, seven of number.
        const std::string thread = std::to_string(gettid());
        path_.replace(path_.size() - 7 - thread.size(), thread.size(), thread);
    }
    const char* next() {
        for (auto digit = path_.rbegin(); ++*digit > '9'; ++digit) {
            *digit = '0';
        }
        return path_.c_str();
    }
    const char* next_name() { return next() + name_; }

private:
    std::string path_;
    std::size_t name_;
};

thread_local path_counter counter;

}  // namespace

bool enter(std::string_view participant, std::span<const entry> entries) {
    for (const entry& e : entries) {
        tasks().push_back({task_name(e.row, participant), find_row(e.row), e.body, nullptr});
    }
    return true;
}

bool enter(std::string_view participant, std::initializer_list<std::string_view> ids, const stopwatch& seconds) {
    for (const auto id : ids) {
        tasks().push_back({task_name(id, participant), find_row(id), nullptr, seconds});
    }
    return true;
}

void fail(const char* what) {
    std::perror(what);
    std::_Exit(1);
}

const std::string& directory() {
    static const std::string dir = tempfile::gettempdir().string();
    return dir;
}

const char* next_path() {
    return counter.next();
}

const char* next_name() {
    return counter.next_name();
}

const std::string& target(int i) {
    static const auto paths = [] {
        std::array<std::string, files_in_batch> all;
        for (int n = 0; n < files_in_batch; ++n) {
            all[static_cast<std::size_t>(n)] = directory() + "/published" + std::to_string(n);
        }
        return all;
    }();
    return paths[static_cast<std::size_t>(i)];
}

double number_from(const std::string& command) {
    FILE* answer = popen(command.c_str(), "r");
    must(answer != nullptr, "popen");
    double number = 0;
    const bool understood = std::fscanf(answer, "%lf", &number) == 1;
    must(pclose(answer) == 0 && understood, command.c_str());
    return number;
}

void fill(const char* dir) {
    char path[512];
    for (int i = 0; i < files_in_directory; ++i) {
        std::snprintf(path, sizeof path, "%s/%d", dir, i);
        const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        must(fd >= 0 && close(fd) == 0, path);
    }
}

const std::string& large_path() {
    static const std::string path = [] {
        const int fd = open(directory().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        must(fd >= 0, "open O_TMPFILE");
        for (std::size_t done = 0; done < large_size; done += page_size) {
            must(write(fd, page.data(), page_size) == page_size, "write");
        }
        return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd);
    }();
    return path;
}

}  // namespace bench

int main(int argc, char** argv) {
    // Peers look at TMPDIR each in their own way; all shall find the same place.
    setenv("TMPDIR", bench::directory().c_str(), 1);
    if (argc == 4 && std::strcmp(argv[1], "--once") == 0) {
        return bench::run_once(argv[2], std::atoll(argv[3]));
    }

    int repetitions_of_large = 0;
    if (argc > 1 && std::sscanf(argv[1], "--repetitions_of_large=%d", &repetitions_of_large) == 1) {
        std::rotate(argv + 1, argv + 2, argv + argc--);
    }
    bench::hand_over_to_google_benchmark(repetitions_of_large);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return bench::check_nothing_is_left();
}
