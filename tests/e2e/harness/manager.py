"""The sd_notify(3) part of a service manager: its socket, and what it received
when."""

import os
import socket
import tempfile
import time

from .wait import scaled


class Manager:

    def __init__(self, abstract=False):
        self.scratch = tempfile.TemporaryDirectory(prefix="hubd-notify-")
        self.path = os.path.join(self.scratch.name, "socket")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if abstract:
            self.name = "@" + self.path
            self.socket.bind("\0" + self.path)
        else:
            self.name = self.path
            self.socket.bind(self.path)
        self.lines = []  # time and text, in the order in which they came
        self.seen = 0  # of those, by until()

    def close(self):
        self.socket.close()
        self.scratch.cleanup()

    def read(self, seconds):
        """Takes what comes within this time; whether that was anything."""
        self.socket.settimeout(max(seconds, 0.0001))
        try:
            text = self.socket.recv(4096).decode()
        except TimeoutError:
            return False
        now = time.monotonic()
        self.lines += [(now, line) for line in text.splitlines()]
        return True

    def listen(self, seconds):
        """Takes what comes for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(end - time.monotonic())

    def skip(self):
        """What has come is no matter of until() any more."""
        while self.read(0):
            pass
        self.seen = len(self.lines)

    def until(self, wanted, seconds=5):
        """The next line that begins like this, behind the one before."""
        end = time.monotonic() + scaled(seconds)
        while True:
            while self.seen < len(self.lines):
                at, line = self.lines[self.seen]
                self.seen += 1
                if line.startswith(wanted):
                    return at, line
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {wanted} in {self.lines[-20:]}")
            self.read(left)

    def times(self, wanted):
        return [at for at, line in self.lines if line == wanted]

    def states(self):
        """The names of what is neither a figure nor a sign of life."""
        return [line.partition("=")[0] for _, line in self.lines
                if not line.startswith(("STATUS=", "WATCHDOG="))]

    def is_full(self):
        """Whether whoever writes to it would have to wait."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            try:
                other.sendto(b"x", self.path)
            except BlockingIOError:
                return True
            return False
