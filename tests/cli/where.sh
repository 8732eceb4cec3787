#!/bin/sh
# tmp where: the directory for a need, why no other, and sizes as people write them. In a mount namespace of its own,
# where there can be one, everything is arranged for real.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"
unset XDG_RUNTIME_DIR
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

chosen() {
    is "$(out)" "$1" "what is chosen"
}

# --- Anywhere ---

exits 0 "$tool" where
chosen /tmp
is "$(cat err)" "" "what is said"
mkdir temp
exits 0 env TMPDIR="$scratch/temp" "$tool" where
chosen "$scratch/temp"
empty temp
exits 0 env TMPDIR=/nonexistent "$tool" where
is "$(cat err)" 'tmp where: $TMPDIR "/nonexistent" cannot be used (No such file or directory); using /tmp' "what is said"
exits 0 env TMPDIR=/nonexistent "$tool" where --explain
grep -Eq '^/nonexistent +\$TMPDIR +- +- +- +No such file or directory$' out || fail "nothing of \$TMPDIR: $(out)"
is "$(cat err)" "" "what is said besides a table"
exits 0 "$tool" where --same-device-as "$scratch/none"
exits 1 "$tool" where --same-device-as /nonexistent/none
says "tmp where: cannot tell on which device this is: No such file or directory [/nonexistent/none]"

# For programs.
odd=$(printf 'odd\nname')
mkdir "$odd"
exits 0 env TMPDIR="$scratch/$odd" "$tool" where --print0
printf '%s/odd\nname\0' "$scratch" | cmp - out || fail "not the path and a NUL: $(od -c out)"
for other in --json --explain; do
    exits 2 "$tool" where -0 $other
    says "tmp where: --print0 prints paths alone; leave out that, or $other"
    chosen ""
done

# Nothing fits: a message, status 1, and the table and JSON all the same.
exits 1 "$tool" where --need 7E
chosen ""
grep -Eq '^tmp where: no directory .* has what is needed \(7 EiB free\); the nearest is "/.* free\)$' err ||
    fail "no good message: $(cat err)"
exits 1 "$tool" where --need 7E --explain
says "has what is needed"
grep -Eq "^/tmp +default .* only [0-9.]+ [KMGT]iB free$" out || fail "nothing of /tmp: $(out)"
exits 1 "$tool" where --need 7E --json
python3 - <<'END' || fail "JSON: $(out)"
import json
made = json.load(open("out"))
assert made["dir"] is None
tmp, = (c for c in made["candidates"] if c["dir"] == "/tmp")
assert tmp["misfits"] == ["no-room"] and 0 < tmp["free_bytes"] < 7 << 60 and not tmp["chosen"], tmp
assert tmp["why_not"].startswith("only "), tmp
END
exits 0 env TMPDIR="$(printf '/\377\033')" "$tool" where --json
python3 -c 'import json; assert json.load(open("out"))["candidates"][0]["dir"] == "/\ufffd\x1b"' || fail "JSON: $(out)"
exits 0 env TMPDIR="$(printf '/\377\033')" "$tool" where --explain
prints '/\xff\x1b'

# Sizes, good and bad.
for size in 0 1 100k 1.5MiB 1M '1 MiB' 0.5k 1b; do
    exits 0 "$tool" where --need "$size"
done
needs() {
    exits 1 "$tool" where --need "$1"
    says "is needed ($2 free)"
}
needs 1.5E "1.5 EiB"
needs 100.3G "100.3 GiB"
needs 15.9E "15.9 EiB"
needs 1536Gi "1.5 TiB"
needs 7000PiB "6.8 EiB"
needs 99999999999999999999999 "15.9 EiB"
needs 99999E "15.9 EiB"
for size in '' x 1x -1 +1 1.5 1.G .5G 1G1 0x10 '1  G' ' 1' '1 ' 1ib 1Gb/s 1,5G; do
    exits 2 "$tool" where --need "$size"
    says "tmp where: --need \"$size\" is no size; say a number of bytes, or of k, M, G or T, as --need 8M or --need 1.5G"
done
exits 2 "$tool" where --same-device-as ''
says 'tmp where: --same-device-as "" is no path'
for contradiction in --memory --secret; do
    exits 2 "$tool" where --large $contradiction
    says "tmp where: what is large cannot be kept in memory; ask for one of the two"
done
exits 2 "$tool" where --need
says 'tmp where: option "--need" needs a value'
exits 2 "$tool" where --need 1 --need 2
says 'tmp where: option "--need" is given more than once'

