#!/bin/sh
# tmp doctor: each thing that makes temporary files go wrong is arranged for real, in a mount namespace, as root and as an
# ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"
unset XDG_RUNTIME_DIR TEMPFILE_REGISTRY
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

if [ "${4-}" != mounted ]; then
    exits 1 sh -c '"$1" doctor >/dev/full' sh "$tool"
    says "tmp doctor: cannot write to standard output: No space left on device"
    exits 1 env TMPDIR="$(printf '/\377\033')" "$tool" doctor
    prints 'problem  $TMPDIR is /\xff\x1b, which cannot be used: No such file or directory'
    exits 1 env TMPDIR="$(printf '/\377\033')" "$tool" doctor --json --deleted
    python3 - <<'END' || fail "JSON: $(out)"
import json
said = json.load(open("out"))
first = said["findings"][1]
assert first["id"] == "variable-unusable" and first["level"] == "problem" and first["subject"] == "$TMPDIR", first
assert "/\ufffd\x1b" in first["what"] and first["means"] and first["remedy"], first
assert {"bytes", "files", "files_of_unknown_size", "unseen_processes", "processes"} == set(said["deleted"])
END
    unshare --mount true 2>/dev/null || {
        [ "$failures" = 0 ] || finish
        echo "SKIPPED: needs the right to mount (root)"
        exit 77
    }
    unshare --mount sh "$here/doctor.sh" "$1" "$2" "$3" mounted || failures=1
    finish
fi

# --- A world in which all is well, and what is to be changed in it ---

chmod 755 "$scratch"
cp "$tool" tmp
cp "$3" victim
mkdir -m 1777 tmp-of-world var-tmp-of-world place
mkdir -m 755 bin
echo 1 >one
echo 0 >zero
echo '#!/bin/sh' >bin/systemd-tmpfiles
chmod 755 bin/systemd-tmpfiles
PATH=/mnt/bin:$PATH

made=$scratch
scratch=/mnt
arrange() {
    mount --bind "$made" /mnt && cd /mnt && mount --bind tmp-of-world /tmp &&
        trap 'cd / && umount /tmp && rm -rf "$made"' EXIT && mount --bind var-tmp-of-world /var/tmp &&
        mount -t tmpfs tmpfs /run && mkdir /run/tmpfiles.d || exit 1
    for dir in /etc/tmpfiles.d /usr/local/lib/tmpfiles.d /usr/lib/tmpfiles.d; do
        [ ! -d $dir ] || mount -t tmpfs tmpfs $dir || exit 1
    done
    for name in symlinks hardlinks regular fifos; do
        mount --bind one /proc/sys/fs/protected_$name || exit 1
    done
}
arrange

