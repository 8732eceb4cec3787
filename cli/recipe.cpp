#include "amount.hpp"
#include "command.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/location.hpp>
#include <tempfile/temporary_file.hpp>

#include <fmt/core.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

void show(std::string_view what, std::string_view result) {
    constexpr std::size_t indent = 6;
    const auto screen = columns_of_output();
    const std::string line = fmt::format("  {:<36} {}\n", printable(what), printable(result));
    print(fits(line, screen) ? line
                             : "  " + wrapped(printable(what), 2, screen) + std::string(indent, ' ') +
                                   wrapped(printable(result), indent, screen));
}

std::string verdict(const tempfile::candidate& c) {
    return c.error ? "CANNOT BE USED: " + c.error.message() : "chosen: a file was made in it to be sure";
}

// Why the search passed over a variable. The C library may have taken it out of the environment of a set-user-id
// program (ld.so(8), "Secure-execution mode"), so that whether it was set cannot be seen.
std::string why_not_tried(const std::string& variable, bool environment_ignored) {
    if (environment_ignored) {
        return "ignored: this program runs with more rights than its caller (set-user-id)";
    }
    return std::getenv(variable.c_str()) == nullptr ? "not set" : "set, but empty: as good as not set";
}

// As far down the list as the search went, and the variables in it that name no directory.
void show_choice(const tempfile::explanation& choice) {
    print("Where do temporary files go here?\n");
    auto next = choice.candidates.begin();
    for (const std::string variable : {"TMPDIR", "TEMP", "TMP"}) {
        if (next == choice.candidates.end() || next->origin != "$" + variable) {
            show("$" + variable, why_not_tried(variable, choice.environment_ignored));
            continue;
        }
        show(next->origin + " " + next->dir.native(), verdict(*next));
        if (next++->chosen) {
            return;
        }
    }
    for (; next != choice.candidates.end(); ++next) {
        show(next->origin + " " + next->dir.native(), verdict(*next));
        if (next->chosen) {
            return;
        }
    }
}

struct stat status_of(int descriptor) {
    struct stat st = {};
    if (::fstat(descriptor, &st) != 0) {
        throw std::system_error(errno, std::generic_category(), "cannot examine the temporary file");
    }
    return st;
}

// What the kernel says the name of the open file is.
std::string link_text(const std::string& link) {
    std::error_code ec;
    const fs::path text = fs::read_symlink(link, ec);
    return ec ? "cannot be read: " + ec.message() : text.native();
}

// What was found in a directory that others may use without the right to list it (mode 0333).
struct listing {
    std::vector<fs::path> names;
    std::error_code error;
};

// The names in `dir` that lead to the file `st` is about.
listing names_of(const struct stat& st, const fs::path& dir) {
    listing found;
    fs::directory_iterator entry(dir, found.error);
    for (; !found.error && entry != fs::directory_iterator(); entry.increment(found.error)) {
        struct stat other = {};
        if (::lstat(entry->path().c_str(), &other) == 0 && other.st_ino == st.st_ino && other.st_dev == st.st_dev) {
            found.names.push_back(entry->path());
        }
    }
    return found;
}

std::string text_of(const listing& found) {
    std::string text;
    for (const fs::path& name : found.names) {
        text += name.native() + ' ';
    }
    if (found.error) {
        return text + "cannot be listed: " + found.error.message();
    }
    return text.empty() ? "none" : text;
}

void play(tempfile::temporary_file& fp) {
    const std::string text = "Stack Overflow!";
    print("\nThe recipe\n");
    show("tempfile::temporary_file fp;", fmt::format("descriptor {}", fp.native_handle()));
    fp.write(text);
    show("fp.write(\"Stack Overflow!\");", human(fp.size()));
    fp.seek(0);
    show("fp.seek(0);", fmt::format("at byte {}", fp.tell()));
    const std::string read_back = fp.read();
    if (read_back != text) {
        throw std::runtime_error(fmt::format("\"{}\" was written, \"{}\" read back", text, read_back));
    }
    show("fp.read()", fmt::format("\"{}\", the same text", read_back));
}

void prove(tempfile::temporary_file& fp, const fs::path& dir) {
    const int descriptor = fp.fileno();
    const struct stat st = status_of(descriptor);
    const std::string link = fmt::format("/proc/self/fd/{}", descriptor);
    const listing names = names_of(st, dir);
    print("\nIt has no name, while it is open\n");
    show(link, "-> " + link_text(link));
    show("links to it (st_nlink)", fmt::format("{}", st.st_nlink));
    show("names in " + dir.native() + " that lead to it", text_of(names));
    show("size and mode",
         fmt::format("{}, {:04o}", human(static_cast<std::uintmax_t>(st.st_size)), st.st_mode & 07777U));

    fp.close();
    const bool closed = ::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF;
    // Some network and FUSE file systems give an open file a hidden name until it is closed. Where names cannot be
    // listed, that there were no links is the proof.
    listing left = names;
    std::erase_if(left.names, [](const fs::path& name) { return !fs::exists(name); });
    print("\nIt is gone, as soon as it is closed\n");
    show("fp.close();", closed ? fmt::format("descriptor {} is closed", descriptor) : "STILL OPEN");
    show("names in " + dir.native() + " that led to it", (left.names.empty() ? "" : "STILL THERE: ") + text_of(left));
    if (!closed || !left.names.empty() || (left.error && st.st_nlink != 0)) {
        throw std::runtime_error("there is no proof that nothing is left behind");
    }
}

void run() {
    const tempfile::explanation choice = tempfile::explain();
    show_choice(choice);
    tempfile::temporary_file fp;
    play(fp);
    prove(fp, tempfile::gettempdir());
    print("\nNothing is left.\n");
}

}  // namespace

void add_recipe(command& command) {
    command.footer(
        "Exit status: 0 if there is the proof, 1 if not; 2 for wrong usage.\n"
        "\n"
        "Example: what becomes of a directory that cannot be used?\n  TMPDIR=/nonexistent tmp recipe");
    command.callback([] { run(); });
}

}  // namespace tool
