"""Requests as HTTP: routes, methods, keys, media types, versions, keep-alive,
chunks, Expect."""

import gzip
import threading
import unittest

from harness.http import from_client
from harness.testcase import SharedHubd
from harness.wait import scaled

import http.client

GOOD = b'{"type":"t","payload":1,"timestamp":"2024-01-02"}'
POSTS = ("/api/send", "/api/broadcast")
PROBES = ("/health", "/livez", "/readyz")


class HttpCase(SharedHubd):

    def head_of(self, method, path, *lines, version="1.1"):
        host = ["Host: hub"] if version == "1.1" else []
        head = [f"{method} {path} HTTP/{version}", *host, *lines]
        return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")

    def post_of(self, body, *lines, path="/api/broadcast", version="1.1"):
        return self.head_of("POST", path, f"X-API-Key: {self.hub.key}",
                            f"Content-Length: {len(body)}", *lines,
                            version=version) + body


class Routes(HttpCase):

    def test_probes_answer_without_a_key(self):
        for path, status in (("/health", "healthy"), ("/livez", None),
                             ("/readyz", None)):
            with self.subTest(path):
                reply = self.hub.request("GET", path)
                self.assertEqual(reply.status, 200, reply)
                self.assertPlain(reply)
                self.assertIn("application/json", reply.header("content-type"))
                if status:
                    self.assertEqual(reply.json()["status"], status)
                self.assertIn("status", reply.json())

    def test_health_has_the_three_counts(self):
        stats = self.hub.health()
        for name in ("total_users", "total_connections", "total_sessions"):
            self.assertEqual(stats[name], 0)

    def test_a_query_does_not_change_a_route(self):
        self.assertEqual(self.hub.request("GET", "/health?x=1").status, 200)

    def test_head_is_get_without_the_body(self):
        for path in PROBES:
            with self.subTest(path):
                got = self.hub.request("GET", path)
                reply = self.raw(self.hub, self.head_of(
                    "HEAD", path, "Connection: close"), to_head=True)
                self.assertEqual(reply.status, 200, reply)
                self.assertEqual(reply.header("content-length"),
                                 str(len(got.body)))
                self.assertEqual(reply.header("content-type"),
                                 got.header("content-type"))
                conn = self.http(self.hub)
                conn.send(self.head_of("HEAD", path, "Connection: close"))
                conn.read_reply(to_head=True)
                self.assertTrue(conn.ended(), "a body behind HEAD")

    def test_only_the_exact_path_is_a_route(self):
        client = self.join("ada")
        loose = ("/", "/api", "/api/", "/api/sendx", "/api/send/", "/api/sen",
                 "//api//send", "//api/send", "/api//send", "/API/SEND",
                 "/x/../api/send", "/./api/send", "/api/./send",
                 "/%61pi/send", "/api%2fsend", "/api/send%00.html",
                 "/api/send%00", "/api/send%20", "/api/send;x=1",
                 "/api/send.html", "/api/broadcastx", "/Api/broadcast",
                 "/healthx", "/health/", "/ws/", "/wsx", "/index.html",
                 "/etc/passwd", "/../../../../etc/passwd", "/.well-known/x",
                 "/api\\send", "/~root/")
        for path in loose:
            with self.subTest(path):
                for method in ("GET", "POST"):
                    reply = self.raw(self.hub, self.head_of(
                        method, path, f"X-API-Key: {self.hub.key}",
                        f"Content-Length: {len(GOOD)}",
                        "Connection: close") + GOOD)
                    if reply.status != 400 or ".." not in path:
                        self.assertRefused(reply, 404, "not_found")
                self.assertNextIsMarker(self.hub, client)

    def test_an_absolute_target_may_name_any_host(self):
        """RFC 9112, 3.2.2: it is meant for whom it has reached."""
        client = self.join("ada")
        for origin in ("http://hub", "HTTP://other.example:8080",
                       "https://[2001:db8::1]:1", "http://127.0.0.1:0"):
            with self.subTest(origin):
                reply = self.raw(self.hub, self.post_of(
                    GOOD, path=f"{origin}/api/broadcast"))
                self.assertEqual(reply.status, 200, reply)
                self.assertEqual(reply.header("connection"), "keep-alive")
                self.assertEqual(client.recv(), GOOD)
                for path, status in (("/readyz", 200), ("", 404), ("?/", 404),
                                     ("/x?a:b", 404)):
                    reply = self.raw(self.hub, f"GET {origin}{path} HTTP/1.1"
                                     "\r\nHost: hub\r\n\r\n".encode())
                    self.assertEqual(reply.status, status, reply)

    def test_another_target_is_answered_and_never_a_delivery(self):
        client = self.join("ada")
        for target in ("*", "hub:80", "api/broadcast", "http:/api/broadcast",
                       "http:///api/broadcast", "http://u@hub/api/broadcast",
                       "ws://hub/api/broadcast", "ftp://hub/api/broadcast",
                       "http://hub\\/api/broadcast", "!", "**"):
            with self.subTest(target):
                reply = self.raw_closing(self.hub, self.post_of(
                    GOOD, "Connection: close", path=target))
                self.assertRefused(reply, 400, "invalid_request")
                self.assertNextIsMarker(self.hub, client)

    def test_options_of_the_server_as_a_whole(self):
        """As load balancers ask whether it is there."""
        for target in ("*", "http://other.example"):
            with self.subTest(target):
                conn = self.http(self.hub)
                for _ in range(2):
                    conn.send(f"OPTIONS {target} HTTP/1.1\r\nHost: hub\r\n\r\n"
                              .encode())
                    reply = conn.read_reply()
                    self.assertEqual(reply.status, 200, reply)
                    self.assertPlain(reply)
                    self.assertEqual(reply.header("allow"),
                                     "GET, HEAD, POST, OPTIONS")
        reply = self.raw_closing(self.hub, b"OPTIONS * HTTP/1.0\r\n\r\n")
        self.assertEqual(reply.status, 200, reply)
        for method in ("GET", "HEAD", "POST"):
            reply = self.raw(self.hub, f"{method} * HTTP/1.1\r\nHost: hub\r\n"
                             "\r\n".encode(), to_head=method == "HEAD")
            self.assertEqual(reply.status, 400, reply)

    def test_a_wrong_method_names_the_right_ones(self):
        allowed = {path: {"POST"} for path in POSTS}
        allowed |= {path: {"GET", "HEAD"} for path in PROBES}
        allowed["/ws"] = {"GET"}
        for path, right in allowed.items():
            for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
                           "HEAD"):
                if method in right:
                    continue
                with self.subTest(f"{method} {path}"):
                    reply = self.raw(
                        self.hub,
                        self.head_of(method, path, "Content-Length: 0",
                                     f"X-API-Key: {self.hub.key}",
                                     "Connection: close"),
                        to_head=method == "HEAD")
                    self.assertEqual(reply.status, 405, reply)
                    if method != "HEAD":
                        self.assertRefused(reply, 405, "method_not_allowed")
                    names = reply.header("allow", "").split(",")
                    self.assertEqual({n.strip() for n in names}, right)

    def test_preflight_requests_are_not_answered_with_permission(self):
        reply = self.raw(self.hub, self.head_of(
            "OPTIONS", "/api/send", "Origin: http://evil.example",
            "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: X-API-Key", "Connection: close"))
        self.assertGreaterEqual(reply.status, 400, reply)
        for name, _ in reply.headers:
            self.assertFalse(name.startswith("access-control-"), reply)

    def test_unknown_methods_are_refused(self):
        for method in ("BREW", "CONNECT", "TRACE", "get"):
            with self.subTest(method):
                reply = self.raw(self.hub, self.head_of(
                    method, "/health", "Connection: close"))
                self.assertIn(reply.status, (400, 405, 501), reply)
                self.assertRefused(reply, reply.status)


