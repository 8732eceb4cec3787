#!/bin/sh
# The removal at the end of tmp run and tmp shell: what it shows in a terminal, and what signals do. strace makes it slow
# enough. As root also as an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

strace -o /dev/null true 2>/dev/null || {
    echo "SKIPPED: nothing can be traced here"
    exit 77
}
# The leak checker of a sanitized build cannot work while it is traced.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
stage
export TOOL="$tool"
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

exits 0 python3 - <<'END'
import fcntl, json, os, shlex, signal, subprocess, sys
from terminal import Terminal, ask_status, shell, soon

tool = os.environ["TOOL"]
into = os.environ["TMPDIR"]
files = 300
fills = ["sh", "-c", f'cd "$TMPDIR" && for i in $(seq {files}); do echo >$i; done; echo filled; exit 3']
commands = {"run": [*fills], "shell": ["--", *fills]}


# Each step of the removal takes some milliseconds at least. The tool is the process that is started, and strace is not in
# its process group, where Ctrl-C and Ctrl-Z would reach it.
def slow(name, *options):
    return ["strace", "-DD", "-f", "-o", "/dev/null", "-e", "trace=unlinkat", "-e", "inject=unlinkat:delay_enter=5000",
            tool, name, *options, *commands[name]]


def typed(command):
    return " ".join(map(shlex.quote, command)) + "\n"


def entries():
    return sum(len(d) + len(f) for _, d, f in os.walk(into))


def check(what, is_so, *about):
    if not is_so:
        sys.exit(f"{what}: {about}, {entries()} left")


def nothing_left(what):
    check(f"{what}: nothing is left", not os.listdir(into), os.listdir(into))


def sweep_removes_it(what, path):
    check(f"{what}: something is left", os.path.isdir(path) and entries() > 1)
    ended = subprocess.run([tool, "sweep", "-v"], check=True, capture_output=True, text=True)
    check(f"{what}: the sweep", ended.stdout.startswith(f"removed {path} of "), ended)
    nothing_left(what)


def begin(command, **how):
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how)
    check("it begins", running.stdout.readline() == "filled\n")
    return running


def is_being_removed():
    return 0 < entries() <= files  # all of them and the directory would be one more


# Signals without a terminal.
for name, number, word in (("run", signal.SIGTERM, "Terminated"), ("run", signal.SIGINT, "Interrupt"),
                           ("shell", signal.SIGTERM, "Terminated")):
    what = f"{name}, {word}"
    running = begin(slow(name))
    soon("something is removed", is_being_removed)
    path, = (f"{into}/{d}" for d in os.listdir(into))
    running.send_signal(number)
    out, err = running.communicate()
    check(what, running.returncode == -number, running.returncode, err)
    check(what, err == f"tmp {name}: {word}: {path} is left in part; the next sweep removes it\n", err)
    sweep_removes_it(what, path)

# What was asked for is told all the same.
running = begin(slow("run", "-v", "--report", "--report-json", "report.json"))
soon("something is removed", is_being_removed)
path, = (f"{into}/{d}" for d in os.listdir(into))
running.terminate()
out, err = running.communicate()
check("reports", running.returncode == -signal.SIGTERM and "ended with status 3" in err and "tmp run: left" in err, err)
with open("report.json") as file:
    said = json.load(file)
check("the report", (said["status"], said["kept"], said["entries"]) == (3, path, files), said)
sweep_removes_it("reports", path)

# Where no sweep finds it, none is promised.
running = begin(slow("run"), env=dict(os.environ, TEMPFILE_REGISTRY=""))
soon("something is removed", is_being_removed)
path, = (f"{into}/{d}" for d in os.listdir(into))
running.terminate()
out, err = running.communicate()
check("no registry", err.endswith(f"{path} is left in part, and stands in no registry; remove it with tmp rm\n"), err)
subprocess.run([tool, "rm", path], check=True)

# What is ignored is ignored here too.
running = begin(["env", "--ignore-signal=TERM", *slow("run")])
soon("something is removed", is_being_removed)
running.terminate()
out, err = running.communicate()
check("ignored", (running.returncode, err) == (3, ""), running.returncode, err)
nothing_left("ignored")

# When a terminal goes away, there are several SIGHUP, and timeout(1) sends two SIGTERM: the command gets the first.
commands["run"][2] = commands["run"][2].replace("exit 3", "exec cat")
for number in signal.SIGHUP, signal.SIGTERM:
    running = begin(slow("run"), stdin=subprocess.PIPE)
    running.send_signal(number)
    soon("something is removed", is_being_removed)
    running.send_signal(number)
    out, err = running.communicate()
    check(f"twice {number}", (running.returncode, err) == (128 + number, ""), running.returncode, err)
    nothing_left(f"twice {number}")
