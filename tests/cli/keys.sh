#!/bin/sh
# In a terminal, the commands that have no such test of their own: what is typed, Ctrl-C, Ctrl-Z and fg, the end of the
# terminal. strace makes a sweep slow enough for that. As root also as an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

strace -o /dev/null true 2>/dev/null || {
    echo "SKIPPED: nothing can be traced here"
    exit 77
}
# The leak checker of a sanitized build cannot work while it is traced.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
stage
export TOOL="$tool" VICTIM="$3"
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

exits 0 python3 - <<'END'
import json, os, shlex, signal, subprocess, sys
from terminal import Terminal, ask_status, shell, soon

tool = os.environ["TOOL"]
typed_tool = shlex.quote(tool)  # as one types it
into = os.environ["TMPDIR"]


def owners():
    said = subprocess.run([tool, "ls", "--json"], check=True, capture_output=True).stdout
    return [item["owner"] for item in json.loads(said)]


# --- What is made is printed whole, however narrow the terminal; and it is there ---

for command in ("file",), ("dir",), ("mktemp",), ("mktemp", "-d"):
    terminal = Terminal(tool, *command, columns=40)
    assert terminal.expect_end() == 0, terminal.all
    path, = terminal.all.splitlines()
    assert path.startswith(into) and len(path) > len(into), path
    subprocess.run([tool, "rm", path], check=True)
    assert not os.path.lexists(path)

# --- spool: what is typed, until Ctrl-D, once ---

terminal = Terminal(tool, "spool")
terminal.type("typed\n")
terminal.expect("typed\r\n")
terminal.type("\x04")
terminal.expect("typed\r\n")
assert terminal.expect_end() == 0, terminal.all

terminal = shell()
spool = f"sh -c \"printf 'RE%s\\\\n' ADY; exec {typed_tool} spool\"\n"
terminal.type(spool)
terminal.expect("READY")
terminal.type("more\n")
terminal.expect("more\r\n")
terminal.type("\x03")
ask_status(terminal, 130)
terminal.type(spool)
terminal.expect("READY")
terminal.type("\x1a")  # what is typed before and not read yet would be lost with it
terminal.expect("Stopped")
terminal.expect("<ready>")
terminal.type("fg\n")
terminal.expect("spool")
terminal.type("after\n\x04")
terminal.expect("after\r\nafter\r\n")
ask_status(terminal, 0)

# --- A sweep that is stopped, and one that is ended: the next one does the rest ---

victim = subprocess.Popen([os.environ["VICTIM"]], stdout=subprocess.PIPE)
victim.stdout.readline()
directory, = (name for name in os.listdir(into) if os.path.isdir(os.path.join(into, name)))
for i in range(200):
    open(os.path.join(into, directory, str(i)), "w").close()
victim.kill()
victim.wait()
assert owners() == ["dead", "dead"], owners()


def left():
    path = os.path.join(into, directory)
    return len(os.listdir(path)) if os.path.isdir(path) else 0


begun = left()
slow = f"strace -o /dev/null -e trace=unlinkat -e inject=unlinkat:delay_enter=10000 {typed_tool} sweep"
terminal.type(f"{slow}\n")
soon("the sweep has begun", lambda: left() < begun)
terminal.type("\x1a")
terminal.expect("Stopped")
terminal.expect("<ready>")
stopped = left()
assert 0 < stopped < begun, (stopped, begun)
terminal.type("fg\n")
soon("the sweep goes on", lambda: left() < stopped)
terminal.type("\x03")
ask_status(terminal, 130)
assert left() > 0 and "dead" in owners(), (left(), owners())
subprocess.run([tool, "sweep"], check=True)
assert not os.listdir(into) and not owners(), (os.listdir(into), owners())

# --- --until-pid: with the terminal its shell ends, and what was made for it goes ---

terminal.type(f"d=$({typed_tool} dir --until-pid $$) && touch \"$d/file\" && echo made-$?-\n")
terminal.expect("made-0-")
assert len(os.listdir(into)) == 1, os.listdir(into)
terminal.hang_up()
terminal.status()
soon("it is gone", lambda: not os.listdir(into) and not owners())
END
[ ! -s err ] || cat err

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/keys.sh" "$@" || fail "as an ordinary user"
fi
finish