class Keys(HttpCase):

    def refuse(self, *lines):
        reply = self.raw(self.hub, self.head_of(
            "POST", "/api/broadcast", f"Content-Length: {len(GOOD)}", *lines)
            + GOOD)
        self.assertRefused(reply, 401, "unauthorized")
        return reply

    def test_both_ways_to_present_the_key(self):
        for line in (f"X-API-Key: {self.hub.key}",
                     f"x-api-key:{self.hub.key}",
                     f"X-API-KEY:   {self.hub.key} ",
                     f"Authorization: Bearer {self.hub.key}",
                     f"authorization: bearer {self.hub.key}"):
            with self.subTest(line):
                reply = self.raw(self.hub, self.head_of(
                    "POST", "/api/broadcast", f"Content-Length: {len(GOOD)}",
                    line) + GOOD)
                self.assertEqual(reply.status, 200, reply)

    def test_all_wrong_keys_get_the_same_answer(self):
        client = self.join("ada")
        key = self.hub.key
        wrong = {
            "none": (),
            "empty": ("X-API-Key:",),
            "other": ("X-API-Key: " + "0" * 32,),
            "a prefix": ("X-API-Key: " + key[:-1],),
            "one more byte": ("X-API-Key: " + key + "0",),
            "another case": ("X-API-Key: " + key.swapcase(),),
            "two lines": (f"X-API-Key: {key}", f"X-API-Key: {key}"),
            "two lines, one wrong": (f"X-API-Key: {key}", "X-API-Key: x"),
            "two lines, first wrong": ("X-API-Key: x", f"X-API-Key: {key}"),
            "two headers that differ": (f"X-API-Key: {key}",
                                        "Authorization: Bearer x"),
            "two headers, the other differs": (
                "X-API-Key: x", f"Authorization: Bearer {key}"),
            "two bearers": (f"Authorization: Bearer {key}",) * 2,
            "no scheme": (f"Authorization: {key}",),
            "basic": (f"Authorization: Basic {key}",),
            "an empty bearer": ("Authorization: Bearer ",),
            "a bearer without a space": (f"Authorization: Bearer{key}",),
            "more behind the bearer": (f"Authorization: Bearer {key} x",),
            "a very long key": ("X-API-Key: " + "k" * 5000,),
            "bytes beyond ASCII": ("X-API-Key: \xff\xfe",),
            "another header": (f"Api-Key: {key}",),
            "a cookie": (f"Cookie: X-API-Key={key}",),
        }
        bodies = set()
        for name, lines in wrong.items():
            with self.subTest(name):
                reply = self.refuse(*lines)
                bodies.add(reply.body)
                self.assertIn("bearer",
                              reply.header("www-authenticate", "").lower())
                self.assertNextIsMarker(self.hub, client)
        self.assertEqual(len(bodies), 1, bodies)

    def test_a_key_in_the_query_does_not_count(self):
        for name in ("X-API-Key", "api_key", "key", "access_token"):
            reply = self.raw(self.hub, self.head_of(
                "POST", f"/api/broadcast?{name}={self.hub.key}",
                f"Content-Length: {len(GOOD)}") + GOOD)
            self.assertRefused(reply, 401, "unauthorized")

    def test_an_early_401_does_not_wait_for_the_body(self):
        conn = self.http(self.hub)
        conn.send(self.head_of("POST", "/api/send", "X-API-Key: wrong",
                               "Content-Length: 400000"))
        reply = conn.read_reply()
        self.assertRefused(reply, 401, "unauthorized")
        self.assertEqual(reply.header("connection").lower(), "close")
        self.assertTrue(conn.ended())

    def test_the_route_is_decided_before_the_key(self):
        reply = self.hub.request("POST", "/api/nothing", b"")
        self.assertRefused(reply, 404, "not_found")
        self.assertRefused(self.hub.request("PUT", "/api/send", b""), 405)


