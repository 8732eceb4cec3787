// Pages of the manual: man(7).

#include "page.hpp"

#include "../commands.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

namespace pages {
namespace {

// Text as it is, where roff would take characters for its own, or for typographic ones that nobody can paste.
std::string plain(const std::string& text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '\\':
                result += "\\e";
                break;
            case '-':
                result += "\\-";
                break;
            case '\'':
                result += "\\(aq";
                break;
            case '`':
                result += "\\(ga";
                break;
            case '^':
                result += "\\(ha";
                break;
            case '~':
                result += "\\(ti";
                break;
            case '"':
                result += "\\(dq";
                break;
            default:
                result += c;
        }
    }
    return result;
}

// A line that begins with a dot is a request to roff.
std::string lines(std::string text) {
    if (text.starts_with('.')) {
        text.insert(0, "\\&");
    }
    return replaced(text, "\n.", "\n\\&.");
}

// With line ends at spaces, so that no line has more than 80 bytes.
std::string filled(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    constexpr std::size_t width = 80;
    for (std::size_t begin = 0; text.size() - begin > width;) {
        const std::size_t end = text.rfind(' ', begin + width);
        if (end == text.npos || end < begin) {
            break;
        }
        text[end] = '\n';
        begin = end + 1;
    }
    return lines(text);
}

std::string bold(const std::string& text) {
    return fmt::format("\\fB{}\\fR", plain(text));
}

std::string italic(const std::string& text) {
    return fmt::format("\\fI{}\\fR", plain(text));
}

// Running text, in which `...` is what to type.
std::string prose(const std::string& text) {
    std::string result;
    bool is_code = false;
    for (std::size_t begin = 0; begin <= text.size(); is_code = !is_code) {
        const std::size_t end = std::min(text.find('`', begin), text.size());
        const std::string part = text.substr(begin, end - begin);
        result += is_code ? bold(part) : plain(part);
        begin = end + 1;
    }
    return filled(result);
}

// Lines that are to stay as they are.
std::string verbatim(const std::string& text) {
    return fmt::format(".nf\n{}\n.fi\n", lines(plain(text)));
}

std::string paragraph(const std::string& text) {
    return text.starts_with("  ") || text.find("\n  ") != text.npos ? verbatim(text) : prose(text) + '\n';
}

std::string first_small(std::string text) {
    text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
    return text;
}

std::string heading(std::string_view title, std::string_view date) {
    std::string upper(title);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
    return fmt::format(".\\\" Made from what --help prints.\n.TH {} 1 {} \"tempfile {}\" \"User Commands\"\n", upper,
                       date, TEMPFILE_VERSION);
}

std::string name_and_value(const option& o) {
    std::string result;
    for (const std::string& name : o.names) {
        result += fmt::format("{}{}", result.empty() ? "" : ", ", bold(name));
    }
    return o.value.empty() ? result : result + ' ' + italic(o.value);
}

std::string list(const std::vector<option>& options) {
    std::string result;
    for (const option& o : options) {
        result += fmt::format(".TP\n{}\n{}\n", name_and_value(o), prose(o.text + '.'));
    }
    return result;
}

std::string with_what_follows(const operand& o) {
    return italic(o.name) + (o.more.empty() ? "" : ' ' + italic(o.more));
}

// Words in large letters stand for something.
std::string synopsis(const page& command) {
    std::string result =
        bold("tmp " + command.name) + " [" + italic("OPTION") + "]..." + (command.synopsis.empty() ? "" : " ");
    const auto is_large = [](char c) { return c >= 'A' && c <= 'Z'; };
    for (auto at = command.synopsis.begin(), end = at; at != command.synopsis.end(); at = end) {
        end = std::find_if_not(at, command.synopsis.end(), is_large);
        if (end == at) {
            end = std::find_if(at, command.synopsis.end(), is_large);
            result += plain({at, end});
        } else {
            result += italic({at, end});
        }
    }
    return result;
}

