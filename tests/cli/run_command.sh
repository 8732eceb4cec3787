#!/bin/sh
# tmp run: what the command gets, what becomes of its status, its signals and its directory. As root also as an ordinary
# user. run_terminal.sh has what takes a terminal.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

stage

# --- What it gets ---

exits 0 "$tool" run sh -c 'echo "$TMPDIR $TEMP $TMP"; stat -c %a "$TMPDIR"; [ "$1" = "$TMPDIR" ] && [ "$2" = "a${TMPDIR}b${TMPDIR}" ]' \
    sh {} 'a{}b{}'
dir=$(sed -n '1s/ .*//p' out)
is "$(out)" "$dir $dir $dir
700" "the directory and its mode"
matches "$dir" "$scratch/into/tmp*"
empty into
exits 0 "$tool" run --prefix a- --suffix=-z --dir . printenv TMPDIR
matches "$(out)" "$scratch/a-*-z"
empty into

# What stands behind the command is the command's.
for dashes in "" --; do
    # shellcheck disable=SC2086  # nothing, or an argument
    exits 0 "$tool" run -v $dashes printf '<%s>' --keep=x -v --x= '' '[a,b]' -- --help
    is "$(out)" "<--keep=x><-v><--x=><><[a,b]><--><--help>" "the arguments, behind \"$dashes\""
done
exits 127 "$tool" run -- -v
says 'tmp run: command "-v" is not found'

# Nothing of ours is open in it, and its signals are those that the caller had, also where we need others.
ls /proc/self/fd >fds
exits 0 "$tool" run ls /proc/self/fd
is "$(wc -l <out)" "$(wc -l <fds)" "open descriptors"
for environment in --default-signal --ignore-signal=PIPE,XFSZ --ignore-signal=CHLD --block-signal=TERM,CHLD,CONT \
    --ignore-signal=HUP,CONT,USR1; do
    env "$environment" grep '^Sig[PBIC]' /proc/self/status >signals
    exits 0 env "$environment" "$tool" run grep '^Sig[PBIC]' /proc/self/status
    is "$(out)" "$(cat signals)" "signals of env $environment"
done

# A signal from before there was a command.
exits 0 python3 -c 'import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.kill(os.getpid(), signal.SIGUSR1)
os.execv(sys.argv[1], sys.argv[1:])' "$tool" run grep ShdPnd /proc/self/status
is "$(out)" "ShdPnd:	0000000000000200" "what waits for the command"

# The standard streams, also those that are closed.
echo through | exits 0 "$tool" run cat
is "$(out)" through "standard input"
exits 0 sh -c 'exec "$@" <&-' sh "$tool" run sh -c '! [ -e /proc/$$/fd/0 ]'
exits 3 sh -c '"$@" <&- >&- 2>&-' sh "$tool" run sh -c 'exit 3'
empty into

# Who has lost its parent is buried by process 1, and children that it has from before it was executed.
if unshare --user --map-root-user --pid --fork --mount-proc true 2>/dev/null; then
    exits 7 unshare --user --map-root-user --pid --fork --mount-proc \
        sh -c 'true & exec "$@"' sh "$tool" run sh -c 'sh -c "true & :"; sh -c "sh -c true & :"
            limit=1000
            while grep -q "^State:.Z" /proc/[0-9]*/status && [ $((limit -= 1)) -gt 0 ]; do sleep 0.01; done
            echo "$limit" >limit; exit 7'
    [ "$(cat limit)" -gt 0 ] || fail "process 1 buries nobody"
    rm limit
else
    echo "skipped: no user namespaces: as process 1"
fi
empty into

# --- Its status ---

exits 0 "$tool" run true
exits 3 "$tool" run sh -c 'exit 3'
exits 137 "$tool" run sh -c 'kill -9 $$'
exits 127 "$tool" run nonexistent
is "$(cat err)" 'tmp run: command "nonexistent" is not found; see $PATH, or say its path' "what is said"
: >plain
exits 126 "$tool" run ./plain
is "$(cat err)" 'tmp run: command "./plain" cannot be executed: Permission denied' "what is said"
exits 125 "$tool" run --dir /nonexistent true
says "tmp run: cannot make a temporary directory"
says "/nonexistent"
exits 2 "$tool" run
says "tmp run: there is no command"
exits 2 "$tool" run --
exits 2 "$tool" run --keep=maybe true
says 'tmp run: --keep "maybe" is none of never, always and on-failure'
exits 2 "$tool" run --prefix a/b true
exits 2 "$tool" run -v --foo true
says 'tmp run: there is no option "--foo"'
exits 2 "$tool" run --dir
says 'tmp run: option "--dir" needs a value'
exits 0 env TMPDIR=/nonexistent TEMP="$scratch/into" "$tool" run true
says 'tmp run: $TMPDIR "/nonexistent" cannot be used'
empty into

