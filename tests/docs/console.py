"""Plays a recorded session from the documents again: console.py FILE

A line that begins with "$ " is a command; the lines behind it are what it prints, on either output. "…" in them stands
for what is different each time. All commands run in one shell.
"""

import re
import subprocess
import sys

MARK = "--- end of a command ---"


def parse(lines):
    session = []
    for line in lines:
        if line.startswith("$ "):
            session.append((line[2:], []))
        else:
            session[-1][1].append(line)
    return session


def play(commands):
    script = "".join(f"{command}\necho '{MARK}'\n" for command in commands)
    done = subprocess.run(
        ["sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return [part.splitlines() for part in done.stdout.split(f"{MARK}\n")[:-1]]


def is_as_recorded(printed, recorded):
    patterns = [".*".join(map(re.escape, line.split("…"))) for line in recorded]
    return len(printed) == len(patterns) and all(map(re.fullmatch, patterns, printed))


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        session = parse(file.read().splitlines())
    played = play([command for command, _ in session])
    wrong = len(played) != len(session)
    for (command, recorded), printed in zip(session, played):
        print(f"$ {command}", *printed, sep="\n")
        if not is_as_recorded(printed, recorded):
            print("FAILED: the document has", *recorded, sep="\n")
            wrong = True
    sys.exit(wrong)


main()
