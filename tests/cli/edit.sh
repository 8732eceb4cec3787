#!/bin/sh
# tmp edit: a file goes through a command and is what comes out of it, if the command succeeds. As root also as an
# ordinary user. What it shares with tmp write is in write.sh.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

chmod 755 "$scratch"
mkdir d

holds() {
    is "$(cat d/f)" "$1" "what is in the target"
    is "$(ls -A d)" f "what is in its directory"
}

printf '2\n1\n2\n' >d/f
chmod 640 d/f
exits 0 "$tool" edit d/f -- sort -u
is "$(out)$(cat err)" "" "what is said"
holds '1
2'
is "$(stat -c %a d/f)" 640 "its mode"
exits 0 "$tool" edit --durable d/f -- sed 's/1/one/' -
holds 'one
2'
exits 0 "$tool" edit d/f -- cat
holds 'one
2'
exits 0 "$tool" edit d/f -- true
holds ''

yes 0123456789 | head -c 20000000 >d/f
exits 0 "$tool" edit d/f -- tr 0-9 a-j
yes abcdefghij | head -c 20000000 | cmp - d/f || fail "20 MB"

# With --if-changed.
echo same >d/f
touch -d 2001-02-03 d/f
before=$(stat -c '%i %Y' d/f)
exits 0 "$tool" edit d/f --if-changed -- cat
is "$(stat -c '%i %Y' d/f)" "$before" "inode and time with --if-changed"
exits 0 "$tool" edit d/f --if-changed -- sed s/same/other/
holds other

# Through a link.
mkdir sub
ln -s ../d/f sub/link
exits 0 "$tool" edit sub/link -- sed s/other/linked/
is "$(readlink sub/link)" ../d/f "the link"
holds linked

# Its streams are the command's, also where ours are closed; and nothing else is.
ls /proc/self/fd >fds
exits 0 "$tool" edit d/f -- ls /proc/self/fd
is "$(wc -l <d/f)" "$(wc -l <fds)" "open descriptors"
echo closed >d/f
exits 0 sh -c '"$@" <&- >&- 2>&-' sh "$tool" edit d/f -- sed 's/$/ streams/'
holds 'closed streams'
exits 0 "$tool" edit d/f -- sh -c 'readlink /proc/self/fd/0'
holds "$scratch/d/f"

# What fails.
echo old >d/f
exits 3 "$tool" edit d/f -- sh -c 'cat; exit 3'
holds old
exits 143 "$tool" edit d/f -- sh -c 'cat; kill $$'
holds old
exits 127 "$tool" edit d/f -- nonexistent
is "$(cat err)" 'tmp edit: command "nonexistent" is not found; see $PATH, or say its path' "what is said"
exits 126 "$tool" edit d/f -- d/f
holds old
exits 125 "$tool" edit d/none -- touch ran
is "$(cat err)" "tmp edit: there is no such file; \`tmp write\` makes one: No such file or directory [$scratch/d/none]" \
    "what is said"
ln -s none d/link
exits 125 "$tool" edit d/link -- touch ran
says "there is no such file"
rm d/link
exits 125 "$tool" edit d/none/f -- touch ran
says "tmp edit: cannot publish; make the directory"
exits 125 "$tool" edit d -- touch ran
says "tmp edit: cannot publish: the target is a directory; name a file in it"
mkfifo fifo
exits 125 "$tool" edit fifo -- touch ran
says "the target is a device, FIFO or socket"
if [ "$(id -u)" != 0 ]; then
    chmod 000 d/f
    exits 125 "$tool" edit d/f -- touch ran
    says "tmp edit: cannot read it: Permission denied [$scratch/d/f]"
    chmod 600 d/f
fi
[ ! -e ran ] || fail "the command ran though there is nothing to edit"
holds old

exits 2 "$tool" edit
says 'tmp edit: there is no TARGET'
exits 2 "$tool" edit d/f
says 'tmp edit: there is no command; say which, as tmp edit TARGET -- sort'
exits 2 "$tool" edit d/f --
says 'tmp edit: there is no command behind "--"'
exits 2 "$tool" edit d/f sort
says 'tmp edit: unexpected argument "sort"; a command stands behind "--"'
exits 2 "$tool" edit --noclobber d/f -- sort
says 'tmp edit: there is no option "--noclobber"'
holds old

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/edit.sh" "$@" || fail "as an ordinary user"
fi
finish
