#!/bin/sh
# What the tool says about itself, and to those who ask for what is not there.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

# refuses WHO WHY ARGUMENTS...: two lines, and nothing else
refuses() {
    who=$1 why=$2
    shift 2
    exits 2 "$tool" "$@"
    is "$(cat err)" "$who: $why
Try \`$who --help\`." "what is said of $*"
    is "$(out)" "" "what is printed of $*"
}

exits 2 "$tool"
says "Usage: tmp"
is "$(out)" "" "what is printed without a subcommand"

exits 0 "$tool" --help
for subcommand in file dir mktemp write edit spool rm where doctor recipe; do
    prints "  $subcommand "
done
prints "Exit status: 0 if"
prints "Example: "
for subcommand in file dir mktemp run shell rm write edit spool ls sweep where doctor recipe; do
    exits 0 "$tool" "$subcommand" --help
    prints "Exit status"
    prints "Example"
done
exits 0 "$tool" --version
matches "$(out)" "tmp [0-9]*.[0-9]*.[0-9]*"

for subcommand in file dir spool where doctor recipe; do
    exits 0 "$tool" "$subcommand" --help
    prints "Usage: tmp $subcommand"
    prints "Example"
    refuses "tmp $subcommand" 'there is no option "--foo"' "$subcommand" --foo
    refuses "tmp $subcommand" 'there is no option "-x"' "$subcommand" -x --foo
    refuses "tmp $subcommand" 'there is no option "--version"' "$subcommand" --version
    refuses "tmp $subcommand" 'unexpected argument "a b"' "$subcommand" "a b"
    refuses "tmp $subcommand" 'unexpected argument "a b"' "$subcommand" -- "a b"
done

for subcommand in write edit shell; do
    refuses "tmp $subcommand" 'there is no option "--foo"' "$subcommand" --foo
done
for usage in 'write [OPTIONS] TARGET [-- COMMAND [ARGUMENT...]]' 'edit [OPTIONS] TARGET -- COMMAND [ARGUMENT...]' \
    'shell [OPTIONS] [-- COMMAND [ARGUMENT...]]' 'run [OPTIONS] [--] COMMAND [ARGUMENT...]' 'rm [OPTIONS] [PATH...]'; do
    exits 0 "$tool" "${usage%% *}" --help
    is "$(sed -n 's/^Usage: tmp //p' out)" "$usage" "what can stand in the command line"
done

# A variable that is not set is not the default.
for subcommand in file dir spool run shell; do
    exits 2 "$tool" "$subcommand" --dir ''
    is "$(cat err)" "tmp $subcommand: --dir \"\" is no path; say one, or leave out the option" "what is said"
done

refuses tmp 'there is no command "foo"' foo
refuses tmp 'there is no command ""' ''
refuses tmp 'there is no option "--foo"' --foo
refuses tmp 'there is no option "--foo"' --foo file
refuses tmp 'there is no option "-x"' -x

# What options are given.
for subcommand in file dir; do
    for option in --prefix --suffix --dir; do
        refuses "tmp $subcommand" "option \"$option\" needs a value" "$subcommand" "$option"
        refuses "tmp $subcommand" "option \"$option\" is given more than once" "$subcommand" "$option" a "$option=b"
    done
done
refuses "tmp file" 'option "--dir" is given more than once' file --dir a --dir --prefix
refuses "tmp file" 'option "--prefix" needs a value' file --dir a --prefix
refuses "tmp spool" 'option "--max-size" needs a value' spool -v --max-size
refuses "tmp spool" 'option "--dir" needs a value' spool --dir
refuses "tmp spool" 'option "--verbose" takes no value' spool --verbose=x
refuses "tmp spool" 'unexpected argument ""' spool --verbose=
for wrong in -v=1 -v= -v=v -v==1; do
    refuses "tmp spool" 'option "-v" takes no value' spool "$wrong"
    refuses "tmp run" 'option "-v" takes no value' run "$wrong" true
    refuses "tmp rm" 'option "-v" takes no value' rm --json "-n${wrong#-}" nonexistent
done
refuses "tmp sweep" 'option "-0" takes no value' sweep -vn0=3 -n=3
refuses "tmp sweep" 'there is no option "-x=3"' sweep -nx=3
refuses "tmp rm" 'option "--json" takes no value' rm --json=1 -v=1
refuses "tmp dir" 'there is no option "-v=1"' dir -v=1
for subcommand in run sweep; do
    refuses "tmp $subcommand" 'there is no option "-=1"' "$subcommand" -=1
done
finish
