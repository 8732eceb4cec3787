#!/bin/sh
# tmp file and tmp dir with --until-pid: gone when the process has ended, whichever way, and not before. As root also as
# an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

stage

# soon COMMAND...: waits until it succeeds.
soon() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 6000 ] || { fail "it does not come to be that $*" && break; }
        sleep 0.01
    done
}

no_registry() {
    [ -z "$(ls -A registry)" ]
}

nothing_left() {
    [ -z "$(ls -A into)" ] && no_registry
}

# An owner, who does nothing, in $owner. Ends by our hand only.
new_owner() {
    sh -c 'echo ready >said; exec cat hold' 3>&- 4>&- &
    owner=$!
    read -r _ <said
    soon grep -q cat "/proc/$owner/comm"
}

end_owner() {
    kill "-${1-KILL}" "$owner"
    wait "$owner" 2>/dev/null
}

# The processes that wait for the end of $1.
watchers_of() {
    grep -alP -- "--until-pid\\x00$1\\x00" /proc/[0-9]*/cmdline 2>/dev/null | cut -d / -f 3
}

# --- It goes ---

for signal in KILL TERM; do
    new_owner
    exits 0 "$tool" dir --until-pid "$owner" --prefix p-
    dir=$(out)
    matches "$dir" "$scratch/into/p-*"
    is "$(stat -c %a "$dir")" 700 "its mode"
    exits 0 "$tool" file --until-pid "$owner" --suffix .log
    file=$(out)
    matches "$file" "$scratch/into/tmp*.log"
    is "$(stat -c %a "$file")" 600 "its mode"
    mkdir -p "$dir/a/b" && echo x >"$dir/a/b/c" && ln -s / "$dir/link" && chmod 0 "$dir/a"
    echo more >"$file"
    exits 0 "$tool" ls
    is "$(grep -c " $owner *cat .* alive " out)" 2 "what tmp ls shows"
    exits 0 "$tool" sweep -v
    is "$(grep -c "was left alone: cat ($owner) runs" out)" 2 "what a sweep does"
    end_owner "$signal"
    soon nothing_left
done