# --- Its directory ---

exits 0 "$tool" run sh -c 'mkdir -p {}/sub/sub && touch {}/sub/file && chmod 000 {}/sub'
empty into
exits 0 "$tool" run sh -c 'rm -r {}'
exits 3 "$tool" run -v sh -c 'head -c 1500 /dev/zero >{}/file; mkdir {}/sub; exit 3'
matches "$(cat err)" "command    ended with status 3
left       2 entries, 1.4 KiB
directory  $scratch/into/tmp*"
exits 143 "$tool" run -v sh -c 'kill $$'
says "command    killed by signal 15 (Terminated)"
says "left       0 entries, 0 bytes"
# A report that was asked for and is lost is an error, but not one that hides what the command says.
exits 125 sh -c '"$@" 2>&-' sh "$tool" run -v true
exits 3 sh -c '"$@" 2>&-' sh "$tool" run -v sh -c 'exit 3'
exits 3 sh -c '"$@" 2>&-' sh "$tool" run --keep=on-failure sh -c 'exit 3'
rmdir into/tmp*
empty into

for keep in never on-failure; do
    exits 0 "$tool" run --keep="$keep" true
    is "$(cat err)" "" "what is said of --keep=$keep"
    empty into
done
for keep in on-failure always; do
    exits 3 "$tool" run --keep "$keep" sh -c 'echo x >{}/file; exit 3'
    is "$(cat err)" "tmp run: kept $(echo "$scratch"/into/tmp*)" "what is said of --keep=$keep"
    is "$(cat into/tmp*/file)" x "what is kept"
    exits 0 "$tool" sweep -v
    is "$(out)" "" "what a sweep does with it"
    rm -r into/tmp*
done
# Nothing of interest is in it when there was no command. One that was executed may say the same of something else.
for option in "" --private; do
    # shellcheck disable=SC2086  # nothing, or an option
    if "$tool" run $option true 2>/dev/null; then
        exits 127 "$tool" run $option --keep=on-failure nonexistent
        is "$(cat err)" 'tmp run: command "nonexistent" is not found; see $PATH, or say its path' "what is said"
        empty into
        exits 126 "$tool" run $option --keep=on-failure ./plain
        empty into
        exits 127 "$tool" run $option --keep=always nonexistent
        says "tmp run: kept "
        rm -r into/tmp*
    fi
done
for status in 125 126 127; do
    exits "$status" "$tool" run --keep=on-failure sh -c 'exit "$1"' sh "$status"
    is "$(cat err)" "tmp run: kept $(echo "$scratch"/into/tmp*)" "what is said of the status $status"
    rm -r into/tmp*
done
exits 127 sh -c '"$@" <&- >&- 2>&-' sh "$tool" run --keep=on-failure nonexistent
empty into

# --- Signals ---

# start COMMAND...: as a shell starts a job. A command in the background of a script would ignore two of the signals.
start() {
    env --default-signal "$@" >out 2>err &
    job=$!
}
ends() {
    status=0
    wait "$job" 2>/dev/null || status=$?
    is "$status" "$1" "the status after $2"
}

# A script of bash ends with a command that died of Ctrl-C, and goes on after one that says 130.
is "$(python3 -c 'import subprocess, sys; print(subprocess.run([sys.argv[1], "run", "sh", "-c", "kill -INT $$"]).returncode)' \
    "$tool")" -2 "what tmp run dies of"
is "$(python3 -c 'import subprocess, sys; print(subprocess.run([sys.argv[1], "run", "sh", "-c", "exit 130"]).returncode)' \
    "$tool")" 130 "what it says"
for signal in TERM INT HUP QUIT USR1 USR2 ALRM PWR; do
    start "$tool" run sh -c 'echo x >{}/file; echo ready >"$1"; exec cat "$2"' {} said hold
    read -r _ <said
    kill -s "$signal" "$job"
    ends $((128 + $(kill -l "$signal" 2>/dev/null || python3 -c "import signal; print(int(signal.SIG$signal))"))) "SIG$signal"
    empty into
done

# The command that makes something of it ends as it likes.
start "$tool" run python3 -c 'import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
open("said", "w").write("ready\n")
sys.exit(signal.sigwait([signal.SIGTERM, signal.SIGINT]))'
read -r _ <said
kill -s TERM "$job"
ends 15 "a SIGTERM that is caught"
empty into

