"""A graceful drain: the load balancer learns of it first, clients are closed
one after the other and told when to come back, and new ones are rejected."""

import re
import select
import signal
import time
import unittest

from harness.http import RawHttp
from harness.rawws import new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase
from harness.wait import scaled, slowness

CLIENTS = 600
RATE = 1000  # closes a second


class KindDrain(HubTestCase):

    def collect(self, clients, seconds):
        """Time and reason of each client's Close frame, in their order."""
        waiting = {client.sock: client for client in clients}
        closes = []
        end = time.monotonic() + seconds
        while waiting and time.monotonic() < end:
            readable, _, _ = select.select(list(waiting), [], [], 0.5)
            now = time.monotonic()
            for sock in readable:
                client = waiting.pop(sock)
                code, reason = client.recv_close()
                self.assertEqual(code, 1001)
                closes.append((now, reason))
                client.close_frame(1001)
        self.assertFalse(waiting, "clients without a Close frame")
        return closes

    def test_closes_are_spread_and_say_when_to_come_back(self):
        hub = self.start(nofile=8192)
        clients = [self.connect(hub, f"u{i}") for i in range(CLIENTS)]
        started = time.monotonic()
        hub.signal(signal.SIGTERM)
        closes = self.collect(clients, scaled(15))
        self.assertEqual(hub.wait_exit(), 0, hub.tail())

        times = [when - started for when, _ in closes]
        self.assertGreater(times[-1], 0.9 * CLIENTS / RATE)
        self.assertLess(times[-1], CLIENTS / RATE + 1 * slowness())
        # Not all in the end, nor all in the beginning.
        middle = times[CLIENTS // 2]
        self.assertGreater(middle, 0.25 * CLIENTS / RATE)
        self.assertLess(middle, 0.75 * times[-1])

        hints = []
        for when, reason in closes:
            match = re.fullmatch(r"shutting down; retry-after-ms=(\d+)",
                                 reason)
            self.assertTrue(match, reason)
            hints.append(when - started + int(match[1]) / 1000)
        hints.sort()
        self.assertGreater(hints[0], CLIENTS / RATE + 0.9)
        self.assertGreater(hints[-1] - hints[0], 0.8)
        print(f"\n{CLIENTS} clients closed from {times[0]:.2f} to"
              f" {times[-1]:.2f} s, told to be back from {hints[0]:.2f} to"
              f" {hints[-1]:.2f} s")

    def test_health_turns_before_the_first_close_and_nobody_gets_in(self):
        hub = self.start(nofile=8192)
        clients = [self.connect(hub, f"u{i}") for i in range(CLIENTS)]
        idle = RawHttp(hub.port)  # a balancer that keeps its connection
        self.addCleanup(idle.close)
        hub.signal(signal.SIGTERM)
        hub.wait_log("draining")
        health = hub.request("GET", "/health")
        self.assertEqual(health.status, 503)
        self.assertEqual(health.json()["status"], "draining")
        self.assertGreater(health.json()["stats"]["total_connections"], 0)
        idle.send(upgrade_request(ws_path("late"), new_key()))
        reply = idle.read_reply()
        self.assertRefused(reply, 503, "draining")
        self.assertTrue(reply.header("retry-after").isdigit(), reply)
        self.collect(clients, scaled(15))
        self.assertEqual(hub.wait_exit(), 0, hub.tail())

    def test_little_time_closes_faster(self):
        hub = self.start(nofile=8192, HUB_SHUTDOWN_TIMEOUT="600ms")
        clients = [self.connect(hub, f"u{i}") for i in range(CLIENTS)]
        started = time.monotonic()
        hub.signal(signal.SIGTERM)
        closes = self.collect(clients, scaled(5))
        self.assertEqual(hub.wait_exit(), 0, hub.tail())
        self.assertLess(closes[-1][0] - started, 0.6 + 0.5 * slowness())


if __name__ == "__main__":
    unittest.main()
