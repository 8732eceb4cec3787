#!/bin/sh
# tmp shell: which shell, what it gets, and its status; in a terminal with job control and without one. As root also as
# an ordinary user.
# shellcheck source=SCRIPTDIR/check.sh
. "$(dirname "$0")/check.sh"

stage
export PYTHONPATH="$here" PYTHONDONTWRITEBYTECODE=1

# --- Without a terminal ---

echo 'pwd; echo "$TMPDIR $TEMP $TMP"; stat -c %a .; mkdir -p a/b; exit 5' >script
exits 5 env SHELL=/bin/sh "$tool" shell <script
dir=$(sed -n 1p out)
matches "$dir" "$scratch/into/tmp*"
is "$(out)" "$dir
$dir $dir $dir
700" "its directory"
is "$(cat err)" "" "what is said without a terminal"
empty into
exits 0 env SHELL=/nonexistent "$tool" shell --prefix a- --suffix=-z --dir . -- sh -c 'pwd; printf "<%s>" "$@"' sh {} --dir -- ''
matches "$(out)" "$scratch/a-*-z
<{}><--dir><--><>"
exits 137 "$tool" shell -- sh -c 'kill -9 $$'
exits 127 "$tool" shell -- nonexistent
is "$(cat err)" 'tmp shell: command "nonexistent" is not found; see $PATH, or say its path' "what is said"
printf '#!/bin/sh\necho mine\n' >mine
chmod 755 mine
exits 0 "$tool" shell -- ./mine
is "$(out)" mine "a path from where it was called"
exits 0 env SHELL=./mine "$tool" shell
is "$(out)" mine "the same for \$SHELL"
rm mine
exits 125 "$tool" shell --dir /nonexistent -- sh
says "tmp shell: cannot make a temporary directory"
exits 2 env -u SHELL "$tool" shell
is "$(cat err)" 'tmp shell: $SHELL is not set; say which shell, as tmp shell -- bash' "what is said"
exits 2 env SHELL=/bin/sh "$tool" shell --
is "$(cat err)" 'tmp shell: there is no command behind "--"' "what is said"
exits 2 "$tool" shell sh -c pwd
is "$(head -n 1 err)" 'tmp shell: unexpected argument "sh"; a command stands behind "--"' "what is said"
exits 2 env SHELL="$scratch/script" "$tool" shell
is "$(cat err)" "tmp shell: \$SHELL \"$scratch/script\" cannot be executed; say which shell, as tmp shell -- bash" "what is said"
exits 2 "$tool" shell sh
says 'tmp shell: unexpected argument "sh"'
exits 0 env TEMPFILE_KEEP=1 "$tool" shell -- true
is "$(cat err)" "tmp shell: kept $(echo into/tmp* | sed "s|^|$scratch/|")" "what is said of \$TEMPFILE_KEEP"
rmdir into/tmp*
empty into

# Killed itself, it has the shell told, which ignores SIGTERM if it is interactive; and the next sweep removes the
# directory.
"$tool" shell -- sh -c 'trap "" TERM; trap "echo told >../../said; exit" HUP; echo ready >../../said
    read -r _ <../../hold' &
job=$!
read -r _ <said
kill -9 "$job"
wait "$job" 2>/dev/null
read -r told <said
is "$told" told "what the shell is told"
exits 0 "$tool" sweep
empty into

# --- In a terminal ---

mkdir -m 700 runtime
cat >keys.py <<'END'
import os, sys
from terminal import ask_status, shell, soon

name = sys.argv[1]
command = {
    "sh": "sh -i",
    "dash": "dash -i",
    "bash": "bash --norc --noprofile -i",
    "zsh": "zsh -f -i",
    "fish": "fish --no-config -i -C \"function fish_prompt; printf '<in''ner>'; end\"",
}[name]
edits = name not in ("sh", "dash")


def left():
    return os.listdir(os.environ["TMPDIR"])


def prompt(terminal):
    terminal.expect_prompt("<inner>", edits)


def start(columns):
    terminal = shell(columns)
    enter(terminal)
    return terminal


def enter(terminal):
    terminal.type(f"PS1='<in''ner>' ./t shell -- {command}\n")
    terminal.expect("tmp shell:")
    terminal.expect("shell ends")
    prompt(terminal)


def tell(terminal, line, *expected):
    terminal.type(line)
    for text in expected:
        terminal.expect(text)
    prompt(terminal)


def run_sed(terminal):
    terminal.type("sh -c \"printf 'RE%s\\n' ADY; exec sed -u s/^/got-/\"\n")
    terminal.expect("READY")


for columns in (80, 40):
    terminal = start(columns)
    tell(terminal, "touch file; echo i''n $PWD\n", "in " + os.environ["TMPDIR"])
    # Keys are for what runs in it, and for it; it goes on.
    run_sed(terminal)
    tell(terminal, "\x03")
    run_sed(terminal)
    tell(terminal, "\x1a")
    terminal.type("fg\n")
    soon("the command has the terminal", lambda: terminal.foreground() == "sed" and terminal.is_canonical())
    terminal.type("through\n")
    terminal.expect("got-through")
    tell(terminal, "\x04")
    if edits:
        # The shell itself stands still, and goes on.
        terminal.type("suspend\n")
        terminal.expect("Stopped")
        terminal.expect("<ready>")
        assert len(left()) == 1
        terminal.type("fg\n")
        prompt(terminal)
    tell(terminal, "echo still $(expr 40 + 2)\n", "still 42")
    terminal.type("exit 7\n")
    ask_status(terminal, 7)
    assert not left(), left()
    # It is killed; the terminal is the outer shell's again.
    enter(terminal)
    terminal.type("kill -9 " + ("$fish_pid" if name == "fish" else "$$") + "\n")
    ask_status(terminal, 137)
    assert not left(), left()
    # The terminal goes away.
    enter(terminal)
    terminal.hang_up()
    terminal.status()
    soon("nothing is left", lambda: not left())
END

ln -s "$tool" t
for shell in sh dash bash zsh fish; do
    if command -v "$shell" >/dev/null; then
        # fish makes a directory in $TMPDIR if it has no other place, and writes to $HOME.
        exits 0 env HOME="$scratch" XDG_RUNTIME_DIR="$scratch/runtime" TERM=xterm python3 keys.py "$shell"
        cat err
    else
        echo "skipped: no $shell"
    fi
done

if [ "$(id -u)" = 0 ] && as_user "$tool" --version >/dev/null 2>&1; then
    PATH=/usr/bin:/bin as_user sh "$here/shell.sh" "$@" || fail "as an ordinary user"
fi
finish
