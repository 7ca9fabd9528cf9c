"""An RFC 6455 client over a plain socket. It checks the server's side strictly
and can send anything: any opcode, length, mask, split at any byte.
"""

import base64
import collections
import hashlib
import os
import socket
import struct
import urllib.parse

from .http import RawHttp
from .wait import scaled

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Frame = collections.namedtuple("Frame", "fin rsv opcode payload")


def ws_path(user=None, session=None):
    query = {}
    if user is not None:
        query["userId"] = user
    if session is not None:
        query["sessionId"] = session
    return "/ws?" + urllib.parse.urlencode(query)


def accept_of(key):
    digest = hashlib.sha1(key.encode() + GUID).digest()
    return base64.b64encode(digest).decode()


def upgrade_request(path, key, headers=(), version="13", host="127.0.0.1"):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket",
             "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
             f"Sec-WebSocket-Version: {version}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def _masked(payload, key):
    """The same again is the payload."""
    repeated = key * (len(payload) // 4 + 1)
    return (int.from_bytes(payload, "big")
            ^ int.from_bytes(repeated[:len(payload)], "big")
            ).to_bytes(len(payload), "big")


def encode(opcode, payload=b"", fin=True, mask=True, rsv=0, declare=None,
           length_bytes=None, mask_key=None):
    """A frame. `declare` is the length its header claims; `length_bytes` (0, 2
    or 8) picks how that is spelled, the shortest way unless told."""
    length = len(payload) if declare is None else declare
    if length_bytes is None:
        length_bytes = 0 if length < 126 else 2 if length < 65536 else 8
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    mask_bit = 0x80 if mask else 0
    head = {0: lambda: struct.pack("!BB", first, mask_bit | length),
            2: lambda: struct.pack("!BBH", first, mask_bit | 126, length),
            8: lambda: struct.pack("!BBQ", first, mask_bit | 127, length),
            }[length_bytes]()
    if not mask:
        return head + payload
    mask_key = os.urandom(4) if mask_key is None else mask_key
    return head + mask_key + _masked(payload, mask_key)


def frame_at(buffer, masked=False):
    """The frame that bytes begin with, and its length; None if it is not there
    whole. Those of a server are not masked."""
    if len(buffer) < 2:
        return None
    if bool(buffer[1] & 0x80) != masked:
        raise AssertionError("the server masked a frame" if not masked
                             else "a client did not mask a frame")
    length, head = buffer[1] & 0x7f, 2
    if length >= 126:
        layout, least = (("!H", 126), ("!Q", 65536))[length - 126]
        head += struct.calcsize(layout)
        if len(buffer) < head:
            return None
        length, = struct.unpack_from(layout, buffer, 2)
        if length < least:
            raise AssertionError("a length not in its shortest form")
    head += 4 if masked else 0
    if len(buffer) < head + length:
        return None
    payload = bytes(buffer[head:head + length])
    if masked:
        payload = _masked(payload, bytes(buffer[head - 4:head]))
    return Frame(bool(buffer[0] & 0x80), buffer[0] >> 4 & 7, buffer[0] & 15,
                 payload), head + length


class RawWs:
    """A connected WebSocket. `reply` holds the 101."""

    def __init__(self, port, user=None, session=None, headers=(), source=None,
                 receive_buffer=None, host="127.0.0.1", path=None):
        self.http = RawHttp.__new__(RawHttp)
        self.http.buffer = b""
        self.pending = []
        self.user = user
        sock = self.http.sock = socket.socket()
        sock.settimeout(scaled(15))
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                            receive_buffer)
        if source:
            sock.bind((source, 0))
        try:
            sock.connect((host, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._shake_hands(path or ws_path(user, session), headers)
        except BaseException:
            sock.close()
            raise

    def _shake_hands(self, path, headers):
        key = new_key()
        self.send_bytes(upgrade_request(path, key, headers))
        self.reply = self.http.read_reply()
        if self.reply.status != 101:
            raise AssertionError(f"no upgrade: {self.reply!r}")
        accept = self.reply.header_values("sec-websocket-accept")
        if accept != [accept_of(key)]:
            raise AssertionError(f"wrong accept: {self.reply!r}")

    @property
    def sock(self):
        return self.http.sock

    def send_bytes(self, data):
        self.sock.sendall(data)

    def try_send(self, data):
        self.http.try_send(data)

    def send_frame(self, opcode, payload=b"", **how):
        self.send_bytes(encode(opcode, payload, **how))

    def send_text(self, text):
        self.send_frame(TEXT, text.encode())

    def sync(self):
        """A ping there and back: the hub has this connection by now. Frames
        that came before the pong are kept for recv_frame()."""
        token = os.urandom(8)
        self.send_frame(PING, token)
        frame = self._read_frame()
        while frame != (True, 0, PONG, token):
            self.pending.append(frame)
            frame = self._read_frame()

    def recv_frame(self):
        """The next frame; EOFError when the stream ends before it."""
        return self.pending.pop(0) if self.pending else self._read_frame()

    def _read_frame(self):
        while (found := frame_at(self.http.buffer)) is None:
            self.http.take_more()
        self.http.take(found[1])
        return found[0]

    def recv(self, answer_pings=True):
        """The next data message, which must be one whole text frame."""
        frame = self.recv_frame()
        while frame.opcode == PING:
            if answer_pings:
                self.send_frame(PONG, frame.payload)
            frame = self.recv_frame()
        if frame[:3] != (True, 0, TEXT):
            raise AssertionError(f"not a whole text frame: {frame!r}")
        return frame.payload

    def recv_close(self):
        """Skips data until the Close frame. Returns (code, reason); the code
        is None when the frame is empty."""
        frame = self.recv_frame()
        while frame.opcode != CLOSE:
            frame = self.recv_frame()
        if not frame.fin or frame.rsv or len(frame.payload) == 1:
            raise AssertionError(f"a malformed Close frame: {frame!r}")
        if not frame.payload:
            return None, ""
        code, = struct.unpack("!H", frame.payload[:2])
        return code, frame.payload[2:].decode()

    def ended(self):
        """Reads to the end of the stream; False if it brings any byte."""
        return self.http.ended()

    def drain(self):
        """Reads to the end of the stream and forgets what came."""
        while self.http._fill():
            self.http.buffer = b""

    def close_frame(self, code=None, reason=b""):
        payload = b"" if code is None else struct.pack("!H", code) + reason
        self.send_frame(CLOSE, payload)

    def leave(self):
        """A closing handshake from this side."""
        self.close_frame(1000)
        return self.recv_close()

    def vanish(self):
        """Ends with a reset, as a crashed process does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()
