// The system calls of a program, as strace(1) sees them from outside.

#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "child.hpp"
#include "support/sanitizer.hpp"
#include "support/scratch.hpp"

namespace tempfile::test {

struct traced_call {
    std::string name;
    std::string text;    // the whole line, with arguments and answer
    std::string thread;  // its number

    [[nodiscard]] bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
    [[nodiscard]] bool is_mark() const { return says("write(-1, \"mark\""); }
};

// Why no program can be traced here; empty when it can.
inline std::string why_no_strace() {
    if (!sanitizer.empty()) {
        return std::string(sanitizer) + " makes system calls of its own, and cannot always be traced";
    }
    const ended probe = run({"strace", "-o", "/dev/null", "true"});
    return probe.well() ? "" : "strace cannot trace a program here (package strace, ptrace(2)): " + probe.text;
}

// All calls of `program`, run with TMPDIR at `tmpdir`.
inline std::vector<traced_call> trace(const std::vector<std::string>& program, const std::filesystem::path& tmpdir) {
    const scratch dir;
    const std::string log = (dir / "log").string();
    std::vector<std::string> command = {"strace", "-f", "-qq", "-o", log, "-e", "signal=none"};
    command.insert(command.end(), program.begin(), program.end());
    const ended traced = run(command, [&] { ::setenv("TMPDIR", tmpdir.c_str(), 1); });
    if (!traced.well()) {
        throw std::runtime_error(program.front() + " " + in_words(traced.status) + ": " + traced.text);
    }
    std::vector<traced_call> calls;
    std::ifstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        const std::string thread = line.substr(0, line.find(' '));
        line.erase(0, line.find_first_not_of("0123456789 "));
        // What another thread comes into the middle of goes on in another line, "<... name resumed>".
        if (const auto bracket = line.find('('); bracket != line.npos && !line.starts_with("<...")) {
            calls.push_back({line.substr(0, bracket), line, thread});
        }
    }
    return calls;
}

}  // namespace tempfile::test