class Bodies(HttpCase):

    def test_media_types(self):
        for value in ("application/json", "application/json; charset=utf-8",
                      "Application/JSON", "application/json;charset=UTF-8"):
            with self.subTest(value):
                reply = self.hub.post("/api/broadcast", GOOD,
                                      Content_Type=value)
                self.assertEqual(reply.status, 200, reply)
        reply = self.hub.post("/api/broadcast", GOOD, Content_Type=None)
        self.assertEqual(reply.status, 200, reply)

    def test_encodings_are_refused_by_name(self):
        client = self.join("ada")
        body = gzip.compress(GOOD)
        for value, name in (("gzip", "gzip"), ("br", "br"),
                            ("identity, deflate", "deflate"),
                            (",\r\nContent-Encoding: zstd", "zstd"),
                            ('x"y', "x")):
            with self.subTest(value):
                reply = self.raw_closing(self.hub, self.post_of(
                    body, f"Content-Encoding: {value}"))
                error = self.assertRefused(reply, 415,
                                           "unsupported_media_type")
                self.assertIn(f'"{name}"', error["message"])
                self.assertEqual(reply.header("accept-encoding"), "identity")
                self.assertNextIsMarker(self.hub, client)
        for value in ("identity", "", ",IDENTITY\t,"):
            reply = self.raw(self.hub, self.post_of(
                GOOD, f"Content-Encoding: {value}"))
            self.assertEqual(reply.status, 200, reply)
            self.assertEqual(client.recv(), GOOD)

    def test_other_media_types_are_refused(self):
        client = self.join("ada")
        for value in ("text/plain", "application/x-www-form-urlencoded",
                      "multipart/form-data; boundary=x", "application/jsonx",
                      "application/xml", "json", "*/*"):
            with self.subTest(value):
                reply = self.hub.post("/api/broadcast", GOOD,
                                      Content_Type=value)
                self.assertRefused(reply, 415, "unsupported_media_type")
                self.assertNextIsMarker(self.hub, client)

    def test_a_length_is_required(self):
        reply = self.raw(self.hub, self.head_of(
            "POST", "/api/broadcast", f"X-API-Key: {self.hub.key}"))
        self.assertRefused(reply, 411)

    def test_a_declared_length_beyond_the_limit_is_refused_at_once(self):
        for length in (10 ** 7, 10 ** 12, 2 ** 62):
            with self.subTest(length):
                reply = self.raw_closing(self.hub, self.head_of(
                    "POST", "/api/send", f"X-API-Key: {self.hub.key}",
                    f"Content-Length: {length}"))
                self.assertRefused(reply, 413, "too_large")

    def test_chunked_bodies(self):
        client = self.join("ada")
        chunkings = {
            "one": [GOOD],
            "a byte each": [GOOD[i:i + 1] for i in range(len(GOOD))],
            "two": [GOOD[:10], GOOD[10:]],
        }
        for name, chunks in chunkings.items():
            with self.subTest(name):
                body = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks)
                reply = self.raw(self.hub, self.chunked_head() + body
                                 + b"0\r\n\r\n")
                self.assertEqual(reply.status, 200, reply)
                self.assertEqual(client.recv(), GOOD)

    def test_a_large_chunked_body(self):
        client = self.join("ada")
        message = (b'{"type":"t","timestamp":"2024-01-02","payload":"'
                   + b"x" * 300000 + b'"}')
        body = b"".join(b"%x\r\n%s\r\n" % (len(message[i:i + 7000]),
                                           message[i:i + 7000])
                        for i in range(0, len(message), 7000))
        reply = self.raw(self.hub, self.chunked_head() + body + b"0\r\n\r\n")
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(client.recv(), message)

    def test_a_chunked_body_beyond_the_limit(self):
        client = self.join("ada")
        conn = self.http(self.hub)
        conn.send(self.chunked_head())
        for _ in range(40):
            conn.try_send(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        reply = conn.read_reply()
        self.assertRefused(reply, 413, "too_large")
        self.assertNextIsMarker(self.hub, client)

    def chunked_head(self):
        return self.head_of("POST", "/api/broadcast",
                            f"X-API-Key: {self.hub.key}",
                            "Transfer-Encoding: chunked")

    def test_expect_continue_gets_its_interim_reply_first(self):
        client = self.join("ada")
        conn = self.http(self.hub)
        conn.send(self.post_of(b"", "Expect: 100-continue").replace(
            b"Content-Length: 0", b"Content-Length: %d" % len(GOOD)))
        interim = conn.read_head()
        self.assertEqual(interim.status, 100, interim)
        self.assertEqual(interim.headers, [])
        conn.send(GOOD)
        self.assertEqual(conn.read_reply().status, 200)
        self.assertEqual(client.recv(), GOOD)

    def test_expect_continue_is_refused_without_asking_for_the_body(self):
        for lines, status in (
                (("X-API-Key: wrong", "Content-Length: 10"), 401),
                ((f"X-API-Key: {self.hub.key}", "Content-Length: 9999999"),
                 413)):
            with self.subTest(status):
                conn = self.http(self.hub)
                conn.send(self.head_of("POST", "/api/send",
                                       "Expect: 100-continue", *lines))
                self.assertEqual(conn.read_head().status, status)

    def test_other_expectations_fail(self):
        client = self.join("ada")
        reply = self.raw(self.hub, self.post_of(GOOD, "Expect: miracles"))
        self.assertRefused(reply, 417)
        self.assertNextIsMarker(self.hub, client)


class Connections(HttpCase):

    def test_keep_alive_serves_request_after_request(self):
        conn = http.client.HTTPConnection("127.0.0.1", self.hub.port,
                                          timeout=scaled(15))
        self.addCleanup(conn.close)
        headers = {"X-API-Key": self.hub.key}
        conn.request("POST", "/api/broadcast", GOOD, headers)
        self.assertEqual(from_client(conn.getresponse()).status, 200)
        sock = conn.sock
        for path in ("/health", "/livez", "/nothing", "/readyz"):
            conn.request("GET", path)
            from_client(conn.getresponse())
        for body, status in ((b"not json", 400), (b"{}", 400), (GOOD, 200)):
            conn.request("POST", "/api/broadcast", body, headers)
            self.assertEqual(from_client(conn.getresponse()).status, status)
        self.assertIs(conn.sock, sock, "the connection was not kept")

    def test_pipelined_requests_are_answered_in_order(self):
        client = self.join("ada")
        conn = self.http(self.hub)
        bodies = [b'{"type":"t","payload":%d,"timestamp":"2024-01-02"}' % i
                  for i in range(20)]
        conn.send(b"".join(self.post_of(body) for body in bodies)
                  + self.head_of("GET", "/nothing", "Connection: close"))
        for body in bodies:
            reply = conn.read_reply()
            self.assertEqual(reply.status, 200, reply)
            self.assertEqual(client.recv(), body)
        self.assertEqual(conn.read_reply().status, 404)

    def test_connection_close_is_honoured(self):
        reply = self.raw_closing(self.hub, self.head_of(
            "GET", "/health", "Connection: close"))
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.header("connection"), "close")
        self.assertIsNone(reply.header("keep-alive"))

    def test_a_connection_is_kept_longer_than_a_request_may_take(self):
        hub = self.start(READ_TIMEOUT="100ms")
        conn = self.http(hub)
        for pause in (0, 1.5):  # civetweb adds a second
            threading.Event().wait(pause)
            conn.send(self.head_of("GET", "/health"))
            self.assertEqual(conn.read_reply().status, 200)

    def check_kept_for(self, conn, data, seconds):
        conn.send(data)
        reply = conn.read_reply()
        self.assertEqual(reply.header("connection"), "keep-alive", reply)
        self.assertEqual(reply.header("keep-alive"), f"timeout={seconds}")

    def test_for_how_long_a_connection_is_kept_is_told(self):
        """A backend's is kept for longer than a stranger's: who it is the last
        request says."""
        conn = self.http(self.hub)
        for data, seconds in ((self.head_of("GET", "/health"), 14),
                              (self.post_of(b"{}"), 119),
                              (self.head_of("GET", "/nothing"), 14),
                              (self.post_of(GOOD), 119)):
            self.check_kept_for(conn, data, seconds)

    def test_a_kept_connection_ends_when_it_is_not_used(self):
        hub = self.start(HUB_KEEPALIVE_TIMEOUT="2s",
                         HUB_API_KEY=self.hub.key)
        for data in (self.head_of("GET", "/health"), self.post_of(GOOD)):
            conn = self.http(hub)
            self.check_kept_for(conn, data, 1)
            self.assertTrue(conn.ended())

    def test_http_1_0(self):
        client = self.join("ada")
        conn = self.http(self.hub)
        conn.send(self.post_of(GOOD, version="1.0"))
        reply = conn.read_reply()
        self.assertEqual(reply.status, 200, reply)
        self.assertNotIn("transfer-encoding", dict(reply.headers))
        self.assertTrue(conn.ended(), "1.0 closes unless asked not to")
        self.assertEqual(client.recv(), GOOD)

    def test_http_1_0_with_keep_alive(self):
        conn = self.http(self.hub)
        for _ in range(3):
            conn.send(self.head_of("GET", "/health", "Connection: keep-alive",
                                   version="1.0"))
            reply = conn.read_reply()
            self.assertEqual(reply.status, 200, reply)
            if reply.header("connection", "").lower() != "keep-alive":
                self.assertTrue(conn.ended())
                break

    def test_a_request_in_single_bytes(self):
        client = self.join("ada")
        conn = self.http(self.hub)
        for byte in self.post_of(GOOD):
            conn.send(bytes([byte]))
        self.assertEqual(conn.read_reply().status, 200)
        self.assertEqual(client.recv(), GOOD)


if __name__ == "__main__":
    unittest.main()
