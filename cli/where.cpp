#include "amount.hpp"
#include "command.hpp"
#include "print0.hpp"
#include "printable.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/choose_dir.hpp>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace tool {
namespace {

using nlohmann::ordered_json;
using tempfile::dir_candidate;

struct options {
    tempfile::need need;
    std::optional<std::string> size;
    std::optional<std::string> beside;
    bool explain = false;
    bool json = false;
};

const char* word_for(tempfile::medium kind) {
    switch (kind) {
        case tempfile::medium::memory:
            return "memory";
        case tempfile::medium::storage:
            return "storage";
        case tempfile::medium::network:
            return "network";
        case tempfile::medium::unknown:
            break;
    }
    return "unknown";
}

const char* word_for(tempfile::misfit lack) {
    switch (lack) {
        case tempfile::misfit::unusable:
            return "unusable";
        case tempfile::misfit::no_room:
            return "no-room";
        case tempfile::misfit::no_inodes:
            return "no-inodes";
        case tempfile::misfit::over_quota:
            return "over-quota";
        case tempfile::misfit::in_memory:
            return "in-memory";
        case tempfile::misfit::not_memory:
            return "not-memory";
        case tempfile::misfit::swappable:
            return "swappable";
        case tempfile::misfit::noexec:
            return "noexec";
        case tempfile::misfit::other_device:
            return "other-device";
        case tempfile::misfit::exposed:
            break;
    }
    return "exposed";
}

// The working directory has no name when it is gone.
std::string name_of(const dir_candidate& c) {
    return c.dir.empty() ? "." : c.dir.native();
}

// --- For people ---

// "ext4, storage, noexec"; nothing where it could not be looked at.
std::string kind_of(const dir_candidate& c) {
    if (c.file_system.empty()) {
        return "-";
    }
    const bool untold = c.kind == tempfile::medium::unknown;
    return fmt::format("{}{}{}{}", c.file_system, untold ? "" : ", ", untold ? "" : word_for(c.kind),
                       c.noexec ? ", noexec" : "");
}

std::string bytes_free(const dir_candidate& c) {
    return c.free_bytes ? human(*c.free_bytes) : "-";
}

std::string files_free(const dir_candidate& c) {
    return c.free_inodes ? std::to_string(*c.free_inodes) : "-";
}

constexpr std::size_t columns = 6;
using row = std::array<std::string, columns>;

row row_of(const dir_candidate& c) {
    return {printable(name_of(c)), c.origin,      kind_of(c),
            bytes_free(c),         files_free(c), c.chosen ? "taken" : printable(c.why_not)};
}

// Each column as wide as what is in it, but for the last.
std::string table_of(const std::vector<row>& rows) {
    std::string text;
    std::array<std::size_t, columns> width{};
    for (const row& r : rows) {
        for (std::size_t i = 0; i + 1 < columns; ++i) {
            width.at(i) = std::max(width.at(i), width_of(r.at(i)));
        }
    }
    for (const row& r : rows) {
        for (std::size_t i = 0; i + 1 < columns; ++i) {
            text += r.at(i) + std::string(width.at(i) - width_of(r.at(i)) + 2, ' ');
        }
        text += r.back() + '\n';
    }
    return text;
}

// The same where the screen is too narrow for the table.
std::string list_of(const std::vector<dir_candidate>& candidates, std::optional<std::size_t> screen) {
    std::string text;
    for (const dir_candidate& c : candidates) {
        const std::string room = fmt::format("{}; {} and {} {} free", kind_of(c), bytes_free(c), files_free(c),
                                             c.free_inodes == 1 ? "file" : "files");
        text += printable(name_of(c)) + '\n';
        text += "  " + wrapped("from: " + c.origin, 2, screen);
        text += c.file_system.empty() ? "" : "  " + wrapped(room, 2, screen);
        text += "  " + wrapped(c.chosen ? "taken" : "not taken: " + printable(c.why_not), 2, screen);
    }
    return text;
}

void show(const tempfile::choice& made) {
    const auto screen = columns_of_output();
    std::vector<row> rows = {{"DIRECTORY", "FROM", "KIND", "FREE", "FILES", "WHY NOT"}};
    for (const dir_candidate& c : made.candidates) {
        rows.push_back(row_of(c));
    }
    const std::string table = table_of(rows);
    print(fits(table, screen) ? table : list_of(made.candidates, screen));
}

void warn(const tempfile::choice& made) {
    for (const dir_candidate& c : made.candidates) {
        if (c.origin == "$TMPDIR" && c.error) {
            const std::string instead = made.error ? "" : "; using " + unbroken(made.dir.native());
            complain(fmt::format("tmp where: $TMPDIR \"{}\" cannot be used ({}){}", std::getenv("TMPDIR"),
                                 c.error.message(), instead));
        }
        if (c.chosen && c.exposed) {
            complain(fmt::format("tmp where: others can rename and remove what is in {}", unbroken(c.dir.native())));
        }
    }
}

// --- For programs ---

template <class T>
ordered_json or_null(const std::optional<T>& value) {
    return value ? ordered_json(*value) : ordered_json(nullptr);
}

ordered_json json_of(const dir_candidate& c) {
    std::vector<std::string> misfits;
    for (const tempfile::misfit lack : c.misfits) {
        misfits.emplace_back(word_for(lack));
    }
    return {{"dir", name_of(c)},
            {"origin", c.origin},
            {"chosen", c.chosen},
            {"file_system", c.file_system},
            {"kind", word_for(c.kind)},
            {"free_bytes", or_null(c.free_bytes)},
            {"free_inodes", or_null(c.free_inodes)},
            {"noexec", c.noexec},
            {"exposed", c.exposed},
            {"misfits", misfits},
            {"why_not", c.why_not}};
}

ordered_json json_of(const tempfile::choice& made) {
    std::vector<ordered_json> candidates;
    for (const dir_candidate& c : made.candidates) {
        candidates.push_back(json_of(c));
    }
    return {{"dir", made.error ? ordered_json(nullptr) : ordered_json(made.dir.native())}, {"candidates", candidates}};
}

void run(const command& command, options& o) {
    const bool print0 = is_print0(command, {"--explain", "--json"});
    if (o.size) {
        o.need.bytes = bytes_of("--need", *o.size);
    }
    if (o.beside) {
        o.need.same_device_as = *o.beside;
    }
    const tempfile::choice made = tempfile::explain(o.need);
    if (o.json) {
        print(json_of(made).dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n');
    } else if (o.explain) {
        show(made);
    } else {
        warn(made);
    }
    if (made.error) {
        close_output();
        throw std::runtime_error(made.message);
    }
    if (!o.json && !o.explain) {
        print_path(made.dir.native(), print0);
    }
}

}  // namespace

void add_where(command& command) {
    auto o = std::make_shared<options>();
    command.add_option("--need", o->size, "Room for so much, as 512M, 1.5GiB or 20G", "SIZE");
    command.add_flag("--large", o->need.large, "No memory: /var/tmp before /tmp");
    command.add_flag("--memory", o->need.memory, "In memory: /dev/shm, $XDG_RUNTIME_DIR");
    command.add_flag("--exec", o->need.exec, "Programs in it can be executed: not mounted with noexec");
    command.add_flag("--secret", o->need.secret, "In memory that is not swapped out, where nobody else can rename");
    command.add_option("--same-device-as", o->beside, "From it, a rename to PATH works", "PATH");
    command.add_flag("--explain", o->explain, "Tell of every directory what it is, and why it is not taken");
    add_print0_option(command);
    command.add_flag("--json", o->json, "Say it as JSON, for programs");
    command.footer(
        "Exit status: 0 if there is one, 1 if no directory has what is needed; 2 for wrong usage.\n\n"
        "Example: room to sort a large file\n  TMPDIR=$(tmp where --need 20G --large) sort -o big.txt big.txt");
    command.callback([&command, o] { run(command, *o); });
}

}  // namespace tool
