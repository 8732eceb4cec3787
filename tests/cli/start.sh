#!/bin/sh
# The tool starts with fewer instructions than GNU mktemp. callgrind counts, which comes to the same every time. In a
# locale of UTF-8, as nearly everybody has one: GNU's loads it, ours does not.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

skip() {
    echo "SKIPPED: $1"
    exit 77
}

command -v valgrind >/dev/null || skip "there is no valgrind to count instructions"
[ "${CONFIG:-Release}" = Release ] || skip "built as $CONFIG; what counts is a Release"
! ldd "$tool" >/dev/null 2>&1 || skip "this tool is not linked statically"
gnu=$(command -v mktemp)
"$gnu" --version | grep -q 'GNU coreutils' || skip "$gnu is not that of GNU coreutils"
ln -s "$tool" mktemp

# instructions PROGRAM...: how many it takes, with nothing in the environment whose length would count.
instructions() {
    env -i PATH="$PATH" TMPDIR="$scratch" LC_ALL=C.UTF-8 valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" >out 2>err ||
        fail "$*: $(cat err)"
    sed -n 's/^==[0-9]*== Collected : //p' err
}

gnus=$(instructions "$gnu")
echo "GNU mktemp: $gnus"

# below PERCENT COMMAND...: of what GNU mktemp takes
below() {
    percent=$1
    shift
    count=$(instructions "$@")
    echo "$*: $count"
    [ $((count * 100)) -lt $((gnus * percent)) ] || fail "$*: $count instructions; GNU mktemp takes $gnus"
}

below 50 "$scratch/mktemp"
below 50 "$tool" mktemp -d
below 65 "$tool" file
below 65 "$tool" dir --prefix a --suffix=b
below 100 "$tool" rm --one-file-system "$(out)" # as much to set up as any command has
[ ! -e "$(out)" ] || fail "$(out) is still there"
below 200 "$tool" file --help # an exception to CLI11
finish
