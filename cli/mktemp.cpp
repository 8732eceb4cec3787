#include "mktemp.hpp"

#include "commands.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"
#include "supervisor.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <clocale>
#include <cstddef>
#include <cstdlib>
#include <cwchar>
#include <cwctype>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <getopt.h>
#include <langinfo.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tool {
namespace {

struct request {
    bool directory = false;
    bool dry_run = false;
    bool quiet = false;
    bool in_directory = false;   // -p, --tmpdir or -t, or no template
    bool one_component = false;  // -t
    const char* dir = nullptr;
    const char* suffix = nullptr;
    const char* name = nullptr;  // the template
};

struct wrong_option : std::exception {};
struct too_many_templates : std::exception {};

// --- How GNU quotes a name in a message: by the locale, without control characters ---

std::string escaped(unsigned char c) {
    constexpr std::string_view plain = "\a\b\f\n\r\t\v\\";
    constexpr std::string_view letters = "abfnrtv\\";
    const std::size_t at = plain.find(static_cast<char>(c));
    return at == plain.npos ? fmt::format("\\{:03o}", c) : fmt::format("\\{}", letters[at]);
}

// The number of bytes of the character that `text` begins with; 0 if it is none that can be shown.
std::size_t shown(std::string_view text) {
    std::mbstate_t state = {};
    wchar_t character = 0;
    const std::size_t length = std::mbrtowc(&character, text.data(), text.size(), &state);
    return length > text.size() || text.front() == '\\' || std::iswprint(static_cast<std::wint_t>(character)) == 0
               ? 0
               : length;
}

std::string in_quotes(std::string_view text) {
    std::setlocale(LC_CTYPE, "");  // not at the start: most calls have nothing to quote
    const bool utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
    const std::string_view open = utf8 ? "‘" : "'";
    const std::string_view close = utf8 ? "’" : "'";
    std::string result(open);
    while (!text.empty()) {
        const std::size_t length = shown(text);
        result += text.starts_with(close) ? "\\" : "";
        result += length == 0 ? escaped(static_cast<unsigned char>(text.front())) : std::string(text.substr(0, length));
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    result += close;
    return result;
}

// --- What is asked for ---

constexpr std::array long_options = {
    option{"directory", no_argument, nullptr, 'd'},    option{"quiet", no_argument, nullptr, 'q'},
    option{"dry-run", no_argument, nullptr, 'u'},      option{"suffix", required_argument, nullptr, 's'},
    option{"tmpdir", optional_argument, nullptr, 'T'}, option{"help", no_argument, nullptr, 'h'},
    option{"version", no_argument, nullptr, 'V'},      option{nullptr, 0, nullptr, 0},
};

void take(request& asked, int option) {
    switch (option) {
        case 'd':
            asked.directory = true;
            break;
        case 'q':
            asked.quiet = true;
            break;
        case 'u':
            asked.dry_run = true;
            break;
        case 's':
            asked.suffix = ::optarg;
            break;
        case 't':
            asked.in_directory = asked.one_component = true;
            break;
        case 'p':
        case 'T':
            asked.in_directory = true;
            asked.dir = ::optarg;
            break;
        default:
            throw wrong_option();
    }
}

int next_option(int argc, char** argv) {
    return ::getopt_long(argc, argv, "dp:qtuV", long_options.data(), nullptr);
}

// getopt_long(3) says in GNU's words what is wrong, but shows control characters as they are. So it is silent at first,
// and reads the arguments again with those made readable.
void complain_of_option(int argc, char** argv) {
    std::vector<std::string> readable(argv, argv + argc);
    std::vector<char*> pointers;
    for (std::string& argument : readable) {
        argument = printable(argument);
        pointers.push_back(argument.data());
    }
    pointers.push_back(nullptr);
    ::opterr = 1;
    ::optind = 0;
    for (int option = 0; option != -1 && option != '?';) {
        option = next_option(argc, pointers.data());
    }
}

void print_help(std::string_view who) {
    const std::string name(who.substr(who.rfind('/') + 1));
    print(wrapped_help(help_of(name.c_str(), find_command("mktemp")->description, add_mktemp), columns_of_output()));
    close_output();
}

void print_version() {
    print("mktemp (tempfile) " TEMPFILE_VERSION "\n");
    close_output();
}

// @return false if there is nothing more to do: the question was for help or the version.
bool read_arguments(int argc, char** argv, request& asked) {
    ::opterr = 0;
    for (int option = 0; (option = next_option(argc, argv)) != -1;) {
        if (option == 'h' || option == 'V') {
            option == 'h' ? print_help(argv[0]) : print_version();
            return false;
        }
        take(asked, option);
    }
    if (argc - ::optind > 1) {
        throw too_many_templates();
    }
    asked.name = argv[::optind];
    return true;
}

// --- The template ---

struct plan {
    std::string path;
    std::size_t end_of_random = 0;
    std::size_t random = 0;
};

// -t with a prefix, as mktemp of BSD and macOS has it: GNU's refuses a template without any X.
bool is_prefix(const request& asked) {
    const std::string_view name = asked.name;
    return asked.one_component && asked.suffix == nullptr && !name.empty() && name.find_first_of("X/") == name.npos;
}

std::string template_of(const request& asked) {
    if (asked.name == nullptr) {
        return "tmp.XXXXXXXXXX";
    }
    return is_prefix(asked) ? fmt::format("{}.XXXXXXXXXX", asked.name) : asked.name;
}

// Trailing separators aside, as GNU sees it: mktemp -d --suffix=.d/ XXX makes a directory.
bool has_separator(std::string_view text) {
    return text.starts_with('/') || text.substr(0, text.find_last_not_of('/') + 1).find('/') != text.npos;
}

// The name, of which the X's in front of the suffix are to be replaced; the checks in GNU's order.
plan plan_name(const request& asked) {
    plan result{.path = template_of(asked)};
    if (asked.suffix != nullptr) {
        if (!result.path.ends_with('X')) {
            throw std::runtime_error(fmt::format("with --suffix, template {} must end in X", in_quotes(result.path)));
        }
        result.end_of_random = result.path.size();
        result.path += asked.suffix;
    } else {
        const std::size_t last = result.path.rfind('X');
        result.end_of_random = last == std::string::npos ? result.path.size() : last + 1;
    }
    const std::string_view suffix = std::string_view(result.path).substr(result.end_of_random);
    if (has_separator(suffix)) {
        throw std::runtime_error(fmt::format("invalid suffix {}, contains directory separator", in_quotes(suffix)));
    }
    const std::string_view in_front = std::string_view(result.path).substr(0, result.end_of_random);
    result.random = in_front.size() - (in_front.find_last_not_of('X') + 1);
    constexpr std::size_t least = 3;
    if (result.random < least) {
        throw std::runtime_error(fmt::format("too few X's in template {}", in_quotes(result.path)));
    }
    return result;
}

std::string directory_of(const request& asked) {
    const char* const tmpdir = std::getenv("TMPDIR");
    const std::array candidates = {asked.one_component ? tmpdir : asked.dir, asked.one_component ? asked.dir : tmpdir};
    for (const char* const dir : candidates) {
        if (dir != nullptr && *dir != '\0') {
            return dir;
        }
    }
    return "/tmp";
}

void put_into_directory(const request& asked, plan& name) {
    if (asked.one_component && has_separator(name.path)) {
        throw std::runtime_error(
            fmt::format("invalid template, {}, contains directory separator", in_quotes(name.path)));
    }
    if (name.path.starts_with('/')) {
        throw std::runtime_error(
            fmt::format("invalid template, {}; with --tmpdir, it may not be absolute", in_quotes(name.path)));
    }
    std::string dir = directory_of(asked);
    const std::size_t last = dir.find_last_not_of('/');
    if (last != std::string::npos) {
        dir.resize(last + 1);
        dir += '/';
    }
    name.path.insert(0, dir);
    name.end_of_random += dir.size();
}

// --- Making it ---

// Not by the library: its names are longer and its paths absolute, and it gives the owner back what the umask takes.
// @return 0 or the error.
int make(const request& asked, const char* path) {
    if (asked.dry_run) {
        struct stat there = {};
        return ::lstat(path, &there) == 0 ? EEXIST : errno == ENOENT ? 0 : errno;
    }
    if (asked.directory) {
        return ::mkdir(path, S_IRWXU) == 0 ? 0 : errno;
    }
    const int made = ::open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    return made >= 0 && ::close(made) == 0 ? 0 : errno;
}

// One of 62 characters each; what would make some of them more likely than others is drawn again.
int randomize(char* begin, char* end) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::size_t fair = 256 / alphabet.size() * alphabet.size();
    std::array<unsigned char, 16> bytes = {};
    while (begin != end) {
        if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
            return errno;
        }
        for (auto byte = bytes.begin(); byte != bytes.end() && begin != end; ++byte) {
            if (*byte < fair) {
                *begin++ = alphabet[*byte % alphabet.size()];
            }
        }
    }
    return 0;
}

