#!/bin/sh
# tmp sweep in a terminal: the line that shows how far it is, and what signals do. strace makes it slow enough. As root
# also as an ordinary user.
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

tool, into = os.environ["TOOL"], os.environ["TMPDIR"]
files = 300


def entries():
    return sum(len(d) + len(f) for _, d, f in os.walk(into))


def leave():
    """A killed program's directory with many files in it, and its file. Returns the path of the directory."""
    victim = subprocess.Popen([os.environ["VICTIM"]], stdout=subprocess.PIPE)
    victim.stdout.readline()
    victim.kill()
    victim.wait()
    path, = (f"{into}/{d}" for d in os.listdir(into) if os.path.isdir(f"{into}/{d}"))
    for n in range(files):
        open(f"{path}/{n}", "w").close()
    return path


# Each step takes some milliseconds at least. strace is not in the process group of the tool.
def slow(*options):
    return ["strace", "-DD", "-f", "-o", "/dev/null", "-e", "trace=unlinkat", "-e", "inject=unlinkat:delay_enter=5000",
            tool, "sweep", *options]


def check(what, is_so, *about):
    if not is_so:
        sys.exit(f"{what}: {about}, {entries()} left")


def begin(path, *options, before=()):
    running = subprocess.Popen([*before, *slow(*options)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    soon("something is removed", lambda: len(os.listdir(path)) < files)
    return running


def rest_goes(what, path):
    check(f"{what}: something is left", len(os.listdir(path)) > 0)
    ended = subprocess.run([tool, "sweep"], capture_output=True, text=True)
    check(f"{what}: the next sweep", (ended.returncode, ended.stdout + ended.stderr) == (0, ""), ended)
    check(f"{what}: nothing is left", not os.listdir(into), os.listdir(into))


for number, word in ((signal.SIGTERM, "Terminated"), (signal.SIGHUP, "Hangup"), (signal.SIGINT, "Interrupt")):
    path = leave()
    running = begin(path)
    running.send_signal(number)
    out, err = running.communicate()
    check(word, running.returncode == -number and out == "", running.returncode, out)
    check(word, err.startswith(f"tmp sweep: {path} of cli_victim (") and ") was left before all of it was gone\n" in err, err)
    gone = "nothing was" if len(os.listdir(into)) == 2 else "one file or directory was"
    check(word, err.endswith(f"\ntmp sweep: {word}: {gone} removed; the next sweep goes on\n"), err)
    rest_goes(word, path)

path = leave()
running = begin(path, "--json")
running.terminate()
out, err = running.communicate()
said = json.loads(out)
check("JSON", running.returncode == -signal.SIGTERM and not said["complete"], running.returncode, said)
check("JSON", [item["path"] for item in said["left"]] == [path] and "in_the_way" not in said["left"][0], said)
rest_goes("JSON", path)

# As nohup has it.
path = leave()
running = begin(path, before=("env", "--ignore-signal=HUP"))
running.send_signal(signal.SIGHUP)
out, err = running.communicate()
check("ignored", (running.returncode, out, err) == (0, "", ""), running.returncode, out, err)
check("ignored", not os.listdir(into))

# --- In a terminal ---

# The line, which is erased in the end; Ctrl-Z stops the sweep, fg continues it.
path = leave()
terminal = shell(columns=300)
terminal.type(" ".join(map(shlex.quote, slow("-v"))) + "\n")
terminal.expect("/s  ")
check("the line", "[" in terminal.before and "%" in terminal.before, terminal.before)
terminal.type("\x1a")
terminal.expect("Stopped")
terminal.expect("<ready>")
check("stopped", os.listdir(path))
terminal.type("fg\n")
terminal.expect(f"removed {path} of ")
ask_status(terminal, 0)
check("fg", not os.listdir(into))
terminal.hang_up()
terminal.status()

# None beside JSON.
leave()
terminal = Terminal(*slow("--json"))
status = terminal.expect_end()
check("JSON in a terminal", status == 0 and json.loads(terminal.all)["complete"], status, terminal.all)

# Ctrl-C.
path = leave()
terminal = shell(columns=300)
terminal.type(" ".join(map(shlex.quote, slow())) + "\n")
terminal.expect("/s  ")
terminal.type("\x03")
terminal.expect("was left before all of it was gone\r\n")
terminal.expect("tmp sweep: Interrupt: ")
terminal.expect(" removed; the next sweep goes on\r\n")
ask_status(terminal, 128 + signal.SIGINT)
terminal.hang_up()
terminal.status()
rest_goes("Ctrl-C", path)
END
[ ! -s err ] || cat err

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/sweep_signals.sh" "$@" || fail "as an ordinary user"
fi
finish
