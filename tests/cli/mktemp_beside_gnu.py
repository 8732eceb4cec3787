"""Runs command lines through GNU's mktemp and through ours: mktemp_beside_gnu.py GNU OURS

Each runs in a directory of its own with the same contents. Compared are the exit status, what is said, the path that is
printed but for its random characters, and what stands there: kind, mode, size.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

GNU, OURS = sys.argv[1:]
BYTES = b"n\n\t\x01\x7f\\'\xe2\x80\x99\xe2\x80\x98\xc3\xa9\xff\xc2\x9bz"

COMMAND_LINES = [line.split() for line in """

-d
-u
-q
-t
-dt
-du
-uV
-V
-x
-h
-dx
-qx a
-W foo
--
-
--foo
--=
--d
--di
--dir
--dr
--dry-run=x
--dry -d a.XXXX
--q
--s
--s=.a
--suf .a
--su=/ aXXX
--t=.
--tm
--tmpdir
--tmpdir=
--tmpdir=.
--tmpdir .
--version --foo
--help=x
--vers=x
--directory=x
--quiet --quiet
--suffix
-p
-dp
-p.
-p .
-p sub
-p sub -d
-p sub/
-p sub// aXXX
-p / -u aXXX
-p // -u aXXX
-p /// -u aXXX
-p . a/XXX
-p . sub/XXX
-p ./sub/. XXX
-p nowhere
-p nowhere -d
-p nowhere -q
-p nowhere -u
-p plain
-p plain -u
-p plain -qu
-p plain -du
-p sub /aXXX
-p sub --suffix=b /aXXX
-p /aXXX
-p sub --tmpdir
-p sub --tmpdir=
-p sub -p .
--tmpdir=sub -p . aXXX
--tmpdir /aXXX
--tmpdir=a /bXXXX
--tmpdir=. sub/bXXXX
--tmpdir=. no/bXXXX
-t aXXX
-t a/XXX
-t sub/XXX
-t /XXX
-t XX/aXX
-t a/XX
-t --suffix=b a/XXX
-t -p sub aXXX
-t -p sub
-t -p nowhere aXXX
-t --tmpdir a/XXX
-t --tmpdir=sub XXX
-t -u --tmpdir=sub XXX
-tq a/XXX
XXX
XX
X
a
aXX
aXXX
aXXXX
a.XX
XXXb
XXX.b.c
aXXb
aXXXXaaXXXXa
aXXXXaaXXa
XXXXX.XX
XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX
aXXX/b
aXXX/
XXX/..
sub/XXX
sub/XXXX.txt
./sub//XXXX.txt
../XXXnowhere/XXX
nowhere/XXX
nowhere/XXX.b
-d nowhere/XXX
-u nowhere/XXX
-q nowhere/XXX
plain/XXX
-u plain/XXX
-d plain/XXX
-du plain/XXX
loop/XXX
-u loop/XXX
link/XXX
X/XXX
-- -XXX
-XXX
-- -d
a b
a b c
-q a b
aXXX -d
-d aXXX bXXX
-dq aXX
-q aXX
--suffix= aXXX
--suffix= aXXXb
--suffix=b aXXX
--suffix b aXXX
--suffix=b aXXXb
--suffix=X aXXX
--suffix=X aXX
--suffix=XXX aX
--suffix=XXXX a
--suffix=/b aXXX
--suffix=/b aXX
--suffix=/b a
--suffix=b/ aXXX
--suffix=b/ -d aXXX
--suffix=b/ -du aXXX
--suffix=b// -dt XXX
--suffix=b/c -dt XXX
--suffix=// XXX
-d aXXXb/
-dt aXXXb//
-dt aXXX//
--suffix=b /aXX
--suffix=.txt
--suffix=.txt -d
--suffix=X
--suffix=a --suffix=b XXX
-d --suffix= aXXXXaaXXXX
aXXXX --suffix=b
aXX --suffix=b
é.XXX
éX
""".split("\n")[1:-1]] + [
    [""],
    ["--suffix=", ""],
    ["-d", "--suffix=aXXXXb", ""],
    ["-p", ""],
    ["-t", ""],
    ["-u", "-p", "", "aXXX"],
    ["-t", "-p", "", "aXXX"],
    [" XXX"],
    ["0" * 252 + "XXX"],
    ["0" * 253 + "XXX"],
    ["-u", "0" * 253 + "XXX"],
    ["-d", "0" * 253 + "XXX"],
    ["a/" * 2100 + "XXX"],
    [BYTES],
    [BYTES + b"XXX"],
    [b"--suffix=/" + BYTES, "XXX"],
    [b"-t", BYTES + b"/XXX"],
    [b"-p", BYTES],
    [b"-p", BYTES, b"/XXX"],
]


def surroundings():
    """Yields environment, umask and command lines."""
    yield {"LC_ALL": "C", "TMPDIR": "sub"}, 0o022, COMMAND_LINES
    yield {"LC_ALL": "C.UTF-8", "TMPDIR": "nowhere"}, 0o022, COMMAND_LINES[::4] + COMMAND_LINES[-8:]
    yield {"LC_ALL": "C", "POSIXLY_CORRECT": "1"}, 0o077, [c for c in COMMAND_LINES if c and c[0][:1] != "-"]
    modes = [["aXXX"], ["-d", "aXXX"], ["-u", "aXXX"], [], ["-d"]]
    for umask in 0, 0o277, 0o377, 0o700, 0o777:
        yield {"LC_ALL": "C", "TMPDIR": ""}, umask, modes
    for tmpdir in "/", "//", "sub/", "sub//", ".", "/tmp/", "plain", "link", "\n":
        few = [[], ["-u"], ["-t", "XXX"], ["-u", "-t", "-p", "sub", "XXX"], ["-u", "-p", "sub"], ["-p", ""]]
        yield {"LC_ALL": "C", "TMPDIR": tmpdir}, 0o022, few if tmpdir[:1] != "/" else [c + ["-u"] for c in few]


def prepare(place):
    os.makedirs(place + "/sub")
    os.symlink("sub", place + "/link")
    os.symlink("loop", place + "/loop")
    open(place + "/plain", "w").close()


def random_made_plain(path, arguments):
    """The path with an X again for each character that is random."""
    slashes = len(path) - len(path.rstrip(b"/"))
    directory, _, name = path.rstrip(b"/").rpartition(b"/")
    given = [a if isinstance(a, bytes) else os.fsencode(a) for a in arguments]
    template = next((a for a in given if b"XXX" in a and not a.startswith(b"--")), b"tmp.XXXXXXXXXX")
    template = template.rstrip(b"/").rpartition(b"/")[2]
    end = template.rindex(b"X") + 1
    begin = end
    while begin > 0 and template[begin - 1 : begin] == b"X":
        begin -= 1
    random = name[begin:end]
    assert re.fullmatch(b"[A-Za-z0-9]{%d}" % (end - begin), random), (path, template)
    return directory + b"|" + name[:begin] + b"X" * (end - begin) + name[end:] + b"/" * slashes


def outcome(program, place, environment, umask, arguments, stdout=subprocess.PIPE):
    ran = subprocess.run(["mktemp"] + arguments, executable=program, cwd=place, stdout=stdout, stderr=subprocess.PIPE,
                         stdin=subprocess.DEVNULL, env=environment, umask=umask, check=False)
    printed = ran.stdout or b""
    if printed.startswith((b"mktemp (", b"Usage: ")) or b"\nUsage: " in printed:
        return ran.returncode, ran.stderr, "its own text"
    if not printed:
        return ran.returncode, ran.stderr, sorted(os.listdir(place)), os.listdir(place + "/sub")
    assert printed.endswith(b"\n")
    path = printed[:-1]
    where = os.path.join(os.fsencode(place), path)
    made = None
    if os.path.lexists(where):
        status = os.lstat(where)
        made = stat.filemode(status.st_mode), status.st_size if stat.S_ISREG(status.st_mode) else None
        os.chmod(where, 0o700)
        (os.rmdir if stat.S_ISDIR(status.st_mode) else os.unlink)(where)
    return ran.returncode, ran.stderr, random_made_plain(path, arguments), made


def compare(scratch):
    compared, different = 0, 0
    places = []
    for name in "gnu", "ours":
        prepare(os.path.join(scratch, name))
        places.append(os.path.join(scratch, name))

    def both(*how, **more):
        nonlocal compared, different
        expected, got = (outcome(program, place, *how, **more) for program, place in zip((GNU, OURS), places))
        compared += 1
        if expected != got:
            different += 1
            print(f"FAILED: {how} {more}\n  GNU:  {expected}\n  ours: {got}")

    for environment, umask, command_lines in surroundings():
        for arguments in command_lines:
            both(environment, umask, arguments)
    with open("/dev/full", "wb") as full:
        for arguments in ["XXX"], ["-d", "XXX"], ["-u", "XXX"], ["-q", "XXX"], ["-qu", "XXX"], ["--help"], ["--version"]:
            both({"LC_ALL": "C"}, 0o022, arguments, stdout=full)
    print(compared, "command lines compared")
    return different == 0 and compared > 200


if __name__ == "__main__":
    work = tempfile.mkdtemp()
    try:
        same = compare(work)
    finally:
        shutil.rmtree(work)
    sys.exit(0 if same else 1)
