#!/bin/sh
# The tool starts with half of GNU mktemp's instructions at most, and an exception does not make up for that. callgrind
# counts, which comes to the same every time. The locale is C, in which GNU's has least to do.
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
    env -i PATH="$PATH" TMPDIR="$scratch" valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" >out 2>err ||
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
below 50 "$tool" file
below 50 "$tool" dir --prefix a --suffix=b
below 500 "$tool" rm "$(out)" # CLI11 sets up the options of one command, and the status is an exception to it
[ ! -e "$(out)" ] || fail "$(out) is still there"
finish
