// What is to be said about a command: taken from what it tells CLI11, which `--help` prints, so that both are the same.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pages {

// What a shell can offer for a value or an operand.
enum class offer { nothing, files, directories, command, keep, processes };

struct option {
    std::vector<std::string> names{};  // with their dashes
    std::string value{};               // what it is called; empty if there is none
    offer values = offer::nothing;
    std::string text{};
};

struct operand {
    std::string name{};
    std::string more{};  // what follows it, as "..."
    offer values = offer::nothing;
    std::string text{};
};

struct example {
    std::string title{};
    std::string code{};
};

struct page {
    std::string name{};  // of the command
    std::string summary{};
    std::vector<option> options{};
    std::vector<operand> operands{};
    std::string synopsis{};                  // of the operands
    std::vector<std::string> description{};  // paragraphs
    std::vector<std::string> exit_status{};
    std::vector<example> examples{};
};

// What `tmp --help` ends with.
page page_of_all();

// One for each command.
std::vector<page> all_pages();

// The whole of a file: the page of the manual of one command, the overview, the completions.
std::string manual(const page& command, std::string_view date);
std::string overview(const std::vector<page>& commands, std::string_view date);
std::string bash(const std::vector<page>& commands);
std::string zsh(const std::vector<page>& commands);
std::string fish(const std::vector<page>& commands);

// All parts as one text; there is at least one.
std::string joined(const std::vector<std::string>& parts, std::string_view separator);

// Where the command line of another program begins: never, with the first "operand", or behind the "dashes".
std::string where_other_begins(const page& command);

// With each `from` replaced.
std::string replaced(const std::string& text, std::string_view from, std::string_view to);

// The option --help of tmp itself, and --version.
const std::vector<option>& options_of_all();

}  // namespace pages
