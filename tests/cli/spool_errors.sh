#!/bin/sh
# tmp spool: what cannot be read or written is said by name, and nothing is left.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

mkdir into
head -c 20000000 /dev/zero >big
mkfifo pipe
exec 3<>pipe 4>pipe 3<&- # 4 is a pipe that nobody reads from any more

spool_from() {
    input=$1
    shift
    "$tool" spool --dir into "$@" <"$input"
}

exits 1 spool_from .
says "tmp spool: cannot read standard input: Is a directory"
exits 1 sh -c '"$1" spool <&-' sh "$tool"
says "tmp spool: cannot read standard input: Bad file descriptor"
exits 1 sh -c '"$1" spool 0>written' sh "$tool"
says "tmp spool: cannot read standard input"

for size in 1G 1k; do # in memory, rolled over
    exits 1 sh -c '"$1" spool --dir into --max-size "$2" <big >/dev/full' sh "$tool" "$size"
    says "tmp spool: cannot write to standard output: No space left on device"
    exits 1 sh -c '"$1" spool --dir into --max-size "$2" <big >&-' sh "$tool" "$size"
    says "tmp spool: cannot write to standard output: Bad file descriptor"
    exits 1 sh -c '"$1" spool --dir into --max-size "$2" <big >&4' sh "$tool" "$size"
    says "tmp spool: cannot write to standard output: Broken pipe"
done
# What was asked for with -v cannot be said: a failure, as anything that was asked for and not done; the output is whole.
for size in 1G 1k; do
    for nowhere in '2>/dev/full' '2>&4' '2>&-'; do
        exits 1 sh -c '"$1" spool -v --dir into --max-size "$2" <big '"$nowhere" sh "$tool" "$size"
        cmp big out || fail "the output is not whole though only -v failed, with $nowhere"
    done
    exits 0 sh -c '"$1" spool --dir into --max-size "$2" <big 2>&-' sh "$tool" "$size"
    cmp big out || fail "the output is not whole without standard error"
done

exits 1 "$tool" spool --dir /nonexistent <big
says "tmp spool: cannot spool to a file in /nonexistent: No such file or directory"
exits 1 "$tool" spool --dir big <big
says "Not a directory"

# Sizes that are none, and too large ones: which, why, and what to say instead.
for bad in -1 -1k 5X 12Q 1.5 x M '' ' ' '8  M' 1.M .5M 8MM 8bk 8kb0 +8 0x10; do
    exits 2 "$tool" spool --max-size "$bad" <big
    is "$(cat err)" "tmp spool: --max-size \"$bad\" is no size; say a number of bytes, or of k, M, G or T, as --max-size 8M or --max-size 1.5G" \
        "what is said of --max-size $bad"
done
for bad in 1073741825 1048577k 1025M 2G 1T 1P 1E 16E 17E 16777216T 99999999999G 99999999999999999999; do
    exits 2 "$tool" spool --max-size "$bad" <big
    is "$(cat err)" "tmp spool: --max-size \"$bad\" is too large to keep in memory; say 1G at most, as --max-size 8M" \
        "what is said of --max-size $bad"
done
exits 0 "$tool" spool --help
prints "at most 1G"

empty into
finish
