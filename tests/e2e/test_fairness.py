"""A storm of broadcasts, as fast as they can be posted: meanwhile pings are
answered and sent, new clients get in, and /health answers."""

import json
import os
import subprocess
import threading
import time
import unittest

from harness.rawws import PING, RawWs
from harness.testcase import HubTestCase
from harness.wait import ROOT, sanitizer, scaled, until

HUB_BENCH = os.environ.get("HUB_BENCH") or str(
    ROOT / "build/dev/hub-bench/hub-bench")
CLIENTS = 100 if sanitizer() else 1000
SECONDS = 4
PATIENCE = 5  # seconds, at most, for anything that is asked meanwhile


class Storm(HubTestCase):

    def rage(self, hub):
        """hub-bench, which posts the next message when the last is taken."""
        process = subprocess.Popen(
            [HUB_BENCH, f"ws://127.0.0.1:{hub.port}/ws?userId={{user}}",
             f"--clients={CLIENTS}", "--until=accepted", "--window=16",
             f"--duration={SECONDS}s", "--idle=0s", "--warmup=0s", "--json"],
            env={"PATH": os.environ["PATH"], "HUB_API_KEY": hub.key},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        return process

    def timed(self, worst, what, action):
        started = time.monotonic()
        result = action()
        took = time.monotonic() - started
        worst[what] = max(worst.get(what, 0), took)
        self.assertLess(took, scaled(PATIENCE), what)
        return result

    def listen_in_silence(self, client, pings, stop):
        """One that says nothing but pongs: the heartbeat is all it has."""
        while not stop.is_set():
            frame = client.recv_frame()
            if frame.opcode == PING:
                pings.append(time.monotonic())
                client.send_frame(10, frame.payload)

    def test_everything_else_has_its_turn(self):
        # Pings of a client that only listens are due every second; what it
        # reads itself does not count as a sign of life. On a machine where the
        # clients cannot keep up, messages are dropped and nobody is.
        hub = self.start(HUB_PING_INTERVAL="1s", HUB_PONG_TIMEOUT="30s",
                         HUB_SLOW_CONSUMER="drop-newest")
        silent = self.connect(hub, "silent")
        pings, stop, worst = [], threading.Event(), {}
        listener = threading.Thread(target=self.listen_in_silence,
                                    args=(silent, pings, stop))
        storm = self.rage(hub)
        until(lambda: hub.health()["total_connections"] > CLIENTS,
              "the storm's clients", 30)
        listener.start()
        rounds = 0
        while storm.poll() is None:
            client = self.timed(worst, "newcomer",
                                lambda: RawWs(hub.port, f"new{rounds}"))
            self.timed(worst, "ping", client.sync)
            self.timed(worst, "send", lambda: self.assertEqual(
                hub.send({"type": "t", "payload": 1}, user=client.user), 1))
            self.timed(worst, "health", hub.health)
            client.close()
            rounds += 1
        report = json.loads(storm.stdout.read())
        stop.set()
        hub.broadcast({"type": "t", "payload": "the end"})
        listener.join()
        seconds = ", ".join(f"{what} {took:.3f} s"
                            for what, took in worst.items())
        print(f"\n{report['delivery']['count']} deliveries of"
              f" {report['publish']['messages']} broadcasts, {rounds} rounds;"
              f" at worst {seconds}; {len(pings)} pings")
        self.assertEqual(report["clients"]["lost"], 0)
        self.assertEqual(report["publish"]["errors"], 0)
        self.assertEqual(report["delivery"]["out_of_order"], 0)
        self.assertGreater(rounds, 3)
        self.assertGreaterEqual(len(pings), SECONDS // 2)


if __name__ == "__main__":
    unittest.main()
