"""Faults of hubd's own process: killed under load and restarted on the same
port, and suspended for longer than its heartbeats allow.

HUB_E2E_LONG=1 suspends it for a minute with the default heartbeats.
"""

import os
import signal
import threading
import time
import unittest

from harness.crowd import number_of, numbered
from harness.daemon import Hubd
from harness.rawws import PING, PONG
from harness.steady import FaultCase
from harness.wait import ms, sanitizer, scaled

CLIENTS = 200 if sanitizer() else 500
KILLS = 2
PAUSE_S = 3  # longer than a ping and its pong may take


class Killed(FaultCase):

    def successor(self, hub):
        """Started while connections of the one that was killed are still
        about. Returns it, and after how long it listened."""
        settings = dict(hub.settings, PORT=str(hub.port))
        after = Hubd(**settings)
        after.key = hub.key
        self.addCleanup(after.scratch.cleanup)
        self.addCleanup(self.end, after)
        started = time.monotonic()
        hub.kill()
        after.start()
        return after, time.monotonic() - started

    @staticmethod
    def end(hub):
        if not hub.killed:
            hub.stop()

    def stall(self, hub):
        """Clients that have some of a frame and leave the rest where it
        is."""
        clients = [self.connect(hub, f"stalled{i}", "stalled",
                                receive_buffer=4096) for i in range(5)]
        for number in range(20):  # more than sockets hold
            hub.send(numbered(number, 400_000), session="stalled")
        return clients

    def read_half(self, client):
        """What was in the sockets still comes, and the last of it is part of
        a frame and no message. Returns how many bytes of one."""
        with self.assertRaises(EOFError):
            while True:
                number_of(client.recv())
        return len(client.http.buffer)

    def test_all_come_back_to_one_that_was_killed_and_started_again(self):
        hub = self.start(HUB_QUEUE_SIZE="64MB")
        steady = self.steady(hub, count=CLIENTS, come_back=True,
                             to_session=True, every=0.02)
        crowd, backend = steady.crowd, steady.backend
        stalled = self.stall(hub)
        for _ in range(KILLS):
            served = backend.next
            hub, listened = self.successor(hub)
            backend.hub = hub
            self.assertEqual(len(hub.events("listening")), 1, hub.tail())
            started = time.monotonic()
            hub.wait_connections(CLIENTS, 20)
            back = time.monotonic() - started
            crowd.wait_open(CLIENTS)
            first = backend.next
            crowd.wait_number(first + 5)
            print(f"\nkilled at message {served}: listening again"
                  f" {listened * 1e3:.0f} ms later, all {CLIENTS} clients"
                  f" back after another {back:.2f} s")
        backend.stop()
        crowd.wait_number(backend.accepted[-1])
        crowd.check()
        self.check_streams(crowd, backend, first)
        halves = [self.read_half(client) for client in stalled]
        print(f"of the frames that were being written {halves} bytes came")
        self.assertTrue(all(halves))

    def check_streams(self, crowd, backend, first):
        """That no number came twice or late within a connection, the clients
        see for themselves."""
        self.assertEqual(backend.refused, {})
        posted = set(backend.accepted) | set(backend.unknown)
        for conn in crowd.past:
            self.assertEqual(conn.end, "lost")
            self.assertLessEqual(set(conn.numbers), posted)
        self.assertGreaterEqual(len(crowd.past), KILLS * CLIENTS)
        last = [n for n in backend.accepted if n > first]
        for conn in crowd.open():
            self.assertLessEqual(set(conn.numbers), posted)
            self.assertEqual([n for n in conn.numbers if n > first], last)
        print(f"{len(crowd.past)} connections ended by SIGKILL; requests"
              f" without an answer: {len(backend.unknown)} of"
              f" {backend.next}")


class Stopped(FaultCase):
    """SIGSTOP, as a suspended machine or a debugger does it."""

    def pause(self, hub, seconds):
        hub.signal(signal.SIGSTOP)
        self.addCleanup(hub.signal, signal.SIGCONT)
        threading.Event().wait(seconds)  # the pause under test
        hub.signal(signal.SIGCONT)
        return time.monotonic()

    def mute(self, hub, count=10):
        """Clients that will answer nothing any more."""
        return [self.connect(hub, f"mute{i}", "mute") for i in range(count)]

    def check_pause(self, hub, seconds, limit):
        """`limit`: for the vanished, from the end of the pause."""
        steady = self.steady(hub)
        before = self.state(hub)
        mute = self.mute(hub)
        resumed = self.pause(hub, seconds)
        hub.wait_connections(before["connections"], limit + 5)
        took = time.monotonic() - resumed
        self.assertLess(took, scaled(limit + 1))
        self.assertEqual(self.wait_causes(hub, "mute", len(mute)),
                         {"pong_timeout": len(mute)})
        print(f"\nstopped for {seconds:g} s: {len(mute)} vanished clients"
              f" were gone {took:.2f} s after SIGCONT;"
              f" {self.assertBackAt(hub, before)};"
              f" {steady.verify(slowest=seconds + 2)}")

    def test_the_living_stay_and_the_vanished_go(self):
        hub = self.start(HUB_PING_INTERVAL=ms(scaled(1)),
                         HUB_PONG_TIMEOUT=ms(scaled(1)))
        self.check_pause(hub, scaled(PAUSE_S), 2.0)

    @unittest.skipUnless(os.environ.get("HUB_E2E_LONG"),
                         "takes two minutes: set HUB_E2E_LONG=1")
    def test_a_minute_with_the_default_heartbeats(self):
        hub = self.start()
        hub.patience = 75
        self.check_pause(hub, 60, 35)

    def test_nobody_is_cut_without_one_more_ping(self):
        """Those whose pong was still due when hubd was stopped."""
        timeout = scaled(1)
        hub = self.start(HUB_PING_INTERVAL=ms(scaled(1)),
                         HUB_PONG_TIMEOUT=ms(timeout))
        steady = self.steady(hub, to_session=True)
        late = [self.connect(hub, f"late{i}", "late") for i in range(10)]
        for client in late:
            while client.recv_frame().opcode != PING:
                pass
        self.pause(hub, scaled(PAUSE_S))
        for client in late:
            self.assertEqual(client.recv_frame().opcode, PING)
            client.send_frame(PONG)
        for client in late:
            client.sync()
        self.assertEqual(self.causes(hub, "late"), {})
        print(f"\n{len(late)} that owed a pong were asked once more;"
              f" {steady.verify(slowest=7)}")


if __name__ == "__main__":
    unittest.main()
