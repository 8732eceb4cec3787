#!/bin/sh
# When the answer cannot be given, there is a message and a status that is not 0, and what was made is gone again.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

mkdir into
mkdir -m 700 registry
mkfifo pipe said
# Somebody of whom tmp ls and tmp sweep have something to tell.
TEMPFILE_REGISTRY="$scratch/registry" TMPDIR="$scratch" "$3" >said &
owner=$!
trap 'kill "$owner"; cd / && rm -rf "$scratch"' EXIT
read -r _ <said
export TEMPFILE_REGISTRY="$scratch/registry"
exec 3<>pipe 4>pipe 3<&- # 4 is a pipe that nobody reads from any more

to_full() { "$@" >/dev/full; }
to_nobody() { "$@" >&-; }
to_closed_pipe() { "$@" >&4; }
to_read_only() { "$@" 1<pipe_source; }
: >pipe_source

for where in to_full to_nobody to_closed_pipe to_read_only; do
    for command in file dir; do
        exits 1 "$where" "$tool" "$command" --dir into
        says "tmp $command: cannot write to standard output: "
        empty into
    done
    for command in mktemp "mktemp -d"; do
        # shellcheck disable=SC2086  # a command and its option
        exits 1 "$where" "$tool" $command -p into
        says "mktemp: write error: "
        empty into
    done
    for command in "ls" "ls --json" "sweep -v" "sweep --json" "sweep -nv" "where" "where --explain" "where --json" \
        "doctor" "doctor --json" "rm --json none" "rm -nv present"; do
        mkdir -p present
        # shellcheck disable=SC2086  # a command and its options
        exits 1 "$where" "$tool" $command
        says "tmp ${command%% *}: cannot write to standard output: "
    done
    exits 1 "$where" "$tool" recipe
    says "tmp recipe: cannot write to standard output: "
    exits 1 "$where" "$tool" --help
    says "tmp: cannot write to standard output: "
    exits 1 "$where" "$tool" --version
    exits 1 "$where" "$tool" file --help
    says "tmp file: cannot write to standard output: "
done
exits 1 to_full "$tool" file --dir into
says "No space left on device"
exits 1 to_closed_pipe "$tool" file --dir into
says "Broken pipe"

# The same with every standard stream closed: what is made must not take the place of one of them.
exits 1 sh -c '"$1" file --dir into <&- >&- 2>&-' sh "$tool"
empty into
finish
