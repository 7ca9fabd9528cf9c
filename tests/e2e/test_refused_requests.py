"""Malformed requests: the client gets an answer, and the operator a log line
that helps to fix them."""

import re
import ssl
import unittest

from harness.exposition import Exposition
from harness.http import RawHttp, request
from harness.testcase import HubTestCase, SharedHubd
from harness.wait import until

HOST = b"Host: hub\r\n"
LIVEZ = b"GET /livez HTTP/1.1\r\n" + HOST
FILLER = b"x" * 20000

# Name: bytes, status, what the answer and the log say.
REFUSED = {
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
            400, "looks like TLS, but the port speaks plain HTTP"),
    "PROXY protocol 1": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\n" + LIVEZ
                         + b"\r\n", 400, "looks like the PROXY protocol"),
    "PROXY protocol 2": (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + b"\x01" * 12
                         + LIVEZ + b"\r\n",
                         400, "looks like the PROXY protocol"),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "looks like HTTP/2"),
    "garbage": (b"\x01\x02\x03", 400, "not an HTTP request: byte 0x01"),
    "cookies": (LIVEZ + b"Cookie: " + FILLER + b"\r\n\r\n", 431,
                "larger than 16384 bytes; its longest header is Cookie"),
    "a long query": (b"GET /livez?" + FILLER + b" HTTP/1.1\r\n" + HOST
                     + b"\r\n", 431, "larger than 16384 bytes"),
    "UTF-8 in the query": ("GET /ws?userId=\u00e9 HTTP/1.1\r\n\r\n".encode(),
                           400, "non-ASCII bytes"),
    "a control character": (LIVEZ + b"Cookie: a=\x07\r\n\r\n", 400,
                            "a header contains a control character: byte 0x07 in "
                            "\"Cookie\""),
    "a tab in the request line": (b"GET\t/livez HTTP/1.1\r\n\r\n", 400,
                                  "the request line contains a control character"
                                  ": byte 0x09"),
    "a method": (b"BREW /livez HTTP/1.1\r\n" + HOST + b"\r\n", 400,
                 "the request method is unknown"),
    "a target": (b"GET livez HTTP/1.1\r\n" + HOST + b"\r\n", 400,
                 "neither a path nor http://host/path"),
    "an asterisk": (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", 400,
                    "the target * is only valid with OPTIONS"),
    "bare line feeds": (LIVEZ + b"\n", 400, "does not end with CR LF"),
    "a header without a colon": (LIVEZ + b"x\r\n\r\n", 400,
                                 "a header line is malformed"),
    "a folded header": (LIVEZ + b"X: 1\r\n 2\r\n\r\n", 400,
                        "a header line is malformed or folded"),
    "no Host": (b"GET /livez HTTP/1.1\r\n\r\n", 400,
                "exactly one Host header is required"),
    "a coding": (LIVEZ + b"Transfer-Encoding: gzip\r\n\r\n", 400,
                 "Transfer-Encoding must be"),
    "a length": (LIVEZ + b"Content-Length: x\r\n\r\n", 400,
                 "Content-Length is not a number"),
    "a version": (b"GET /livez HTTP/3.0\r\n" + HOST + b"\r\n", 505,
                  "HTTP/1.0 and HTTP/1.1"),
}


class Words(SharedHubd):

    def check(self, conn, status, said):
        error = self.assertRefused(conn.read_reply(), status)
        self.assertIn(said, error["message"])
        kind = re.split("[:;]", said)[0]  # there may have been one before
        until(lambda: any(kind in line.get("reason", "")
                          and line["remote"] == "127.0.0.1"
                          and line["status"] == str(status)
                          for line in self.hub.events("refused")),
              f"a line that says {kind}")

    def test_each_fault_is_told_to_both_sides(self):
        for name, (data, status, said) in REFUSED.items():
            with self.subTest(name):
                conn = self.http(self.hub)
                conn.try_send(data)
                self.check(conn, status, said)

    def test_the_same_behind_a_good_request(self):
        for name, (data, status, said) in REFUSED.items():
            for pieces in ((LIVEZ + b"\r\n", data), (LIVEZ + b"\r\n" + data,)):
                with self.subTest(name, pieces=len(pieces)):
                    conn = self.http(self.hub)
                    for piece in pieces:
                        conn.try_send(piece)
                        if piece is not data:
                            self.assertEqual(conn.read_reply().status, 200)
                    self.check(conn, status, said)

    def test_the_same_byte_by_byte(self):
        for name, (data, status, said) in REFUSED.items():
            if len(data) > 1000:
                continue
            with self.subTest(name):
                conn = self.http(self.hub)
                for byte in data:
                    conn.try_send(bytes([byte]))
                self.check(conn, status, said)

    def test_a_small_head_is_not_too_large_for_what_follows_it(self):
        for line in (b"no colon\r\n", b"X: \x01\r\n", b"X : 1\r\n"):
            with self.subTest(line):
                reply = self.raw_closing(
                    self.hub, b"POST /api/send HTTP/1.1\r\n" + HOST + line
                    + b"Content-Length: 20000\r\n\r\n" + FILLER)
                self.assertRefused(reply, 400, "invalid_request")

    def test_a_real_client_of_tls(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        conn = RawHttp(self.hub.port)
        self.addCleanup(conn.close)
        with self.assertRaises(ssl.SSLError):
            context.wrap_socket(conn.sock)
        self.hub.wait_log("refused", status="400")

    def test_nothing_of_a_header_is_repeated_but_its_name(self):
        for data in (LIVEZ + b"X-API-Key: hidden\x01\r\n\r\n",
                     LIVEZ + b"hidden\r\n\r\n",
                     LIVEZ + b"X-API-Key: hidden" + FILLER + b"\r\n\r\n",
                     b"GET /hidden\x01?hidden HTTP/1.1\r\n\r\n"):
            conn = self.http(self.hub)
            conn.try_send(data)
            self.assertNotIn(b"hidden", conn.read_reply().body)
        self.assertFalse([line for line in self.hub.lines if "hidden" in line])


class Lines(HubTestCase):

    def test_each_kind_has_one_line_in_a_window(self):
        hub = self.start()
        for name in ("TLS", "a method", "TLS", "TLS", "a method"):
            self.raw_closing(hub, REFUSED[name][0])
        hub.stop()
        lines = [(line["reason"].split(",")[0], line["requests"])
                 for line in hub.events("refused")]
        self.assertEqual(sorted(lines),
                         sorted([("this looks like TLS", "1"),
                                 ("this looks like TLS", "2"),
                                 ("the request method is unknown", "1"),
                                 ("the request method is unknown", "1")]))

    def test_a_refusal_by_us_names_the_client_behind_the_proxy(self):
        hub = self.start(HUB_TRUSTED_PROXIES="127.0.0.1")
        self.raw_closing(hub, b"GET /livez HTTP/1.1\r\n"
                              b"X-Forwarded-For: 203.0.113.7\r\n\r\n")
        hub.wait_log("refused", remote="203.0.113.7")

    def test_each_is_counted(self):
        hub = self.start(HUB_METRICS="on")
        for data, _, _ in REFUSED.values():
            conn = self.http(hub)
            conn.try_send(data)
            conn.read_reply()
        text = request(hub.port, "GET", "/metrics").body.decode()
        codes = ("invalid_request", "headers_too_large",
                 "http_version_not_supported")
        self.assertEqual(len(REFUSED), sum(
            value for (name, labels), value in Exposition(text).samples().items()
            if name == "hub_http_requests_total"
            and dict(labels)["code"] in codes))


if __name__ == "__main__":
    unittest.main()
