"""Servers that are not hubd: they count requests and answer what a test wants,
including broken connections and silence.

Fake      reads whole requests and lets the test act on each
Forward   a line to hubd that counts connections and the bytes to it
Deaf      a port whose connections are never accepted
"""

import collections
import os
import select
import socket
import struct
import threading

Request = collections.namedtuple("Request", "path headers body number")


def answer(status, body=b"", reason="X", **headers):
    """A whole HTTP answer."""
    fields = {"Content-Type": "application/json",
              "Content-Length": str(len(body))}
    fields.update({name.replace("_", "-"): value
                   for name, value in headers.items()})
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def success(recipients=1):
    return answer(200, b'{"status":"success","message":"ok","recipients":%d}'
                  % recipients)


def refusal(status, code, **headers):
    return answer(status, b'{"status":"error","code":"%s","message":"no"}'
                  % code.encode(), **headers)


def hang_up(sock):
    """Ends a connection in good order; close() alone would wait for the file
    that reads from it."""
    sock.shutdown(socket.SHUT_RDWR)


def reset(sock):
    """Ends a connection as a crash does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    os.close(sock.detach())


class _Server:
    """Accepts in one thread and serves each connection in another."""

    def __init__(self, port=0):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.connections = 0
        self.sockets = []
        self.lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                self.sockets.append(sock)
            threading.Thread(target=self._serve_quietly, args=(sock,),
                             daemon=True).start()

    def _serve_quietly(self, sock):
        try:
            self.serve(sock)
        except OSError:
            pass

    def close(self):
        # What waits in accept() is woken by shutdown() alone.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for sock in self.sockets:
                try:
                    hang_up(sock)
                except OSError:
                    pass  # it is gone already
                sock.close()


class Fake(_Server):
    """`act` gets each request and returns the bytes of its answer, or None to
    leave it without one; what it does to the socket is its own affair. `tls` is
    an SSLContext."""

    def __init__(self, act, port=0, tls=None):
        self.act = act
        self.requests = []
        self.tls = tls
        super().__init__(port)

    def serve(self, sock):
        if self.tls:
            with self.tls.wrap_socket(sock, server_side=True) as wrapped:
                self._serve(wrapped)
        else:
            self._serve(sock)

    def _serve(self, sock):
        stream = sock.makefile("rb")
        while True:
            request = self._read(stream)
            if request is None:
                return
            reply = self.act(request, sock)
            if reply is not None:
                sock.sendall(reply)

    def _read(self, stream):
        line = stream.readline().decode("latin-1")
        if not line:
            return None
        headers = {}
        while True:
            field = stream.readline().decode("latin-1").rstrip("\r\n")
            if not field:
                break
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        body = stream.read(length)
        if len(body) < length:
            return None
        with self.lock:
            request = Request(line.split()[1], headers, body,
                              len(self.requests))
            self.requests.append(request)
        return request


class Forward(_Server):

    def __init__(self, to_port):
        self.to_port = to_port
        self.bytes = 0
        super().__init__()

    def serve(self, sock):
        with socket.create_connection(("127.0.0.1", self.to_port)) as other:
            other.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ends = {sock: other, other: sock}
            while True:
                for one in select.select(list(ends), [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        hang_up(sock)
                        return
                    ends[one].sendall(data)
                    self.bytes += len(data) if one is sock else 0


class Deaf:
    """The kernel drops what wants to connect: the queue is full."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(0)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.fillers = []
        while self._fill():
            pass

    def _fill(self):
        filler = socket.socket()
        filler.settimeout(0.1)
        self.fillers.append(filler)
        try:
            filler.connect(self.listener.getsockname())
        except TimeoutError:
            return False
        return True

    def close(self):
        for sock in (self.listener, *self.fillers):
            sock.close()


def free_port():
    """One that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
