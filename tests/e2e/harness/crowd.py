"""Many clients in one thread, each of which notes the numbers of the messages
it gets. Frames are read strictly, and a message counts only if it is byte for
byte what numbered() makes; errors are collected in `errors`, and raised by
check().

As a process of its own (python3 -m harness.crowd PORT COUNT SESSION) it prints
"ready" when all are connected, and the results when all are gone.
"""

import json
import re
import select
import socket
import sys
import threading
import time

from .rawws import (CLOSE, PING, PONG, TEXT, accept_of, encode, frame_at,
                    new_key, upgrade_request, ws_path)
from .wait import scaled, until

RETRY_S = 0.05
NUMBER = re.compile(rb'\{"type":"n","payload":\[(\d+),"(x*)"\]')
STAMP = b',"timestamp":"2024-01-02"}'
DENIED = (ConnectionError, BlockingIOError)


def numbered(number, filler=0):
    return b'{"type":"n","payload":[%d,"%s"]' % (number, b"x" * filler) + STAMP


def number_of(payload):
    """The number of a whole message, and of nothing else."""
    found = NUMBER.match(payload)
    if found:
        number = int(found[1])
        if payload == numbered(number, len(found[2])):
            return number
    raise AssertionError(f"not a message that was sent: {payload[:80]!r}")


class Connection:
    """One WebSocket from its first to its last byte."""

    def __init__(self, user):
        self.user = user
        self.key = new_key()
        self.buffer = bytearray()
        self.is_open = False
        self.numbers = []
        self.times = []  # when each of the numbers came
        self.pings = 0
        self.end = None  # what ended it: a close code, or 'lost'

    def received(self, data):
        """Returns what is to be sent in answer."""
        self.buffer += data
        if not self.is_open and not self._open():
            return b""
        answer = b""
        while self.end is None:
            found = frame_at(self.buffer)
            if found is None:
                break
            del self.buffer[:found[1]]
            answer += self._take(found[0])
        return answer

    def _open(self):
        head, mark, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        if not mark:
            return False
        if not head.startswith(b"HTTP/1.1 101 "):
            self.end = "refused"
            return False
        if accept_of(self.key).encode() not in head:
            raise AssertionError(f"wrong accept: {head!r}")
        self.buffer = bytearray(rest)
        self.is_open = True
        return True

    def _take(self, frame):
        if not frame.fin or frame.rsv:
            raise AssertionError(f"not a whole plain frame: {frame!r}")
        if frame.opcode == PING:
            self.pings += 1
            return encode(PONG, frame.payload)
        if frame.opcode == CLOSE:
            self.end = int.from_bytes(frame.payload[:2], "big")
            return encode(CLOSE, frame.payload[:2])
        if frame.opcode != TEXT:
            raise AssertionError(f"nobody asked for {frame!r}")
        number = number_of(frame.payload)
        if self.numbers and number <= self.numbers[-1]:
            raise AssertionError(f"{self.user}: {number} after"
                                 f" {self.numbers[-1]}")
        self.numbers.append(number)
        self.times.append(time.monotonic())
        return b""


class Crowd:
    """`come_back`: whoever loses its connection opens another at once, and
    again until that works. `past` has the connections that are over."""

    def __init__(self, port, count, session, host="127.0.0.1",
                 come_back=False):
        self.address = (host, port)
        self.session = session
        self.come_back = come_back
        self.users = [f"{session}-{index}" for index in range(count)]
        self.epoll = select.epoll()
        self.current = {}  # by descriptor: socket, connection
        self.away = [(0, user) for user in self.users]
        self.past, self.errors = [], []
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """In the namespace of this thread. Returns when all are in."""
        self.thread.start()
        self.wait_open(len(self.users))
        return self

    def _run(self):
        try:
            while not self.stopping:
                self._let_in()
                for fd, events in self.epoll.poll(RETRY_S):
                    self._on_event(fd, events)
        except Exception as error:
            self.errors.append(error)

    def _let_in(self):
        now = time.monotonic()
        due = [user for at, user in self.away if at <= now]
        self.away = [(at, user) for at, user in self.away if at > now]
        for user in due:
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(self.address)
            self.current[sock.fileno()] = (sock, Connection(user))
            self.epoll.register(sock, select.EPOLLOUT)

    def _on_event(self, fd, events):
        sock, conn = self.current[fd]
        try:
            if events & select.EPOLLOUT and not events & select.EPOLLERR:
                sock.send(upgrade_request(ws_path(conn.user, self.session),
                                          conn.key))
                self.epoll.modify(fd, select.EPOLLIN)
                return
            data = sock.recv(262144)
            if data:
                answer = conn.received(data)
                if answer:
                    sock.send(answer)
            elif conn.end is None:
                conn.end = "lost"
        except DENIED:
            conn.end = conn.end or "lost"
        if conn.end is not None:
            self._over(fd, sock, conn)

    def _over(self, fd, sock, conn):
        self.epoll.unregister(fd)
        del self.current[fd]
        sock.close()
        if conn.is_open or not self.come_back:
            self.past.append(conn)
        if self.come_back:
            self.away.append((time.monotonic() + RETRY_S, conn.user))

    # -- what the test asks ---------------------------------------------

    def open(self):
        """The connections there are now."""
        return [conn for _, conn in list(self.current.values())
                if conn.is_open]

    def check(self):
        if self.errors:
            raise self.errors[0]

    def wait(self, condition, what, seconds=5):
        def holds():
            self.check()
            return condition()
        return until(holds, what, seconds)

    def wait_open(self, count, seconds=20):
        self.wait(lambda: len(self.open()) == count, f"{count} clients in",
                  seconds)

    def wait_number(self, number, seconds=10):
        """Until everybody has got this one or a later one."""
        self.wait(lambda: all(conn.numbers and conn.numbers[-1] >= number
                              for conn in self.open()),
                  f"message {number} with everybody", seconds)

    def wait_pings(self, more=1, seconds=5):
        """Until everybody was pinged so many times more."""
        before = {id(conn): conn.pings for conn in self.open()}
        self.wait(lambda: all(conn.pings >= before.get(id(conn), 0) + more
                              for conn in self.open()),
                  f"{more} more pings for everybody", seconds)

    def stop(self):
        """Closes without a word."""
        self.stopping = True
        self.thread.join(scaled(5))
        for sock, _ in self.current.values():
            sock.close()
        self.epoll.close()


def main():
    port, count, session = sys.argv[1:4]
    crowd = Crowd(int(port), int(count), session).start()
    print("ready", flush=True)
    try:
        crowd.wait(lambda: not crowd.current, "the end of all", 60)
        crowd.check()
    finally:
        print(json.dumps([{"numbers": conn.numbers, "end": conn.end,
                           "rest": len(conn.buffer), "pings": conn.pings}
                          for conn in crowd.past]), flush=True)


if __name__ == "__main__":
    main()