# world STATUS SETUP COMMAND...: as the user $user, after SETUP, which is undone
world() {
    expected_of_world=$1 setup=$2
    shift 2
    # shellcheck disable=SC2016
    exits "$expected_of_world" unshare --mount sh -c 'set -e; eval "$1"; user=$2; shift 2
        exec setpriv --reuid="$user" --regid="$user" --clear-groups env "$@"' sh "$setup" "$user" "$@"
    chmod 1777 tmp-of-world var-tmp-of-world
    rm -rf tmp-of-world/* var-tmp-of-world/*
}

# finds LINE: as it begins
finds() {
    grep -qF -- "$1" out && grep -q "^$(printf '%s' "$1" | sed 's/[][\.*^$]/\\&/g')" out || fail "\"$1\" is not found: $(out)"
}

memory="mount -t tmpfs -o mode=1777"
for user in 0 65534; do
    [ $user = 0 ] || as_user ./tmp --version >/dev/null 2>&1 || continue
    world 0 : ./tmp doctor
    finds "ok       temporary files go to /tmp (default)"
    finds "ok       /tmp: "
    finds "ok       /var/tmp: "
    finds "ok       what killed programs leave is written down"
    finds "ok       your dead programs left nothing"
    [ -n "$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v tmpreaper tmpwatch)" ] ||
        finds "ok       no cleaner that removes by age was found; looked for: tmpreaper, tmpwatch, tmpfiles.d"
    finds "ok       fs.protected_symlinks is 1"
    prints 'links of others are not followed: "Permission denied"'
    ! grep -q "^problem\|deleted" out || fail "what is not there is found: $(out)"

    # Variables.
    world 1 : TMPDIR=/nonexistent ./tmp doctor
    finds 'problem  $TMPDIR is /nonexistent, which cannot be used: No such file or directory'
    prints "         -> Make the directory usable, or: unset TMPDIR"
    world 1 : TMP=/proc ./tmp doctor
    finds 'problem  $TMP is /proc, which cannot be used: '
    world 0 : TMPDIR=place ./tmp doctor
    finds 'warning  $TMPDIR is place, which is no absolute path'

    # The sticky bit, and who owns it.
    world 1 'chmod 777 /tmp' ./tmp doctor
    finds "problem  /tmp can be written to by everybody, without the sticky bit"
    prints '         -> chmod +t /tmp'
    world 0 "mkdir -m 770 group; chown $user group" TMPDIR=/mnt/group ./tmp doctor
    finds "warning  /mnt/group can be written to by its group, without the sticky bit"
    rm -r group
    world 0 'chown 12345 /var/tmp' ./tmp doctor
    finds "warning  /var/tmp belongs to user 12345"
    chown 0 var-tmp-of-world

    # What the directories are.
    world 0 "$memory,size=1m tmpfs /tmp" ./tmp doctor
    finds "note     /tmp is in memory (tmpfs, 1 MiB free)"
    finds "warning  /tmp has only 1 MiB free"
    world 0 "$memory,size=500m tmpfs /tmp" ./tmp doctor
    finds "note     /tmp has only 500 MiB free"
    world 0 "$memory,nr_inodes=100 tmpfs /tmp" ./tmp doctor
    finds "warning  /tmp has room for only 99 more files"
    world 0 "$memory,noexec tmpfs /var/tmp" ./tmp doctor
    finds "warning  /var/tmp is mounted with noexec"
    prints "TMPDIR=\$(tmp where --exec)"
    world 1 "$memory,ro tmpfs /tmp" ./tmp doctor
    finds "problem  no file can be made in /tmp: Read-only file system"
    prints '         -> As root, remount its disk writable, or: mount -t tmpfs -o mode=1777 tmpfs /tmp'
    finds "ok       temporary files go to /var/tmp (default)"
    world 1 "$memory,nr_inodes=1 tmpfs /tmp" ./tmp doctor
    finds "problem  no file can be made in /tmp: No space left on device"
    prints '         -> Remove something there: bytes (df /tmp) or files (df -i /tmp) are used up.'
    if [ $user != 0 ]; then
        world 1 "chmod 755 /tmp" ./tmp doctor
        finds "problem  no file can be made in /tmp: Permission denied"
        prints '         -> As root: chmod 1777 /tmp'
    fi
    world 0 "$memory,ro tmpfs /var/tmp" ./tmp doctor
    finds "warning  no file can be made in /var/tmp: Read-only file system"
    world 1 "$memory,ro tmpfs /tmp; $memory,ro tmpfs /var/tmp; cd /proc" /mnt/tmp doctor
    finds "problem  temporary files cannot be made anywhere"
    is "$(sed -n 2p out | grep -o "Read-only file system" | wc -l)" 1 "how often the reason is said"
    finds "warning  no registry can be made"
    prints "         -> Set TEMPFILE_REGISTRY to a directory of yours, with mode 0700, that you can write to."
    ! grep -q "your dead programs left nothing" out || fail "nobody can know that: $(out)"
    if command -v bindfs >/dev/null; then
        mkdir bound
        bindfs -o allow_other place bound
        world 0 : TMPDIR=/mnt/bound ./tmp doctor
        umount bound
        rmdir bound
        finds "note     /mnt/bound cannot have files without a name (O_TMPFILE, fuse"
    else
        echo "SKIPPED: bindfs is not installed"
    fi

    # The registry, and what is in it.
    world 0 "mkdir -m 755 /var/tmp/tempfile-$user" ./tmp doctor
    finds "note     the registry is /tmp/tempfile-$user/"
    prints "It should have been elsewhere (/var/tmp/tempfile-$user: Operation not permitted)"
    world 0 "mkdir -m 755 /var/tmp/tempfile-$user /tmp/tempfile-$user" ./tmp doctor
    finds "warning  no registry can be made"
    prints "/tmp/tempfile-$user: Operation not permitted"
    prints "         -> Have what is in its place removed"
    world 1 "$memory,nr_inodes=1 tmpfs /var/tmp; $memory,nr_inodes=1 tmpfs /tmp" TMPDIR=/mnt/place ./tmp doctor
    finds "warning  no registry can be made"
    prints "         -> Make room there, or set TEMPFILE_REGISTRY to a directory of yours where there is some."
    world 0 "mkdir -m 700 /var/tmp/tempfile-$user; head -c 100000 /dev/zero >/var/tmp/tempfile-$user/r-none
        chown -R $user /var/tmp/tempfile-$user" ./tmp doctor
    finds "warning  /var/tmp/tempfile-$user/r-none cannot be read"
    prints "It is left alone, with what it lists: it is no registry, or a damaged one"
    ! grep -q "your dead programs left nothing" out || fail "nobody can know that: $(out)"
    # shellcheck disable=SC2016
    world 0 : sh -c 'mkfifo /tmp/said
        TMPDIR=/tmp ./victim >/tmp/said & read -r _ </tmp/said; kill -9 $!; wait $! 2>/dev/null; exec ./tmp doctor'
    finds "warning  2 files and directories of your dead programs are still there"
    prints "tmp sweep removes them"

    # What is set, and forgotten.
    world 0 : TEMPFILE_KEEP=1 TEMPFILE_SWEEP=0 ./tmp doctor
    finds "warning  TEMPFILE_KEEP is 1"
    finds "note     TEMPFILE_SWEEP is 0"
    world 0 : TEMPFILE_REGISTRY=relative ./tmp doctor
    finds "warning  no registry can be made"
    prints '($TEMPFILE_REGISTRY is set, and no absolute path)'
    odd="odd\$(id)'"
    mkdir -m 777 "$odd"
    world 1 : TMPDIR="/mnt/$odd" ./tmp doctor
    prints "-> chmod +t '/mnt/odd\$(id)'\\'''"
    rm -rf odd*

    # Cleaners.
    for name in tmpreaper tmpwatch; do
        cp bin/systemd-tmpfiles bin/$name
        world 0 : ./tmp doctor
        finds "warning  $name is installed"
        rm bin/$name
    done
    world 0 'mount -t tmpfs tmpfs /run/tmpfiles.d
        printf "#D /tmp 1777 root root 1d\nq \"/tmp\" 1777 root root 10d\n" >/run/tmpfiles.d/a.conf
        echo "d /tmp 1777 root root 5d" >/run/tmpfiles.d/b.conf
        echo "d /tmp 1777 root root 5d" >/run/tmpfiles.d/a.other
        echo "x /var/tmp - - - 5d" >/run/tmpfiles.d/c.conf' ./tmp doctor
    finds "note     systemd-tmpfiles is set to remove what is older than 10d from /tmp"
    prints "/run/tmpfiles.d/a.conf says so"
    is "$(grep -c "set to remove what is older" out)" 1 "how many are cleaned by age"
    world 0 'mount -t tmpfs tmpfs /run/tmpfiles.d
        printf "d /tmp 1777 root root bmA:3d\nd /var/tmp 1777 root root \"~aAbBcCmM:12h\"\n" >/run/tmpfiles.d/a.conf' \
        ./tmp doctor
    finds "note     systemd-tmpfiles is set to remove what is older than 3d from /tmp"
    finds "note     systemd-tmpfiles is set to remove what is older than 12h from /var/tmp"
    world 0 'mount -t tmpfs tmpfs /run/tmpfiles.d
        printf "d /tmp 1777 root root ~3d\n" >/run/tmpfiles.d/a.conf' ./tmp doctor
    finds "note     systemd-tmpfiles is set to remove what is older than 3d from /tmp"
    is "$(grep -c "set to remove what is older" out)" 1 "how many are cleaned by age"
    if [ -d /etc/tmpfiles.d ]; then
        world 0 'mount -t tmpfs tmpfs /run/tmpfiles.d; mount -t tmpfs tmpfs /etc/tmpfiles.d
            echo "d /tmp 1777 root root 5d" >/run/tmpfiles.d/a.conf
            echo "d /tmp 1777 root root -" >/etc/tmpfiles.d/a.conf
            echo "d /var/tmp 1777 root root 30d" >/etc/tmpfiles.d/b.conf' ./tmp doctor
        finds "note     systemd-tmpfiles is set to remove what is older than 30d from /var/tmp"
        is "$(grep -c "set to remove what is older" out)" 1 "how many are cleaned by age"
    else
        echo "SKIPPED: /etc/tmpfiles.d is not there"
    fi

    # The kernel.
    for name in symlinks hardlinks regular fifos; do
        word="warning"
        case $name in regular | fifos) word="note   " ;; esac
        world 0 "mount --bind zero /proc/sys/fs/protected_$name" ./tmp doctor
        finds "$word  fs.protected_$name is 0"
        prints "sysctl -w fs.protected_$name=1"
        is "$(grep -c "is 1$" out)" 3 "the others"
    done
    world 0 'mount -t tmpfs tmpfs /proc/sys/fs' ./tmp doctor
    finds "note     fs.protected_regular cannot be read"

    # Deleted files. What is open twice counts once, and what is memory by itself does not count.
    world 0 : python3 - <<'END'
import os, subprocess
files = [open("place/first", "w"), open("place/second", "w")]
again = os.dup(files[0].fileno())
memory = os.memfd_create("memory")
os.write(memory, b"m" * 100000)
for file in files:
    file.write("x" * 2 ** 20)
    file.flush()
    os.unlink(file.name)
subprocess.check_call(["./tmp", "doctor", "--deleted"])
END
    grep -Eq '^note     [2-9][0-9]* deleted files, open or mapped, takes? up ' out || fail "no deleted files: $(out)"
    grep -q '^         python3[0-9.]* ([0-9]*): 2 MiB in 2 deleted files$' out || fail "no process: $(out)"
    if [ $user = 0 ]; then
        ! grep -q "Only your own" out || fail "root sees all: $(out)"
    else
        prints "Only your own processes could be looked at; root sees all."
    fi
    # Those that are only mapped or executed, by one process and by two. Who may not follow the links of map_files is not
    # told the size, nor of a name that is left.
    world 0 : python3 - <<'END'
import ctypes, json, mmap, os, shutil, subprocess
libc = ctypes.CDLL(None)
libc.mmap.restype = libc.shmat.restype = ctypes.c_void_p
failed = None, ctypes.c_void_p(-1).value
kept = []
def keep(descriptor, size):  # which mmap.mmap would hold open
    flags = mmap.MAP_SHARED | (mmap.MAP_ANONYMOUS if descriptor < 0 else 0)
    assert libc.mmap(None, ctypes.c_size_t(size), mmap.PROT_READ, flags, descriptor, ctypes.c_long(0)) not in failed
def mapped(name, size, keep_open=False):
    file = open(name, "wb+")
    file.write(b"x" * size)
    file.flush()
    for again in range(2):
        keep(file.fileno(), size)
    if keep_open:
        kept.append(os.dup(file.fileno()))
    file.close()
    return name
for name in mapped("place/only-mapped", 3 * 2 ** 20), mapped("place/both", 2 ** 20, True):
    os.unlink(name)
mapped("place/there", 2 ** 20)
mapped("place/there (deleted)", 2 ** 20)
os.link(mapped("place/one-name", 2 ** 20), "place/other-name")
os.unlink("place/one-name")
memory = os.memfd_create("memory")
os.truncate(memory, 2 ** 20)
keep(memory, 2 ** 20)
keep(-1, 2 ** 20)
os.close(memory)
shared = libc.shmget(0, 2 ** 20, 0o1600)
assert shared >= 0 and libc.shmat(shared, None, 0) not in failed
libc.shmctl(shared, 0, None)
shutil.copy(shutil.which("sleep"), "place/program")
executing = subprocess.Popen(["place/program", "1000"])
child = os.fork()
if child == 0:
    os.kill(os.getpid(), 19)
os.waitpid(child, os.WUNTRACED)
os.unlink("place/program")
def run(*options):
    return subprocess.run(["./tmp", "doctor", "--deleted", *options], text=True, capture_output=True).stdout
text, said = run(), json.loads(run("--json"))
for process in executing.pid, child:
    os.kill(process, 9)
executing.wait()
try:
    os.stat("/proc/self/map_files/" + os.listdir("/proc/self/map_files")[0])
    told = True
except OSError:
    told = False
def files(pid):
    process, = (p for p in said["deleted"]["processes"] if p["pid"] == pid)
    return {f["path"]: f["bytes"] and f["bytes"] >> 20 for f in process["files"]}, process
expected = {"/mnt/place/both": 1, "/mnt/place/only-mapped": 3 if told else None}
if not told:
    expected["/mnt/place/one-name"] = None
for pid in os.getpid(), child:
    found, process = files(pid)
    assert found == expected, (found, expected)
    assert all((f["descriptor"] is not None) == f["path"].endswith("both") for f in process["files"]), process
    assert process["bytes"] == sum(f["bytes"] or 0 for f in process["files"]), process
assert list(files(executing.pid)[0]) == ["/mnt/place/program"], files(executing.pid)
assert files(executing.pid)[1]["bytes"] > 0
assert (said["deleted"]["files_of_unknown_size"] == 0) >= told, said
if not told:
    assert said["deleted"]["files_of_unknown_size"] >= 2, said
print(text, "told" if told else "not told")
END
    rm -f place/*
    grep -Eq '^note     [3-9][0-9]* deleted files, open or mapped, take up ' out || fail "no deleted files: $(out)"
    if grep -q "not told$" out; then
        prints ": 1 MiB in 1 deleted file, and 2 of unknown size"
        prints " deleted files that are only mapped is not told to you."
    else
        grep -q '^         python3[0-9.]* ([0-9]*): 4 MiB in 2 deleted files$' out || fail "no process: $(out)"
    fi
    # The leak checker of a sanitized build fails without /proc, and reads there that it should not be used.
    if unshare --mount sh -c 'mount -t tmpfs tmpfs /proc && ./tmp --version' >/dev/null 2>&1; then
        world 0 'mount -t tmpfs tmpfs /proc' ./tmp doctor --deleted
        finds "warning  deleted files cannot be looked for: No such file or directory"
        finds "ok       /tmp: unknown file system, "
        prints "         -> Mount /proc: without it nobody can tell whether a process still runs."
    else
        echo "SKIPPED: the tool does not run without /proc"
    fi
done
empty place
user=0

# A great deal, of another user, seen by root.
world 0 'truncate -s 1300M image; mkfs.ext4 -q -F -m 0 image; mkdir -p large; mount -o loop image large; rm image
    chmod 777 large' python3 - <<'END'
import os, subprocess
if os.fork() == 0:
    os.setuid(65534)
    file = os.open("large/file", os.O_RDWR | os.O_CREAT)
    os.posix_fallocate(file, 0, 2 ** 30)
    os.unlink("large/file")
    os.kill(os.getpid(), 19)
    os._exit(0)
child, _ = os.waitpid(-1, os.WUNTRACED)
said = subprocess.run(["./tmp", "doctor", "--deleted"], text=True, capture_output=True).stdout
print(said)
import json
more = json.loads(subprocess.run(["./tmp", "doctor", "--deleted", "--json"], text=True, capture_output=True).stdout)
process, = (p for p in more["deleted"]["processes"] if p["pid"] == child)
assert process["bytes"] >= 2 ** 30 and process["program"].startswith("python3"), process
assert process["files"][0]["path"] == "/mnt/large/file" and process["files"][0]["descriptor"] > 2, process
os.kill(child, 9)
END
grep -Eq '^warning  [0-9]+ deleted files?, open or mapped, takes? up [1-9][0-9.]* GiB$' out || fail "no warning: $(out)"

# A program that runs with more rights than its caller.
cp tmp privileged
chown 65533 privileged
chmod 4755 privileged
user=65534
# A sanitized program may refuse to be one.
if ! unshare --mount setpriv --reuid=65534 --regid=65534 --clear-groups ./privileged --version >/dev/null 2>&1; then
    echo "SKIPPED: this program does not run with more rights"
else
    world 0 : TMPDIR=/nonexistent ./privileged doctor
fi
if grep -q "is not looked at" out; then
    finds "note     the environment is not looked at"
    ! grep -q "TMPDIR is" out || fail "the environment is looked at: $(out)"
else
    echo "SKIPPED: there can be no set-user-id programs here"
fi
user=0

# Terminals: narrow, with colours and without.
world 0 'chmod 777 /tmp' python3 - "$scratch" <<'END'
import os, re, sys
sys.path.insert(0, os.environ["PYTHONPATH"])
from terminal import Terminal

def said(**environment):
    for name in "NO_COLOR", "TERM":
        os.environ.pop(name, None)
    os.environ.update(environment)
    terminal = Terminal("/mnt/tmp", "doctor", "--deleted", columns=40)
    assert terminal.expect_end() == 1
    return terminal.all.replace("\r", "")

coloured = said(TERM="xterm")
assert "\x1b[1;31mproblem\x1b[0m  /tmp can be written" in coloured, coloured
for plain in said(TERM="xterm", NO_COLOR="1"), said(TERM="dumb"), said():
    assert "\x1b" not in plain, plain
    assert re.sub("\x1b[^m]*m", "", coloured).splitlines()[:3] == plain.splitlines()[:3]
assert said(TERM="xterm", NO_COLOR="").splitlines()[:3] == coloured.splitlines()[:3]  # others delete files meanwhile
for line in plain.splitlines():
    assert len(line) <= 40 or " " not in line[9:].strip(), line
assert "problem  /tmp can be written to by\n         everybody, without the sticky\n" in plain, plain
assert plain.splitlines()[-1].startswith("1 problem"), plain
END
finish
