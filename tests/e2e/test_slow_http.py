"""Hundreds of HTTP clients that are slow on purpose must not keep out others:
they stop in the head or in the body, trickle chunks, never read the answer, or
keep idle connections."""

import itertools
import json
import statistics
import threading
import time
import unittest

from harness.http import RawHttp
from harness.kernel import queues
from harness.rawws import RawWs
from harness.testcase import HubTestCase
from harness.wait import scaled, until

COUNT = 200
BEST = 0.1  # seconds; an idle machine takes less than one of its milliseconds
WORST = 2.0  # on a machine that does something else in between
TRIES = 9
MESSAGE = json.dumps({"type": "t", "payload": 1,
                      "timestamp": "2024-01-02"}).encode()
PROBE = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n"


class SlowCase(HubTestCase):

    def open(self, hub, data=b"", **how):
        conn = RawHttp(hub.port, **how)
        self.addCleanup(conn.close)
        conn.send(data)
        return conn

    def ask_and_never_read(self, hub, count, least):
        """Each asks until a worker waits for it to read; at least so many
        workers do in the end."""
        for _ in range(count):
            conn = self.open(hub, narrow=True)
            conn.sock.setblocking(False)
            try:
                for _ in range(10):
                    conn.sock.send(PROBE * 500)
            except (BlockingIOError, ConnectionError):
                pass
        until(lambda: sum(unread > 0 and untaken > 0 for untaken, unread
                          in queues(hub.port).values()) >= least,
              "workers wait for those that do not read", 20)

    @staticmethod
    def head(hub):
        return (b"POST /api/send HTTP/1.1\r\nHost: h\r\nX-API-Key: "
                + hub.key.encode() + b"\r\n")

    def measure(self, what, call):
        times = []
        for _ in range(TRIES):
            started = time.monotonic()
            call()
            times.append(time.monotonic() - started)
        print(f"\n{what}: {statistics.median(times) * 1000:.1f} ms,"
              f" {max(times) * 1000:.1f} ms at worst")
        self.assertLess(min(times), scaled(BEST), what)
        self.assertLess(max(times), scaled(WORST), what)

    def check_everything(self, hub, past):
        """Probes, a send and new WebSockets, each past the slow ones."""
        listener = self.connect(hub, past)

        def send():
            self.assertEqual(hub.send(MESSAGE, user=past), 1)
            self.assertEqual(listener.recv(), MESSAGE)

        def connect():
            client = RawWs(hub.port, "bob")
            client.sync()
            client.close()

        for what, call in (("/health", hub.health), ("/api/send", send),
                           ("a new WebSocket", connect)):
            self.measure(f"{what} past {past}", call)


class SlowHttp(SlowCase):

    def test_half_sent_heads_and_bodies(self):
        hub = self.start(nofile=8192)
        head = self.head(hub)
        slow = []
        for _ in range(COUNT):
            slow.append(self.open(hub, head))
            slow.append(self.open(hub,
                                  head + b"Content-Length: 1000\r\n\r\n{"))
        self.check_everything(hub, f"{COUNT} heads and {COUNT} bodies")
        for conn in slow:
            conn.try_send(b" ")
        self.check_everything(hub, "the same while they trickle")

    def test_chunked_bodies_that_stop_or_dribble(self):
        hub = self.start(nofile=8192)
        head = self.head(hub) + b"Transfer-Encoding: chunked\r\n\r\n"
        stops = (b"", b"1", b"ff\r\n{", b"1\r\n{\r\n", b"1\r\n{\r")
        for index in range(COUNT):
            self.open(hub, head + stops[index % len(stops)])
        self.check_everything(hub, f"{COUNT} chunked bodies")
        slow = [self.open(hub, head) for _ in range(COUNT)]
        stop = threading.Event()

        def dribble():
            for byte in itertools.cycle(b"1\r\n \r\n"):
                for conn in slow:
                    conn.try_send(bytes([byte]))
                if stop.wait(0.05):
                    return

        thread = threading.Thread(target=dribble)
        thread.start()
        try:
            self.check_everything(hub, f"{COUNT} more that dribble")
        finally:
            stop.set()
            thread.join()

    def test_replies_that_nobody_reads(self):
        hub = self.start(nofile=8192, WRITE_TIMEOUT="120s")
        self.ask_and_never_read(hub, COUNT, COUNT)
        self.check_everything(hub, f"{COUNT} that do not read")

    def test_early_refusals_do_not_drain_declared_bodies(self):
        """More clients than workers, with a wrong key and a huge body that
        never comes."""
        hub = self.start(nofile=1024)
        conns = [self.open(hub, b"POST /api/send HTTP/1.1\r\nHost: h\r\n"
                           b"X-API-Key: wrong\r\nContent-Length: 400000"
                           b"\r\n\r\n{") for _ in range(COUNT)]
        for conn in conns:
            self.assertEqual(conn.read_reply().status, 401)
        self.check_everything(hub, f"{COUNT} early refusals")

    def test_idle_keep_alive_connections(self):
        hub = self.start(nofile=8192)
        for _ in range(2 * COUNT):
            conn = self.open(hub, PROBE)
            self.assertEqual(conn.read_reply().status, 200)
        self.check_everything(hub, f"{2 * COUNT} idle connections")


class MoreThanWorkers(SlowCase):
    """Each worker is taken, and others wait in line."""

    def workers(self, hub):
        return int(hub.wait_log("listening")["workers"])

    def test_half_sent_heads_lose_their_workers_soon(self):
        hub = self.start(nofile=1024)
        count = self.workers(hub) + 40
        for _ in range(count):
            self.open(hub, self.head(hub))
        started = time.monotonic()
        hub.health()
        took = time.monotonic() - started
        print(f"\n/health behind {count} half-sent heads: {took:.2f} s")
        self.assertLess(took, scaled(3))

    def test_idle_connections_lose_their_workers_soon(self):
        hub = self.start(nofile=1024)
        count = self.workers(hub)
        for _ in range(count):
            conn = self.open(hub, PROBE)
            self.assertEqual(conn.read_reply().status, 200)
        started = time.monotonic()
        hub.health()
        took = time.monotonic() - started
        print(f"\n/health behind {count} idle connections: {took:.2f} s")
        self.assertLess(took, scaled(3))

    def test_those_that_do_not_read_are_given_no_more_than_most(self):
        """Once workers are scarce a reply ends its connection."""
        hub = self.start(nofile=1024, WRITE_TIMEOUT="120s")
        count = self.workers(hub)
        self.ask_and_never_read(hub, 2 * count, count // 2)
        started = time.monotonic()
        hub.health()
        took = time.monotonic() - started
        print(f"\n/health behind {2 * count} that do not read: {took:.2f} s")
        self.assertLess(took, scaled(3))

    def test_who_came_whole_is_served_however_many_wait(self):
        """A short wait is for those who have not said all; nobody is refused
        for the time the line took."""
        hub = self.start(nofile=1024)
        count = 3 * self.workers(hub)
        conns = [self.open(hub, PROBE) for _ in range(count)]
        for conn in conns:
            self.assertEqual(conn.read_reply().status, 200)
            conn.close()
        until(lambda: hub.health() is not None, "healthy")


if __name__ == "__main__":
    unittest.main()
