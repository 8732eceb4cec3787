#!/bin/sh
# tmp write and tmp edit in a terminal: input that is typed, keys that end it, and the line that shows how far it is.
# strace makes it slow enough for that. As root also as an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

strace -o /dev/null true 2>/dev/null || {
    echo "SKIPPED: nothing can be traced here"
    exit 77
}
# The leak checker of a sanitized build cannot work while it is traced.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"
chmod 755 "$scratch"
mkdir d
export TOOL="$tool"
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

exits 0 python3 - <<'END'
import os, re, shlex, signal, sys
from terminal import Terminal, ask_status, shell

tool = os.environ["TOOL"]
target = "d/f"


def holds(text):
    with open(target) as file:
        found = file.read()
    if found != text or os.listdir("d") != ["f"]:
        sys.exit(f"in the target is {found!r}, not {text!r}; in its directory, {os.listdir('d')}")


# What is typed, until Ctrl-D, once.
terminal = Terminal(tool, "write", target)
terminal.type("typed\n")
terminal.expect("typed\r\n")
terminal.type("\x04")
if terminal.expect_end() != 0:
    sys.exit(f"it fails: {terminal.all!r}")
holds("typed\n")

# Ctrl-C while it is typed.
terminal = shell()
terminal.type(f"sh -c \"printf 'RE%s\\\\n' ADY; exec {shlex.quote(tool)} write {target}\"\n")
terminal.expect("READY")
terminal.type("more\n")
terminal.expect("more")
terminal.type("\x03")
ask_status(terminal, 130)
holds("typed\n")

# Ctrl-C and Ctrl-Z reach the command, which reads from the terminal all the same.
ready = "printf 'RE%s\\n' ADY >/dev/tty; exec cat"
for subcommand, other in (("write", ready), ("edit", ready.replace("exec cat", "exec cat /dev/tty"))):
    command = f"{shlex.quote(tool)} {subcommand} {target} -- sh -c {shlex.quote(other)}\n"
    terminal.type(command)
    terminal.expect("READY")
    terminal.type("\x03")
    ask_status(terminal, 130)
    holds("typed\n")
terminal.type(f"{shlex.quote(tool)} write {target} -- sh -c {shlex.quote(ready)}\n")
terminal.expect("READY")
terminal.type("\x1a")
terminal.expect("Stopped")
terminal.expect("<ready>")
holds("typed\n")
terminal.type("fg\n")
terminal.expect("cat")
terminal.type("after fg\n\x04")
ask_status(terminal, 0)
holds("after fg\n")
terminal.hang_up()
terminal.status()

# Progress: of a file, whose size is known, and of a pipe, which is read in more pieces. None of little, however long it
# takes.
def slow(milliseconds):
    return (f"strace -o /dev/null -e trace=read -e inject=read:delay_enter={milliseconds * 1000} "
            f"{shlex.quote(tool)} write")


size = 1_300_000
for name, length in (("big", size), ("little", 999_999)):
    with open(name, "wb") as file:
        file.truncate(length)
started = []
for columns in (12, 40, 80):
    for way, shown in (("file", "%"), ("pipe", "B/s")):
        name = f"d/\x1b[31m{way}{columns}"
        quoted = shlex.quote(name)
        command = f"{slow(150)} {quoted} <big" if way == "file" else f"cat big | {slow(40)} {quoted}"
        started.append((Terminal("sh", "-c", command, columns=columns), columns, name, shown))
little = Terminal("sh", "-c", f"{slow(150)} {target} <little")
for terminal, columns, name, shown in started:
    if terminal.expect_end() != 0:
        sys.exit(f"{name}: it fails: {terminal.all!r}")
    rows = [row.rstrip() for row in terminal.all.split("\r")]
    if not any(re.search(r"\d MiB", row) for row in rows):
        sys.exit(f"{name}: no progress: {rows}")
    if columns >= 40 and not any(shown in row for row in rows):
        sys.exit(f"{name}: {shown} is not shown: {rows}")
    if any(len(row) >= columns or not row.isprintable() for row in rows) or rows[-1] != "":
        sys.exit(f"{name}: too wide, not printable, or left there: {rows}")
    if os.path.getsize(name) != size:
        sys.exit(f"{name}: it is not all there")
if little.expect_end() != 0 or little.all != "":
    sys.exit(f"of little there is shown {little.all!r}")
END
[ ! -s err ] || cat err

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/write_terminal.sh" "$@" || fail "as an ordinary user"
fi
finish
