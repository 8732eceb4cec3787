#!/bin/sh
# What the tool says about itself, and to those who ask for what is not there.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

exits 2 "$tool"
says "Usage: tmp"
is "$(out)" "" "what is printed without a subcommand"

exits 0 "$tool" --help
for subcommand in file dir spool recipe; do
    prints "  $subcommand "
done
exits 0 "$tool" --version
matches "$(out)" "tmp [0-9]*.[0-9]*.[0-9]*"

for subcommand in file dir spool recipe; do
    exits 0 "$tool" "$subcommand" --help
    prints "Usage: tmp $subcommand"
    prints "Example"
    exits 2 "$tool" "$subcommand" --no-such-option
    says "tmp $subcommand: "
    says "--no-such-option"
    says "tmp $subcommand --help"
    exits 2 "$tool" "$subcommand" unexpected
done

exits 2 "$tool" no-such-command
says "no-such-command"
exits 2 "$tool" file --dir
says "--dir"
finish
