#!/bin/sh
# tmp file and tmp dir where $TMPDIR cannot be used: they warn, and go on with the next directory.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

mkdir temp 'next one'
: >plain

# made_in DIRECTORY: the last command made something there, and nothing else.
made_in() {
    is "$(dirname "$(out)")" "$1" "where it was made"
    rm -r "$(out)"
    empty temp
    empty 'next one'
}

for command in file dir; do
    while read -r unusable reason; do
        exits 0 env TMPDIR="$unusable" TEMP="$scratch/next one" "$tool" "$command"
        is "$(cat err)" "tmp $command: \$TMPDIR \"$unusable\" cannot be used ($reason); using $scratch/next one" \
            "what is said of TMPDIR=$unusable"
        made_in "$scratch/next one"
    done <<END
/nonexistent No such file or directory
$scratch/plain Not a directory
plain Not a directory
END
    exits 0 env TMPDIR=/nonexistent "$tool" "$command"
    says "cannot be used (No such file or directory); using /tmp"
    made_in /tmp

    # Nothing is said where the directory is the one that was asked for, in whatever spelling.
    for usable in "$scratch/temp" "$scratch/temp/" "$scratch//temp/." temp ./temp; do
        exits 0 env TMPDIR="$usable" TEMP="$scratch/next one" "$tool" "$command"
        is "$(cat err)" "" "what is said of TMPDIR=$usable"
        made_in "$scratch/temp"
    done
    exits 0 env TMPDIR= TEMP="$scratch/next one" "$tool" "$command"
    is "$(cat err)" "" "what is said of an empty TMPDIR"
    made_in "$scratch/next one"
    exits 0 env TMPDIR=/nonexistent "$tool" "$command" --dir temp
    is "$(cat err)" "" "what is said of TMPDIR with --dir"
    made_in "$scratch/temp"

    # That the warning cannot be said changes nothing.
    exits 0 env TMPDIR=/nonexistent TEMP="$scratch/next one" sh -c '"$@" 2>&-' sh "$tool" "$command"
    made_in "$scratch/next one"
    exits 0 env TMPDIR="$(printf '\033')" TEMP="$scratch/next one" "$tool" "$command"
    says '$TMPDIR "\x1b" cannot be used'
    made_in "$scratch/next one"
done
finish