// @return 0, or the error of the last try.
int try_names(const request& asked, plan& name) {
    constexpr int tries = 62 * 62 * 62;  // as many as there are names of three characters; GNU's number, too
    int error = EEXIST;
    for (int i = 0; i < tries && error == EEXIST; ++i) {
        char* const end = name.path.data() + name.end_of_random;
        error = randomize(end - name.random, end);
        if (error == 0) {
            error = make(asked, name.path.c_str());
        }
    }
    return error;
}

// What nobody can be told of is removed again.
int hand_over(const request& asked, const std::string& path) {
    try {
        print(path + '\n');
        close_output();
    } catch (...) {
        if (!asked.dry_run) {
            asked.directory ? ::rmdir(path.c_str()) : ::unlink(path.c_str());
            if (asked.quiet) {
                return EXIT_FAILURE;
            }
        }
        throw;
    }
    return EXIT_SUCCESS;
}

int run(int argc, char** argv) {
    request asked;
    if (!read_arguments(argc, argv, asked)) {
        return EXIT_SUCCESS;
    }
    plan name = plan_name(asked);
    if (asked.in_directory || asked.name == nullptr) {
        put_into_directory(asked, name);
    }
    const std::string with_x = name.path;
    if (const int error = try_names(asked, name)) {
        if (asked.quiet) {
            return EXIT_FAILURE;
        }
        throw std::runtime_error(fmt::format("failed to create {} via template {}: {}",
                                             asked.directory ? "directory" : "file", in_quotes(with_x),
                                             std::generic_category().message(error)));
    }
    return hand_over(asked, name.path);
}

