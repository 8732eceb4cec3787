"""A terminal, for the tests in this folder that need one: a program in it, what it shows, and keys."""
import fcntl, os, pty, select, signal, struct, sys, termios, time

patience = 60  # seconds until something that should have come is said to be missing


class Terminal:
    def __init__(self, *command, columns=80):
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGINT, signal.SIGQUIT):  # a script ignores them for what it puts into the background
                signal.signal(number, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
            os.execvp(command[0], command)
        self.seen = ""
        self.all = ""

    def expect(self, text):
        """Waits for the text, after what was expected before."""
        until = time.monotonic() + patience
        while text not in self.seen:
            ready, _, _ = select.select([self.end], [], [], max(0, until - time.monotonic()))
            try:
                assert ready, "no output"
                more = os.read(self.end, 4096)
                assert more, "the end"
            except (AssertionError, OSError) as e:
                sys.exit(f"{text!r} does not come ({e}); it said {self.seen!r}")
            self.seen += more.decode(errors="replace")
            self.all += more.decode(errors="replace")
        self.before = self.seen[:self.seen.index(text)]
        self.seen = self.seen[self.seen.index(text) + len(text):]

    def expect_end(self):
        """Waits until the program is gone. Returns its status."""
        while True:
            try:
                more = os.read(self.end, 4096)
            except OSError:
                more = b""
            if not more:
                return self.status()
            self.all += more.decode(errors="replace")

    def is_canonical(self):
        """Whether the terminal gives out whole lines, which programs have and shells that edit lines do not."""
        return termios.tcgetattr(self.end)[3] & termios.ICANON != 0

    def foreground(self):
        """The program that gets the keys; empty when it has just ended."""
        try:
            with open(f"/proc/{os.tcgetpgrp(self.end)}/comm") as file:
                return file.read().strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def expect_prompt(self, text="<ready>", edits=True):
        """Waits for the prompt of a shell, and until it reads: it loses keys that are typed before."""
        self.expect(text)
        if edits:
            soon("the shell reads", lambda: not self.is_canonical())

    def type(self, text):
        os.write(self.end, text.encode())

    def hang_up(self):
        os.close(self.end)

    def status(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def shell(columns=80):
    terminal = Terminal("sh", "-i", columns=columns)
    terminal.type("PS1='<re''ady>'\n")  # what is typed is shown too, and shall not be taken for it
    terminal.expect("<ready>")
    return terminal


def ask_status(terminal, expected):
    terminal.expect("<ready>")
    terminal.type("echo status-$?-\n")
    terminal.expect(f"status-{expected}-")
    terminal.expect("<ready>")


def soon(what, happens):
    until = time.monotonic() + patience
    while not happens():
        if time.monotonic() > until:
            sys.exit(f"it does not come to be that {what}")
        time.sleep(0.01)
