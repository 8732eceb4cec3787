#!/bin/sh
# tmp write: the target is the old file or all of the new one, whatever happens. As root also as an ordinary user.
# write_signals.sh, write_terminal.sh and write_full_disk.sh have the rest.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

chmod 755 "$scratch"
mkdir d
umask 022

# holds TEXT: the target does, and nothing else is in its directory.
holds() {
    is "$(cat d/f)" "$1" "what is in the target"
    is "$(ls -A d)" f "what is in its directory"
}
mode_is() {
    is "$(stat -c %a d/f)" "$1" "the mode of the target, $2"
}
# writes TEXT OPTIONS...
writes() {
    printf %s "$1" >"$scratch/text"
    shift
    exits 0 "$tool" write "$@" <"$scratch/text"
    is "$(cat "$scratch/err")" "" "what is said of write $*"
    is "$(out)" "" "what is printed of write $*"
}

# --- From standard input ---

writes new d/f
holds new
writes newer d/f
holds newer
writes '' d/f
holds ''
printf '1 x\n2\n3 x\n' >d/f
grep x d/f | "$tool" write d/f || fail "grep x f | tmp write f"
holds '1 x
3 x'
exits 0 "$tool" write d/f <d/f
holds '1 x
3 x'

# Large ones, whose size is known and is not.
yes 0123456789 | head -c 200000000 >big
exits 0 "$tool" write d/f <big
cmp big d/f || fail "200 MB from a file"
cat big | "$tool" write d/f || fail "200 MB from a pipe"
cmp big d/f || fail "200 MB from a pipe"
(head -c 100000001 >skipped && "$tool" write d/f) <big || fail "from the middle of a file"
tail -c 99999999 big | cmp - d/f || fail "from the middle of a file"
rm skipped big

# Where the shell and CLI11 have their own ideas of a name.
cd d || exit 1
for name in '{}' '[a,b]' 'a b' x= ./-x ./--x= ./--; do
    writes "$name" "$name"
    is "$(cat "$name")" "$name" "what is in $name"
    rm "$name"
done
cd ..

# --- From a command ---

exits 0 "$tool" write d/f -- printf '<%s>' --mode=x -v --x= '' '{}' '[a,b]' -- --help
holds '<--mode=x><-v><--x=><><{}><[a,b]><--><--help>'
exits 0 "$tool" write d/f -- true
holds ''
echo x >d/f
exits 0 "$tool" write --if-changed d/f --durable -- sed 's/x/y/' d/f
holds y
echo through | exits 0 "$tool" write d/f -- cat
holds through
exits 0 sh -c '"$@" <&-' sh "$tool" write d/f -- sh -c 'echo closed; ! [ -e /proc/$$/fd/0 ]'
holds closed
exits 0 sh -c '"$@" <&- >&- 2>&-' sh "$tool" write d/f -- echo closed
holds closed

# It gets what the caller had, and nothing of ours; also in what it makes of its file.
ls /proc/self/fd >fds
exits 0 "$tool" write d/f -- ls /proc/self/fd
is "$(wc -l <d/f)" "$(wc -l <fds)" "open descriptors"
for environment in --default-signal --ignore-signal=PIPE,XFSZ --ignore-signal=CHLD --block-signal=TERM,CHLD; do
    env "$environment" grep '^Sig[PBIC]' /proc/self/status >signals
    exits 0 env "$environment" "$tool" write d/f -- grep '^Sig[PBIC]' /proc/self/status
    is "$(cat d/f)" "$(cat signals)" "signals of env $environment"
done
export TMPDIR="$scratch/of-the-caller"
exits 0 "$tool" write d/f -- printenv TMPDIR
holds "$TMPDIR"
unset TMPDIR

# The old file stays, and the status is the command's.
echo old >d/f
exits 3 "$tool" write d/f -- sh -c 'echo new; exit 3'
holds old
exits 137 "$tool" write d/f -- sh -c 'echo new; kill -9 $$'
holds old
exits 1 "$tool" write d/f -- grep x d/f
holds old
exits 127 "$tool" write d/f -- nonexistent
is "$(cat err)" 'tmp write: command "nonexistent" is not found; see $PATH, or say its path' "what is said"
holds old
exits 126 "$tool" write d/f -- d/f
is "$(cat err)" 'tmp write: command "d/f" cannot be executed: Permission denied' "what is said"
holds old
rm d/f
exits 3 "$tool" write d/f -- sh -c 'echo new; exit 3'
empty d

# --- Rules ---

for mask in 022 077 000; do
    umask "$mask"
    writes new d/f
    mode_is "$(printf '%o' $((0666 & ~mask)))" "with umask $mask"
    rm d/f
    exits 0 "$tool" write d/f -- echo new
    mode_is "$(printf '%o' $((0666 & ~mask)))" "with umask $mask, from a command"
    writes new --mode 0751 d/f
    mode_is 751 "with umask $mask and --mode"
    writes newer d/f
    mode_is 751 "which it had before, with umask $mask"
    rm d/f
    writes new --mode=0 d/f
    mode_is 0 "with umask $mask and --mode=0"
    rm -f d/f
done
umask 022

