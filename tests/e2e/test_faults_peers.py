"""Peers that stop in the middle of things: suspended processes whose kernel
keeps acknowledging, and resets in the middle of a frame."""

import json
import pathlib
import signal
import struct
import subprocess
import sys
import time
import unittest

from harness.crowd import numbered
from harness.rawws import TEXT, RawWs, encode
from harness.steady import FaultCase
from harness.wait import ms, scaled, until

STOPPED = 5
MARGIN_S = 1.0


class StoppedProcess(FaultCase):
    """Clients whose process got SIGSTOP. The link is up, and their kernel
    takes what fits and acknowledges every probe."""

    def clients(self, hub):
        process = subprocess.Popen(
            [sys.executable, "-B", "-m", "harness.crowd", str(hub.port),
             str(STOPPED), "stopped"], cwd=pathlib.Path(__file__).parent,
            stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.discard, process)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    @staticmethod
    def discard(process):
        process.kill()  # one that is stopped as well
        process.communicate()

    def outcome(self, process):
        """What became of them, once they ran again and all were gone."""
        output, _ = process.communicate(timeout=scaled(20))
        self.assertEqual(process.returncode, 0)
        return json.loads(output)

    def check(self, settings, limit, cause, send):
        hub = self.start(HUB_QUEUE_SIZE="64MB", **settings)
        hub.warm_up()
        steady = self.steady(hub, to_session=True)
        before = self.state(hub)
        process = self.clients(hub)
        process.send_signal(signal.SIGSTOP)
        count = send(hub)
        since = time.monotonic()
        hub.wait_connections(before["connections"], limit + 5)
        took = time.monotonic() - since
        self.assertLess(took, scaled(limit + MARGIN_S))
        self.assertEqual(self.wait_causes(hub, "stopped", STOPPED),
                         {cause: STOPPED})
        back = self.assertBackAt(hub, before)
        process.send_signal(signal.SIGCONT)
        for one in self.outcome(process):
            self.assertEqual(one["end"], "lost")
            self.assertEqual(one["numbers"],
                             list(range(len(one["numbers"]))))
            self.assertLessEqual(len(one["numbers"]), count)
        print(f"\n{STOPPED} of a stopped process were gone by {cause}"
              f" {took:.2f} s later; {back}; {steady.verify()}")

    def test_with_little_to_read_it_goes_by_pong_timeout(self):
        def send(hub):
            return hub.send(numbered(0), session="stopped") and 1

        self.check({"HUB_PING_INTERVAL": ms(scaled(1)),
                    "HUB_PONG_TIMEOUT": ms(scaled(1))}, 2.0,
                   "pong_timeout", send)

    def test_with_much_to_read_it_goes_by_write_timeout(self):
        def send(hub):
            for number in range(40):
                hub.send(numbered(number, 400_000), session="stopped")
            return 40

        self.check({"HUB_PING_INTERVAL": "40s",
                    "WRITE_TIMEOUT": ms(scaled(1))}, 1.0, "write_timeout",
                   send)

    def test_one_that_runs_again_in_time_has_missed_nothing(self):
        """It was pinged and fell behind, and both are made good."""
        hub = self.start(HUB_QUEUE_SIZE="64MB", WRITE_TIMEOUT="20s",
                         HUB_PING_INTERVAL=ms(scaled(0.5)),
                         HUB_PONG_TIMEOUT="20s")
        steady = self.steady(hub, to_session=True)
        before = self.state(hub)
        process = self.clients(hub)
        process.send_signal(signal.SIGSTOP)
        for number in range(30):
            hub.send(numbered(number, 400_000), session="stopped")
        steady.crowd.wait_pings(2)
        self.assertEqual(hub.health()["total_connections"],
                         before["connections"] + STOPPED)
        process.send_signal(signal.SIGCONT)
        hub.send(numbered(30), session="stopped")
        steady.crowd.wait_pings(2)
        told = steady.verify()
        hub.signal(signal.SIGTERM)
        for one in self.outcome(process):
            self.assertEqual(one["numbers"], list(range(31)))
            self.assertEqual(one["end"], 1001)
            self.assertGreater(one["pings"], 0)
        print(f"\n{STOPPED} of a process that went on got all; {told}")


class HalfFrames(FaultCase):
    """What was sent when the client's process died."""

    ROUNDS = 20
    CUT = {
        "one byte of a header": b"\x81",
        "a header without its mask": encode(TEXT, b"x" * 300)[:4],
        "part of a mask": encode(TEXT, b"x" * 300)[:6],
        "a header and no payload": encode(TEXT, declare=400_000),
        "half a payload": encode(TEXT, b"x" * 400_000)[:200_000],
        "half a character": encode(TEXT, b"\xe2\x82", fin=False),
        "a message without its last fragment":
            encode(TEXT, b"x" * 300_000, fin=False)
            + encode(0, b"y", fin=False),
        "half a Close": encode(8, struct.pack("!H", 1000) + b"bye")[:7],
        "half a ping": encode(9, b"x" * 100)[:50],
        "half of a length": b"\x81\xff\x00\x00\x00",
    }

    def test_a_reset_in_the_middle_of_a_frame_leaves_nothing(self):
        hub = self.start()
        steady = self.steady(hub)
        before = self.state(hub)
        count = 0
        for number in range(self.ROUNDS):
            clients = []
            for name, data in self.CUT.items():
                client = RawWs(hub.port, name, "half")
                client.send_bytes(data)
                clients.append(client)
            if number % 2:
                until(lambda: self.unread(hub, clients) == 0,
                      "hubd waits for the rest of frames")
            for client in clients:
                client.vanish()
            count += len(clients)
        causes = self.wait_causes(hub, "half", count)
        self.assertEqual(causes, {"lost": count})
        print(f"\n{count} resets in the middle of a frame:"
              f" {self.assertBackAt(hub, before)}; {steady.verify()}")

    def unread(self, hub, clients):
        """Bytes from these clients that hubd has not taken from its
        sockets."""
        here = f"0100007F:{hub.port:04X}"
        there = {f"0100007F:{client.sock.getsockname()[1]:04X}"
                 for client in clients}
        lines = pathlib.Path("/proc/net/tcp").read_text("ascii").splitlines()
        # The kernel may show a socket twice where others come and go.
        queues = {fields[2]: fields[4].partition(":")[2]
                  for fields in map(str.split, lines)
                  if fields[1] == here and fields[2] in there}
        self.assertEqual(len(queues), len(clients))
        return sum(int(queue, 16) for queue in queues.values())


if __name__ == "__main__":
    unittest.main()
