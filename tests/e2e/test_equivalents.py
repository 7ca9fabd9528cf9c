"""All spellings of a request that are equivalent by the RFCs get the same
answer, and those that are not are rejected.

HUB_E2E_SEED=7 tries other spellings; a failure names the seed that reproduces
it.
"""

import os
import unittest

from harness.equivalents import LIMITS, Field, Request, Speller, plain
from harness.http import RawHttp
from harness.rawws import accept_of
from harness.testcase import SharedHubd
from harness.wait import slowness

SEED = os.environ.get("HUB_E2E_SEED", "1")
CONNECTIONS = max(60, int(900 / slowness()))
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MESSAGE = b'{"type":"t","payload":[1,{"a":"\\u00e9"}],"timestamp":"2024-01-02"}'


class Case(SharedHubd):

    def key(self, index):
        key = self.hub.key
        return (Field("X-API-Key", key), Field("Authorization",
                                               f"Bearer {key}"))[index]

    def requests(self):
        json = Field("Content-Type", "application/json", folds=True)
        send = b'{"targetUserId":"nobody","message":' + MESSAGE + b"}"
        for chunked in (False, True):
            yield Request("POST", "/api/send", self.key(0), json, body=send,
                          chunked=chunked)
            yield Request("POST", "/api/broadcast", self.key(1),
                          body=MESSAGE, chunked=chunked)
            yield Request("POST", "/api/broadcast", self.key(0), json,
                          body=b"{}", chunked=chunked)
        yield Request("GET", "/health")
        yield Request("GET", "/readyz")
        yield Request("GET", "/nothing?a=http://b:c/")
        yield Request("OPTIONS", "*")

    def upgrade(self):
        return Request("GET", "/ws?userId=a%20b&sessionId=c",
                       Field("Connection", "Upgrade", folds=True),
                       Field("Upgrade", "websocket", folds=True),
                       Field("Sec-WebSocket-Version", "13"),
                       Field("Sec-WebSocket-Key", KEY))

    def shown(self, seed, data, reply):
        return (f"HUB_E2E_SEED={SEED}, connection {seed}; request:\n{data!r}\n"
                f"answer: {reply!r}")


