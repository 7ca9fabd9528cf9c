"""Clients that read while something else generates the load: one thread goes
over all of their sockets every few milliseconds. They expect the same message
again and again, so that it is counted without being parsed, and take very
little CPU from a server on the same machine.
"""

import pathlib
import sys
import threading

import process

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

# pylint: disable=wrong-import-position
from harness.rawws import (CLOSE, PING, PONG, TEXT, RawWs,  # noqa: E402
                           encode, frame_at)

PAUSE = 0.02  # seconds between two rounds
PIECE = 1 << 18
FINAL = 0x80
PING_START = bytes([FINAL | PING])


def text_frame(message):
    """As a server sends it."""
    return encode(TEXT, message, mask=False)


def answer(opcode, payload=b""):
    """A control frame of a client; the mask may be anything."""
    return encode(opcode, payload, mask_key=bytes(4))


class Client:
    """One connection; `rest` is the start of a frame, or nothing."""

    def __init__(self, port, path):
        try:
            connected = RawWs(port, path=path)
        except (AssertionError, EOFError) as error:
            raise process.RunError(f"refused: {str(error)[:80]}") from None
        self.socket, self.rest = connected.sock, connected.http.buffer
        self.socket.setblocking(False)

    def take(self, data, frame):
        """How many times the frame has come. Raises ConnectionError at the
        end of the connection and at anything else that is no ping."""
        data = self.rest + data
        rest = data.replace(frame, b"")
        count = (len(data) - len(rest)) // len(frame)
        while rest[:1] == PING_START and (found := frame_at(rest)):
            ping, size = found
            self.socket.send(answer(PONG, ping.payload))
            rest = rest[size:]
        if rest[:1] != PING_START and not frame.startswith(rest):
            raise ConnectionError(
                "the server closed it" if rest[0] == FINAL | CLOSE
                else "the server sent something else")
        self.rest = rest
        return count

    def read(self, frame):
        """All that is there by now."""
        count = 0
        while True:
            try:
                data = self.socket.recv(PIECE)
            except BlockingIOError:
                return count
            if not data:
                raise ConnectionError("the server closed it")
            count += self.take(data, frame)


class Listeners:
    """The clients user-0, user-1 and so on; as a context they end with it.
    `path` holds {user}."""

    def __init__(self, port, path, count, message):
        self.delivered, self.lost = 0, []
        self._frame = text_frame(message)
        self._clients = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_all)
        try:
            for index in range(count):
                self._clients.append(Client(
                    port, path.replace("{user}", f"user-{index}")))
        except OSError as error:
            self._close()
            raise process.RunError(f"cannot connect: {error}") from None
        except BaseException:
            self._close()
            raise

    def _read_all(self):
        while not self._stop.wait(PAUSE):
            for client in list(self._clients):
                try:
                    self.delivered += client.read(self._frame)
                except (OSError, AssertionError) as error:
                    self.lost.append(str(error))
                    self._clients.remove(client)
                    client.socket.close()

    def _close(self):
        for client in self._clients:
            try:
                client.socket.send(answer(CLOSE))
            except OSError:
                pass
            client.socket.close()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        self._close()
