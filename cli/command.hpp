// What a command tells of its command line: its options, its help, and what it does.
//
// Only command.cpp and main.cpp know CLI11. Each source that includes that makes its static objects anew, five
// thousand instructions at every start of the tool, and takes some seconds longer to compile.

#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace tool {

// Options and operands are written into variables, which must live until the callback has run.
class command {
public:
    explicit command(CLI::App& app) : app_(&app) {}
    command(const command&) = delete;
    command& operator=(const command&) = delete;

    // As in messages: `tmp file`.
    [[nodiscard]] std::string name() const;
    [[nodiscard]] bool is_given(const char* option) const;

    // `names` as in "-n,--dry-run". Those without a variable are only for the help.
    void add_flag(const char* names, bool& is_set, const char* help);
    void add_flag(const char* names, const char* help);
    // In the help the value is called `value_name`.
    void add_option(const char* names, std::string& value, const std::string& help, const char* value_name = "TEXT");
    void add_option(const char* names, std::filesystem::path& value, const std::string& help, const char* value_name);
    void add_option(const char* names, std::optional<std::string>& value, const char* help, const char* value_name);
    void add_option(const char* names, const char* help, const char* value_name);
    void add_operand(const char* name, std::string& value, const char* help);
    void add_operand(const char* name, const char* help);
    // All operands that are left. `rest` stands for those behind the first.
    void add_operands(const char* name, std::vector<std::string>& values, const char* help, const char* rest = "...");
    void add_operands(const char* name, const char* help, const char* rest = "...");
    // What stands behind the options in the usage line, where not all operands can be left out: "TARGET [-- COMMAND]".
    void synopsis(const char* text);
    // For what is called in the place of another program, which does not know -h.
    void only_long_help();
    // What the help ends with: more about it, the exit statuses, examples.
    void footer(const std::string& text);

    // What it does when it was asked for. It returns the exit status, or nothing when it is 0 and what was printed is
    // to be closed. It throws when it fails: std::invalid_argument for a value that makes no sense, anything else for
    // what could not be done.
    template <class Action>
    void callback(Action run) {
        if constexpr (std::is_void_v<std::invoke_result_t<Action>>) {
            set_callback([run = std::move(run)]() -> std::optional<int> {
                run();
                return std::nullopt;
            });
        } else {
            set_callback([run = std::move(run)]() -> std::optional<int> { return run(); });
        }
    }
    // Empty where it was not said: the operands, in brackets.
    [[nodiscard]] const std::string& synopsis() const { return synopsis_; }
    [[nodiscard]] std::optional<int> status() const { return status_; }

private:
    void set_callback(std::function<std::optional<int>()> run);
    void refuse_empty_paths() const;

    CLI::App* app_;
    std::string synopsis_;
    std::optional<int> status_;  // once it was run
};

// The help of one command alone.
std::string help_of(const char* name, const char* description, void (*add)(command&));

// Each gives a command its options, its help and what it does.
void add_file(command& command);
void add_dir(command& command);
void add_mktemp(command& command);
void add_spool(command& command);
void add_ls(command& command);
void add_sweep(command& command);
void add_recipe(command& command);
void add_run(command& command);
void add_shell(command& command);
void add_rm(command& command);
void add_write(command& command);
void add_edit(command& command);
void add_where(command& command);
void add_doctor(command& command);

// The command that is to be run, ended by a null pointer: everything behind the options of `tmp run`, behind the "--"
// of `tmp write`, `tmp edit` and `tmp shell`, where it is null when there is no "--"; for `tmp rm`, what to remove. It
// is taken off the command line before CLI11 sees it, for whom "{}" is an empty list and "--x=" may be two arguments.
extern char** operands;

// For those whose command stands behind "--". @throws std::invalid_argument where there is none, or one in front of it.
void check_command(const std::vector<std::string>& misplaced);
// What is wrong with the first word of one in front of it.
std::string misplaced_text(const std::string& word);

}  // namespace tool