class Equivalents(Case):

    def ask_plainly(self, request):
        return self.raw(self.hub, plain(request))

    def exchange(self, speller, asked, at_once):
        """Asks on one connection, one after the other or all at once. Yields
        the replies, up to the one that ends the connection."""
        conn = RawHttp(self.hub.port)
        try:
            if at_once:
                asked = [b"".join(asked)] + [b""] * (len(asked) - 1)
            for data in asked:
                for piece in speller.segments(data):
                    conn.try_send(piece)
                reply = conn.read_reply()
                yield reply
                if reply.header("connection") == "close":
                    self.assertTrue(conn.ended(), reply)
                    return
        finally:
            conn.close()

    def check_connection(self, number, requests, wanted):
        """Some requests in a row; returns how many."""
        speller = Speller(f"{SEED}.{number}")
        chosen = [speller.random.randrange(len(requests))
                  for _ in range(speller.random.randint(1, 6))]
        asked = [speller.spell(requests[index]) for index in chosen]
        done = 0
        while done < len(asked):
            reply = None
            try:
                for reply in self.exchange(speller, asked[done:],
                                           speller.maybe(0.3)):
                    plain_reply = wanted[chosen[done]]
                    if (reply.status, reply.body) != (plain_reply.status,
                                                      plain_reply.body):
                        break
                    done += 1
                else:
                    continue
            except (EOFError, TimeoutError) as end:
                reply = end
            self.fail(self.shown(number, asked[done], reply)
                      + f"\nplainly: {wanted[chosen[done]]!r}\n"
                      f"{done} before it: {asked[:done]!r}")
        return done

    def test_each_spelling_gets_the_answer_of_the_plain_one(self):
        requests = list(self.requests())
        wanted = [self.ask_plainly(request) for request in requests]
        count = sum(self.check_connection(number, requests, wanted)
                    for number in range(CONNECTIONS))
        print(f"\n{count} requests")

    def test_connections_are_kept_behind_other_spellings(self):
        """But for what is behind trailers."""
        kept = 0
        for number in range(CONNECTIONS // 5):
            speller = Speller(f"{SEED}.kept.{number}")
            request = Request("POST", "/api/broadcast", self.key(0),
                              body=MESSAGE, chunked=speller.maybe())
            data = speller.spell(request)
            if b"connection" in data.lower() or b"checksum" in data.lower():
                continue
            reply = self.raw(self.hub, data)
            self.assertEqual(reply.header("connection"), "keep-alive",
                             self.shown(number, data, reply))
            kept += 1
        self.assertGreater(kept, 0)

    def test_upgrades(self):
        for number in range(CONNECTIONS // 2):
            speller = Speller(f"{SEED}.ws.{number}")
            request = self.upgrade()
            if speller.maybe(0.3):
                request.fields[0] = Field(
                    "Connection", *speller.pick(("close", "Upgrade"),
                                                ("keep-alive", "Upgrade"),
                                                ("Upgrade", "x")), folds=True)
            if speller.maybe(0.2):
                request.fields[1] = Field("Upgrade", "h2c", "websocket",
                                          folds=True)
            data = speller.spell(request)
            conn = RawHttp(self.hub.port)
            try:
                for piece in speller.segments(data):
                    conn.try_send(piece)
                reply = conn.read_reply()
            finally:
                conn.close()
            if (reply.status, reply.header("sec-websocket-accept")) != (
                    101, accept_of(KEY)):
                self.fail(self.shown(number, data, reply))

    def test_the_limits_are_told(self):
        """Spellings that are refused, and why: see docs/protocol.md."""
        request = Request("POST", "/api/broadcast", self.key(0), body=MESSAGE,
                          chunked=True)
        for limit, (status, code, said) in LIMITS.items():
            for number in range(20):
                speller = Speller(f"{SEED}.{limit}.{number}")
                speller.limit = limit
                data = speller.spell(request)
                with self.subTest(limit, number=number):
                    reply = self.raw(self.hub, data)
                    error = self.assertRefused(reply, status, code)
                    self.assertIn(said, error["message"])
            line = self.hub.wait_log("refused", code=code)
            self.assertIn(said, line["reason"])


class NearMisses(Case):

    def refuse(self, data):
        conn = self.http(self.hub)
        conn.try_send(data)
        reply = conn.read_reply()
        self.assertIn(reply.status, (400, 411, 417, 426, 505), (data, reply))
        self.assertRefused(reply, reply.status)
        self.assertIn("close", reply.header_values("connection"), reply)
        self.assertTrue(conn.ended(), reply)

    def test_what_only_resembles_a_request(self):
        """One thing is wrong in each."""
        post = plain(Request("POST", "/api/broadcast", self.key(0),
                             body=MESSAGE))
        chunked = plain(Request("POST", "/api/broadcast", self.key(0),
                                body=MESSAGE, chunked=True))
        upgrade = plain(self.upgrade())
        length = b"Content-Length: %d" % len(MESSAGE)
        size = b"\r\n%x\r\n" % len(MESSAGE)
        for start, old, new in (
                (post, b"POST /", b" POST /"), (post, b"POST /", b"\tPOST /"),
                (post, b"POST /", b"\rPOST /"), (post, b"POST /", b"POST  /"),
                (post, b"POST /", b"POST\t/"), (post, b" HTTP/", b"  HTTP/"),
                (post, b" HTTP/", b"\tHTTP/"), (post, b"1.1\r", b"1.1 \r"),
                (post, b"1.1\r", b"1.1"), (post, b"HTTP/1.1", b"http/1.1"),
                (post, b"POST", b"post"), (post, b" /api", b" http:///api"),
                (post, b" /api", b" http://u@h/api"), (post, b" /api", b" api"),
                (post, b" /api", b" http://h\t/api"), (post, b"\r\n", b"\n"),
                (post, b"Host:", b"Host :"), (post, b"Host:", b"Host\t:"),
                (post, b"Host: hub", b"Host: hub\r\nHost: hub"),
                (post, b"Host: hub\r\n", b""), (post, b"Host: ", b" Host: "),
                (post, b"Host: hub", b"X: 1\r\n folded\r\nHost: hub"),
                (post, b"Host: hub", b"X: 1\r\n\tfolded\r\nHost: hub"),
                (post, b"Host: hub", b"X: 1\rHost: hub\r\nHost: hub"),
                (post, b"Host: hub", b"X: 1\x00\r\nHost: hub"),
                (post, b"Host: hub", b"X\r\nHost: hub"),
                (post, b"Host: hub", b": x\r\nHost: hub"),
                (post, length, length + b"x"), (post, length, length + b" 0"),
                (post, length, length + b", %d" % len(MESSAGE)),
                (post, length, length + b"\r\n" + length),
                (post, length, length.replace(b": ", b": +")),
                (post, length, length.replace(b": ", b": 0x")),
                (post, length, b"Content-Length:"),
                (post, length, length + b"\r\nTransfer-Encoding: chunked"),
                (post, length, length + b"\r\nExpect: 100-continue, x"),
                (chunked, b": chunked", b": chunked, chunked"),
                (chunked, b": chunked", b": chunked;q=1"),
                (chunked, b": chunked", b": gzip, chunked"),
                (chunked, b": chunked", b": chunked\r\n"
                                        b"Transfer-Encoding: identity"),
                (chunked, b": chunked", b": xchunked"),
                (chunked, b": chunked", b":"),
                (chunked, size, b"\r\n0x" + size[2:]),
                (chunked, size, b"\r\n+" + size[2:]),
                (chunked, size, b"\r\n " + size[2:]),
                (chunked, size, b"\r\n-" + size[2:]),
                (chunked, size, size[:-2] + b"\n"),
                (chunked, size, size[:-2] + b"\r\r\n"),
                (chunked, b"\r\n0\r\n", b"0\r\n"),
                (upgrade, b"Connection: Upgrade", b"Connection: Up, grade"),
                (upgrade, b"Connection: Upgrade", b"Connection: Upgrades"),
                (upgrade, b"Upgrade: websocket", b"Upgrade: web\tsocket"),
                (upgrade, b"Upgrade: websocket", b"Upgrade: websocket/13"),
                (upgrade, b"Version: 13", b"Version: 1 3"),
                (upgrade, b"Version: 13", b"Version: 13, 13"),
                (upgrade, b"Key: ", b"Key: ,"),
                (upgrade, b"GET", b"PUT"),
                ):
            with self.subTest(old=old, new=new):
                self.assertEqual(start.count(old) > 0, True)
                if start is upgrade and new == b"PUT":
                    self.assertRefused(self.raw(
                        self.hub, start.replace(old, new, 1)), 405)
                else:
                    self.refuse(start.replace(old, new, 1))


if __name__ == "__main__":
    unittest.main()
