#!/bin/sh
# tmp run --private and --size-limit in a terminal of 40 columns, under each shell: keys, Ctrl-C, Ctrl-Z and fg, the
# status, and the end of the terminal. As root also as an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

stage
mkdir -m 700 runtime
export HOME="$scratch" XDG_RUNTIME_DIR="$scratch/runtime" TERM=xterm # fish would make a directory in $TMPDIR
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1
if ! "$tool" run --private true 2>/dev/null; then
    echo "SKIPPED: $("$tool" run --private true 2>&1)"
    exit 77
fi

ln -s "$tool" t
cat >job <<'JOB'
echo x >"$TMPDIR/file"
printf 'in %s on %s, process %s of %s.\n' "$TMPDIR" "$(stat -f -c %T "$TMPDIR")" $$ $PPID
exec sed -u 's/^/got-/'
JOB
cat >keys.py <<'END'
import os, sys
from terminal import Terminal, soon

name = sys.argv[1]
status = "$status" if name == "fish" else "$?"
commands = {
    "dash": ["env", "PS1=<ready>", "dash", "-i"],
    "bash": ["env", "PS1=<ready>", "bash", "--norc", "--noprofile", "-i"],
    "zsh": ["env", "PS1=<ready>", "zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i", "-C", "function fish_prompt; printf '<ready>'; end"],
}
state, group, foreground_group = 0, 2, 5  # in /proc/PID/stat, behind the name


def field(pid, index):
    """Empty when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[index]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def program(pid):
    with open(f"/proc/{pid}/comm") as file:
        return file.read().strip()


def left():
    with open("/proc/mounts") as file:
        return os.listdir(os.environ["TMPDIR"]) + [line for line in file if os.environ["TMPDIR"] in line]


def prompt(terminal):
    terminal.expect_prompt(edits=name != "dash")


def start():
    terminal = Terminal(*commands[name], columns=40)
    prompt(terminal)
    return terminal


def ask_status(terminal, expected):
    prompt(terminal)
    terminal.type(f"echo status-{status}-\n")
    terminal.expect(f"status-{expected}-")
    prompt(terminal)
    assert not left(), left()


def reads(terminal, job, runner):
    soon("the command reads", lambda: program(job) == "sed" and terminal.is_canonical()
         and field(job, group) == field(job, foreground_group) and field(job, state) == field(runner, state) == "S")


def run(terminal, option, directory, kind):
    terminal.type(f"./t run {option} sh job\n")
    terminal.expect(f"in {directory}")
    terminal.expect(f" on {kind}, process ")
    terminal.expect(".")
    job, runner = terminal.before.split(" of ")
    reads(terminal, job, runner)
    return job, runner


disk = os.popen("stat -f -c %T into").read().strip()
for case in [("--private", "/tmp", disk), ("--size-limit 1M", os.environ["TMPDIR"] + "/", "tmpfs"),
             ("--private --size-limit 1M", "/tmp", "tmpfs")]:
    option = case[0]
    terminal = start()
    run(terminal, *case)
    terminal.type("\x03")
    ask_status(terminal, 130)
    job, runner = run(terminal, *case)
    for _ in range(2):
        terminal.type("\x1a")
        prompt(terminal)
        assert field(job, state) + field(runner, state) == "TT"
        terminal.type("fg\n")
        reads(terminal, job, runner)
    terminal.type("through\n")
    terminal.expect("got-through")
    terminal.type("\x04")
    ask_status(terminal, 0)
    terminal.type(f"./t run {option} sh -c 'exit 7'\n")
    ask_status(terminal, 7)
    terminal.type(f"./t run {option} sh -c 'head -c 2M /dev/zero >$TMPDIR/big || exit 8; exit 9'\n")
    ask_status(terminal, 9 if option == "--private" else 8)
    processes = run(terminal, *case)
    terminal.hang_up()
    terminal.status()
    soon("all of it ends", lambda: not any(field(pid, state) not in ("", "Z") for pid in processes))
    soon("nothing is left", lambda: not left())
END

for shell in dash bash zsh fish; do
    if command -v "$shell" >/dev/null; then
        exits 0 python3 keys.py "$shell"
        cat err
    else
        echo "skipped: no $shell"
    fi
done

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    status=0
    PATH=/usr/bin:/bin as_user sh "$here/run_private_terminal.sh" "$@" || status=$?
    [ "$status" = 0 ] || [ "$status" = 77 ] || fail "as an ordinary user"
fi
finish
