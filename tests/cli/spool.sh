#!/bin/sh
# tmp spool: what comes out is what went in, whatever its size and wherever it lived.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

mkdir into
seq 1 20000000 | head -c 100000000 >big

# copies SIZE OPTIONS...: SIZE bytes through the spool, from a file and from a pipe
copies() {
    size=$1
    shift
    head -c "$size" big >piece
    "$tool" spool "$@" <piece >copy 2>err || fail "spool $* of $size bytes: status $?: $(cat err)"
    cmp piece copy || fail "spool $* of $size bytes from a file: the copy differs"
    head -c "$size" big | "$tool" spool "$@" 2>err | cmp piece - || fail "spool $* of $size bytes from a pipe: the copy differs"
    empty into
}

# no_speed: so little was spooled that only times are told.
no_speed() {
    grep -Eq '^read in    [0-9]+\.[0-9]{3} m?s$' err || fail "no time of reading: $(cat err)"
    grep -Eq '^wrote out  [0-9]+\.[0-9]{3} m?s$' err || fail "no time of writing: $(cat err)"
}

copies 0 -v --dir into
no_speed
says "size       0 bytes"
says "lived in   memory"
copies 0 --max-size 0 --dir into
copies 1 -v --max-size 0 --dir into
says "roll-over  at once (--max-size 0 bytes)"
says "lived in   a file without a name in $scratch/into"
copies 999999 -v --max-size 1k --dir into
no_speed
copies 1 -v --max-size 1 --dir into
says "size       1 byte"
says "roll-over  none (--max-size 1 byte)"
copies 1023 -v --max-size 1k --dir into
says "roll-over  none"
copies 1025 -v --max-size 1k --dir into
says "roll-over  at once (--max-size 1 KiB)"
copies 262144 --max-size 262144 --dir into
copies 262145 -v --max-size 262144 --dir into
says "roll-over  after 256 KiB (--max-size 256 KiB)"
copies 8388608 -v --dir into
says "roll-over  none (--max-size 8 MiB)"
copies 8388609 -v --dir into
says "roll-over  after 8 MiB (--max-size 8 MiB)"
copies 100000000 -v --dir into
says "size       95.3 MiB"
grep -Eq '^read in    [0-9.]+ m?s, [0-9.]+ [KMGT]iB/s$' err || fail "no speed of reading: $(cat err)"
grep -Eq '^wrote out  [0-9.]+ m?s, [0-9.]+ [KMGT]iB/s$' err || fail "no speed of writing: $(cat err)"
copies 100000000 -v --max-size 1G --dir into
says "lived in   memory"

# Each way to write a size.
for size in 1048576 1048576b 1024k 1024K 1024kB 1024KiB 1M 1m 1MB 1mib; do
    echo x | "$tool" spool -v --max-size "$size" 2>err >copy || fail "spool --max-size $size: status $?: $(cat err)"
    says "(--max-size 1 MiB)"
done
for size in 1G 1GiB 1073741824 01024M '1 GiB' 1024.0M; do
    echo x | "$tool" spool -v --max-size "$size" 2>err >copy || fail "spool --max-size $size: status $?: $(cat err)"
    says "(--max-size 1 GiB)"
done

# Without -v nothing is said; several in a row do not disturb each other.
copies 5000 --dir into
is "$(cat err)" "" "what a spool says that was not asked"
"$tool" spool <big | "$tool" spool --max-size 0 | "$tool" spool --max-size 1M | cmp big - || fail "three in a row"
finish
