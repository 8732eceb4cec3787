#!/bin/sh
# tmp write and tmp edit end by a signal: the target is as it was, and nothing is left, also where the new file has a
# name from the beginning (FUSE). strace sends the signal in the middle of a call. As root also as an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

chmod 755 "$scratch"
mkdir d
mkdir -m 700 registry
mkfifo said hold
exec 3<>hold # whoever reads it waits
exec 4<>said # so that a reader who is early waits, rather than finds the end that an earlier writer left
export TEMPFILE_REGISTRY="$scratch/registry"
echo old >d/f

# unchanged DIRECTORY WHEN
unchanged() {
    is "$(cat "$1/f")" old "what is in the target after $2"
    is "$(ls -A "$1")" f "what is in its directory after $2"
}
number_of() {
    kill -l "$1" 2>/dev/null || python3 -c "import signal; print(int(signal.SIG$1))"
}
# As a shell starts a job. A command in the background of a script would ignore two of the signals.
start() {
    env --default-signal "$@" 2>err &
    job=$!
}
ends() {
    status=0
    wait "$job" 2>/dev/null || status=$?
    is "$status" "$1" "the status after $2"
}

# interrupted DIRECTORY: while it waits for its input, or the command is at work
interrupted() {
    for signal in INT TERM HUP; do
        env --default-signal "$tool" write "$1/f" <hold 2>err &
        job=$!
        # until it has made its file, which is open beside its directory
        until find "/proc/$job/fd" -lname "*/$1/*" 2>/dev/null | grep -q . || ! kill -0 "$job"; do :; done
        kill -s "$signal" "$job"
        ends $((128 + $(number_of "$signal"))) "SIG$signal"
        unchanged "$1" "SIG$signal"
    done
    for signal in INT TERM HUP QUIT USR1; do
        for subcommand in write edit; do
            start "$tool" "$subcommand" "$1/f" -- sh -c 'ulimit -c 0; echo new; echo ready >said; exec cat hold'
            read -r _ <said
            kill -s "$signal" "$job"
            ends $((128 + $(number_of "$signal"))) "SIG$signal to tmp $subcommand"
            unchanged "$1" "SIG$signal to tmp $subcommand"
        done
    done
}

interrupted d

# The command that makes something of the signal, and succeeds, has made what is to be published.
start "$tool" write d/f -- python3 -c 'import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
open("said", "w").write("ready\n")
print("caught", signal.sigwait([signal.SIGTERM]).value)'
read -r _ <said
kill -s TERM "$job"
ends 0 "a SIGTERM that is caught"
is "$(cat d/f)" "caught 15" "what a command has written that catches a signal"
echo old >d/f

# Killed itself: the command is told, and nothing is left.
start "$tool" write d/f -- python3 -c 'import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
open("said", "w").write("ready\n")
open("said", "w").write("%d\n" % signal.sigwait([signal.SIGTERM]))'
read -r _ <said
kill -9 "$job"
ends 137 SIGKILL
read -r told <said
is "$told" 15 "what the command is told"
unchanged d SIGKILL

# In the middle of publishing, when the command has ended.
if strace -o /dev/null true 2>/dev/null; then
    # The leak checker of a sanitized build cannot work while it is traced.
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
    at() {
        call=$1
        shift
        start strace -o /dev/null -e trace="$call" -e inject="$call:signal=INT:when=1" "$@"
    }
    for call in fsync linkat; do
        at "$call" "$tool" write d/f </dev/null
        ends 130 "SIGINT in $call"
        unchanged d "SIGINT in $call"
        at "$call" "$tool" write d/f -- echo new
        ends 130 "SIGINT in $call, after the command"
        unchanged d "SIGINT in $call, after the command"
        at "$call" "$tool" edit d/f -- cat
        ends 130 "SIGINT in $call of tmp edit"
        unchanged d "SIGINT in $call of tmp edit"
    done
else
    echo "not tried: signals in the middle of publishing; nothing can be traced here"
fi

mkdir under fuse
if bindfs under fuse 2>/dev/null; then
    echo old >fuse/f
    interrupted fuse
    exits 3 "$tool" write fuse/f -- sh -c 'echo new; exit 3'
    unchanged fuse "a command that failed"
    exits 1 "$tool" write fuse/f <.
    unchanged fuse "an input that cannot be read"
    exits 0 "$tool" edit fuse/f -- sed s/old/new/
    is "$(cat fuse/f)" new "what is published"
    is "$(ls -A fuse)" f "what is in its directory"
    umount fuse 2>/dev/null || fusermount -u fuse
else
    echo "not tried: a file system without nameless files; bindfs cannot be mounted here"
fi

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/write_signals.sh" "$@" || fail "as an ordinary user"
fi
finish