# A script without a trap, in each shell, which is not held up by what waits for it, and ends as it likes.
for shell in dash bash 'zsh -f' 'fish --no-config'; do
    if ! command -v "${shell%% *}" >/dev/null; then
        echo "skipped: no ${shell%% *}"
        continue
    fi
    end=true
    [ "$shell" != bash ] || end='kill -9 $$'
    case $shell in
        fish*) script="set d (tmp dir --until-pid \$fish_pid); and touch \$d/f; and ls -d \$d; $end" ;;
        *) script="d=\$(tmp dir --until-pid \$\$) && touch \"\$d/f\" && ls -d \"\$d\"; $end" ;;
    esac
    HOME=$scratch PATH=${tool%/*}:$PATH $shell -c "$script" >out 2>err
    matches "$(out)" "$scratch/into/tmp*"
    soon nothing_left
done

# A subshell has the number of its shell, and exec keeps it.
sh -c '(exec "$1" dir --until-pid $$); "$1" dir --until-pid $$; echo ready >said; exec cat hold' sh "$tool" >out &
owner=$!
read -r _ <said
soon grep -q cat "/proc/$owner/comm"
is "$(ls into | wc -l)" 2 "what is there after exec"
end_owner
soon nothing_left
new_owner
python3 -c 'import os, subprocess, sys, threading
subprocess.run([sys.argv[1], "dir", "--until-pid", str(os.getpid())], check=True, stdout=subprocess.DEVNULL)
threading.Thread(target=os.execvp, args=("sh", ["sh", "-c", "echo $$ >said; exec cat hold"])).start()
threading.Event().wait()' "$tool" &
thread=$!
read -r _ <said
end_owner
is "$(ls into | wc -l)" 1 "what is there after the exec of a thread"
kill -9 "$thread"
soon nothing_left

# --- What waits ---

exec 9>held
new_owner
(cd into && exits 0 "$tool" dir --until-pid "$owner")
watcher=$(watchers_of "$owner")
for descriptor in 0 1 2; do
    is "$(readlink "/proc/$watcher/fd/$descriptor")" /dev/null "its descriptor $descriptor"
done
is "$(find "/proc/$watcher/fd" -lname "$scratch/held")" "" "what it has inherited"
is "$(find "/proc/$watcher/fd" -lname 'pipe:*')" "" "which pipes it holds"
is "$(readlink "/proc/$watcher/cwd")" / "its working directory"
# Behind the name: state, parent, group, session, terminal.
is "$(sed 's/.*) //' "/proc/$watcher/stat" | cut -d ' ' -f 3-5)" "$watcher $watcher 0" "its group, session and terminal"
exec 9>&-

# Who stops a service sends SIGTERM to all of its processes: it waits all the same.
kill -TERM "$watcher"
end_owner
soon nothing_left

# Killed itself: then the next sweep removes it, but not before its owner has ended.
new_owner
exits 0 "$tool" dir --until-pid "$owner"
watcher=$(watchers_of "$owner")
kill -9 "$watcher"
soon test ! -e "/proc/$watcher/fd/0"
exits 0 "$tool" sweep -v
matches "$(out)" "*was left alone: cat ($owner) runs"
is "$(ls into | wc -l)" 1 "what is there while its owner runs"
exits 0 "$tool" ls
matches "$(sed 1d out)" "directory * $owner cat * alive *"
end_owner
is "$(ls into | wc -l)" 1 "what is there before the sweep"
exits 0 "$tool" sweep -v
matches "$(out)" "removed $scratch/into/tmp* of cat ($owner), which is dead"
soon nothing_left

# What was moved away is somebody's.
new_owner
exits 0 "$tool" dir --until-pid "$owner"
mv "$(out)" into/kept
end_owner
soon no_registry
rmdir into/kept

# Kept to be looked at: nothing waits, and that it stays is said when there is somebody to say it to.
new_owner
for command in file dir; do
    exits 0 env TEMPFILE_KEEP=1 "$tool" "$command" --until-pid "$owner"
    matches "$(out)" "$scratch/into/tmp*"
    is "$(cat err)" "tmp $command: kept $(out), also when process $owner has ended: \$TEMPFILE_KEEP is 1" "what is said"
    is "$(watchers_of "$owner")" "" "what waits"
done
exits 0 env TEMPFILE_KEEP=on-error "$tool" dir --until-pid "$owner"
is "$(cat err)" "" "what is said of errors that there are none of"
end_owner
soon test ! -e "$(out)"
exits 0 "$tool" sweep
is "$(ls into | wc -l)" 2 "what is kept"
rm -r into/tmp*

# --- Whose end cannot be waited for ---

for bad in 0 -5 abc 1x ' 1' '' 1.0 99999999999999999999; do
    for command in file dir; do
        exits 2 "$tool" "$command" "--until-pid=$bad"
        says "tmp $command: --until-pid \"$bad\" is no number of a process; that of a shell is \$\$"
    done
done
exits 2 "$tool" dir --until-pid
says 'tmp dir: option "--until-pid" needs a value'
exits 1 "$tool" dir --until-pid 2147483647
says "tmp dir: there is no process 2147483647"
exits 2 sh -c 'exec "$0" dir --until-pid $$' "$tool"
says "is this one: the shell has executed tmp in its own place"
exits 1 python3 -c 'import os, subprocess, sys
ended = os.posix_spawn("/bin/true", ["true"], {})
os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
sys.exit(subprocess.run([sys.argv[1], "dir", "--until-pid", str(ended)]).returncode)' "$tool"
says " has ended already"
exits 1 python3 -c 'import subprocess, sys, threading
end = threading.Event()
thread = threading.Thread(target=end.wait)
thread.start()
status = subprocess.run([sys.argv[1], "dir", "--until-pid", str(thread.native_id)]).returncode
end.set()
sys.exit(status)' "$tool"
says " is a thread; say the number of its process"
if strace -o /dev/null true 2>/dev/null; then
    for error in ENOSYS EPERM; do
        exits 1 env ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -o /dev/null -e trace=pidfd_open \
            -e inject="pidfd_open:error=$error" "$tool" dir --until-pid $$
        says "tmp dir: this system does not tell when a process ends (pidfd_open: "
    done
else
    echo "skipped: no strace, or not allowed: a system without pidfd_open"
fi
nothing_left || fail "left: $(ls -A into registry)"

# --- What fails leaves nothing ---

new_owner
exits 1 "$tool" dir --until-pid "$owner" --dir /nonexistent
says "tmp dir: cannot make a temporary directory"
exits 2 "$tool" file --until-pid "$owner" --prefix a/b
exits 0 env TMPDIR=/nonexistent TEMP="$scratch/into" "$tool" dir --until-pid "$owner"
says 'tmp dir: $TMPDIR "/nonexistent" cannot be used'
rmdir "$(out)"
for command in file dir; do
    exits 1 sh -c '"$@" >/dev/full' sh "$tool" "$command" --until-pid "$owner"
    says "tmp $command: cannot write to standard output: No space left on device"
    exits 1 sh -c '"$@" >&-' sh "$tool" "$command" --until-pid "$owner"
    says "tmp $command: cannot write to standard output: Bad file descriptor"
done
exits 0 sh -c '"$@" <&- 2>&-' sh "$tool" dir --until-pid "$owner"
rmdir "$(out)"
exits 1 env TEMPFILE_REGISTRY= "$tool" dir --until-pid "$owner"
is "$(cat err)" 'tmp dir: what is to go cannot be written down, since no registry can be made ($TEMPFILE_REGISTRY is set, and no absolute path)' "what is said"
if [ "$(id -u)" != 0 ]; then
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # which would make a process, too
    exits 1 prlimit --nproc=1 "$tool" dir --until-pid "$owner"
    says "tmp dir: cannot make a process that waits for the end of process $owner: "
fi
end_owner
soon nothing_left

# --- In a terminal ---

# Neither Ctrl-C nor the end of the terminal is meant for what waits.
new_owner
exits 0 env PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1 python3 - "$tool" "$owner" <<'END'
import shlex, sys
from terminal import ask_status, shell

terminal = shell()
terminal.type(f"{shlex.quote(sys.argv[1])} dir --until-pid {sys.argv[2]}\n")
ask_status(terminal, 0)
terminal.type("sh -c \"printf 'RE%s\\n' ADY; exec cat hold\"\n")
terminal.expect("READY")
terminal.type("\x03")
ask_status(terminal, 130)
terminal.hang_up()
terminal.status()
END
is "$(watchers_of "$owner" | wc -l)" 1 "how many wait after the terminal is gone"
is "$(ls into | wc -l)" 1 "what is there after the terminal is gone"
end_owner
soon nothing_left

[ "$(id -u)" = 0 ] || finish

# --- As root ---

# The registry finds no room.
mkdir full
if mount -t tmpfs -o size=64k,mode=700 none full 2>/dev/null; then
    head -c 60k /dev/zero >full/file
    exits 1 env TEMPFILE_REGISTRY="$scratch/full" "$tool" dir --until-pid $$
    says "since no registry can be made ($scratch/full: No space left on device)"
    is "$(ls full)" file "what is left of the registry"
    umount full
else
    echo "skipped: no mount: a full disk"
fi
is "$(ls -A into)" "" "what is left"

# The number of a process that ended goes to the next one, who is not taken for it: neither by what waits, which stands
# still meanwhile, nor by a sweep after that was killed.
cat >reuse.sh <<'END'
tool=$1
start_owner() {
    echo 99 >/proc/sys/kernel/ns_last_pid
    sh -c "echo \$\$ >said; exec cat hold" &
    read -r number <said
}
until start_owner && [ "$number" = 100 ]; do kill -9 "$number"; done
for command in file dir; do
    "$tool" "$command" --until-pid 100 >/dev/null
done
set -- $(grep -al -- --until-pid /proc/[0-9]*/cmdline | cut -d / -f 3)
kill -STOP "$1" "$2"
start=$(cut -d " " -f 22 /proc/100/stat)
kill -9 100
wait
# In another hundredth of a second, in which /proc tells it.
until start_owner && [ "$number" = 100 ] && [ "$(cut -d " " -f 22 /proc/100/stat)" != "$start" ]; do
    kill -9 "$number"
    wait
