#include "command.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace tool {
namespace {

class with_synopsis : public CLI::Formatter {
public:
    explicit with_synopsis(std::string operands) : operands_(std::move(operands)) {}
    [[nodiscard]] std::string make_usage(const CLI::App*, std::string name) const override {
        return "Usage: " + name + " [OPTIONS] " + operands_ + '\n';
    }

private:
    std::string operands_;
};

}  // namespace

std::string command::name() const {
    return app_->get_name();
}

bool command::is_given(const char* option) const {
    return app_->count(option) != 0;
}

void command::add_flag(const char* names, bool& is_set, const char* help) {
    app_->add_flag(names, is_set, help)->disable_flag_override();  // or --private=no would be a way to be not private
}

void command::add_flag(const char* names, const char* help) {
    app_->add_flag(names)->disable_flag_override()->description(help);
}

void command::add_option(const char* names, std::string& value, const std::string& help, const char* value_name) {
    app_->add_option(names, value, help)->option_text(value_name);
}

void command::add_option(const char* names, std::filesystem::path& value, const std::string& help,
                         const char* value_name) {
    app_->add_option(names, value, help)->option_text(value_name);
}

void command::add_option(const char* names, std::optional<std::string>& value, const char* help,
                         const char* value_name) {
    app_->add_option(names, value, help)->option_text(value_name);
}

void command::add_option(const char* names, const char* help, const char* value_name) {
    app_->add_option(names)->option_text(value_name)->description(help);
}

void command::add_operand(const char* name, std::string& value, const char* help) {
    app_->add_option(name, value, help)->option_text(" ");
}

void command::add_operand(const char* name, const char* help) {
    add_operands(name, help, " ");
}

void command::add_operands(const char* name, std::vector<std::string>& values, const char* help, const char* rest) {
    app_->add_option(name, values, help)->option_text(rest);
}

void command::add_operands(const char* name, const char* help, const char* rest) {
    app_->add_option(name)->option_text(rest)->description(help);
}

void command::synopsis(const char* text) {
    synopsis_ = text;
    app_->formatter(std::make_shared<with_synopsis>(synopsis_));
}

void command::only_long_help() {
    const std::string text = app_->get_help_ptr()->get_description();  // the flag goes
    app_->set_help_flag("--help", text);
}

void command::footer(const std::string& text) {
    app_->footer(text);
}

void command::set_callback(std::function<std::optional<int>()> run) {
    app_->callback([this, run = std::move(run)] {
        refuse_empty_paths();
        status_ = run();
    });
}

// What a script says whose variable is not set, and does not mean the default.
void command::refuse_empty_paths() const {
    for (const CLI::Option* const option : app_->get_options()) {
        const std::string& value = option->get_option_text();
        const bool is_path = value == "DIR" || value == "PATH" || value == "FILE";
        if (is_path && option->count() != 0 && option->results().back().empty()) {
            throw std::invalid_argument(option->get_name() + " \"\" is no path; say one, or leave out the option");
        }
    }
}

std::string help_of(const char* name, const char* description, void (*add)(command&)) {
    CLI::App app(description, name);
    command alone(app);
    add(alone);
    return app.help();
}

std::string misplaced_text(const std::string& word) {
    return "unexpected argument \"" + word + "\"; a command stands behind \"--\"";
}

void check_command(const std::vector<std::string>& misplaced) {
    if (operands != nullptr && *operands == nullptr) {
        throw std::invalid_argument("there is no command behind \"--\"");
    }
    if (!misplaced.empty()) {
        throw std::invalid_argument(misplaced_text(misplaced.front()));
    }
}

}  // namespace tool
