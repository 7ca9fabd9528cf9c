"""Everything at once: clients that connect, send, break rules and leave,
backends that send and broadcast, garbage, and signals. What counts is what is
left: nothing, and no report of a sanitizer.

HUB_E2E_SECONDS makes it longer than its usual few seconds.
"""

import os
import random
import signal
import threading
import time
import unittest

from harness.http import RawHttp
from harness.rawws import RawWs, new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase
from harness.wait import until

SECONDS = float(os.environ.get("HUB_E2E_SECONDS", "4"))
MESSAGE = {"type": "t", "payload": "x" * 300, "timestamp": "2024-01-02"}
PEER_GONE = (EOFError, ConnectionError)


class Storm(HubTestCase):

    def visitor(self, hub, rng):
        """One client: comes, perhaps talks, perhaps misbehaves, goes."""
        client = RawWs(hub.port, f"user{rng.randrange(20)}",
                       f"session{rng.randrange(5)}")
        try:
            for _ in range(rng.randrange(4)):
                client.send_text("hello" * rng.randrange(100))
            behaviour = rng.randrange(6)
            if behaviour == 0:
                client.leave()
            elif behaviour == 1:
                client.vanish()
            elif behaviour == 2:
                client.send_bytes(rng.randbytes(rng.randrange(1, 200)))
            elif behaviour == 3:
                client.sync()
            elif behaviour == 4:
                client.send_frame(1, declare=rng.randrange(2 ** 40))
        except PEER_GONE:
            pass
        finally:
            client.close()

    def publisher(self, hub, rng):
        if rng.randrange(3):
            hub.send(MESSAGE, user=f"user{rng.randrange(20)}",
                     session=f"session{rng.randrange(5)}")
        else:
            hub.broadcast(MESSAGE)

    def vandal(self, hub, rng):
        """Bytes that are almost a request, or none at all."""
        data = bytearray(upgrade_request(ws_path("eve"), new_key()))
        for _ in range(rng.randrange(4)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        conn = RawHttp(hub.port)
        try:
            conn.try_send(bytes(data[:rng.randrange(1, len(data) + 1)]))
            if rng.randrange(2):
                conn.end_sending()
                conn._fill()
        except OSError:
            pass
        finally:
            conn.close()

    def observer(self, hub, _):
        hub.health()
        hub.signal(signal.SIGHUP)

    def run_until(self, deadline, role, hub, seed, done, failed):
        rng = random.Random(seed)
        try:
            while time.monotonic() < deadline and not failed:
                role(hub, rng)
                done[role.__name__] = done.get(role.__name__, 0) + 1
        except Exception as error:
            failed.append((role.__name__, error))

    def test_nothing_is_left_behind(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_USER=1000,
                         HUB_MAX_CONNECTIONS_PER_IP=1000)
        hub.health()
        before = hub.descriptors()
        listener = self.connect(hub, "steady")
        done, failed = {}, []
        deadline = time.monotonic() + SECONDS
        roles = ([self.visitor] * 4 + [self.publisher] * 3
                 + [self.vandal] * 2 + [self.observer])
        threads = [threading.Thread(
            target=self.run_until,
            args=(deadline, role, hub, seed, done, failed))
            for seed, role in enumerate(roles)]
        reader = threading.Thread(target=self.read_until,
                                  args=(listener, b'"the end"'))
        reader.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        hub.send(dict(MESSAGE, payload="the end"), user="steady")
        reader.join()
        print(f"\nin {SECONDS:g} s: {done}")
        self.assertEqual(failed, [])
        hub.wait_connections(1, 10)
        self.assertEqual(hub.send(MESSAGE, user="steady"), 1)
        listener.leave()
        hub.wait_connections(0)
        until(lambda: hub.descriptors() <= before, "descriptors given back",
              10)

    @staticmethod
    def read_until(client, last):
        while last not in client.recv():
            pass


if __name__ == "__main__":
    unittest.main()
