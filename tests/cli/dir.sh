#!/bin/sh
# tmp dir: what is made, where, and what is refused.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

for mask in 000 022 077 777; do
    umask "$mask"
    exits 0 "$tool" dir --dir "$scratch"
    umask 022
    made=$(out)
    [ -d "$made" ] || fail "$made is not a directory"
    empty "$made"
    is "$(stat -c %a "$made")" 700 "mode with umask $mask"
    matches "$made" "$scratch/tmp?????????????"
    rmdir "$made"
done

exits 0 env TMPDIR="$scratch" "$tool" dir --prefix 'a b-' --suffix .d
matches "$(out)" "$scratch/a b-?????????????.d"
rmdir "$(out)"

mkdir empty
exits 2 "$tool" dir --dir empty --prefix ../x
says 'tmp dir: prefix "../x"'
exits 1 "$tool" dir --dir /nonexistent
says "tmp dir: cannot make"
says "/nonexistent"
empty empty
finish
