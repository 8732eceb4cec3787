#include "command.hpp"
#include "publishing.hpp"
#include "supervisor.hpp"

#include <tempfile/file.hpp>

#include <fmt/core.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace tool {
namespace {

namespace fs = std::filesystem;

// Links were followed to `path`. Beyond the standard streams, which the command gets, and which may be closed.
tempfile::file open_target(const fs::path& path) {
    const int opened = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const tempfile::file anywhere(opened);
    const int beyond = opened < 0 ? -1 : ::fcntl(opened, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (beyond < 0) {
        const std::error_code why(errno, std::generic_category());
        const bool missing = why == std::errc::no_such_file_or_directory;
        throw fs::filesystem_error(missing ? "there is no such file; `tmp write` makes one" : "cannot read it", path,
                                   why);
    }
    return tempfile::file(beyond);
}

int run(const command& command, const publishing& o) {
    const tempfile::persist_options rules = rules_of(o);
    if (operands == nullptr) {
        throw std::invalid_argument("there is no command; say which, as tmp edit TARGET -- sort");
    }
    supervisor s("tmp edit");  // first: a signal that comes now must not leave a file behind
    tempfile::atomic_file whole(o.target, rules);
    const tempfile::file old = open_target(whole.path());
    return publish_output(command, s, whole, {.input = old.native_handle()});
}

}  // namespace

void add_edit(command& command) {
    auto o = std::make_shared<publishing>();
    add_publishing_options(command, *o);
    command.synopsis("TARGET -- COMMAND [ARGUMENT...]");
    command.footer(fmt::format(
        "COMMAND reads TARGET, which must exist, as its standard input. When it succeeds, TARGET is replaced in\n"
        "one step by what it printed. Until then, and when anything fails, TARGET is as it was.\n"
        "\n"
        "{}"
        "\n"
        "Example: sorted in its place\n"
        "  tmp edit list -- sort -u",
        statuses_of_publishing));
    command.callback([&command, o] { return run(command, *o); });
}

}  // namespace tool