echo same >d/f
chmod 640 d/f
touch -d 2001-02-03 d/f
before=$(stat -c '%i %Y %a' d/f)
writes 'same
' --if-changed d/f
is "$(stat -c '%i %Y %a' d/f)" "$before" "inode, time and mode with --if-changed"
exits 0 "$tool" write --if-changed d/f -- echo same
is "$(stat -c '%i %Y %a' d/f)" "$before" "inode, time and mode with --if-changed, from a command"
holds same
writes other --if-changed d/f
holds other
mode_is 640 "which is kept"
[ "$(stat -c %Y d/f)" -gt 1000000000 ] || fail "a changed file has its old time"
before=$(stat -c '%i %Y' d/f)
writes other --if-changed --mode 0640 d/f
is "$(stat -c '%i %Y' d/f)" "$before" "inode and time with the mode that it has"
writes other --if-changed --mode 0600 d/f
mode_is 600 "which is another one"
holds other

mkdir sub
echo old >sub/real
ln -s ../sub/real d/link
writes new d/link
is "$(readlink d/link)" ../sub/real "the link"
is "$(cat sub/real)" new "what it leads to"
ln -sf ../sub/made d/link
writes new d/link
is "$(cat sub/made)" new "what a link to nothing leads to"
is "$(ls sub)" "made
real" "what is in the directory it leads to"
rm -r sub d/link

for how in --noclobber "--noclobber --if-changed"; do
    # shellcheck disable=SC2086  # options
    exits 1 "$tool" write $how d/f </dev/null
    is "$(cat err)" "tmp write: TARGET is left as it is; without --noclobber it is replaced: File exists [$scratch/d/f]" \
        "what is said of $how"
done
exits 125 "$tool" write --noclobber d/f -- touch ran
[ ! -e ran ] || fail "the command ran though its output cannot be published"
holds other
rm d/f
writes new --noclobber d/f
holds new

# Several that saw no target: one of them gets the name.
rm d/f
mkfifo gate
exec 3<>gate 4<gate
jobs=
for _ in 1 2 3 4 5 6; do
    "$tool" write --noclobber d/f <&4 3>&- 2>/dev/null &
    jobs="$jobs $!"
done
exec 4<&-
for job in $jobs; do
    # until it has made its file
    until find "/proc/$job/fd" -lname '*(deleted)' 2>/dev/null | grep -q . || ! kill -0 "$job"; do :; done
done
exec 3>&-
winners=0
for job in $jobs; do
    wait "$job" && winners=$((winners + 1))
done
is "$winners" 1 "how many of six got the name"
holds ''
rm gate

# --- What fails ---

echo old >d/f
exits 1 sh -c '"$1" write d/f <&-' sh "$tool"
is "$(cat err)" "tmp write: cannot read standard input: Bad file descriptor" "what is said"
exits 1 "$tool" write d/f <.
says "tmp write: cannot read standard input: Is a directory"
holds old
exits 1 "$tool" write d/none/f </dev/null
is "$(cat err)" "tmp write: cannot publish; make the directory, or name one in which files can be made: No such file or \
directory [$scratch/d/none]" "what is said"
exits 1 "$tool" write d/f/f </dev/null
says "Not a directory [$scratch/d/f]"
exits 1 "$tool" write d </dev/null
says "tmp write: cannot publish: the target is a directory; name a file in it: Is a directory [$scratch/d]"
exits 1 "$tool" write d/ </dev/null
says "Is a directory [$scratch/d/]"
mkfifo fifo
for special in /dev/null /dev/full "$scratch/fifo"; do
    exits 1 "$tool" write "$special" </dev/null
    says "the target is a device, FIFO or socket; write to it instead: Invalid argument [$special]"
    exits 125 "$tool" write "$special" -- echo x
done
exits 125 "$tool" write d/none/f -- touch ran
[ ! -e ran ] || fail "the command ran though its output cannot be published"
mkdir gone
exits 125 "$tool" write gone/f -- sh -c 'echo new; rmdir gone'
says "[$scratch/gone]"
holds old
if [ "$(id -u)" != 0 ]; then
    chmod 555 d
    exits 1 "$tool" write d/f </dev/null
    says "Permission denied [$scratch/d"
    chmod 755 d
    holds old
fi

exits 2 "$tool" write </dev/null
says 'tmp write: there is no TARGET; name the file, before "--"'
exits 2 "$tool" write -- echo x
says 'tmp write: there is no TARGET'
exits 2 "$tool" write '' </dev/null
exits 2 "$tool" write d/f --
says 'tmp write: there is no command behind "--"'
exits 2 "$tool" write d/f cat
says 'tmp write: unexpected argument "cat"; a command stands behind "--"'
for mode in 8 0o644 -1 10000 rw-r--r-- '' ' 644' 644x; do
    exits 2 "$tool" write --mode "$mode" d/f </dev/null
    is "$(cat err)" "tmp write: --mode \"$mode\" is no mode; say it in octal digits, as --mode 0644" "what is said of $mode"
done
exits 2 "$tool" write d/f --mode -- echo x
says 'tmp write: option "--mode" needs a value'
exits 2 "$tool" write --durable=x d/f
holds old

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    # In a directory of a group, whoever may write to it replaces a file of somebody else, but cannot give it back.
    chmod 777 d
    as_user "$tool" write d/f </dev/null 2>err || fail "another user's file: $(cat err)"
    is "$(cat err)" "tmp write: the new file is not given, as the old one had it: owner, group [$scratch/d/f]" "what is said"
    holds ''
    PATH=/usr/bin:/bin as_user sh "$here/write.sh" "$@" || fail "as an ordinary user"
fi
finish
