"""Does a row with Python's tempfile: python_peer.py ROW TIMES [FILE] prints the seconds that TIMES goes took."""

import os
import sys
import tempfile
import time

PAGE = b"x" * 4096
NOTE = PAGE[:100]
RECORD = PAGE[:64]
SMALL = 1 << 20
LARGE = 64 << 20


def unnamed():
    with tempfile.TemporaryFile():
        pass


def roundtrip():
    with tempfile.TemporaryFile() as file:
        file.write(PAGE)
        file.seek(0)
        assert len(file.read(4096)) == 4096


def named():
    with tempfile.NamedTemporaryFile() as file:
        file.write(NOTE)


def directory():
    with tempfile.TemporaryDirectory():
        pass


def directory_100():
    with tempfile.TemporaryDirectory() as path:
        for i in range(100):
            os.close(os.open(f"{path}/{i}", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def spool(size):
    with tempfile.SpooledTemporaryFile(max_size=8 << 20) as file:
        write = file.write
        for _ in range(size // len(RECORD)):
            write(RECORD)
        file.flush()


def replace(durable):
    """The usual recipe, which leaves mode and owner as they come; durable with the directory."""
    target = tempfile.gettempdir() + "/published0"
    with tempfile.NamedTemporaryFile(dir=os.path.dirname(target), delete=False) as file:
        file.write(PAGE)
        file.flush()
        if durable:
            os.fsync(file.fileno())
    os.replace(file.name, target)
    if durable:
        directory = os.open(os.path.dirname(target), os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)


def stream_write():
    with tempfile.TemporaryFile() as file:
        write = file.write
        for _ in range(LARGE // len(PAGE)):
            write(PAGE)


def stream_read():
    with open(sys.argv[3], "rb") as file:
        read = file.read
        for _ in range(LARGE // len(PAGE)):
            assert len(read(4096)) == 4096


rows = {
    "unnamed": unnamed,
    "roundtrip": roundtrip,
    "named": named,
    "directory": directory,
    "directory_100": directory_100,
    "spool_direct": lambda: spool(SMALL),
    "spool_rolled": lambda: spool(LARGE),
    "replace": lambda: replace(False),
    "replace_durable": lambda: replace(True),
    "stream_write": stream_write,
    "stream_read": stream_read,
}

body = rows[sys.argv[1]]
times = int(sys.argv[2])
body()
start = time.perf_counter()
for _ in range(times):
    body()
print(time.perf_counter() - start)
