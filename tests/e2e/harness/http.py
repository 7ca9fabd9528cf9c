"""HTTP to hubd: whole requests by http.client, and a socket that sends any
bytes at all and reads replies strictly: status line, headers, declared body.
"""

import http.client
import json
import re
import socket

from .wait import scaled


class Reply:
    """One HTTP reply; header names in lower case, repeated ones in order."""

    def __init__(self, version, status, reason, headers, body):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    def header(self, name, default=None):
        values = self.header_values(name)
        return values[0] if values else default

    def header_values(self, name):
        return [v for n, v in self.headers if n == name.lower()]

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.version} {self.status} {self.headers} {self.body!r}>"


def request(port, method, path, body=None, headers=None, host="127.0.0.1",
            seconds=15):
    """One request on a connection of its own, by http.client."""
    conn = http.client.HTTPConnection(host, port, timeout=scaled(seconds))
    try:
        conn.request(method, path, body=body, headers=headers or {})
        return from_client(conn.getresponse())
    finally:
        conn.close()


def from_client(response):
    """Reads an http.client response into a Reply."""
    version = {10: "HTTP/1.0", 11: "HTTP/1.1"}[response.version]
    headers = [(n.lower(), v) for n, v in response.getheaders()]
    return Reply(version, response.status, response.reason, headers,
                 response.read())


def narrow_down(sock):
    """Before it connects: a small window, and small segments, by which the
    kernel measures what it lets hubd write ahead."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)


class RawHttp:
    """A connection that sends bytes as they are. `narrow`: it lets the kernel
    hold little for either side."""

    def __init__(self, port, host="127.0.0.1", source=None, narrow=False):
        self.sock = socket.socket()
        self.sock.settimeout(scaled(15))
        try:
            if narrow:
                narrow_down(self.sock)
            if source:
                self.sock.bind((source, 0))
            self.sock.connect((host, port))
        except BaseException:
            self.sock.close()
            raise
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data)

    def try_send(self, data):
        """Sends what the other side still takes."""
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def end_sending(self):
        self.sock.shutdown(socket.SHUT_WR)

    def _fill(self):
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def take_more(self):
        if not self._fill():
            raise EOFError(f"end of stream after {self.buffer[:300]!r}")

    def _take_until(self, mark):
        while mark not in self.buffer:
            self.take_more()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def take(self, count):
        while len(self.buffer) < count:
            self.take_more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_head(self):
        head = self._take_until(b"\r\n\r\n").decode("latin-1")
        status_line, *lines = head.split("\r\n")
        version, status, reason = (status_line.split(" ", 2) + [""])[:3]
        if version not in ("HTTP/1.0", "HTTP/1.1"):
            raise AssertionError(f"not a status line: {status_line!r}")
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise AssertionError(f"not a header line: {line!r}")
            headers.append((name.lower(), value.strip()))
        return Reply(version, int(status), reason, headers, b"")

    def read_reply(self, to_head=False):
        """One whole reply; interim ones (1xx other than 101) are skipped."""
        reply = self.read_head()
        while 100 <= reply.status < 200 and reply.status != 101:
            reply = self.read_head()
        if reply.status != 101 and not to_head:
            reply.body = self._read_body(reply)
        return reply

    def _read_body(self, reply):
        lengths = reply.header_values("content-length")
        codings = reply.header_values("transfer-encoding")
        if codings == ["chunked"] and not lengths:
            return b"".join(self._read_chunks())
        if codings or len(lengths) != 1 or not lengths[0].isdigit():
            raise AssertionError(f"no usable Content-Length: {reply!r}")
        return self.take(int(lengths[0]))

    def _read_chunks(self):
        while True:
            size = self._take_until(b"\r\n")
            if not re.fullmatch(rb"[0-9a-f]+", size):
                raise AssertionError(f"not the size of a chunk: {size!r}")
            chunk = self.take(int(size, 16))
            if self.take(2) != b"\r\n":
                raise AssertionError("more in a chunk than it says")
            if not chunk:
                return
            yield chunk

    def read_to_end(self):
        while self._fill():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def ended(self):
        """Waits for the end of the stream; False if more bytes come."""
        return not self.buffer and not self._fill()

    def close(self):
        self.sock.close()


def raw_request(port, data, to_head=False, end=False):
    """Sends bytes on a connection of their own and reads one reply. Returns it
    and whether the stream ended behind it, which is looked at only when the
    reply says that it will."""
    conn = RawHttp(port)
    try:
        conn.try_send(data)
        if end:
            conn.end_sending()
        reply = conn.read_reply(to_head)
        closes = (reply.header("connection") or "").lower() == "close"
        return reply, closes and conn.ended()
    finally:
        conn.close()
