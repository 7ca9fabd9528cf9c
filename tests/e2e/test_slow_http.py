"""Hundreds of HTTP clients that are slow on purpose must not keep out the
others."""

import json
import time
import unittest

from harness.http import RawHttp
from harness.rawws import RawWs
from harness.testcase import HubTestCase
from harness.wait import scaled, until

COUNT = 200
BOUND = 1.0  # seconds, generous: an idle machine takes milliseconds


class SlowHttp(HubTestCase):

    def open_slow(self, hub):
        """Half of them stop inside the head, half inside the body."""
        head = b"POST /api/send HTTP/1.1\r\nHost: h\r\nX-API-Key: " \
            + hub.key.encode() + b"\r\n"
        conns = []
        for index in range(2 * COUNT):
            conn = RawHttp(hub.port)
            self.addCleanup(conn.close)
            conn.send(head if index % 2 else
                      head + b"Content-Length: 1000\r\n\r\n{")
            conns.append(conn)
        return conns

    def measure(self, what, call):
        worst = 0.0
        for _ in range(5):
            started = time.monotonic()
            call()
            worst = max(worst, time.monotonic() - started)
        print(f"\n{what} past {2 * COUNT} slow clients:"
              f" {worst * 1000:.1f} ms at worst")
        self.assertLess(worst, scaled(BOUND), what)

    def test_everything_still_answers_fast(self):
        hub = self.start(nofile=8192)
        listener = self.connect(hub, "ada")
        slow = self.open_slow(hub)

        def send():
            message = json.dumps({"type": "t", "payload": 1,
                                  "timestamp": "2024-01-02"}).encode()
            self.assertEqual(hub.send(message, user="ada"), 1)
            self.assertEqual(listener.recv(), message)

        def connect():
            client = RawWs(hub.port, "bob")
            client.sync()
            client.close()

        self.measure("/health", hub.health)
        self.measure("/api/send", send)
        self.measure("a new WebSocket", connect)
        for conn in slow:
            conn.try_send(b" ")
        self.measure("/health while they trickle", hub.health)

    def test_early_refusals_do_not_drain_declared_bodies(self):
        """Clients with a wrong key and a huge body that never comes."""
        hub = self.start(nofile=8192)
        for _ in range(COUNT):
            conn = RawHttp(hub.port)
            self.addCleanup(conn.close)
            conn.send(b"POST /api/send HTTP/1.1\r\nHost: h\r\n"
                      b"X-API-Key: wrong\r\nContent-Length: 400000\r\n\r\n{")
        self.measure("/health", hub.health)
        before = hub.threads()
        until(lambda: hub.health() is not None, "alive")
        self.assertLessEqual(hub.threads(), before)

    def test_idle_keep_alive_connections_do_not_keep_out_others(self):
        hub = self.start(nofile=8192)
        for _ in range(COUNT):
            conn = RawHttp(hub.port)
            self.addCleanup(conn.close)
            conn.send(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(conn.read_reply().status, 200)
        self.measure("/health", hub.health)


if __name__ == "__main__":
    unittest.main()
