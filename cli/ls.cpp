#include "all_users.hpp"
#include "command.hpp"
#include "items.hpp"
#include "print0.hpp"
#include "screen.hpp"
#include "streams.hpp"

#include <tempfile/sweep.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tool {
namespace {

struct options {
    bool all_users = false;
    bool json = false;
};

void print_paths(const std::vector<tempfile::registered>& items) {
    for (const tempfile::registered& item : items) {
        print_path(item.path.native(), true);
    }
}

void list_mine(bool print0, bool json) {
    warn_if_not_crash_safe("tmp ls");
    const auto items = tempfile::leftovers();
    if (print0) {
        print_paths(items);
    } else {
        print(json ? text_of(json_of(items)) : list_of(items, columns_of_output()));
    }
}

// What is said of each user by a process of theirs. Who was given up may have said half of it: that is left out.
class parts_of_all {
public:
    [[nodiscard]] const std::vector<std::string>& said() const { return said_; }
    [[nodiscard]] bool complete() const { return complete_; }

    void ask(const std::function<void(std::uint32_t, const std::vector<tempfile::registered>&)>& say) {
        constexpr std::chrono::minutes at_most(5);
        for (const std::uint32_t user : users_with_registries()) {
            outcome its = run_as("tmp ls", user, at_most, [&] {
                say(user, tempfile::leftovers());
                close_output();
                return true;
            });
            complete_ = complete_ && its.done;
            if (its.done) {
                said_.push_back(std::move(its.printed));
            }
        }
    }

private:
    std::vector<std::string> said_;
    bool complete_ = true;
};

nlohmann::ordered_json array_of(const std::vector<std::string>& arrays) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const std::string& array : arrays) {
        for (nlohmann::ordered_json& item : nlohmann::ordered_json::parse(array)) {
            all.push_back(std::move(item));
        }
    }
    return all;
}

void list_of_all_users(bool print0, bool json) {
    check_all_users("tmp ls lists what is yours");
    const auto screen = columns_of_output();  // each user's part is printed by a process without a terminal
    parts_of_all parts;
    parts.ask([&](std::uint32_t user, const std::vector<tempfile::registered>& items) {
        if (print0) {
            print_paths(items);
        } else {
            print(json ? text_of(json_of(items, user)) : part_of_list(items, user, screen));
        }
    });
    if (print0) {
        for (const std::string& part : parts.said()) {
            print(part);
        }
    } else {
        print(json ? text_of(array_of(parts.said())) : list_of(parts.said(), screen));
    }
    if (!parts.complete()) {
        close_output();
        throw std::runtime_error("not everything could be listed");
    }
}

}  // namespace

void add_ls(command& command) {
    auto o = std::make_shared<options>();
    add_print0_option(command);
    command.add_flag("--json", o->json, "Say it as JSON, for programs");
    command.add_flag("--all-users", o->all_users, "For root: what programs of all users have, and whose it is");
    command.footer(
        "BYTES of a directory are those of all the files in it. All that is registered is listed, with --print0 too:\n"
        "what is in use, what dead programs left, and what is of other machines or containers.\n"
        "\n"
        "With --all-users each user's part is looked at by a process with that user's rights, for 5 minutes at most.\n"
        "\n"
        "Exit status: 0 if it was listed, 1 if not; 2 for wrong usage.\n"
        "\n"
        "Example: what did killed programs leave?\n"
        "  tmp ls | grep dead\n"
        "Example: how large is it, whatever the names?\n"
        "  tmp ls --print0 | xargs -0 -r du -sch");
    command.callback([&command, o] {
        const bool print0 = is_print0(command, {"--json"});
        o->all_users ? list_of_all_users(print0, o->json) : list_mine(print0, o->json);
    });
}

}  // namespace tool
