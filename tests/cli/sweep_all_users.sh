#!/bin/sh
# S10: root sweeps for all users, with their rights: what a user's registry says of others' files is left.
# And it lists what they have, and is told what they left.
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
export TERMINAL="$here" PYTHONDONTWRITEBYTECODE=1
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
head -c 3000000 /dev/zero >"$(find theirs -type d -name 'tmp*')/large"
mine=$("$tool" file --until-pid $$)

# What is there is listed, and whose it is; an ordinary tmp ls has root's alone.
exits 0 "$tool" ls
! grep -q "theirs" out || fail "another user's is listed: $(out)"
exits 0 "$tool" ls --all-users
is "$(head -n 1 out | awk '{ print $1, $4, $5 }')" "KIND USER PID" "the header"
is "$(grep -c KIND out)" 1 "how many headers"
is "$(awk -v here="$scratch/theirs/" 'index($NF, here) == 1 { print $5, $(NF - 1) }' out)" "$user dead
$user dead" "whose it is"
is "$(awk -v mine="$mine" '$NF == mine { print $5, $(NF - 1) }' out)" "0 alive" "whose root's is"
exits 0 "$tool" ls --all-users --print0
is "$(tr '\0' '\n' <out | grep -c "^$scratch/theirs/")" 2 "what is listed, for programs"
is "$(tr '\0' '\n' <out | grep -cxF "$mine")" 1 "root's, for programs"
exits 0 "$tool" ls --all-users --json
python3 - "$scratch/theirs/" "$mine" $user <<'END' || fail "JSON: $(out)"
import json, sys
theirs, mine, user = sys.argv[1:]
said = json.load(open("out"))
assert [i["user"] for i in said if i["path"].startswith(theirs)] == [int(user)] * 2, said
assert [(i["user"], i["owner"]) for i in said if i["path"] == mine] == [(0, "alive")], said
assert sorted(i["bytes"] for i in said if i["user"] == int(user))[1] >= 3000000, said
END
exits 0 "$tool" ls --json
! grep -q '"user"' out || fail "whose it is goes without saying: $(out)"
PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 python3 - "$tool" "$scratch/theirs/" $user <<'END' || fail "ls at 40 columns"
import sys
from terminal import Terminal
terminal = Terminal(sys.argv[1], "ls", "--all-users", columns=40)
assert terminal.expect_end() == 0, terminal.all
lines = terminal.all.replace("\r", "").splitlines()
assert all(len(line) <= 40 for line in lines if not line.startswith("/")), lines
assert sum(line.startswith(sys.argv[2]) for line in lines) == 2, lines
assert " ".join(terminal.all.split()).count(f"of user {sys.argv[3]}, dead") == 2, lines
END
status=0
"$tool" doctor --json >out 2>err || status=$?
[ $status -le 1 ] && python3 - $user <<'END' || fail "what others left: $(cat out err)"
import json, sys
of_others, = (f for f in json.load(open("out"))["findings"] if "-of-others" in f["id"])
assert of_others["level"] == "warning", of_others
assert of_others["what"] == "2 files and directories of other users' dead programs are still there", of_others
assert of_others["means"] == f"User {sys.argv[1]}: 2 files and directories, 2.8 MiB.", of_others
assert of_others["remedy"].startswith("tmp sweep --all-users removes them"), of_others
END
"$tool" doctor >out 2>err || true
prints "ok       your dead programs left nothing"

exits 0 "$tool" sweep --all-users -n
is "$(grep -c "^would remove $scratch/theirs/" out)" 2 "what would go"
exits 0 "$tool" sweep --all-users -n --print0
is "$(tr '\0' '\n' <out | grep -c "^$scratch/theirs/")" 2 "what would go, for programs"
exits 0 "$tool" sweep --all-users --json
is "$(python3 -c 'import json; print([(u["user"], len(u["removed"]), len(u["left"])) for u in json.load(open("out"))])')" \
    "[(0, 0, 0), ($user, 2, 0)]" "JSON by user"
empty theirs
"$tool" doctor >out 2>err || true
prints "ok       other users' dead programs left nothing"

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

# When it is ended by a signal, so is what it runs as that user.
if strace -o /dev/null true 2>/dev/null; then
    leave_something "$@"
    dir=$(find "$scratch/theirs" -mindepth 1 -type d)
    for n in $(seq 300); do : >"$dir/$n"; done
    env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -DD -f -o /dev/null -e trace=unlinkat \
        -e inject=unlinkat:delay_enter=20000 "$tool" sweep --all-users &
    sweeper=$!
    python3 - "$dir" "$sweeper" <<'END' || fail "a sweep of all users that is ended"
import os, signal, sys
sys.path.insert(0, os.environ["TERMINAL"])
from terminal import soon

directory, sweeper = sys.argv[1], int(sys.argv[2])
soon("something is removed", lambda: len(os.listdir(directory)) < 300)
with open(f"/proc/{sweeper}/task/{sweeper}/children") as file:
    child, = map(int, file.read().split())
os.kill(sweeper, signal.SIGTERM)


def is_gone():
    try:
        with open(f"/proc/{child}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


soon("the process of that user is gone", is_gone)
if not os.listdir(directory):
    sys.exit("it went on to its end")
END
    status=0
    wait "$sweeper" 2>/dev/null || status=$?
    is "$status" 143 "what the sweep dies of"
    exits 0 "$tool" sweep --all-users
    empty theirs
else
    echo "skipped: nothing can be traced here"
fi

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

# What is in a damaged registry is not known.
head -c 100000 /dev/zero >"/var/tmp/tempfile-$user/damaged"
chown $user "/var/tmp/tempfile-$user/damaged"
"$tool" doctor >out 2>err || true
prints "warning  not all that dead programs of user $user left is known"
prints "registries of theirs that cannot be read"
! grep -q "other users' dead programs left nothing" out || fail "nobody can know that: $(out)"

# Directories that are not their user's alone are not looked into.
chmod 755 "/var/tmp/tempfile-$user"
mkdir -m 700 /tmp/tempfile-1234
for command in sweep ls; do
    exits 0 "$tool" $command --all-users --json
    is "$(python3 -c 'import json; print([u["user"] for u in json.load(open("out"))])')" "[0]" "who is looked at by $command"
done
exits 0 "$tool" ls --all-users
is "$(awk 'NR > 1 { print $5, $NF }' out)" "0 $mine" "who is looked at, in the table"

for command in sweep ls; do
    exits 2 env TEMPFILE_REGISTRY=/var/tmp "$tool" $command --all-users
    says "unset it"
    if as_user "$tool" --version >/dev/null 2>&1; then
        exits 2 as_user "$tool" $command --all-users
        says "--all-users is for root; without it, tmp $command l"
    fi
done
if as_user "$tool" --version >/dev/null 2>&1; then
    as_user "$tool" doctor >out 2>err || true
    ! grep -q "other users" out || fail "no ordinary user can know that: $(out)"
fi
finish
