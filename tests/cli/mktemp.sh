#!/bin/sh
# tmp mktemp, and tmp called as mktemp, beside GNU mktemp: same statuses, messages, kinds, modes and places. Then what
# only ours does.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

gnu=$(command -v mktemp)
ln -s "$tool" mktemp
if ! "$gnu" --version | grep -q 'GNU coreutils'; then
    echo "SKIPPED: $gnu is not that of GNU coreutils"
    exit 77
fi
command -v /usr/bin/python3 >/dev/null || { echo "SKIPPED: there is no /usr/bin/python3 to compare with GNU mktemp"; exit 77; }
/usr/bin/python3 "$here/mktemp_beside_gnu.py" "$gnu" "$scratch/mktemp" || fail "not as GNU mktemp"

as_link() { "$scratch/mktemp" "$@"; }
as_command() { "$tool" mktemp "$@"; }

# Help and version are our own; as tmp mktemp, that is also who speaks.
for as_mktemp in as_link as_command; do
    exits 0 "$as_mktemp" --version
    prints "mktemp (tempfile) "
    exits 0 "$as_mktemp" --he
    prints "Usage: $([ $as_mktemp = as_link ] || echo 'tmp ')mktemp ["
    ! grep -q -- '-h,' out || fail "-h is listed, and no option"
    for option in -d --directory -u --dry-run -q --quiet --suffix -p --tmpdir -t -V --version --help; do
        prints "$option"
    done
    exits 1 "$as_mktemp" -x
    exits 0 "$as_mktemp" -p "$scratch"
    matches "$(out)" "$scratch/tmp.??????????"
    rm "$(out)"
done
exits 1 "$tool" mktemp -x
is "$(cat err)" "tmp mktemp: invalid option -- 'x'
Try 'tmp mktemp --help' for more information." "what is said of -x"
exits 1 "$tool" mktemp -h
is "$(cat err)" "tmp mktemp: invalid option -- 'h'
Try 'tmp mktemp --help' for more information." "what is said of -h, as GNU's says it"
exits 1 "$tool" mktemp a b
says "tmp mktemp: too many templates"

# A prefix behind -t, as mktemp of BSD and macOS has it, where GNU's would fail; what has an X is a template.
mkdir bsd
export TMPDIR="$scratch/bsd"
exits 0 ./mktemp -t report
matches "$(out)" "$TMPDIR/report.??????????"
[ -f "$(out)" ] || fail "$(out) is no file"
rm "$(out)"
exits 0 ./mktemp -dt report
matches "$(out)" "$TMPDIR/report.??????????"
rmdir "$(out)"
for name in reportXX a/b ''; do
    exits 1 ./mktemp -t "$name"
    says "too few X's in template"
done
exits 1 ./mktemp -t --suffix .x report
says "with --suffix, template"
empty bsd
unset TMPDIR

# Where the answer cannot be given, nothing is left. A pipe that nobody reads from is an error like others, where GNU's
# dies of the signal and leaves the file.
mkfifo pipe
exec 3<>pipe 4>pipe 3<&-
mkdir into
exits 1 sh -c './mktemp into/XXX >&4'
is "$(cat err)" "./mktemp: write error: Broken pipe" "what is said of a closed pipe"
exits 1 sh -c './mktemp -d into/XXX <&- >&- 2>&-'
empty into

# A name that is taken is no failure.
if command -v strace >/dev/null; then
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # which does not go together with strace
    exits 0 strace -o trace -e trace=mkdir,mkdirat -e inject=mkdir,mkdirat:error=EEXIST:when=1..3 ./mktemp -d into/XXX
    [ -d "$(out)" ] || fail "$(out) is no directory"
    is "$(grep -c XXX trace)" 0 "names that are not random"
    is "$(grep -o '"[^"]*"' trace | sort -u | wc -l)" 4 "names that were tried"
else
    echo "there is no strace to make names that are taken" # the rest has been tested
fi
finish
