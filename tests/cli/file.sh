#!/bin/sh
# tmp file: what is made, where, and what is refused.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

# Exactly 0600, whatever the umask; empty; a new name each time.
for mask in 000 022 077 777; do
    umask "$mask"
    exits 0 "$tool" file --dir "$scratch"
    umask 022
    made=$(out)
    [ -f "$made" ] && [ ! -s "$made" ] || fail "$made is not an empty file"
    is "$(stat -c %a "$made")" 600 "mode with umask $mask"
    matches "$made" "$scratch/tmp?????????????"
    rm "$made"
done

exits 0 "$tool" file --dir "$scratch" --prefix 'a b-' --suffix .log
matches "$(out)" "$scratch/a b-?????????????.log"
rm "$(out)"

mkdir 'with space'
exits 0 "$tool" file --dir 'with space' # a relative directory, an absolute path
matches "$(out)" "$scratch/with space/tmp?????????????"
rm "$(out)"
exits 0 env TMPDIR="$scratch/with space" "$tool" file
matches "$(out)" "$scratch/with space/tmp?????????????"
rm "$(out)"

not_utf8=$(printf '\377\376')
exits 0 "$tool" file --dir "$scratch" --prefix "$not_utf8" --suffix=-
[ -f "$(out)" ] || fail "no file for a prefix that is not UTF-8"
rm "$(out)"
exits 0 "$tool" file --dir "$scratch" --prefix '[a,b]' # not a list
matches "$(out)" "$scratch/\[a,b\]?????????????"
rm "$(out)"

# An empty value is a value, in either spelling, and what follows is none.
exits 0 "$tool" file --prefix= --suffix=.log --dir "$scratch"
matches "$(out)" "$scratch/?????????????.log"
rm "$(out)"
exits 0 "$tool" file --prefix '' --suffix= --dir "$scratch"
matches "$(out)" "$scratch/?????????????"
rm "$(out)"
exits 0 "$tool" file --dir "$scratch" --prefix=a= --suffix '='
matches "$(out)" "$scratch/a=?????????????="
rm "$(out)"

# What the caller can see is wrong: status 2, the thing by name, and nothing made.
mkdir empty
for bad in ../x a/b / ..; do
    exits 2 "$tool" file --dir empty --prefix "$bad"
    says "tmp file: "
    says "prefix \"$bad\""
    exits 2 "$tool" file --dir empty --suffix "$bad"
    says "suffix \"$bad\""
done
exits 2 "$tool" file --dir empty --prefix "$(printf '%0300d' 0)"
says "tmp file: "
empty empty

# What the system refuses: status 1, where, and why.
ln -s nowhere dangling
: >plain
for dir in /nonexistent "$scratch/dangling"; do
    exits 1 "$tool" file --dir "$dir"
    says "tmp file: cannot make"
    says "$dir"
    says "No such file or directory"
done
exits 1 "$tool" file --dir plain
says "Not a directory"
exits 1 "$tool" file --dir /proc
says "/proc"
chmod 755 "$scratch"
chmod 555 empty
if as_user "$tool" --version >/dev/null 2>&1; then
    exits 1 as_user "$tool" file --dir "$scratch/empty"
    says "Permission denied"
fi
empty empty

# For programs.
odd=$(printf 'odd\nname')
exits 0 "$tool" file --print0 --dir "$scratch" --prefix "$odd"
xargs -0 -n1 test -f <out || fail "xargs -0 finds no file: $(od -c out)"
is "$(tr -dc '\0' <out | wc -c)" 1 "NUL bytes"
is "$(wc -l <out)" 1 "newlines, which are those of the name"

# Messages name options as the tool calls them.
exits 2 "$tool" file --prefix a/b
says 'tmp file: --prefix "a/b" contains a separator; use --dir to say where the file goes'
exits 2 "$tool" file --suffix 'the option dir/'
says 'tmp file: --suffix "the option dir/" contains a separator; use --dir to say where the file goes'
exits 2 "$tool" file --suffix "$(printf '%0300d' 0)"
says "tmp file: --prefix and --suffix make a name of "
finish
