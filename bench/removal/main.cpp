// Removal beside others: tempfile-bench-removal DIRECTORY ROUNDS PART [REGEX], Markdown on standard output.
//
// Each removal is a process of its own, which is started here. Of every tree, one PARTth is made. REGEX says what is
// measured, by ROW/PARTICIPANT; `rm -rf` always is. Of what was compiled for this, it takes what is beside this
// program.
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <regex>

#include "rows.hpp"

namespace {

using namespace bench;
namespace fs = std::filesystem;

std::vector<participant> everybody(const std::string& beside) {
    const std::string ours = beside + "/removal-ours";
    return {
        {.name = "rm -rf", .how = {"rm", "-rf", "--"}},
        {.name = "ours, 1 thread", .how = {ours, "1"}},
        {.name = "ours, 2 threads", .how = {ours, "2"}, .only_for_threads = true},
        {.name = "ours, 4 threads", .how = {ours, "4"}, .only_for_threads = true},
        {.name = "ours, by itself", .how = {ours, "0"}, .only_for_threads = true},
        {.name = "find -delete", .how = {"find"}, .behind = {"-delete"}},
        {.name = "std", .how = {beside + "/removal-std"}},
        {.name = "Boost", .how = {beside + "/removal-boost"}},
        {.name = "Python", .how = {"python3", beside + "/removal-python.py"}},
        {.name = "Go", .how = {beside + "/removal-go"}},
        {.name = "Rust", .how = {beside + "/removal-rust"}},
    };
}

command of(const participant& who, const paths& what) {
    command whole = who.how;
    whole.insert(whole.end(), what.begin(), what.end());
    whole.insert(whole.end(), who.behind.begin(), who.behind.end());
    return whole;
}

// --- Preparations ---

bool is_tmpfs() {
    struct statfs about {};
    must(statfs(".", &about) == 0, "statfs");
    return about.f_type == TMPFS_MAGIC;
}

// What making the tree has left to be written is not to be the remover's affair.
void write_back() {
    const int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(here >= 0 && syncfs(here) == 0, "syncfs");
    close(here);
}

bool drop_caches() {
    std::ofstream out("/proc/sys/vm/drop_caches");
    return static_cast<bool>(out << "3\n" << std::flush);
}

bool can_be_cold(bool on_tmpfs) {
    if (on_tmpfs) {
        return false;  // where everything is in memory anyway
    }
    const bool can = drop_caches();
    if (!can) {
        std::cerr << "tempfile-bench-removal: without the cold ones: only root may empty the system's caches\n";
    }
    return can;
}

// What one that failed has left.
void clear() {
    for (const auto& left : fs::directory_iterator(".")) {
        const outcome cleared = run({"rm", "-rf", "--", left.path().filename()}, rows[0].within);
        must(cleared.failure.empty(), "rm: " + cleared.failure);
    }
}

// --- One removal ---

outcome remove_once(const row& r, const participant& who, int part) {
    const command what = of(who, r.make(r.size / part));
    write_back();
    if (r.cold) {
        drop_caches();
    }
    outcome done = run(what, r.within);
    if (!fs::is_empty(".")) {
        done.failure += done.failure.empty() ? "says nothing, and leaves things behind" : "";
        clear();
    }
    return done;
}

// Who failed once is not asked again.
void measure(const row& r, const participant& who, int part, result& so_far) {
    if (!so_far.failure.empty()) {
        return;
    }
    const outcome done = remove_once(r, who, part);
    so_far.failure = done.failure;
    so_far.rounds.push_back(done);
}

// Not timed, since strace(1) slows it down. Where there are limits, it would be held to them.
void count_descriptors(const row& r, const participant& who, int part, result& so_far) {
    if (so_far.rounds.empty() || !so_far.failure.empty() || r.cold ||
        r.within.descriptors < rows[0].within.descriptors) {
        return;
    }
    so_far.descriptors = most_descriptors(of(who, r.make(r.size / part)), r.within);
    clear();
}

// --- All ---

std::vector<participant> those_that_work(std::vector<participant> all) {
    std::erase_if(all, [](const participant& each) {
        const outcome tried = remove_once(rows.back(), each, 1);
        if (!tried.failure.empty()) {
            std::cerr << "tempfile-bench-removal: without " << each.name << ": " << tried.failure << '\n';
        }
        return !tried.failure.empty();
    });
    return all;
}

struct task {
    std::size_t row;
    std::size_t participant;
};

bool is_wanted(const row& r, const participant& who, const std::regex& wanted) {
    return (r.for_threads || !who.only_for_threads) && std::regex_search(std::string(r.id) + '/' + who.name, wanted);
}

// With a participant goes rm, since times are given as multiples of its.
std::vector<task> tasks_of(const std::vector<participant>& who, const std::regex& wanted, bool cold) {
    std::vector<task> tasks;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (rows[r].cold && !cold) {
            continue;
        }
        const auto is_in = [&](const participant& each) { return is_wanted(rows[r], each, wanted); };
        for (std::size_t p = 0; p < who.size(); ++p) {
            if (is_in(who[p]) || (p == rm && std::any_of(who.begin(), who.end(), is_in))) {
                tasks.push_back({.row = r, .participant = p});
            }
        }
    }
    return tasks;
}

results measure_all(const std::vector<participant>& who, std::vector<task> tasks, int rounds, int part) {
    results all(rows.size(), std::vector<result>(who.size()));
    std::mt19937 chance(std::random_device{}());
    for (int round = 1; round <= rounds; ++round) {
        std::cerr << "tempfile-bench-removal: round " << round << " of " << rounds << '\n';
        std::shuffle(tasks.begin(), tasks.end(), chance);
        for (const task& t : tasks) {
            measure(rows[t.row], who[t.participant], part, all[t.row][t.participant]);
        }
    }
    if (!run({"strace", "-V"}, rows[0].within).failure.empty()) {
        std::cerr << "tempfile-bench-removal: without the numbers of descriptors: no strace\n";
        return all;
    }
    for (const task& t : tasks) {
        count_descriptors(rows[t.row], who[t.participant], part, all[t.row][t.participant]);
    }
    return all;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::cerr << "usage: tempfile-bench-removal DIRECTORY ROUNDS PART [REGEX]\n";
        return 2;
    }
    const std::string beside = fs::read_symlink("/proc/self/exe").parent_path();
    fs::current_path(argv[1]);
    must(fs::is_empty("."), "the directory is not empty");
    const bool on_tmpfs = is_tmpfs();
    const auto who = those_that_work(everybody(beside));
    const auto tasks = tasks_of(who, std::regex(argc > 4 ? argv[4] : "."), can_be_cold(on_tmpfs));
    report(std::cout, who, measure_all(who, tasks, std::atoi(argv[2]), std::atoi(argv[3])), on_tmpfs);
    return std::cout.flush() ? 0 : 1;
}
