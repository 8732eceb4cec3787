#!/bin/sh
# tmp run in a terminal, under a shell with job control and as the terminal's only program. As root also as an ordinary
# user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

chmod 755 "$scratch"
mkdir into
mkdir -m 700 registry
export TEMPFILE_REGISTRY="$scratch/registry"
export TMPDIR="$scratch/into"
export TOOL="$tool"
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

exits 0 python3 - <<'END'
import os, shlex, signal, sys, time
from terminal import Terminal, ask_status, shell, soon

tool = os.environ["TOOL"]
typed_tool = shlex.quote(tool)  # as one types it


def nothing_left():
    left = os.listdir(os.environ["TMPDIR"])
    if left:
        sys.exit(f"left: {left}")


def script(name, text):
    with open(name, "w") as file:
        file.write("import os, signal, sys, time\n" + text)
    return f"{typed_tool} run python3 {shlex.quote(os.path.join(os.getcwd(), name))}"


def state(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


# Ctrl-C, Ctrl-\: what they do to the command is the end of tmp run too.
for key, number in (("\x03", 2), ("\x1c", 3)):
    terminal = shell()
    terminal.type(f"ulimit -c 0; {typed_tool} run sh -c \"touch {{}}/file; printf 'RE%s\\n' ADY; exec cat\"\n")
    terminal.expect("READY")
    terminal.type(key)
    ask_status(terminal, 128 + number)
    nothing_left()
    terminal.hang_up()
    terminal.status()

# The command gets Ctrl-C once. SIGUSR1 is passed on to it behind whatever else would have been.
counts = script("counts.py", """
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(10 + len(got)))
print("READY", flush=True)
while not got:
    time.sleep(.01)
os.kill(os.getppid(), signal.SIGUSR1)
while True:
    time.sleep(.01)  # pause() would sleep through a signal that came just before it
""")
terminal = shell()
terminal.type(counts + "\n")
terminal.expect("READY")
terminal.type("\x03")
ask_status(terminal, 11)

# Ctrl-Z stops both, fg continues both.
reads = script("reads.py", """
signal.signal(signal.SIGCONT, lambda *_: os.write(1, b"CONTINUED\\n"))
print("processes", os.getppid(), os.getpid(), ".", flush=True)
line = sys.stdin.readline()
print("GOT", line)
sys.exit(5)
""")


def start_reading(how):
    terminal.type(f"{reads}{how}\n")
    terminal.expect("processes ")
    terminal.expect(" .")
    return terminal.before.split()


# Python tells of a signal late that comes just before it begins to read, so that is waited for.
def both_wait(runner, reader):
    for pid in (runner, reader):
        soon("it waits", lambda: state(pid) == "S")


def fg(runner, reader):
    terminal.type("fg\n")
    terminal.expect("CONTINUED")
    both_wait(runner, reader)


runner, reader = start_reading("")
both_wait(runner, reader)
for _ in range(3):
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect("<ready>")
    assert state(runner) == "T"
    fg(runner, reader)
terminal.type("hello\n")
terminal.expect("GOT hello")
ask_status(terminal, 5)
nothing_left()

# Who reads from the terminal in the background is stopped.
runner, reader = start_reading(" &")
soon("tmp run is stopped", lambda: state(runner) == "T")
fg(runner, reader)
terminal.type("there\n")
terminal.expect("GOT there")
ask_status(terminal, 5)
nothing_left()

# The command alone is stopped, and the shell learns of it.
terminal.type(f"{typed_tool} run sh -c \"kill -STOP \\$\\$; printf 'GO%s\\n' ON; exit 6\"\n")
terminal.expect("Stopped")
terminal.expect("<ready>")
terminal.type("fg\n")
terminal.expect("GOON")
ask_status(terminal, 6)
nothing_left()
terminal.hang_up()
terminal.status()

# The terminal goes away: under a shell, and without one.
terminal = shell()
terminal.type(f"{typed_tool} run sh -c \"touch {{}}/file; printf 'RE%s\\n' ADY; exec cat\"\n")
terminal.expect("READY")
terminal.hang_up()
terminal.status()
soon("nothing is left", lambda: not os.listdir(os.environ["TMPDIR"]))

terminal = Terminal(tool, "run", "sh", "-c", "touch {}/file; echo READY; exec sleep 1000")
terminal.expect("READY")
terminal.hang_up()
assert terminal.status() == 128 + signal.SIGHUP
nothing_left()

# As nohup has it.
terminal = Terminal("env", "--ignore-signal=HUP", tool, "run", "sh", "-c",
                    "trap 'rm -f \"$1\"; exit 9' TERM; echo $$ >\"$1\"; echo READY; while :; do sleep 0.01; done", "sh",
                    os.path.join(os.getcwd(), "number"))
terminal.expect("READY")
terminal.hang_up()
with open("number") as file:
    os.kill(int(file.read()), signal.SIGTERM)
assert terminal.status() == 9
nothing_left()
END
[ ! -s err ] || cat err

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/run_terminal.sh" "$@" || fail "as an ordinary user"
fi
finish
