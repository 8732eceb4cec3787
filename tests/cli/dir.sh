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
says 'tmp dir: --prefix "../x"'
exits 1 "$tool" dir --dir /nonexistent
says "tmp dir: cannot make"
says "/nonexistent"
empty empty

# For programs.
odd=$(printf 'odd\nname')
exits 0 "$tool" dir --print0 --dir "$scratch" --prefix "$odd"
xargs -0 -n1 test -d <out || fail "xargs -0 finds no dir: $(od -c out)"
is "$(tr -dc '\0' <out | wc -c)" 1 "NUL bytes"
is "$(wc -l <out)" 1 "newlines, which are those of the name"

# Messages name options as the tool calls them.
exits 2 "$tool" dir --prefix a/b
says 'tmp dir: --prefix "a/b" contains a separator; use --dir to say where the file goes'
exits 2 "$tool" dir --suffix 'the option dir/'
says 'tmp dir: --suffix "the option dir/" contains a separator; use --dir to say where the file goes'
exits 2 "$tool" dir --suffix "$(printf '%0300d' 0)"
says "tmp dir: --prefix and --suffix make a name of "
finish
