"""Requests that two parsers could read differently, or that never end: each is
rejected, its connection is closed, and nothing of it is delivered."""

import itertools
import time
import unittest

from harness.http import RawHttp
from harness.testcase import SharedHubd
from harness.wait import scaled

GOOD = b'{"type":"t","payload":1,"timestamp":"2024-01-02"}'
SMUGGLED = b'{"type":"smuggled","payload":1,"timestamp":"2024-01-02"}'


def chunked(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


class StrictCase(SharedHubd):

    def head(self, *lines, first=b"POST /api/broadcast HTTP/1.1",
             host=b"Host: hub"):
        key = b"X-API-Key: " + self.hub.key.encode()
        return b"\r\n".join([first, host, key, *lines]) + b"\r\n\r\n"

    def smuggled(self):
        """A request an attacker hides in what another parser calls a body."""
        return self.head(b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED

    def refuse(self, data, status, end=False):
        reply = self.raw_closing(self.hub, data, end=end)
        self.assertRefused(reply, reply.status)
        wanted = status if isinstance(status, tuple) else (status,)
        self.assertIn(reply.status, wanted, reply)


class Ambiguous(StrictCase):

    def test_two_ways_to_read_where_a_body_ends(self):
        client = self.join("ada")
        length = b"Content-Length: %d" % len(GOOD)
        both = chunked(GOOD) + self.smuggled()
        rows = {
            "TE and CL": self.head(
                b"Content-Length: 5", b"Transfer-Encoding: chunked") + both,
            "CL and TE": self.head(
                b"Transfer-Encoding: chunked", b"Content-Length: 5") + both,
            "two lengths": self.head(length, b"Content-Length: 0") + GOOD
            + self.smuggled(),
            "two equal lengths": self.head(length, length) + GOOD,
            "a list of lengths": self.head(
                b"Content-Length: 49, 49") + GOOD,
            "digits, then letters": self.head(
                b"Content-Length: 49abc") + GOOD,
            "a plus": self.head(b"Content-Length: +49") + GOOD,
            "a minus": self.head(b"Content-Length: -1") + GOOD,
            "hexadecimal": self.head(b"Content-Length: 0x31") + GOOD,
            "an empty length": self.head(b"Content-Length:") + GOOD,
            "a space inside": self.head(b"Content-Length: 4 9") + GOOD,
            "beyond 64 bits": self.head(
                b"Content-Length: 18446744073709551665") + GOOD,
            "beyond 63 bits": self.head(
                b"Content-Length: 9223372036854775857") + GOOD,
            "gzip, chunked": self.head(
                b"Transfer-Encoding: gzip, chunked") + both,
            "chunked twice": self.head(
                b"Transfer-Encoding: chunked",
                b"Transfer-Encoding: chunked") + both,
            "chunked, identity": self.head(
                b"Transfer-Encoding: chunked",
                b"Transfer-Encoding: identity") + both,
            "xchunked": self.head(b"Transfer-Encoding: xchunked") + both,
            "identity": self.head(b"Transfer-Encoding: identity", length)
            + GOOD,
            "a tab before chunked": self.head(
                b"Transfer-Encoding: \x0bchunked") + both,
            "chunked on 1.0": self.head(
                b"Transfer-Encoding: chunked",
                first=b"POST /api/broadcast HTTP/1.0") + both,
        }
        for name, data in rows.items():
            with self.subTest(name):
                # A declared body beyond every limit may be called too large.
                self.refuse(data, (400, 413) if "beyond" in name
                            else (400, 411, 501))
                self.assertNextIsMarker(self.hub, client)

    def test_two_ways_to_read_a_header(self):
        client = self.join("ada")
        key = self.hub.key.encode()
        length = b"Content-Length: %d" % len(GOOD)
        lines = (b"POST /api/broadcast HTTP/1.1", b"Host: hub",
                 b"X-API-Key: " + key, length)
        rows = {
            "a space before the colon": self.head(
                b"Content-Length : %d" % len(GOOD)) + GOOD,
            "a tab before the colon": self.head(
                length, b"X-Other\t: 1") + GOOD,
            "a folded line": self.head(
                length, b"X-Other: 1", b" Content-Length: 0") + GOOD,
            "a folded line with a tab": self.head(
                length, b"X-Other: 1", b"\tmore") + GOOD,
            "a space before the first header": b"\r\n ".join(lines[:2])
            + b"\r\n" + b"\r\n".join(lines[2:]) + b"\r\n\r\n" + GOOD,
            "bare LF everywhere": b"\n".join(lines) + b"\n\n" + GOOD,
            "one bare LF": self.head(length, b"X-Other: 1\nX-More: 2") + GOOD,
            "bare LF behind the request line": lines[0] + b"\n"
            + b"\r\n".join(lines[1:]) + b"\r\n\r\n" + GOOD,
            "bare CR in a value": self.head(
                length, b"X-Other: 1\rX-More: 2") + GOOD,
            "NUL in a value": self.head(length, b"X-Other: 1\x002") + GOOD,
            "NUL in a name": self.head(length, b"X-Ot\x00her: 1") + GOOD,
            "no colon": self.head(length, b"nonsense") + GOOD,
            "an empty name": self.head(length, b": 1") + GOOD,
            "a name that is no token": self.head(length, b"X(a): 1") + GOOD,
            "a name beyond ASCII": self.head(length, b"X-\xe9: 1") + GOOD,
            "no Host": b"\r\n".join((lines[0], *lines[2:])) + b"\r\n\r\n"
            + GOOD,
            "two Hosts": self.head(length, b"Host: other") + GOOD,
        }
        for name, data in rows.items():
            with self.subTest(name):
                self.refuse(data, 400)
                self.assertNextIsMarker(self.hub, client)

    def test_a_malformed_request_line(self):
        for first in (b"POST", b"POST /api/broadcast",
                      b"POST /api/broadcast HTTP/1.1 x",
                      b"POST  /api/broadcast HTTP/1.1",
                      b"POST /api/broad cast HTTP/1.1",
                      b"POST /api/broadcast HTTX/1.1",
                      b"POST /api/broadcast HTTP/1",
                      b"POST /api/broadcast HTTP/x.y",
                      b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            with self.subTest(first):
                self.refuse(self.head(b"Content-Length: 0", first=first),
                            (400, 404, 405, 505))

    def test_an_unknown_version(self):
        for version in (b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/3"):
            with self.subTest(version):
                self.refuse(self.head(b"Content-Length: 0",
                                      first=b"GET /health " + version),
                            (400, 505))

    def test_too_many_headers(self):
        client = self.join("ada")
        length = b"Content-Length: %d" % len(GOOD)
        filler = [b"X-%d: 1" % i for i in range(200)]
        for count in (62, 63, 64, 100, 200):
            with self.subTest(count=count):
                self.refuse(self.head(*filler[:count], length) + GOOD, 431)
                self.assertNextIsMarker(self.hub, client)

    def test_as_many_headers_as_there_may_be(self):
        length = b"Content-Length: %d" % len(GOOD)
        filler = [b"X-%d: 1" % i for i in range(50)]
        reply = self.raw(self.hub, self.head(*filler, length) + GOOD)
        self.assertEqual(reply.status, 200, reply)

    def test_a_head_that_is_too_long(self):
        self.refuse(self.head(b"X-Long: " + b"x" * 70000), (400, 413, 431))
        self.refuse(self.head(first=b"GET /" + b"x" * 70000 + b" HTTP/1.1"),
                    (400, 413, 414, 431))


class Truncated(StrictCase):

    def test_a_body_shorter_than_declared(self):
        client = self.join("ada")
        self.refuse(self.head(b"Content-Length: %d" % (len(GOOD) + 1)) + GOOD,
                    400, end=True)
        self.refuse(self.head(b"Content-Length: 400000") + GOOD + b" " * 9999,
                    400, end=True)
        self.assertNextIsMarker(self.hub, client)

    def test_broken_chunks(self):
        client = self.join("ada")
        size = len(GOOD)
        rows = {
            "no last chunk": b"%x\r\n%s\r\n" % (size, GOOD),
            "a chunk cut off": b"%x\r\n%s" % (size + 5, GOOD),
            "no line end behind the chunk": b"%x\r\n%s0\r\n\r\n"
                                            % (size, GOOD),
            "a size that is no number": b"zz\r\n" + GOOD + b"\r\n0\r\n\r\n",
            "a negative size": b"-5\r\n" + GOOD + b"\r\n0\r\n\r\n",
            "an empty size": b"\r\n" + GOOD + b"\r\n0\r\n\r\n",
            "a size of 16 digits": b"ffffffffffffffff\r\n" + GOOD,
            "a size that wraps": b"1%016x\r\n%s\r\n0\r\n\r\n" % (size, GOOD),
            "a size in 0x form": b"0x%x\r\n%s\r\n0\r\n\r\n" % (size, GOOD),
            "a size behind a size": b"%x\r7\r\n%s\r\n0\r\n\r\n"
                                    % (size, GOOD),
            "a size behind the last": b"%x\r\n%s\r\n0\rff\r\n\r\n"
                                      % (size, GOOD),
            "the same far behind the head":
                b"4e20\r\n%s\r\n%x\r7\r\n%s\r\n0\r\n\r\n"
                % (b" " * 20000, size, GOOD),
        }
        for name, body in rows.items():
            with self.subTest(name):
                self.refuse(self.head(b"Transfer-Encoding: chunked") + body,
                            (400, 413), end=True)
                self.assertNextIsMarker(self.hub, client)

    def test_what_follows_a_chunked_body_is_the_next_request(self):
        """Whatever becomes of trailers, they are no request of their own."""
        client = self.join("ada")
        head = self.head(b"Transfer-Encoding: chunked")
        last = self.head(first=b"GET /nothing HTTP/1.1")
        for name, trailer in {
                "none": b"",
                "one field": b"X-Checksum: 1\r\n",
                "a request": b"GET /health HTTP/1.1\r\nHost: hub\r\n",
        }.items():
            with self.subTest(name):
                conn = self.http(self.hub)
                conn.try_send(head + b"%x\r\n%s\r\n0\r\n" % (len(GOOD), GOOD)
                              + trailer + b"\r\n" + last)
                reply = conn.read_reply()
                self.assertIn(reply.status, (200, 400), reply)
                if reply.status == 200:
                    self.assertEqual(client.recv(), GOOD)
                if name == "none":
                    self.assertEqual(reply.status, 200, reply)
                if name == "none":
                    self.assertRefused(conn.read_reply(), 404)
                else:
                    self.check_no_more_than(conn, 404)
                self.assertNextIsMarker(self.hub, client)

    def test_trailers_that_are_announced_end_the_connection(self):
        client = self.join("ada")
        conn = self.http(self.hub)
        conn.send(self.head(b"Transfer-Encoding: chunked",
                            b"Trailer: X-Checksum")
                  + b"%x\r\n%s\r\n0\r\nX-Checksum: 1\r\n\r\n"
                  % (len(GOOD), GOOD))
        reply = conn.read_reply()
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.header("connection"), "close")
        self.assertTrue(conn.ended())
        self.assertEqual(client.recv(), GOOD)

    def test_blank_lines_before_the_first_request_of_a_worker(self):
        """What civetweb would make of them is a second request, out of what its
        buffer held before."""
        hub = self.start()
        for lines in (b"\r\n\r\n", b"\n", b"\n\n", b"\r\n\n\r\n") * 5:
            conn = self.http(hub)
            conn.send(lines + b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n")
            self.assertEqual(conn.read_reply().status, 200)
            conn.end_sending()
            self.assertTrue(conn.ended())
        for space in (b" ", b"\t", b"\r", b"\r\n ", b" \r\n", b"\r\r\n\r\n"):
            reply = self.raw_closing(
                hub, space + b"GET /health HTTP/1.1\r\nHost: hub\r\n\r\n")
            self.assertRefused(reply, 400)

    def test_blank_lines_alone_are_no_request(self):
        """As old clients send one behind a POST."""
        client = self.join("ada")
        post = self.head(b"Content-Length: %d" % len(GOOD)) + GOOD
        for lines in (b"\r\n", b"\n", b"\r\n\r\n\n"):
            for pieces in ((post + lines,), (post, lines)):
                with self.subTest(lines=lines, pieces=len(pieces)):
                    conn = self.http(self.hub)
                    for piece in pieces:
                        conn.send(piece)
                    self.assertEqual(conn.read_reply().status, 200)
                    self.assertEqual(client.recv(), GOOD)
                    conn.send(post)
                    self.assertEqual(conn.read_reply().status, 200)
                    self.assertEqual(client.recv(), GOOD)
                    conn.send(lines)
                    conn.end_sending()
                    self.assertTrue(conn.ended(), "nothing was asked")

    def check_no_more_than(self, conn, status):
        """One more reply, or a refusal, or the end."""
        try:
            reply = conn.read_reply()
        except EOFError:
            return
        self.assertIn(reply.status, (400, status), reply)

    def test_a_client_that_is_gone_before_its_body_ends(self):
        client = self.join("ada")
        for _ in range(20):
            conn = RawHttp(self.hub.port)
            conn.send(self.head(b"Content-Length: 5000") + GOOD)
            conn.close()
        self.assertNextIsMarker(self.hub, client)


class Timeouts(StrictCase):
    settings = {"READ_TIMEOUT": "1s"}

    def test_a_body_that_never_comes_is_answered_408(self):
        client = self.join("ada")
        conn = self.http(self.hub)
        started = time.monotonic()
        conn.send(self.head(b"Content-Length: 100") + b"{")
        reply = conn.read_reply()
        took = time.monotonic() - started
        self.assertRefused(reply, 408, "request_timeout")
        self.assertTrue(conn.ended())
        self.assertGreater(took, 0.9)
        self.assertLess(took, scaled(3))
        self.assertNextIsMarker(self.hub, client)

    def test_a_trickling_body_has_no_more_time(self):
        client = self.join("ada")
        for head, piece in ((self.head(b"Content-Length: 100000"), b" "),
                            (self.head(b"Transfer-Encoding: chunked"),
                             b"1\r\n \r\n")):
            with self.subTest(head=head):
                conn = self.http(self.hub)
                started = time.monotonic()
                conn.send(head)
                conn.sock.settimeout(0.1)
                while not conn.buffer:
                    self.assertLess(time.monotonic() - started, scaled(4))
                    conn.try_send(piece)
                    try:
                        if not conn._fill():
                            break
                    except TimeoutError:
                        pass
                conn.sock.settimeout(scaled(5))
                self.assertRefused(conn.read_reply(), 408, "request_timeout")
                self.assertNextIsMarker(self.hub, client)

    def test_a_trickling_head_has_no_more_time(self):
        conn = self.http(self.hub)
        started = time.monotonic()
        conn.send(b"GET /health HTTP/1.1\r\nHost: hub\r\n")
        conn.sock.settimeout(0.05)
        for number in itertools.count():
            self.assertLess(time.monotonic() - started, scaled(4))
            conn.try_send(b"X-%d: 1\r\n" % number)
            try:
                if not conn._fill() or conn.buffer:
                    break
            except TimeoutError:
                pass
        conn.sock.settimeout(scaled(5))
        if conn.buffer:
            self.assertRefused(conn.read_reply(), 408, "request_timeout")
        self.assertGreater(time.monotonic() - started, 0.9)

    def test_blank_lines_wait_in_vain_and_in_silence(self):
        """Before a first request, where the wait is as short as its head may
        take."""
        for data in (b"\r\n", b"\n\r\n\r\n"):
            with self.subTest(data=data):
                conn = self.http(self.hub)
                conn.send(data)
                self.assertTrue(conn.ended(), "nothing was asked")

    def test_a_blank_line_behind_a_request_is_none_of_its_own(self):
        """Old clients send one behind a POST: no 408 that nobody asked for."""
        hub = self.start(HUB_KEEPALIVE_TIMEOUT="2s")
        post = (b"POST /api/broadcast HTTP/1.1\r\nHost: hub\r\nX-API-Key: "
                + hub.key.encode() + b"\r\nContent-Length: %d\r\n\r\n%s"
                % (len(GOOD), GOOD))
        for pieces in ((post + b"\r\n",), (post, b"\r\n"), (post, b"\n")):
            with self.subTest(pieces=pieces):
                conn = self.http(hub)
                conn.send(pieces[0])
                self.assertEqual(conn.read_reply().status, 200)
                for piece in pieces[1:]:
                    conn.send(piece)
                self.assertTrue(conn.ended(), "nothing was asked")
        self.assertEqual(hub.events("refused"), [])

    def test_a_head_that_never_ends_is_cut_off(self):
        for data in (b"POST /api/send HTTP/1.1\r\nHost: hub\r\n", b"P", b""):
            with self.subTest(data=data):
                conn = self.http(self.hub)
                started = time.monotonic()
                conn.send(data)
                while conn._fill():
                    pass
                self.assertLess(time.monotonic() - started, scaled(15))
                if conn.buffer:
                    self.assertRefused(conn.read_reply(), 408)


if __name__ == "__main__":
    unittest.main()