std::string list(const std::vector<operand>& operands) {
    std::string result;
    for (const operand& o : operands) {
        result += fmt::format(".TP\n{}\n{}\n", with_what_follows(o), prose(o.text + '.'));
    }
    return result;
}

std::string statuses_of(const page& command) {
    std::string result = ".SH EXIT STATUS\n";
    for (const std::string& text : command.exit_status) {
        result += (&text == &command.exit_status.front() ? "" : ".PP\n") + paragraph(text);
    }
    return result;
}

std::string examples_of(const page& command) {
    std::string result = command.examples.size() == 1 ? ".SH EXAMPLE\n" : ".SH EXAMPLES\n";
    for (const example& e : command.examples) {
        result += &e == &command.examples.front() ? "" : ".PP\n";
        result += e.title.empty() ? "" : prose(e.title) + (e.title.ends_with('?') ? "\n" : ":\n") + ".PP\n";
        result += verbatim(e.code);
    }
    return result;
}

}  // namespace

std::string manual(const page& command, std::string_view date) {
    const std::string title = "tmp-" + command.name;
    std::string result = heading(title, date);
    result += fmt::format(".SH NAME\n{}\n.SH SYNOPSIS\n{}\n", prose(title + " - " + first_small(command.summary)),
                          synopsis(command));
    result += fmt::format(".SH DESCRIPTION\n{}\n", prose(command.summary + '.'));
    for (const std::string& text : command.description) {
        result += ".PP\n" + paragraph(text);
    }
    result += list(command.operands) + ".SH OPTIONS\n" + list(command.options);
    result += statuses_of(command) + examples_of(command);
    return result + ".SH SEE ALSO\n.BR tmp (1)\n";
}

std::string overview(const std::vector<page>& commands, std::string_view date) {
    std::string result = heading("tmp", date);
    std::string summary = first_small(tool::description);
    summary.pop_back();
    result += fmt::format(".SH NAME\ntmp \\- {}\n.SH SYNOPSIS\n{} {} [{}]...\n", prose(summary), bold("tmp"),
                          italic("COMMAND"), italic("ARGUMENT"));
    result += ".SH DESCRIPTION\nEach command has a page of its own.\n";
    for (const page& command : commands) {
        result += fmt::format(".TP\n.BR tmp\\-{} (1)\n{}\n", plain(command.name), prose(command.summary + '.'));
    }
    result += ".SH OPTIONS\n" + list(options_of_all());
    const page all = page_of_all();
    result += statuses_of(all);
    result += ".SH ENVIRONMENT\n";
    result += fmt::format(".TP\n{}, {}, {}\n{}\n", bold("TMPDIR"), bold("TEMP"), bold("TMP"),
                          prose("Where temporary files go: the first of these directories in which one can be made, "
                                "else /tmp, /var/tmp, /usr/tmp or the working directory. `tmp recipe` says which it "
                                "is."));
    result += fmt::format(".TP\n{}\n{}\n", bold("TEMPFILE_KEEP"),
                          prose("If it is 1, what programs would remove in the end is kept to be looked at."));
    result += fmt::format(".TP\n{}\n{}\n", bold("TEMPFILE_REGISTRY"),
                          prose("The directory in which programs write down what they will have to remove."));
    result += fmt::format(".TP\n{}\n{}\n", bold("NO_COLOR"),
                          prose("If it is not empty, there are no colours, on a terminal either."));
    result += fmt::format(".TP\n{}\n{}\n", bold("SHELL"), prose("What `tmp shell` runs."));
    result += fmt::format(".TP\n{}\n{}\n", bold("XDG_RUNTIME_DIR"),
                          prose("A directory in memory, which `tmp where --memory` and --secret look at."));
    result += examples_of(all) + ".SH SEE ALSO\n";
    for (const page& command : commands) {
        result += fmt::format(".BR tmp\\-{} (1){}\n", plain(command.name), &command == &commands.back() ? "" : " ,");
    }
    return replaced(result, "(1) ,", "(1),");
}

}  // namespace pages
