"""Programs on a terminal of their own: what is typed, and what they show."""
import os
import pty
import re
import select
import signal
import time

from nodes import DEADLINE_S, Failure, Skip

ESCAPES = re.compile(r"\x1b\[[0-9;?>=]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|"
                     r"\x1b[()][A-Z0-9]|\x1b[=>]|[\x00-\x09\x0b-\x1f]")


class Terminal:
    """A program on a terminal."""

    def __init__(self, words, env, folder):
        self.text = ""
        try:
            self.pid, self.fd = pty.fork()
        except OSError as wrong:
            raise Skip(f"no terminals here: {wrong}") from wrong
        if self.pid == 0:
            try:
                os.chdir(folder)
                os.execvpe(words[0], words, env)
            finally:
                os._exit(127)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait(self, pattern, since=0, deadline_s=DEADLINE_S):
        """Until what was printed has it; the match."""
        end = time.monotonic() + deadline_s
        while True:
            found = re.search(pattern, ESCAPES.sub("", self.text[since:]))
            if found:
                return found
            ready, _, _ = select.select([self.fd], [], [], max(end - time.monotonic(), 0))
            try:
                got = os.read(self.fd, 65536) if ready else b""
            except OSError:
                got = b""
            if not got:
                raise Failure(f"no {pattern!r} within the deadline; there is {self.text[-1500:]!r}")
            self.answer(got)
            self.text += got.decode(errors="replace")

    def answer(self, got):
        """What a shell asks of its terminal."""
        if b"\x1b[c" in got or b"\x1b[0c" in got:  # what are you?
            self.send("\x1b[?1;2c")
        if b"\x1b[6n" in got:  # where is the cursor?
            self.send("\x1b[1;1R")

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        os.waitpid(self.pid, 0)