done
kill -9 "$1"
kill -CONT "$2"
while [ "$(ls into | wc -l)" -gt 1 ] || [ -e "/proc/$1/fd/0" ]; do sleep 0.01; done
"$tool" sweep
ls -A into registry
END
if unshare --pid --fork --mount-proc sh -c 'echo 100 >/proc/sys/kernel/ns_last_pid' 2>/dev/null; then
    exits 0 unshare --pid --fork --kill-child --mount-proc sh reuse.sh "$tool"
    is "$(cat out err)" "into:

registry:" "what is there when another process has the number"
else
    echo "skipped: no process namespace: a number that is used again"
fi

# Other users may wait for a process of ours.
if as_user "$tool" --version >/dev/null 2>&1; then
    new_owner
    mkdir -m 777 theirs
    exits 0 as_user env -u TEMPFILE_REGISTRY "$tool" dir --until-pid "$owner" --dir "$scratch/theirs"
    is "$(stat -c %u "$(out)")" 65534 "whose directory it is"
    # Not where it is hidden: nobody could tell later whether it still runs.
    # shellcheck disable=SC2016  # the inner shell's
    exits 1 unshare --mount sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh \
        setpriv --reuid=65534 --regid=65534 --clear-groups \
        env -u TEMPFILE_REGISTRY "$tool" dir --until-pid "$owner" --dir "$scratch/theirs"
    says "tmp dir: process $owner cannot be looked at in /proc: Permission denied"
    end_owner
    soon rmdir theirs 2>/dev/null
    PATH=/usr/bin:/bin as_user sh "$here/until_pid.sh" "$@" || fail "as an ordinary user"
fi
finish
