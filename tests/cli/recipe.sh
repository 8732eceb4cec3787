#!/bin/sh
# tmp recipe: it shows what happened, from wherever it is run.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

mkdir temp
: >temp/tmpofanotheruser # what others have there is none of our business
export TMPDIR="$scratch/temp"
exits 0 "$tool" recipe
prints "\$TMPDIR $scratch/temp "
prints "chosen: a file was made in it"
prints '"Stack Overflow!"'
prints "$scratch/temp/#"
prints "(deleted)"
grep -q "st_nlink) *0$" out || fail "no link count of 0: $(out)"
grep -q "15 bytes, 0600$" out || fail "no size and mode: $(out)"
grep -q "names in $scratch/temp that lead to it *none$" out || fail "no word of names while it is open: $(out)"
grep -q "names in $scratch/temp that led to it *none$" out || fail "no word of names afterwards: $(out)"
! grep -q " 1 before" out || fail "what others have there is counted: $(out)"
prints "Nothing is left."
is "$(cat err)" "" "what a recipe that works says on standard error"
rm temp/tmpofanotheruser
empty temp

# A directory that may be used and not be listed.
chmod a+rx "$scratch"
mkdir drop
chmod 333 drop
if [ "$(id -u)" = 0 ]; then
    chown 65534 drop
fi
if as_user "$tool" --version >/dev/null 2>&1; then
    exits 0 as_user env TMPDIR="$scratch/drop" "$tool" recipe
    prints "names in $scratch/drop that lead to it cannot be listed: Permission denied"
    prints "names in $scratch/drop that led to it cannot be listed: Permission denied"
    prints "Nothing is left."
fi
chmod 755 drop
empty drop

# A directory that is set and cannot be used is not passed over in silence.
export TMPDIR=/nonexistent TEMP="$scratch/out" TMP="$scratch/temp"
exits 0 "$tool" recipe
grep -q "TMPDIR /nonexistent  *CANNOT BE USED: No such file or directory" out || fail "nothing about TMPDIR: $(out)"
grep -q "TEMP $scratch/out  *CANNOT BE USED: Not a directory" out || fail "nothing about TEMP: $(out)"
grep -q "TMP $scratch/temp  *chosen" out || fail "not where TMP says: $(out)"
unset TEMP TMP

# Variables that name no directory.
export TMPDIR=
exits 0 "$tool" recipe
grep -q "TMPDIR  *set, but empty: as good as not set$" out || fail "nothing about an empty TMPDIR: $(out)"
grep -q "TEMP  *not set$" out || fail "nothing about TEMP: $(out)"
unset TMPDIR

# A program that runs with more rights than its caller, where there can be such programs.
if [ "$(id -u)" = 0 ]; then
    for program in "$tool" "$(command -v id)"; do
        cp "$program" privileged
        chown 65533 privileged
        chmod 4755 privileged
        mv privileged "privileged-${program##*/}"
    done
    if [ "$(as_user ./privileged-id -u)" = 65533 ] && as_user ./privileged-tmp --version >/dev/null; then
        exits 0 as_user env TMPDIR="$scratch/temp" TEMP="$scratch/temp" ./privileged-tmp recipe
        for variable in TMPDIR TEMP TMP; do
            grep -q "$variable  *ignored: this program runs with more rights than its caller (set-user-id)$" out ||
                fail "nothing about $variable being ignored: $(out)"
        done
    fi
fi

# A working directory that cannot be written to, and one that is gone.
cd /proc || exit 1
exits 0 "$tool" recipe
prints "Nothing is left."
mkdir "$scratch/gone"
cd "$scratch/gone" || exit 1
rmdir "$scratch/gone"
exits 0 "$tool" recipe
prints "Nothing is left."
finish
