"""HUB_MEMORY_LIMIT: whatever many clients and backends leave unfinished, the
process stays within it, and well-behaved ones notice nothing."""

import json
import unittest

from harness.http import RawHttp
from harness.rawws import BINARY, CLOSE, encode
from harness.testcase import HubTestCase
from harness.wait import sanitizer, until

LIMIT_KB = 32 * 1024
OVERHEAD = 1.5  # of the allocator, and of what is counted elsewhere
BYTES = 100_000


def message(text):
    return json.dumps({"type": "m", "timestamp": "2024-01-02",
                       "payload": text}).encode()


class MemoryLimit(HubTestCase):

    def setUp(self):
        # No other limit shall come first.
        self.hub = self.start(
            HUB_MEMORY_LIMIT=f"{LIMIT_KB}KB", HUB_QUEUE_SIZE="64MB",
            HUB_SLOW_CONSUMER="drop-newest", WRITE_TIMEOUT="120s",
            HUB_PING_INTERVAL="120s")
        self.ada = self.connect(self.hub, "ada")
        self.before = self.hub.memory_kb()

    def assertBounded(self):
        if not sanitizer():  # whose allocator keeps what is freed
            self.assertLess(self.hub.memory_kb(),
                            self.before + LIMIT_KB * OVERHEAD)

    def assertServed(self, text):
        """A healthy client still gets what is sent to it."""
        self.assertEqual(self.hub.send(message(text), user="ada"), 1)
        self.assertEqual(self.ada.recv(), message(text))

    def test_clients_that_do_not_read(self):
        slow = [self.connect(self.hub, f"slow{i}", receive_buffer=4096)
                for i in range(30)]
        peak = 0
        for number in range(100):
            for client in slow:
                text = f"{client.user} {number} " + "x" * BYTES
                self.assertEqual(
                    self.hub.send(message(text), user=client.user), 1)
            self.assertServed(f"{number} " + "y" * 1000)
            peak = max(peak, self.hub.memory_kb())
            self.assertBounded()
        print(f"\n{len(slow)} stalled clients, {100 * BYTES // 1000} KB for"
              f" each: {self.before} KB before, {peak} KB at most")
        self.assertGreater(peak, self.before + LIMIT_KB / 8,
                           "nothing was queued")
        self.assertEqual(self.hub.health()["total_connections"],
                         len(slow) + 1)

    def test_messages_that_clients_do_not_finish(self):
        payload = b"x" * 500_000
        clients = [self.connect(self.hub, f"half{i}") for i in range(150)]
        for client in clients:
            client.try_send(encode(BINARY, payload)[:-1])
        self.assertServed("meanwhile")
        self.assertBounded()
        closed = 0
        for client in clients:
            client.sock.settimeout(0.01)
            try:
                frame = client.recv_frame()
            except TimeoutError:
                continue
            self.assertEqual((frame.opcode, frame.payload[:2]),
                             (CLOSE, (1013).to_bytes(2, "big")))
            closed += 1
        self.assertGreater(closed, len(clients) // 2)
        self.assertLess(closed, len(clients))
        self.assertServed("afterwards")
        print(f"\n{len(clients)} clients with 500 KB each of a message:"
              f" {closed} closed with 1013, {self.hub.memory_kb()} KB")

    def test_bodies_that_backends_do_not_finish(self):
        head = (f"POST /api/broadcast HTTP/1.1\r\nHost: h\r\nX-API-Key: "
                f"{self.hub.key}\r\nContent-Length: 550000\r\n\r\n").encode()
        conns = []
        for _ in range(60):
            conn = RawHttp(self.hub.port)
            self.addCleanup(conn.close)
            conn.try_send(head + b"x" * 530_000)
            conns.append(conn)
        refused = 0
        for conn in conns:
            conn.sock.settimeout(0.02)
            try:
                reply = conn.read_reply()
            except TimeoutError:
                continue
            self.assertRefused(reply, 503, "overloaded")
            self.assertTrue(reply.header("retry-after").isdigit(), reply)
            refused += 1
        # Seven take a quarter of the limit: each is counted as two copies.
        self.assertGreater(refused, 48)
        self.assertLess(refused, len(conns))
        self.assertBounded()
        for conn in conns:
            conn.close()
        until(lambda: self.hub.post(
            "/api/send", {"targetUserId": "nobody",
                          "message": {"type": "t", "payload": "x" * 500_000}}
        ).status == 200, "room for bodies again")
        self.assertServed("afterwards")
        print(f"\n{len(conns)} bodies of 530 KB: {refused} refused,"
              f" {self.hub.memory_kb()} KB")


if __name__ == "__main__":
    unittest.main()