commands["run"] = fills
running = begin(slow("run"))
soon("something is removed", is_being_removed)
running.send_signal(signal.SIGHUP)
out, err = running.communicate()
check("SIGHUP", (running.returncode, err) == (3, ""), running.returncode, err)
nothing_left("SIGHUP")

# A signal that the command got is none for the removal.
caught = 'trap "exit 4" TERM; cd "$TMPDIR" && for i in $(seq 300); do echo >$i; done; echo filled; while :; do sleep 0.01; done'
running = begin([tool, "run", "sh", "-c", caught])
running.terminate()
out, err = running.communicate()
check("passed on", (running.returncode, err) == (4, ""), running.returncode, err)
nothing_left("passed on")


def signals(pid, which):
    with open(f"/proc/{pid}/status") as file:
        return int(next(line for line in file if line.startswith(which)).split()[1], 16)


def notes(pid, number):
    return signals(pid, "SigCgt:") >> (number - 1) & 1 and not signals(pid, "SigBlk:") >> (number - 1) & 1


def has_children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read() != ""


# Between the end of the command and the removal, where it waits until it can say how much was left: the pipe is full.
def begin_mute(*options):
    listen, speak = os.pipe()
    fcntl.fcntl(speak, fcntl.F_SETPIPE_SZ, 4096)
    os.write(speak, b"." * 4096)
    running = subprocess.Popen([tool, "run", "-v", *options, *fills], stdout=subprocess.PIPE, stderr=speak)
    os.close(speak)
    check("it begins", running.stdout.readline() == b"filled\n")
    return running, open(listen)


running, err = begin_mute()
soon("signals are noted", lambda: notes(running.pid, signal.SIGTERM))
path, = (f"{into}/{d}" for d in os.listdir(into))
running.terminate()
said = err.read().lstrip(".")
check("before the removal", running.wait() == -signal.SIGTERM and f"Terminated: {path} is left" in said, said)
sweep_removes_it("before the removal", path)

# What is kept is not removed, and nothing is noted.
running, err = begin_mute("--keep=always")
soon("the command is over", lambda: not has_children(running.pid))
running.terminate()
said = err.read().lstrip(".")
check("kept", running.wait() == 3 and f"tmp run: kept {into}/" in said, said)
check("kept", entries() == files + 1)
path, = (f"{into}/{d}" for d in os.listdir(into))
subprocess.run([tool, "rm", path], check=True)

# --- In a terminal ---

# The line, which is erased in the end. Ctrl-Z stops it, fg continues it.
for name in commands:
    terminal = shell()
    terminal.type(typed(slow(name)))
    terminal.expect("filled")
    terminal.expect("/s  ")
    check("the line", "[" in terminal.before and "%" in terminal.before, terminal.before)
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.expect("<ready>")
    left = entries()
    check("stopped", left > 0)
    terminal.type("fg\n")
    ask_status(terminal, 3)
    nothing_left("fg")
    terminal.hang_up()
    terminal.status()

# Ctrl-C.
for name in commands:
    terminal = shell(columns=300)
    terminal.type(typed(slow(name)))
    terminal.expect("filled")
    terminal.expect("/s  ")
    path, = (f"{into}/{d}" for d in os.listdir(into))
    terminal.type("\x03")
    terminal.expect(f"tmp {name}: Interrupt: ")
    terminal.expect("the next sweep removes it")
    ask_status(terminal, 128 + signal.SIGINT)
    terminal.hang_up()
    terminal.status()
    sweep_removes_it(f"Ctrl-C, {name}", path)

# A terminal that goes away does not end the removal.
terminal = Terminal(*slow("run"))
terminal.expect("filled")
soon("something is removed", is_being_removed)
terminal.hang_up()
status = terminal.status()
check("the terminal goes away", status == 3, status)
nothing_left("the terminal goes away")

# Ctrl-C that ends the command does not end the removal.
terminal = shell()
terminal.type(typed([tool, "run", "sh", "-c", fills[2].replace("exit 3", "exec cat")]))
terminal.expect("filled\r\n")
terminal.type("\x03")
ask_status(terminal, 128 + signal.SIGINT)
check("nothing is said to be left", " is left" not in terminal.all, terminal.all)
nothing_left("Ctrl-C for the command")
terminal.hang_up()
terminal.status()
END
[ ! -s err ] || cat err

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/run_removal.sh" "$@" || fail "as an ordinary user"
fi
finish