# As under nohup.
start env --ignore-signal=HUP "$tool" run sh -c 'echo ready >said; exec cat hold'
read -r _ <said
kill -s HUP "$job"
kill -s TERM "$job"
ends 143 "an ignored SIGHUP, and SIGTERM"
empty into

# Killed itself: the command is told, and the next sweep removes the directory.
start "$tool" run python3 -c 'import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
open(os.environ["TMPDIR"] + "/file", "w").close()
open("said", "w").write("ready\n")
told = signal.sigwait([signal.SIGTERM])
open("said", "w").write("%d\n" % told)'
read -r _ <said
kill -9 "$job"
ends 137 "SIGKILL"
read -r told <said
is "$told" 15 "what the command is told"
is "$(ls into/tmp*)" file "what is left before the sweep"
exits 0 "$tool" sweep -v
matches "$(out)" "removed $scratch/into/tmp* of tmp run python3 ($job), which is dead"

# Who runs it may wish to look at everything.
exits 0 env TEMPFILE_KEEP=1 "$tool" run sh -c 'echo x >{}/file'
is "$(cat err)" "tmp run: kept $(echo "$scratch"/into/tmp*)" "what is said of \$TEMPFILE_KEEP"
rm -r into/tmp*
empty into

exits 0 "$tool" run --keep=always sh -c 'rm -r {}'
says " is gone, and cannot be kept"
empty into

# What is to be replaced in the end can be, or nothing is run: not what a stream goes to, of which more is to come.
mkdir place
mkfifo fifo
ln -s /dev/stderr link
echo before >log
for file in place fifo /dev/null /dev/stdout /dev/fd/1 link /proc/self/fd/1; do
    exits 2 sh -c '"$1" run --report-json "$2" touch ran >>log' sh "$tool" "$file"
    is "$(head -n 1 err)" "tmp run: --report-json \"$file\" is no file, which could be replaced; name one" "what is said"
    [ ! -e ran ] || fail "it was run, with $file"
done
is "$(cat log)" before "what is in the file that a stream goes to"
ln -s log to-log
exits 0 "$tool" run --report-json to-log true
grep -q '"status": 0' log || fail "a link is not followed: $(cat log)"
rm -r place fifo link log to-log
empty into

exits 2 env TEMPFILE_KEEP=1 "$tool" run --size-limit 1M true
says "with --size-limit nothing can be kept: what it limits is in memory; unset TEMPFILE_KEEP"

# A path that is too long to be looked at is not taken for nothing. libstdc++ goes on where a path would be too long.
exits 0 "$tool" run --report python3 -c 'import os, sys
os.chdir(sys.argv[1])
for _ in range(1500):
    os.mkdir("ddd")
    os.chdir("ddd")
open("file", "w").write("x")' {}
matches "$(head -n 1 err)" "tmp run: left at least 1[05][01][0-9] entries, *"
empty into

printf '#!/nonexistent\n' >script
chmod 755 script
exits 127 "$tool" run ./script
is "$(cat err)" 'tmp run: command "./script" is there, but not the interpreter that it names' "what is said"
rm script

# --- What fails ---

if [ "$(id -u)" != 0 ]; then
    # The leak checker of a sanitized build would make a process too, at the end.
    export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
    for keep in never always; do
        exits 125 prlimit --nproc=1 "$tool" run --keep="$keep" true
        says "tmp run: cannot make a process for the command"
        empty into
    done
elif as_user "$tool" --version >/dev/null 2>&1; then
    # Something that the user may not remove.
    mkfifo -m 666 go tell
    for status in 0=125 3=3; do
        theirs=theirs-${status%=*}
        mkdir -m 777 "$theirs"
        as_user env -u TEMPFILE_REGISTRY "$tool" run --dir "$scratch/$theirs" \
            sh -c "echo ready >tell; read -r _ <go; exit ${status%=*}" 2>err &
        job=$!
        read -r _ <tell
        dir=$(echo "$theirs"/tmp*)
        mkdir -m 700 "$dir/roots"
        : >"$dir/roots/file"
        echo >go
        ends "${status#*=}" "what cannot be removed"
        says "Permission denied"
        says "[$scratch/$dir/roots"
        rm -rf "$theirs" # of which a sweep of another test of that user may remove some meanwhile
    done
    PATH=/usr/bin:/bin as_user sh "$here/run_command.sh" "$@" || fail "as an ordinary user"
fi
finish
