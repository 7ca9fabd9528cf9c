"""An example as a process, and third-party clients for it."""

import asyncio
import os
import pathlib
import queue
import re
import subprocess
import threading

import websockets

from harness.http import RawHttp
from harness.rawws import TEXT, encode, new_key, upgrade_request
from harness.testcase import Assertions

EXAMPLES = pathlib.Path(os.environ["HUB_EXAMPLES"])
SECONDS = 15


class Program:
    """What it prints is read by a thread."""

    def __init__(self, name, *arguments, before=(), stdin=subprocess.DEVNULL,
                 **how):
        self.process = subprocess.Popen(
            [*before, EXAMPLES / name, *arguments], stdin=stdin, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **how)
        self.printed = []
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with self.process.stdout as pipe:
            for line in pipe:
                self.printed.append(line)
                self.lines.put(line)
        self.lines.put(None)

    def expect(self, pattern):
        """The next line that matches."""
        while True:
            line = self.lines.get(timeout=SECONDS)
            if line is None:
                raise AssertionError(f"no {pattern!r} in {self.printed}")
            match = re.search(pattern, line)
            if match:
                return match

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def wait(self):
        status = self.process.wait(SECONDS)
        self.reader.join(SECONDS)
        return status

    def discard(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class ExampleCase(Assertions):

    def start_example(self, name, *arguments, **how):
        if not (EXAMPLES / name).exists():
            self.lacking(f"examples/{name}.c was not built")
        program = Program(name, *arguments, **how)
        self.addCleanup(program.discard)
        return program

    def talk(self, conversation):
        """Runs a coroutine of websockets clients."""
        return asyncio.run(asyncio.wait_for(conversation, SECONDS))


def send_early(port, path):
    """Sends a frame behind the upgrade request without waiting for the answer.
    Returns its status, and whether the stream ends behind it."""
    connection = RawHttp(port)
    try:
        connection.try_send(upgrade_request(path, new_key())
                            + encode(TEXT, b"early"))
        return connection.read_reply().status, connection.ended()
    finally:
        connection.close()


def client(port, path, **how):
    return websockets.connect(f"ws://127.0.0.1:{port}{path}", **how)


async def closing(socket):
    """The code and the reason with which it is closed."""
    try:
        while True:
            await socket.recv()
    except websockets.ConnectionClosed as end:
        return end.rcvd.code, end.rcvd.reason
