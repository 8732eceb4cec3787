#!/bin/sh
# tmp rm in a terminal: the line that shows how far it is, and what signals do. strace makes it slow enough. As root also
# as an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

strace -o /dev/null true 2>/dev/null || {
    echo "SKIPPED: nothing can be traced here"
    exit 77
}
# The leak checker of a sanitized build cannot work while it is traced.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
chmod 755 "$scratch"
export TOOL="$tool"
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

exits 0 python3 - <<'END'
import json, os, shlex, signal, subprocess, sys
from terminal import Terminal, ask_status, shell, soon

tool = os.environ["TOOL"]
directories, files = 15, 50
entries = 1 + directories * (files + 1)


def tree(name):
    for d in range(directories):
        os.makedirs(f"{name}/\x1b[31m-{d}")
        for f in range(files):
            open(f"{name}/\x1b[31m-{d}/{f}", "w").close()


def entries_in(name):
    return 1 + sum(len(d) + len(f) for _, d, f in os.walk(name))


# Each removal takes a millisecond at least, or as many as are said: what is to be interrupted must not be over by then.
def slow(*arguments, milliseconds=1):
    return ["strace", "-f", "-o", "/dev/null", "-e", "trace=unlinkat", "-e",
            f"inject=unlinkat:delay_enter={milliseconds * 1000}", tool, "rm", *arguments]


def typed(command):
    return " ".join(map(shlex.quote, command)) + "\n"


def rows(shown, columns):
    """What a terminal shows in the end, and each text that stood in a row meanwhile."""
    row, at, done, meanwhile = [], 0, [], set()
    for c in shown:
        if c == "\r":
            meanwhile.add("".join(row).rstrip())
            at = 0
        elif c == "\n":
            done.append("".join(row).rstrip())
            row, at = [], 0
        else:
            if not c.isprintable():
                sys.exit(f"{c!r} reaches the terminal in {shown!r}")
            row[at:at + 1] = c
            at += 1
            if at >= columns:
                sys.exit(f"more than fits into {columns} columns: {''.join(row)!r}")
    return done + ["".join(row).rstrip()], meanwhile


# How much is shown depends on the width.
widths = {5: "", 12: "%", 40: "/s", 80: " left", 200: "/tree-200/\\x1b[31m-"}
terminals = {}
for columns in widths:
    tree(f"tree-{columns}")
    where = f"tree-{columns}" if columns != 200 else "/".join([os.getcwd()] + ["./"] * 60 + ["tree-200"])
    terminals[columns] = Terminal(*slow(where), columns=columns)
for columns, part in widths.items():
    terminal = terminals[columns]
    if terminal.expect_end() != 0:
        sys.exit(f"{columns} columns: it fails: {terminal.all!r}")
    after, meanwhile = rows(terminal.all, columns)
    if after != [""]:
        sys.exit(f"{columns} columns: what is drawn is not erased: {after}")
    if not any(part in m for m in meanwhile) or (part and meanwhile == {""}):
        sys.exit(f"{columns} columns: {part!r} is not shown: {meanwhile}")
    if columns == 200 and not any(" left  ..." in m and len(m) > 190 for m in meanwhile):
        sys.exit(f"200 columns: {meanwhile}")
    if columns == 80 and not any("[#" in m and ".]" in m and "%" in m and "/s" in m for m in meanwhile):
        sys.exit(f"80 columns: {meanwhile}")
    if os.path.exists(f"tree-{columns}"):
        sys.exit(f"tree-{columns} is still there")

# No terminal, no line; nor beside JSON, nor in the background, nor when it is over before anybody looks.
tree("tree")
ended = subprocess.run(slow("tree"), capture_output=True)
if ended.returncode != 0 or ended.stdout + ended.stderr != b"":
    sys.exit(f"without a terminal: {ended}")
tree("tree")
terminal = Terminal(*slow("--json", "tree"))
status = terminal.expect_end()
if status != 0 or json.loads(terminal.all)["entries"] != entries:
    sys.exit(f"with JSON: {status} {terminal.all}")
tree("tree")
terminal = shell()
terminal.type(typed(slow("-v", "tree"))[:-1] + " & wait\n")
terminal.expect("removed tree: ")
if "/s  " in terminal.before:
    sys.exit(f"in the background: {terminal.before}")
terminal.hang_up()
terminal.status()

# A terminal that was stopped by Ctrl-S does not stop the removal.
tree("tree")
terminal = Terminal(*slow("tree"))
terminal.expect("/s  ")
terminal.type("\x13")
soon("a tree is removed while the terminal is stopped", lambda: not os.path.exists("tree"))
terminal.type("\x11")
if terminal.expect_end() != 0:
    sys.exit("a terminal was stopped, and it fails")

# Ctrl-C, with something left.
tree("tree")
tree("other")
os.mkdir("first")
terminal = shell()
terminal.type(typed(slow("first", "tree", "missing", "other", milliseconds=5)))
terminal.expect("/s  ")  # the line; what was typed is shown before
terminal.type("\x03")
terminal.expect("tmp rm: Interrupt: ")
terminal.expect("removed; left: \"tree\" in part, \"other\"\r\n")
said = int(terminal.before.split()[0])
ask_status(terminal, 128 + signal.SIGINT)
terminal.hang_up()
terminal.status()
if os.path.exists("first") or entries_in("other") != entries or said != 1 + entries - entries_in("tree"):
    sys.exit(f"{said} entries of {entries} are said to be gone, {entries_in('tree')} are left")
if said == 1 or said > entries:
    sys.exit(f"{said} entries")


# Signals without a terminal.
def child_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(n) for n in file.read().split()]


def end_by(number, *arguments, before=(), milliseconds=5):
    """Sends the signal when something was removed. Returns the status, what was printed, what went and what is left."""
    tree("ended")
    running = subprocess.Popen([*before, *slow(*arguments, "ended", milliseconds=milliseconds)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    soon("something is removed", lambda: entries_in("ended") < entries)
    for pid in child_of(running.pid):
        os.kill(pid, number)
    out, err = running.communicate()
    left = entries_in("ended") if os.path.exists("ended") else 0
    subprocess.run([tool, "rm", "ended"], check=True)
    return running.returncode, out.decode(), err.decode(), entries - left, left


for number, name in ((signal.SIGTERM, "Terminated"), (signal.SIGHUP, "Hangup"), (signal.SIGINT, "Interrupt")):
    status, out, err, gone, left = end_by(number)
    if status != -number or err != f"tmp rm: {name}: {gone} entries were removed; left: \"ended\" in part\n":
        sys.exit(f"{name}: {status} {err!r}, {gone} gone")
status, out, err, gone, left = end_by(signal.SIGTERM, "--json")
said = json.loads(out)
if status != -signal.SIGTERM or not said["cancelled"] or said["paths"][0]["complete"] or said["entries"] != gone:
    sys.exit(f"JSON: {status} {said}, {gone} gone")
# As nohup has it.
status, out, err, gone, left = end_by(signal.SIGHUP, before=("env", "--ignore-signal=HUP"), milliseconds=1)
if (status, out, err, left) != (0, "", "", 0):
    sys.exit(f"what is ignored is not ignored: {status} {err!r}, {left} left")
END
[ ! -s err ] || cat err

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/rm_terminal.sh" "$@" || fail "as an ordinary user"
fi
finish
