#!/bin/sh
# Narrow terminals: what is made for people has lines no wider than the screen, with all of its words, and what is there
# to be copied stays whole. Without a terminal nothing is broken.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

# Things for the lists: what a program has that runs, and what one left that was killed, at paths with blanks.
mkdir -m 700 registry
mkdir 'in two  words'
export TEMPFILE_REGISTRY="$scratch/registry"
mkfifo said
for victim in dead alive; do
    TMPDIR="$scratch/in two  words" "$3" >said &
    eval "$victim=\$!"
    read -r _ <said
done
# shellcheck disable=SC2154  # set by eval
kill -9 "$dead"
wait "$dead" 2>/dev/null

exits 0 python3 - "$tool" "$scratch/in two  words" <<'END'
import os, re, subprocess, sys
from terminal import Terminal

tool, place = sys.argv[1:]
failures = 0


def fail(what):
    global failures
    failures += 1
    print(f"FAILED: {what}", file=sys.stderr)


def piped(*arguments):
    done = subprocess.run([tool, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout + done.stderr


def shown(columns, *arguments):
    terminal = Terminal(tool, *arguments, columns=columns)
    terminal.expect_end()
    return re.sub("\x1b\\[[0-9;]*m", "", terminal.all.replace("\r\n", "\n"))


# Its words; how much is free is another every time.
def words_of(text):
    return re.sub("only [0-9.]+ [A-Za-z]+ free", "only so much free", " ".join(text.split()))


def check_width(columns, arguments, text, may_be_wide):
    for line in text.splitlines():
        words = re.sub("^(ok|note|warning|problem) +", "", line.strip())
        if len(line) > columns and " " in words and not may_be_wide(line):
            fail(f"{' '.join(arguments)}, {columns} columns, {len(line)} in: {line}")


# --- Help ---

listed = piped("--help").partition("\nCommands:\n")[2].partition("\n\n")[0]
helps = [[], ["--help"]] + [[command, "--help"] for command in re.findall("^  ([a-z]+) ", listed, re.M)]
assert len(helps) > 14, helps
for arguments in helps:
    plain = piped(*arguments)
    examples = [line for line in plain.partition("\nExample")[2].splitlines() if line.startswith("  ")]
    assert examples, arguments
    for columns in 40, 80, 100:
        text = shown(columns, *arguments)
        check_width(columns, arguments, text, lambda line: line in examples)
        if text.split() != plain.split():
            fail(f"{' '.join(arguments)}, {columns} columns: not the same words: {text}")
        missing = [example for example in examples if example not in text.splitlines()]
        if missing:
            fail(f"{' '.join(arguments)}, {columns} columns: not as it is to be copied: {missing}")
    if shown(200, *arguments) != plain:
        fail(f"{' '.join(arguments)}: not as it is, though there is room for it")

# --- Lists ---

command = re.compile("(-> )?(chmod|export|mkdir|sysctl|unset) ")
os.environ["TMPDIR"] = "not/absolute"
os.makedirs("not/absolute")
for arguments in ["ls"], ["sweep", "-nv"], ["where", "--explain"], ["doctor"], ["recipe"]:
    for columns in 40, 80:
        text = shown(columns, *arguments)
        check_width(columns, arguments, text, lambda line: command.match(line.strip()) or line.strip().startswith(place))
if 'export TMPDIR="$(realpath -- "$TMPDIR")"' not in shown(40, "doctor"):
    fail("doctor: a command is broken")
for arguments, expected in (["ls"], 4), (["sweep", "-nv"], 2):
    lines = shown(40, *arguments).splitlines()
    alone = [line for line in lines if re.fullmatch(" *" + re.escape(place) + "/[^ /]*", line)]
    if len(alone) != expected:
        fail(f"{arguments}: not each path on a line of its own: {lines}")
table = shown(300, "ls")
if "KIND" not in table or table.split() != piped("ls").split():
    fail(f"ls: no table where there is room for one: {table}")

# --- Messages ---

spooled = Terminal("sh", "-c", 'echo x | "$1" spool -v --max-size 0 --dir "$2" >/dev/null', "sh", tool, place, columns=40)
spooled.expect_end()
lines = spooled.all.replace("\r", "").splitlines()
check_width(40, ["spool"], "\n".join(lines), lambda line: line.strip() == place)
if lines[:2] != ["size       2 bytes", "roll-over  at once (--max-size 0 bytes)"] or " " * 11 + place not in lines:
    fail(f"spool -v: {lines}")

far = "in two  words/and a long way from everything"
for whole, *arguments in (
        (f"[/nonexistent/{far}]", "file", "--dir", f"/nonexistent/{far}"),
        (f'"{far}"', "file", "--prefix", far),
        ("(7 EiB", "where", "--need", "7E"),
        ("'tmp mktemp --help'", "mktemp", "a", "b"),
        (f"'{far}'", "mktemp", far),  # which asks the locale for its quotes
        (f"‘{far}’", "mktemp", far),
        ("`tmp --help`", "wher", "to go when there is so little room")):
    os.environ["LC_ALL"] = "C.UTF-8" if whole[0] == "‘" else "C"
    plain = piped(*arguments)
    assert plain.count("\n") <= 2, plain
    for columns in 40, 80:
        text = shown(columns, *arguments)
        check_width(columns, arguments, text, lambda line: line.strip() == whole)
        if whole not in text or words_of(text) != words_of(plain):
            fail(f"{arguments}, {columns} columns: {whole} is broken, or not the same words: {text}")
sys.exit(failures > 0)
END
# shellcheck disable=SC2154
kill -9 "$alive"
wait "$alive" 2>/dev/null
finish
