"""Memory is given back after a peak: many connections with full queues,
drained."""

import json
import unittest

from harness.testcase import HubTestCase
from harness.wait import sanitizer, until

CLIENTS = 40
MESSAGES = 90
BYTES = 120_000
PEAK_KB = 100_000  # far more than the process has otherwise


def payload(client, number):
    """Different for each, so that no two share memory."""
    return json.dumps({"type": "n", "timestamp": "2024-01-02",
                       "payload": f"{client} {number} " + "x" * BYTES}).encode()


@unittest.skipIf(sanitizer(), "the sanitizer's allocator keeps what it likes")
class Peak(HubTestCase):

    def setUp(self):
        self.hub = self.start(HUB_QUEUE_SIZE="16MB", WRITE_TIMEOUT="120s",
                              HUB_PING_INTERVAL="120s")
        for _ in range(1200):  # until every worker thread has had its turn
            self.hub.send(payload("", 0), user="nobody")
        self.clients = [self.connect(self.hub, f"u{i}", f"s{i}",
                                     receive_buffer=4096)
                        for i in range(CLIENTS)]

    def test_full_queues_that_drain(self):
        hub, before = self.hub, self.hub.memory_kb()
        for number in range(MESSAGES):
            for client in self.clients:
                self.assertEqual(
                    hub.send(payload(client.user, number), user=client.user),
                    1)
        peak = hub.memory_kb()
        self.assertGreater(peak, before + PEAK_KB, "nothing was queued")
        for client in self.clients:
            for number in range(MESSAGES):
                self.assertEqual(client.recv(), payload(client.user, number))
        until(lambda: hub.memory_kb() < before * 1.2,
              "memory within 20 % of before", 20)
        print(f"\n{CLIENTS} clients: {before} KB, with full queues {peak} KB,"
              f" drained {hub.memory_kb()} KB")


if __name__ == "__main__":
    unittest.main()
