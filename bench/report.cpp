// Makes the table out of what Google Benchmark wrote: tempfile-bench-report FILE.csv, Markdown on standard output.
#include "rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

using namespace bench;

using medians = std::map<std::string, double>;  // "row/participant" -> nanoseconds for one item

// "named/ours/real_time/threads:2_median",15,6810.5,... -> "named/ours", 6810.5; other lines are of no interest here.
void take_line(const std::string& line, medians& found) {
    const auto name_end = line.find("_median\",");
    if (line.empty() || line[0] != '"' || name_end == std::string::npos) {
        return;
    }
    std::string name = line.substr(1, name_end - 1);
    const auto participant = name.find('/') + 1;
    name.resize(std::min(name.find('/', participant), name.size()));

    std::istringstream numbers(line.substr(name_end + std::string("_median\",").size()));
    double repetitions = 0;
    double time = 0;
    char comma = 0;
    if (numbers >> repetitions >> comma >> time) {
        found[name] = time;
    }
}

medians read_medians(const char* path) {
    std::ifstream in(path);
    medians found;
    for (std::string line; std::getline(in, line);) {
        take_line(line, found);
    }
    if (found.empty()) {
        std::cerr << "tempfile-bench-report: no medians in " << path
                  << "; it has to come from tempfile-bench --benchmark_out_format=csv --benchmark_repetitions=3\n";
        std::exit(1);
    }
    return found;
}

std::string number(double value, int digits) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(digits) << value;
    return out.str();
}

std::string time(double ns) {
    return ns < 1e3 ? number(ns, ns < 100 ? 1 : 0) + " ns" : number(ns / 1e3, ns < 1e5 ? 2 : 0) + " us";
}

std::string target(const row& r) {
    switch (r.kind) {
        case limit::times_floor:
            return number(r.target, 2);
        case limit::nanoseconds:
            return number(r.target, 0) + " ns";
        case limit::none:
            break;
    }
    return "-";
}

std::string verdict(const row& r, double floor, double ours) {
    if (r.kind == limit::none) {
        return "-";
    }
    const double reached = r.kind == limit::nanoseconds ? ours : ours / floor;
    const double rounded = std::round(reached * 100) / 100;  // as it is printed
    return rounded <= r.target + 0.005 ? "yes" : "**no**";
}

bool took_part(const medians& found, std::string_view participant) {
    const std::string ending = '/' + std::string(participant);
    return std::any_of(found.begin(), found.end(), [&](const auto& each) { return each.first.ends_with(ending); });
}

std::string cell(const row& r, double floor, double value) {
    std::string text = number(value / floor, 2);
    return r.kind == limit::nanoseconds ? text + " (" + time(value) + ")" : text;
}

void print_row(const row& r, const medians& found, const std::vector<std::string_view>& columns) {
    const auto of = [&](std::string_view participant) {
        const auto at = found.find(std::string(r.id) + '/' + std::string(participant));
        return at == found.end() ? 0.0 : at->second;
    };
    const double floor = of("floor");
    const double ours = of("ours");
    if (floor == 0 || ours == 0) {
        return;
    }
    std::cout << "| " << r.what << " | " << time(floor) << " | " << cell(r, floor, ours) << " | " << target(r) << " | "
              << verdict(r, floor, ours);
    for (const auto participant : columns) {
        const double value = of(participant);
        std::cout << " | " << (value == 0 ? "" : cell(r, floor, value));
    }
    std::cout << " |\n";
}

void print_head(const std::vector<std::string_view>& columns) {
    std::cout << "| work | floor | ours | target | reached";
    for (const auto participant : columns) {
        std::cout << " | "
                  << (participant == "held"      ? "floor, directory held"
                      : participant == "without" ? "ours, no registry"
                      : participant == "stream"  ? "floor, a std::iostream beside it"
                                                 : participant);
    }
    std::cout << " |\n|---|---|---|---|---";
    for (std::size_t i = 0; i < columns.size(); ++i) {
        std::cout << "|---";
    }
    std::cout << "|\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: tempfile-bench-report FILE.csv\n";
        return 2;
    }
    const medians found = read_medians(argv[1]);
    std::vector<std::string_view> columns;
    std::copy_if(participants.begin() + 2, participants.end(), std::back_inserter(columns),
                 [&](std::string_view each) { return took_part(found, each); });
    print_head(columns);
    for (const row& r : rows) {
        print_row(r, found, columns);
    }
    return std::cout.flush() ? 0 : 1;
}
