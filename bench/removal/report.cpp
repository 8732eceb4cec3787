#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iterator>
#include <ostream>
#include <sstream>

#include "rows.hpp"

namespace bench {
namespace {

constexpr double tolerance = 0.005;  // as it is printed

std::string number(double value, int digits) {
    std::ostringstream out;
    out << std::fixed << std::setprecision(digits) << value;
    return out.str();
}

bool took_part(const result& r) {
    return !r.rounds.empty();
}

bool succeeded(const result& r) {
    return took_part(r) && r.failure.empty();
}

using quantity = double outcome::*;

// 0 when there is none.
double median(const result& r, quantity what) {
    if (!succeeded(r)) {
        return 0;
    }
    std::vector<double> sorted;
    for (const outcome& each : r.rounds) {
        sorted.push_back(each.*what);
    }
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
}

double ratio(const std::vector<result>& of_row, std::size_t who, quantity what = &outcome::seconds) {
    return median(of_row[who], what) / median(of_row[rm], what);
}

double target_of(const row& r, bool on_tmpfs) {
    return on_tmpfs ? r.target_on_tmpfs : r.target;
}

// A table's row, without its first cell.
void print_cells(std::ostream& out, const std::vector<std::string>& cells) {
    for (const std::string& cell : cells) {
        out << " | " << cell;
    }
    out << " |\n";
}

void print_head(std::ostream& out, std::string_view first, const std::vector<std::string>& cells) {
    out << "| " << first;
    print_cells(out, cells);
    for (std::size_t i = 0; i <= cells.size(); ++i) {
        out << "|---";
    }
    out << "|\n";
}

// --- Times ---

std::string verdict(const std::vector<result>& of_row, std::size_t who, double target) {
    if (!took_part(of_row[who])) {
        return "-";
    }
    return succeeded(of_row[who]) && ratio(of_row, who) <= target + tolerance ? "yes" : "**no**";
}

// What is to be reached, and whether it is.
std::vector<std::string> targets(const row& r, const std::vector<result>& of_row, bool on_tmpfs) {
    const double target = target_of(r, on_tmpfs);
    if (target == 0) {
        return {"", ""};
    }
    std::vector<std::string> cells{number(target, 2), verdict(of_row, one_thread, target)};
    if (r.target_of_two != 0) {
        cells[0] += ", 2 threads " + number(r.target_of_two, 2);
        cells[1] += ", " + verdict(of_row, two_threads, r.target_of_two);
    }
    return cells;
}

// rm's time, and the others as multiples of that.
std::vector<std::string> times(const std::vector<result>& of_row, quantity what) {
    std::vector<std::string> cells{number(median(of_row[rm], what) * 1e3, 1) + " ms"};
    for (std::size_t p = rm + 1; p < of_row.size(); ++p) {
        const result& each = of_row[p];
        cells.push_back(succeeded(each) ? number(ratio(of_row, p, what), 2) : took_part(each) ? "fails" : "");
    }
    return cells;
}

std::vector<std::string> names(const std::vector<participant>& who) {
    std::vector<std::string> all;
    std::transform(who.begin(), who.end(), std::back_inserter(all), [](const participant& each) { return each.name; });
    return all;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
    to.insert(to.end(), more.begin(), more.end());
}

void print_times(std::ostream& out, const std::vector<participant>& who, const results& all, bool on_tmpfs) {
    std::vector<std::string> head{"target", "reached"};
    append(head, names(who));
    print_head(out, "time", head);
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (took_part(all[r][rm])) {
            std::vector<std::string> cells = targets(rows[r], all[r], on_tmpfs);
            append(cells, times(all[r], &outcome::seconds));
            out << "| " << rows[r].what;
            print_cells(out, cells);
        }
    }
}

void print_processor_times(std::ostream& out, const std::vector<participant>& who, const results& all) {
    print_head(out, "processor time", names(who));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (took_part(all[r][rm])) {
            out << "| " << rows[r].what;
            print_cells(out, times(all[r], &outcome::processor_seconds));
        }
    }
}

void print_failures(std::ostream& out, const std::vector<participant>& who, const results& all) {
    for (std::size_t r = 0; r < rows.size(); ++r) {
        for (std::size_t p = 0; p < who.size(); ++p) {
            if (!all[r][p].failure.empty()) {
                out << "- " << who[p].name << " fails, " << rows[r].what << ": `" << all[r][p].failure << "`\n";
            }
        }
    }
}

// --- A chart ---

// A tenth of rm's time is three characters.
std::string bar(double value) {
    constexpr double of_one = 30;
    constexpr double longest = 80;
    std::string drawn;
    for (long i = std::lround(std::min(longest, value * of_one)); i > 0; --i) {
        drawn += "█";
    }
    return drawn;
}

void print_chart(std::ostream& out, const std::vector<participant>& who, const std::vector<result>& of_row) {
    std::vector<std::size_t> order;
    for (std::size_t p = 0; p < who.size(); ++p) {
        if (succeeded(of_row[p])) {
            order.push_back(p);
        }
    }
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return ratio(of_row, a) < ratio(of_row, b); });
    for (const std::size_t p : order) {
        out << "  " << std::left << std::setw(16) << who[p].name << ' ' << bar(ratio(of_row, p)) << ' '
            << number(ratio(of_row, p), 2) << '\n';
    }
}

// Of those that there are targets for, on some file system.
bool is_shown(const row& r, const std::vector<result>& of_row) {
    return r.target != 0 && took_part(of_row[rm]);
}

void print_charts(std::ostream& out, const std::vector<participant>& who, const results& all) {
    out << "```text\n";
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (is_shown(rows[r], all[r])) {
            out << rows[r].what << '\n';
            print_chart(out, who, all[r]);
        }
    }
    out << "```\n";
}

// --- Memory and descriptors ---

std::string needs(const result& r) {
    if (!succeeded(r)) {
        return took_part(r) ? "fails" : "";
    }
    long kib = 0;
    for (const outcome& each : r.rounds) {
        kib = std::max(kib, each.kib);
    }
    return std::to_string(kib) + (r.descriptors ? ", " + std::to_string(*r.descriptors) : "");
}

void print_needs(std::ostream& out, const std::vector<participant>& who, const results& all) {
    std::vector<std::size_t> shown;
    std::vector<std::string> head;
    for (std::size_t r = 0; r < rows.size(); ++r) {
        if (is_shown(rows[r], all[r])) {
            shown.push_back(r);
            head.emplace_back(rows[r].what);
        }
    }
    print_head(out, "KiB of memory, descriptors", head);
    for (std::size_t p = 0; p < who.size(); ++p) {
        std::vector<std::string> cells;
        std::transform(shown.begin(), shown.end(), std::back_inserter(cells),
                       [&](std::size_t r) { return needs(all[r][p]); });
        out << "| " << who[p].name;
        print_cells(out, cells);
    }
}

}  // namespace

void report(std::ostream& out, const std::vector<participant>& who, const results& all, bool on_tmpfs) {
    print_times(out, who, all, on_tmpfs);
    out << '\n';
    print_failures(out, who, all);
    out << '\n';
    print_charts(out, who, all);
    out << '\n';
    print_processor_times(out, who, all);
    out << '\n';
    print_needs(out, who, all);
}

}  // namespace bench
