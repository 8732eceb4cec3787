#!/bin/sh
# Files that may not grow (ulimit -f): a message and a status, not the signal SIGXFSZ in the middle of it.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

# ThreadSanitizer's run-time library writes a file before main() begins.
(ulimit -f 0 && exec "$tool" --version >/dev/null) || {
    echo "SKIPPED: this program is ended by the limit before it begins (status $?), as with ThreadSanitizer"
    exit 77
}

mkdir into
head -c 20000000 /dev/zero >big

# within BLOCKS COMMAND...: no file may become larger than so many blocks of 512 bytes. What is said goes through a
# pipe, which has no such limit.
within() {
    blocks=$1
    shift
    # shellcheck disable=SC3045  # -f is in POSIX
    { { (ulimit -f "$blocks" && exec "$@" 2>&1 >&3 3>&-) || echo $? >status; } | cat >&2; } 3>&1
    ended=$(cat status 2>/dev/null || echo 0)
    rm -f status
    return "$ended"
}

# No file may have any contents: no directory is usable, and a path cannot be printed to a file.
for command in file dir; do
    exits 1 within 0 env TMPDIR="$scratch/into" "$tool" "$command"
    says "tmp $command: no usable directory"
    says "$scratch/into"
    says "File too large"
    empty into
    exits 1 within 0 "$tool" "$command" --dir into
    says "tmp $command: cannot write to standard output: File too large"
    empty into
done
exits 0 sh -c '(ulimit -f 0 && "$1" file --dir into) | cat' sh "$tool"
rm into/*

exits 1 within 100 "$tool" spool --dir into --max-size 1k <big
says "tmp spool: cannot spool to a file in $scratch/into: File too large"
is "$(wc -c <out)" 0 "bytes printed of a spool that failed"
exits 1 within 100 "$tool" spool --dir into --max-size 1G <big
says "tmp spool: cannot write to standard output: File too large"
is "$(wc -c <out)" 51200 "bytes printed up to the limit"
empty into
finish
