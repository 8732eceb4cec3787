#!/bin/sh
# S10: root sweeps for all users, with their rights: what a user's registry says of others' files is left.
if [ "$(id -u)" != 0 ]; then
    echo "SKIPPED: sweeping for other users needs root"
    exit 77
fi
if [ "${IN_PRIVATE_TMP:-}" != yes ]; then
    # /tmp and /var/tmp of our own: the registries of this machine are none of our business.
    unshare -m true 2>/dev/null || { echo "SKIPPED: there are no mount namespaces here"; exit 77; }
    # shellcheck disable=SC2016
    exec env IN_PRIVATE_TMP=yes unshare -m sh -c '
        mount -t tmpfs -o mode=1777 tmpfs /tmp && mount -t tmpfs -o mode=1777 tmpfs /var/tmp && exec sh "$0" "$@"' "$0" "$@"
fi
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"
chmod 755 .
unset TEMPFILE_REGISTRY
user=61234 # of nobody else on this machine

# A process of that user, killed: the victim says so when it has made a file and a directory.
leave_something() {
    mkfifo said
    chmod 666 said
    TMPDIR="$scratch/theirs" setpriv --reuid=$user --regid=$user --clear-groups "$3" >said &
    victim=$!
    read -r _ <said
    kill -9 "$victim"
    wait "$victim" 2>/dev/null
    rm said
}

mkdir -m 1777 theirs
leave_something "$@"
is "$(ls theirs | wc -l)" 2 "what the killed program left"

exits 0 "$tool" sweep --all-users -n
is "$(grep -c "^would remove $scratch/theirs/" out)" 2 "what would go"
exits 0 "$tool" sweep --all-users -n --print0
is "$(tr '\0' '\n' <out | grep -c "^$scratch/theirs/")" 2 "what would go, for programs"
exits 0 "$tool" sweep --all-users --json
is "$(python3 -c 'import json; print([(u["user"], len(u["removed"]), len(u["left"])) for u in json.load(open("out"))])')" \
    "[($user, 2, 0)]" "JSON by user"
empty theirs

# The user's own program can stop what root runs as that user, if that takes long enough: it does not wait for ever.
leave_something "$@"
setpriv --reuid=$user --regid=$user --clear-groups /usr/bin/python3 -c '
import sys
for n in range(20000):
    open(f"{sys.argv[1]}/new-{n}", "w").close()' "/var/tmp/tempfile-$user"
mkfifo ready
setpriv --reuid=$user --regid=$user --clear-groups /usr/bin/python3 -c '
import os, signal
print("ready", flush=True)
while True:
    try:
        os.kill(-1, signal.SIGSTOP)  # all that this user may
    except ProcessLookupError:
        pass' >ready &
stopper=$!
read -r _ <ready
exits 1 "$tool" sweep --all-users --at-most 1
kill "$stopper"
wait "$stopper" 2>/dev/null
says "tmp sweep: user $user: it took too long, and it was given up"
exits 0 "$tool" sweep --all-users
empty theirs

# The same again, and then the user writes into its registry what root could remove.
leave_something "$@"
mkdir -m 755 roots roots/directory
echo canary >roots/passwd
echo canary >roots/directory/canary
ln roots/passwd theirs/hard
ln -s "$scratch/roots/passwd" theirs/link
ln -s "$scratch/roots" theirs/linked
python3 - "/var/tmp/tempfile-$user" "$scratch" <<'END'
import glob, os, struct, sys

def checksum(path, kind):
    mask = (1 << 64) - 1
    total = 0x9e3779b97f4a7c15 ^ (kind << 32) ^ len(path)
    for at in range(0, len(path), 8):
        word = int.from_bytes(path[at:at + 8], "little")
        total = (total ^ word) * 0xff51afd7ed558ccd & mask
        total = (total << 31 | total >> 33) & mask
    return total

def slot(path, kind, inode=0, device=0):
    path = path.encode()
    return struct.pack("<IIIIQQQQQQ192s", 2, 0, len(path), kind, 0, 0, device, inode, 0, checksum(path, kind), path)

registry, = glob.glob(sys.argv[1] + "/*")
here = sys.argv[2]
directory = os.stat(here + "/roots/directory")
wishes = [slot(here + "/roots/passwd", 1), slot(here + "/theirs/../roots/passwd", 1), slot(here + "/theirs/hard", 1),
          slot(here + "/theirs/link", 1), slot(here + "/theirs/linked/passwd", 1),
          slot(here + "/roots/directory", 2, directory.st_ino, directory.st_dev)]
with open(registry, "r+b") as file:
    file.seek(100 * 256)
    file.write(b"".join(wishes))
END
exits 1 "$tool" sweep --all-users -v
is "$(grep -c "^removed $scratch/theirs/" out)" 2 "what went: the user's own"
is "$(cat roots/passwd roots/directory/canary theirs/hard)" "canary
canary
canary" "what is root's"
is "$(grep -c "was left" err)" 6 "what is told to be left"

# Directories that are not their user's alone are not looked into.
chmod 755 "/var/tmp/tempfile-$user"
mkdir -m 700 /tmp/tempfile-1234
exits 0 "$tool" sweep --all-users --json
is "$(cat out)" "[]" "whose registries are swept"

exits 2 env TEMPFILE_REGISTRY=/var/tmp "$tool" sweep --all-users
says "unset it"
if as_user "$tool" --version >/dev/null 2>&1; then
    exits 2 as_user "$tool" sweep --all-users
    says "is for root"
fi
finish
