#include "page.hpp"

#include "../commands.hpp"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

namespace pages {
namespace {

offer offer_for(const std::string& value) {
    static const std::map<std::string, offer, std::less<>> known = {
        {"DIR", offer::directories}, {"PATH", offer::files},     {"FILE", offer::files}, {"TARGET", offer::files},
        {"COMMAND", offer::command}, {"TEMPLATE", offer::files}, {"WHEN", offer::keep},  {"PID", offer::processes}};
    const auto found = known.find(value);
    return found == known.end() ? offer::nothing : found->second;
}

option option_of(const CLI::Option& o) {
    option result;
    for (const std::string& name : o.get_snames()) {
        result.names.push_back("-" + name);
    }
    for (const std::string& name : o.get_lnames()) {
        result.names.push_back("--" + name);
    }
    if (o.get_items_expected_max() > 0) {
        result.value = o.get_option_text().empty() ? o.get_type_name() : o.get_option_text();
        result.values = offer_for(result.value);
    }
    result.text = replaced(o.get_description(), "\n", " ");
    return result;
}

operand operand_of(const CLI::Option& o) {
    const std::string name = o.get_name(true);
    const std::string more = o.get_option_text();
    return {.name = name,
            .more = more == " " ? "" : more,
            .values = offer_for(name),
            .text = replaced(o.get_description(), "\n", " ")};
}

std::vector<std::string> split(const std::string& text, std::string_view separator) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find(separator, begin)) != text.npos; begin = end + separator.size()) {
        parts.push_back(text.substr(begin, end - begin));
    }
    parts.push_back(text.substr(begin));
    return parts;
}

// The lines of a paragraph in which some begin with one of these words, each of which begins a part of its own.
std::vector<std::string> split_before(const std::string& paragraph, std::string_view word) {
    std::vector<std::string> parts;
    for (const std::string& line : split(paragraph, "\n")) {
        if (line.starts_with(word) || parts.empty()) {
            parts.push_back(line);
        } else {
            parts.back() += '\n' + line;
        }
    }
    return parts;
}

std::string first_large(std::string text) {
    if (!text.empty()) {
        text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
    }
    return text;
}

// "Example: what for\n  tmp ...", which may go without the what for.
example example_of(const std::string& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string first = text.substr(0, end);
    const std::size_t colon = first.find(": ");
    return {.title = colon == first.npos ? "" : first_large(first.substr(colon + 2)),
            .code = end == text.size() ? "" : text.substr(end + 1)};
}

// "Exit status: what" without the first two words.
std::string status_of(const std::string& text) {
    constexpr std::string_view heading = "Exit status";
    std::string rest = text.substr(heading.size());
    rest.erase(0, rest.starts_with(": ") ? 2 : 1);
    return first_large(rest);
}

void read_footer(page& command, const std::string& footer) {
    for (const std::string& paragraph : split(footer, "\n\n")) {
        if (paragraph.starts_with("Example")) {
            for (const std::string& part : split_before(paragraph, "Example")) {
                command.examples.push_back(example_of(part));
            }
        } else if (paragraph.starts_with("Exit status")) {
            for (const std::string& part : split_before(paragraph, "Exit status")) {
                command.exit_status.push_back(status_of(part));
            }
        } else if (!paragraph.empty()) {
            command.description.push_back(paragraph);
        }
    }
    if (command.exit_status.empty()) {
        command.exit_status.emplace_back(
            "0 if it was done, 1 if it was not, which a message explains; 2 for wrong usage.");
    }
}

}  // namespace

page page_of_all() {
    page all;
    read_footer(all, tool::footer);
    return all;
}

std::vector<page> all_pages() {
    std::vector<page> result;
    for (const tool::entry& c : tool::commands) {
        CLI::App app(c.description, std::string(c.name));
        tool::command added(app);
        c.add(added);
        page command{.name = std::string(c.name), .summary = c.description, .synopsis = added.synopsis()};
        for (const CLI::Option* const o : app.get_options()) {
            if (o->get_positional()) {
                command.operands.push_back(operand_of(*o));
            } else {
                command.options.push_back(option_of(*o));
            }
        }
        for (const operand& o : command.operands) {
            if (added.synopsis().empty()) {
                command.synopsis += fmt::format("[{}{}]", o.name, o.more);
            }
        }
        read_footer(command, app.get_footer());
        result.push_back(std::move(command));
    }
    return result;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    std::string result = parts.front();
    for (std::size_t i = 1; i < parts.size(); ++i) {
        result += separator;
        result += parts[i];
    }
    return result;
}

std::string where_other_begins(const page& command) {
    const auto other = std::find_if(command.operands.begin(), command.operands.end(),
                                    [](const operand& o) { return o.values == offer::command; });
    return other == command.operands.end() ? "never" : other->text.starts_with("Behind \"--\"") ? "dashes" : "operand";
}

std::string replaced(const std::string& text, std::string_view from, std::string_view to) {
    return joined(split(text, from), to);
}

const std::vector<option>& options_of_all() {
    static const std::vector<option> all = {
        {.names = {"-h", "--help"}, .text = "Say what there is, and exit; behind a command, what that can be told"},
        {.names = {"--version"}, .text = "Say which version this is, and exit"}};
    return all;
}

}  // namespace pages