int run_and_report(int argc, char** argv) {
    ignore_signals_of_writing();
    const std::string who = argv[0];
    const std::string hint = fmt::format("Try '{} --help' for more information.", who);
    try {
        return run(argc, argv);
    } catch (const wrong_option&) {
        complain_of_option(argc, argv);
        complain(hint);
    } catch (const too_many_templates&) {
        complain(fmt::format("{}: too many templates", who));
        complain(hint);
    } catch (const std::system_error& e) {
        complain(fmt::format("{}: write error: {}", who, e.code().message()));
    } catch (const std::exception& e) {
        complain(fmt::format("{}: {}", who, e.what()));
    }
    return EXIT_FAILURE;
}

}  // namespace

std::optional<int> run_as_mktemp(int argc, char** argv) {
    if (argc > 0 && std::string_view(argv[0]).substr(std::string_view(argv[0]).rfind('/') + 1) == "mktemp") {
        return run_and_report(argc, argv);
    }
    if (argc > 1 && std::string_view(argv[1]) == "mktemp") {
        std::string who = "tmp mktemp";
        argv[1] = who.data();
        return run_and_report(argc - 1, argv + 1);
    }
    return std::nullopt;
}

void add_mktemp(command& command) {
    command.only_long_help();
    command.add_flag("-d,--directory", "Make a directory, not a file");
    command.add_flag("-u,--dry-run", "Make nothing, only print a name, which somebody else may take before you do");
    command.add_flag("-q,--quiet", "Say nothing when it cannot be made");
    command.add_option("--suffix", "What the name ends with, behind the X's", "SUFFIX");
    command.add_option("-p,--tmpdir", "Where; without DIR, which --tmpdir can do without, in $TMPDIR or /tmp", "DIR");
    command.add_flag("-t", "In $TMPDIR, or else the directory of -p, or /tmp; a TEMPLATE without X's is a prefix");
    command.add_flag("-V,--version", "Print the version and exit");
    command.add_operand("TEMPLATE", "The path; the last 3 or more X's of its last part become random characters");
    command.footer(
        "Without TEMPLATE it is tmp.XXXXXXXXXX in the directory of --tmpdir. What is made is for its owner "
        "alone, less the\n"
        "umask. Nobody removes it but you.\n"
        "\n"
        "Exit status: 0 if it was made and its path printed, 1 for everything else.\n"
        "\n"
        "Example: called as mktemp, through a link, it is the same\n"
        "  scratch=$(tmp mktemp -d -t build.XXXXXXXXXX)");
}

}  // namespace tool
