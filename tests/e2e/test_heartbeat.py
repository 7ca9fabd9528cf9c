"""Silence: who is pinged, who stays, who is closed, and when."""

import threading
import time
import unittest

from harness.rawws import PING, PONG, RawWs
from harness.testcase import HubTestCase
from harness.wait import scaled, slowness

INTERVAL, TIMEOUT = 0.3, 0.3


class Heartbeat(HubTestCase):

    def start_short(self, **more):
        factor = slowness()
        self.interval, self.timeout = INTERVAL * factor, TIMEOUT * factor
        return self.start(HUB_PING_INTERVAL=f"{int(self.interval * 1000)}ms",
                          HUB_PONG_TIMEOUT=f"{int(self.timeout * 1000)}ms",
                          **more)

    def test_a_silent_peer_gets_a_ping(self):
        client = self.connect(self.start_short(), "ada")
        started = time.monotonic()
        frame = client.recv_frame()
        waited = time.monotonic() - started
        self.assertEqual((frame.fin, frame.rsv, frame.opcode),
                         (True, 0, PING))
        self.assertLessEqual(len(frame.payload), 125)
        self.assertGreater(waited, self.interval * 0.8)
        self.assertLess(waited, self.interval * 2 + 0.5)

    def test_one_who_answers_stays(self):
        hub = self.start_short()
        client = self.connect(hub, "ada")
        for _ in range(6):
            frame = client.recv_frame()
            self.assertEqual(frame.opcode, PING)
            client.send_frame(PONG, frame.payload)
        self.assertEqual(hub.health()["total_connections"], 1)
        self.assertNextIsMarker(hub, client)

    def test_any_byte_is_a_sign_of_life(self):
        hub = self.start_short()
        client = self.connect(hub, "ada")
        deadline = time.monotonic() + 3 * (self.interval + self.timeout)
        while time.monotonic() < deadline:
            frame = client.recv_frame()
            if frame.opcode == PING:
                client.send_text("alive, though this is no pong")
        self.assertEqual(hub.health()["total_connections"], 1)

    def test_a_talker_is_not_pinged(self):
        hub = self.start_short()
        client = self.connect(hub, "ada")
        deadline = time.monotonic() + 4 * self.interval
        client.sock.settimeout(self.interval / 5)
        while time.monotonic() < deadline:
            client.send_text("busy")
            try:
                frame = client.recv_frame()
                self.fail(f"pinged although not silent: {frame!r}")
            except TimeoutError:
                pass

    def test_one_who_vanished_is_gone_in_time(self):
        hub = self.start_short()
        stayer = self.connect(hub, "bob")
        stop = threading.Event()

        def answer():
            while not stop.is_set():
                frame = stayer.recv_frame()
                if frame.opcode == PING:
                    stayer.send_frame(PONG, frame.payload)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        clients = [self.connect(hub, f"ghost{i}") for i in range(20)]
        started = time.monotonic()
        limit = self.interval + self.timeout
        hub.wait_connections(1, (2 * limit + 2) / slowness())
        took = time.monotonic() - started
        self.assertLess(took, limit + max(1.0, 0.5 * limit))
        gone = hub.wait_log("disconnected", user="ghost0")
        self.assertEqual(gone.get("cause"), "pong_timeout")
        for client in clients:
            client.drain()
        self.assertEqual(hub.health()["total_connections"], 1)
        stop.set()
        hub.broadcast({"type": "t", "payload": 1})
        thread.join(scaled(5))

    def test_a_peer_that_resets_is_gone_at_once(self):
        hub = self.start()
        self.connect(hub, "ada").vanish()
        hub.wait_connections(0)
        gone = hub.wait_log("disconnected", user="ada")
        self.assertEqual(gone.get("cause"), "lost")

    def test_a_peer_that_ends_its_stream_is_gone_at_once(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        client.http.end_sending()
        hub.wait_connections(0)
        self.assertEqual(
            hub.wait_log("disconnected", user="ada").get("cause"), "lost")

    def test_thousands_of_turns_do_not_pile_up_work(self):
        """Idle connections with heartbeats cost next to no CPU."""
        hub = self.start(HUB_PING_INTERVAL="25s", HUB_PONG_TIMEOUT="10s")
        for index in range(200):
            self.addCleanup(RawWs(hub.port, f"user{index}").close)
        hub.wait_connections(200)
        before, started = hub.cpu_seconds(), time.monotonic()
        self.connect(hub, "last").sock.settimeout(2.0)
        while time.monotonic() - started < 2.0:
            hub.wait_connections(201)
            threading.Event().wait(0.5)
        used = hub.cpu_seconds() - before
        print(f"\nidle, 201 connections: {used / 2:.1%} of a core")
        self.assertLess(used, scaled(0.4))


if __name__ == "__main__":
    unittest.main()