# A working directory that is gone has no name but this one.
mkdir gone
exits 0 sh -c 'cd gone && rmdir ../gone && "$1" where --explain' sh "$tool"
grep -Eq '^\. +working directory +- .* No such file or directory$' out || fail "no \".\": $(out)"

exits 1 sh -c '"$1" where >/dev/full' sh "$tool"
says "tmp where: cannot write to standard output: No space left on device"

# --- With file systems of our own; the whole once more as an ordinary user ---

if ! unshare --mount true 2>/dev/null; then
    [ "$failures" = 0 ] || finish
    echo "SKIPPED: needs the right to mount (root)"
    exit 77
fi
chmod 755 "$scratch"
cat >arranged.sh <<'END'
set -e
for name in small few noexec read-only open secret; do
    mkdir -p "$name"
done
mount -t tmpfs -o size=1m,mode=1777 tmpfs small
mount -t tmpfs -o nr_inodes=2,mode=1777 tmpfs few
touch few/last
mount -t tmpfs -o size=8m,noexec,mode=1777 tmpfs noexec
mount -t tmpfs -o size=8m,ro,mode=1777 tmpfs read-only
mount -t tmpfs -o size=8m,mode=777 tmpfs open
mount -t tmpfs -o size=8m,noswap,mode=1777 tmpfs secret
mount -t tmpfs -o size=8m,mode=1777 tmpfs /dev/shm
exec "$@"
END
arranged() {
    unshare --mount sh "$scratch/arranged.sh" "$@"
}
as_root() {
    "$@"
}
# why_not DIR TEXT ARGUMENTS...: with $TMPDIR at DIR, that is why it is not taken
why_not() {
    where=$scratch/$1 why=$2
    shift 2
    exits 0 arranged "$as" env TMPDIR="$where" "$tool" where --explain "$@"
    grep -Eq "^$where +[\$]TMPDIR +tmpfs, memory(, noexec)? .*  $why\$" out || fail "not \"$why\": $(out)"
}
for as in as_root as_user; do
    [ $as = as_root ] || as_user "$tool" --version >/dev/null 2>&1 || continue
    # What unshare executes is no function of ours.
    cat >$as <<END
#!/bin/sh
tool=\$0
$(sed -n '/^as_user() {/,/^}/p' "$here/check.sh")
as_root() { "\$@"; }
$as "\$@"
END
    chmod 755 $as
    as="$scratch/$as"
    why_not small "only 1 MiB free" --need 2M
    why_not small "in memory" --large
    why_not few "No space left on device"
    why_not noexec "mounted with noexec" --exec
    why_not read-only "Read-only file system"
    why_not open "others can rename and remove what is in it"
    exits 0 arranged "$as" env TMPDIR="$scratch/small" "$tool" where --need 512k
    chosen "$scratch/small"
    exits 0 arranged "$as" env TMPDIR="$scratch/noexec" "$tool" where
    chosen "$scratch/noexec"
    exits 0 arranged "$as" env TMPDIR="$scratch/secret" "$tool" where --secret
    chosen "$scratch/secret"
    exits 0 arranged "$as" env XDG_RUNTIME_DIR="$scratch/secret" "$tool" where --secret
    chosen "$scratch/secret"
    exits 0 arranged "$as" "$tool" where --memory
    chosen /dev/shm
    exits 0 arranged "$as" "$tool" where --same-device-as "$scratch/secret/file"
    chosen "$scratch/secret"
    exits 0 arranged "$as" "$tool" where --same-device-as "$scratch/open/file"
    chosen "$scratch/open"
    says "tmp where: others can rename and remove what is in $scratch/open"
done

# The table in a wide terminal, and a list in one of 40 columns.
exits 0 arranged env TMPDIR="$scratch/small" python3 - "$tool" <<'END'
import os, sys
from terminal import Terminal

for columns in 200, 40:
    terminal = Terminal(sys.argv[1], "where", "--need", "2M", "--explain", columns=columns)
    assert terminal.expect_end() == 0
    lines = terminal.all.replace("\r", "").splitlines()
    path = os.environ["TMPDIR"]
    if columns == 200:
        assert lines[0].split() == ["DIRECTORY", "FROM", "KIND", "FREE", "FILES", "WHY", "NOT"], lines
        assert lines[1].endswith("only 1 MiB free"), lines
    else:
        assert lines[:2] == [path, "  from: $TMPDIR"], lines
        assert "  not taken: only 1 MiB free" in lines, lines
        assert "  taken" in lines, lines
        assert all(len(line) <= 40 for line in lines), lines
END
finish
