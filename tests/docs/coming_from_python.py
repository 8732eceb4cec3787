"""docs/coming-from-python.md against the Python that is installed: everything of its tempfile has a row, and what the rows
say of Python is true. Called with the path of the document."""

import inspect
import io
import os
import platform
import re
import subprocess
import sys
import tempfile

rows = [line.split(" | ")[0] for line in open(sys.argv[1]) if line.startswith("| `")]
names = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
failures = []


def check(claim, true):
    if not true:
        failures.append(claim)


def check_names(of, found):
    for name in found:
        check(f"{of}: a row for `{name}`", name in names)


def public(thing):
    return [name for name in dir(thing) if not name.startswith("_")]


# --- Every name ---

# Since 3.12, or not in __all__.
check_names("newer Pythons", ["delete_on_close=", "delete=", "template", "_rolled"])
check_names("tempfile", tempfile.__all__)
for name in tempfile.__all__:
    if callable(getattr(tempfile, name)):
        check_names(name, [f"{p}=" for p in inspect.signature(getattr(tempfile, name)).parameters])

methods = lambda thing: [n + ("()" if callable(getattr(thing, n)) else "") for n in public(thing)]
with tempfile.TemporaryFile() as fp:
    check_names("TemporaryFile()", methods(fp))
with tempfile.TemporaryFile("w+") as fp:
    check_names("TemporaryFile('w+')", methods(fp))
with tempfile.NamedTemporaryFile() as fp:
    check_names("NamedTemporaryFile()", ["file", "delete"] + methods(fp))
    check("the name of a named file is a path", os.path.isabs(fp.name))
with tempfile.TemporaryDirectory() as where:
    check_names("TemporaryDirectory", ["cleanup()", "name"])
    check("with gives the name of the directory", isinstance(where, str))

# --- What is said of Python ---

check("gettempprefix", tempfile.gettempprefix() == "tmp" == tempfile.template)
check("TMP_MAX is the C library's", tempfile.TMP_MAX == getattr(os, "TMP_MAX", 10000))
check("TMP_MAX of glibc", platform.libc_ver()[0] != "glibc" or tempfile.TMP_MAX == 238328)
with tempfile.TemporaryFile(buffering=0) as fp:
    check("buffering=0 gives a file without a buffer", isinstance(fp, io.RawIOBase))
with tempfile.TemporaryFile() as fp:
    fp.write(b"abc")
    check("fileno() writes nothing out", os.fstat(fp.fileno()).st_size == 0)
    fp.seek(0)
    fp.read(1)
    check("fileno() sets no offset", os.lseek(fp.fileno(), 0, os.SEEK_CUR) == 3 != fp.tell())
with tempfile.TemporaryFile() as fp:
    check("the name of a nameless file is its descriptor", fp.name == fp.fileno())

with tempfile.SpooledTemporaryFile() as spool:
    spool.write(b"x" * 10_000_000)
    check("a spool never rolls over by default", not spool._rolled)
    spool.fileno()
    check("fileno() rolls over", spool._rolled)
with tempfile.SpooledTemporaryFile(max_size=10) as spool:
    spool.write(b"x" * 10)
    check("max_size bytes stay in memory", not spool._rolled)
    spool.truncate(11)
    check("truncate() beyond max_size rolls over", spool._rolled)

with tempfile.TemporaryDirectory() as scratch:
    inside = os.path.join(scratch, "inside")
    os.mkdir(inside)
    fd, path = tempfile.mkstemp(prefix="../x", dir=inside)
    os.close(fd)
    check("a prefix may lead to another directory", os.path.dirname(os.path.realpath(path)) == os.path.realpath(scratch))
    check("mkstemp: mode 0600", os.stat(path).st_mode & 0o7777 == 0o600)
    made = tempfile.mkdtemp(dir=scratch)
    check("mkdtemp: mode 0700", os.stat(made).st_mode & 0o7777 == 0o700)

    fd, path = tempfile.mkstemp(dir=f"{scratch}//inside/./..")
    os.close(fd)
    check("mkstemp takes .. away", os.path.dirname(path) == scratch)
    os.chdir(scratch)
    fd, path = tempfile.mkstemp(dir="")
    os.close(fd)
    check("dir='' is the working directory", os.path.dirname(path) == os.getcwd())
    os.chdir("/")

    path = os.path.join(scratch, "text")
    raw = b"a\nb\rc\r\nd"
    for newline, lines, written in [
        (None, ["a\n", "b\n", "c\n", "d"], b"x\ny\r\n"),
        ("", ["a\n", "b\r", "c\r\n", "d"], b"x\ny\r\n"),
        ("\n", ["a\n", "b\rc\r\n", "d"], b"x\ny\r\n"),
        ("\r", ["a\nb\r", "c\r", "\nd"], b"x\ry\r\r"),
        ("\r\n", ["a\nb\rc\r\n", "d"], b"x\r\ny\r\r\n"),
    ]:
        with open(path, "wb") as text:
            text.write(raw)
        with open(path, newline=newline) as text:
            check(f"lines with newline={newline!r}", text.readlines() == lines)
        with open(path, "w", newline=newline) as text:
            text.write("x\ny\r\n")
        with open(path, "rb") as text:
            check(f"what newline={newline!r} writes", text.read() == written)
    with tempfile.TemporaryFile("w+") as text:
        os.write(text.fileno(), b"a\r\n")
        text.seek(0)
        check("newline=None is the default", text.read() == "a\n")

    check("a TMPDIR that cannot be used is passed over in silence", subprocess.run(
        [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"], capture_output=True, text=True,
        env={"TMPDIR": "/nonexistent", "TMP": scratch}).stdout == scratch + "\n")

    child_leaves = """
import os, sys, tempfile
fp = tempfile.NamedTemporaryFile(dir=sys.argv[1])
if os.fork() == 0:
    fp.close()
    os._exit(0)
os.wait()
print(os.path.exists(fp.name))
fp.delete = fp._closer.delete = False
"""
    check("a child that closes a named file deletes it", subprocess.run(
        [sys.executable, "-c", child_leaves, scratch], capture_output=True, text=True).stdout == "False\n")

for claim in failures:
    print("FAILED:", claim)
sys.exit(1 if failures else 0)
