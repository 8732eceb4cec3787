// The subcommands. Each `add_` gives the subcommand its options, and what it does when it was asked for, which throws
// when it fails: std::invalid_argument for a value that makes no sense, anything else for what could not be done.

#pragma once

namespace CLI {
class App;
}

namespace tool {

void add_file(CLI::App& command);
void add_dir(CLI::App& command);
void add_spool(CLI::App& command);
void add_ls(CLI::App& command);
void add_sweep(CLI::App& command);
void add_recipe(CLI::App& command);
void add_run(CLI::App& command);
void add_shell(CLI::App& command);
void add_rm(CLI::App& command);
void add_write(CLI::App& command);
void add_edit(CLI::App& command);

// The command that is to be run, ended by a null pointer: everything behind the options of `tmp run`, behind the "--"
// of `tmp write`, `tmp edit` and `tmp shell`, where it is null when there is no "--"; for `tmp rm`, what to remove.
// main() takes it off the command line before CLI11 sees it, for whom "{}" is an empty list and "--x=" may be two
// arguments.
extern char** operands;

}  // namespace tool
