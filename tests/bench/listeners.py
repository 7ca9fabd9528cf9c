"""Clients that read what they get, while something else makes the load: one
thread goes over all of their sockets every few milliseconds. They expect one
message again and again, so that it is counted without looking into it, and
take next to nothing from a server on the same machine.
"""

import base64
import os
import socket
import threading

import process

PAUSE = 0.02  # seconds between two rounds
TIMEOUT = 10.0
PIECE = 1 << 18
CLOSE, PING, PONG = 0x88, 0x89, 0x8a


def text_frame(message):
    """As a server sends it: final, not masked."""
    size = len(message)
    if size < 126:
        return bytes([0x81, size]) + message
    return b"\x81\x7e" + size.to_bytes(2, "big") + message


def masked(first, payload=b""):
    """A control frame of a client; the mask may be anything."""
    return bytes([first, 0x80 | len(payload)]) + bytes(4) + payload


class Client:
    """One connection; `rest` is the start of a frame, or nothing."""

    def __init__(self, port, path):
        self.rest = b""
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        try:
            self._shake_hands(port, path)
        except BaseException:
            self.socket.close()
            raise
        self.socket.setblocking(False)

    def _shake_hands(self, port, path):
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            .encode())
        head, end = b"", b""
        while not end:
            piece = self.socket.recv(PIECE)
            if not piece:
                raise process.RunError("refused: no answer")
            head, end, self.rest = (head + piece).partition(b"\r\n\r\n")
        status = head.partition(b"\r\n")[0].decode("latin-1")
        if status.split()[1:2] != ["101"]:
            raise process.RunError(f"refused: {status[:80]!r}")

    def take(self, data, frame):
        """How many times the frame has come. Raises ConnectionError at the
        end of the connection and at anything else that is no ping."""
        data = self.rest + data
        rest = data.replace(frame, b"")
        count = (len(data) - len(rest)) // len(frame)
        while len(rest) >= 2 and rest[0] == PING and len(rest) >= 2 + rest[1]:
            end = 2 + rest[1]
            self.socket.send(masked(PONG, rest[2:end]))
            rest = rest[end:]
        if rest and rest[0] != PING and not frame.startswith(rest):
            raise ConnectionError("the server closed it" if rest[0] == CLOSE
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
                except OSError as error:
                    self.lost.append(str(error))
                    self._clients.remove(client)
                    client.socket.close()

    def _close(self):
        for client in self._clients:
            try:
                client.socket.send(masked(CLOSE))
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
