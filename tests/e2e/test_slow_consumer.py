"""Clients that read slowly or not at all: each policy, only whole messages,
and all other clients unaffected."""

import json
import time
import unittest

from harness.rawws import CLOSE, PING, PONG, TEXT, encode
from harness.testcase import HubTestCase
from harness.wait import scaled, until

FILLER = "x" * 16000


def numbered(number):
    return json.dumps({"type": "n", "payload": [number, FILLER],
                       "timestamp": "2024-01-02"}).encode()


def number_of(payload):
    number, filler = json.loads(payload)["payload"]
    if filler != FILLER:
        raise AssertionError("a message that is not whole")
    return number


class SlowCase(HubTestCase):
    """A stalled client with a small window, next to one that reads."""

    def stall(self, hub):
        return self.connect(hub, "slow", receive_buffer=4096)

    def fill(self, hub, client, count, stop=lambda: False):
        """Sends numbered messages to the stalled client."""
        for number in range(count):
            hub.send(numbered(number), user=client.user)
            if stop():
                return number + 1
        return count

    def read_numbers(self, client, last=None):
        """Numbers of the messages that arrive, up to `last` or a Close frame,
        whose code comes second."""
        numbers = []
        while True:
            try:
                frame = client.recv_frame()
            except EOFError:
                return numbers, "end of stream"
            if frame.opcode == CLOSE:
                return numbers, int.from_bytes(frame.payload[:2], "big")
            if frame.opcode == PING:
                client.send_frame(PONG, frame.payload)
                continue
            self.assertEqual(frame[:3], (True, 0, TEXT))
            numbers.append(number_of(frame.payload))
            if numbers[-1] == last:
                return numbers, None


class Policies(SlowCase):

    def test_close_ends_with_1013_behind_whole_messages(self):
        hub = self.start(HUB_QUEUE_SIZE="64KB")
        slow, fast = self.stall(hub), self.connect(hub, "fast")
        self.fill(hub, slow, 1500,
                  lambda: hub.health()["total_connections"] == 1)
        self.assertEqual(hub.health()["total_connections"], 1)
        self.assertNextIsMarker(hub, fast)
        numbers, code = self.read_numbers(slow)
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertEqual(code, 1013)
        slow.close_frame(1013)
        gone = hub.wait_log("disconnected", user="slow")
        self.assertEqual((gone.get("cause"), gone.get("code")),
                         ("slow", "1013"))

    def test_drop_oldest_keeps_the_newest(self):
        hub = self.start(HUB_QUEUE_SIZE="64KB",
                         HUB_SLOW_CONSUMER="drop-oldest")
        slow = self.stall(hub)
        count = self.fill(hub, slow, 900)
        numbers, code = self.read_numbers(slow, last=count - 1)
        self.assertIsNone(code)
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertLess(len(numbers), count, "nothing had to be dropped")
        self.assertEqual(numbers[-3:], [count - 3, count - 2, count - 1])
        self.assertNextIsMarker(hub, slow)

    def test_drop_newest_keeps_the_oldest(self):
        hub = self.start(HUB_QUEUE_SIZE="64KB",
                         HUB_SLOW_CONSUMER="drop-newest")
        slow = self.stall(hub)
        count = self.fill(hub, slow, 900)
        numbers = []
        slow.sock.settimeout(scaled(1))
        try:
            while True:
                numbers.append(number_of(slow.recv()))
        except TimeoutError:
            pass
        self.assertEqual(numbers, list(range(len(numbers))))
        self.assertLess(len(numbers), count, "nothing had to be dropped")
        self.assertNextIsMarker(hub, slow)

    def test_a_dropped_message_is_no_reason_to_leave(self):
        hub = self.start(HUB_QUEUE_SIZE="32KB",
                         HUB_SLOW_CONSUMER="drop-oldest")
        slow = self.stall(hub)
        self.fill(hub, slow, 600)
        self.assertEqual(hub.health()["total_connections"], 1)
        slow.send_frame(PING, b"here")
        frame = slow.recv_frame()
        while frame.opcode != PONG:
            frame = slow.recv_frame()
        self.assertEqual(frame.payload, b"here")

    def test_a_message_larger_than_the_queue(self):
        hub = self.start(HUB_QUEUE_SIZE="32KB",
                         HUB_SLOW_CONSUMER="drop-newest")
        client = self.connect(hub, "ada")
        big = json.dumps({"type": "t", "payload": "x" * 200000}).encode()
        hub.send(big, user="ada")
        self.assertNextAfterBig(hub, client)

    def assertNextAfterBig(self, hub, client):
        """Whether it was dropped or delivered, the stream stays in step."""
        small = b'{"type":"small","payload":1,"timestamp":"2024-01-02"}'
        hub.send(small, user="ada")
        payload = client.recv()
        if payload != small:
            self.assertGreater(len(payload), 200000)
            self.assertEqual(client.recv(), small)


class Others(SlowCase):

    def test_fast_clients_get_everything_while_some_are_stalled(self):
        hub = self.start(HUB_QUEUE_SIZE="256KB")
        fast = [self.connect(hub, f"fast{i}") for i in range(5)]
        for index in range(10):
            self.connect(hub, f"slow{index}", receive_buffer=4096)
        slowest = 0.0
        for number in range(400):
            started = time.monotonic()
            hub.broadcast(numbered(number))
            slowest = max(slowest, time.monotonic() - started)
            for client in fast:
                self.assertEqual(number_of(client.recv()), number)
        print(f"\nslowest of 400 broadcasts past 10 stalled clients:"
              f" {slowest * 1000:.1f} ms")
        self.assertLess(slowest, scaled(1))
        hub.wait_connections(5)

    def test_fast_clients_do_not_wait_while_others_come_to_a_halt(self):
        """Four hundred sockets fill up within a few broadcasts, and queues
        after that."""
        hub = self.start(HUB_QUEUE_SIZE="64KB", nofile=4096,
                         HUB_SLOW_CONSUMER="drop-newest",
                         HUB_PING_INTERVAL="120s", WRITE_TIMEOUT="120s")
        fast = [self.connect(hub, "fast") for _ in range(5)]
        slow = [self.connect(hub, f"slow{i}", receive_buffer=4096)
                for i in range(400)]
        worst, number = 0.0, 0
        while number < 400:
            started = time.monotonic()
            hub.broadcast(numbered(number))
            for client in fast:
                self.assertEqual(number_of(client.recv()), number)
            worst = max(worst, time.monotonic() - started)
            number += 1
        print(f"\nfive fast clients next to {len(slow)} stalled ones: {number}"
              f" broadcasts, the slowest took {worst * 1000:.1f} ms")
        self.assertLess(worst, scaled(0.5))
        self.assertEqual(hub.health()["total_connections"], 405)

    def test_memory_is_bounded_by_the_queues_of_the_stalled(self):
        hub = self.start(HUB_QUEUE_SIZE="1MB",
                         HUB_SLOW_CONSUMER="drop-oldest")
        for index in range(20):
            self.connect(hub, f"slow{index}", receive_buffer=4096)
        before = hub.memory_kb()
        big = json.dumps({"type": "t", "payload": "x" * 400000}).encode()
        for _ in range(60):
            hub.broadcast(big)
        grown = hub.memory_kb() - before
        print(f"\n60 broadcasts of 400 KB to 20 stalled clients:"
              f" {grown} KB more in memory")
        self.assertLess(grown, scaled(20 * 1024 + 64 * 1024))


class Leaving(SlowCase):
    """What was sent to a client before it closed is still read by it."""

    def check(self, last, code):
        hub = self.start(HUB_QUEUE_SIZE="16MB")
        client = self.stall(hub)
        count = self.fill(hub, client, 100)
        client.send_bytes(last)
        until(lambda: hub.health()["total_connections"] == 0,
              "the hub has read that")
        self.assertEqual(hub.send(b'{"type":"t","payload":1}', user="slow"), 0)
        numbers, got = self.read_numbers(client)
        self.assertEqual(numbers, list(range(count)))
        self.assertEqual(got, code)

    def test_behind_a_close_of_its_own(self):
        self.check(encode(CLOSE, b"\x03\xe8"), 1000)

    def test_behind_a_violation(self):
        self.check(b"\xc1\x80", 1002)

    def test_whoever_does_not_read_is_cut_all_the_same(self):
        hub = self.start(HUB_QUEUE_SIZE="16MB", WRITE_TIMEOUT="120s")
        client = self.stall(hub)
        self.fill(hub, client, 100)
        client.send_bytes(b"\xc1\x80")
        gone = hub.wait_log("disconnected", 15, user="slow")
        self.assertEqual(gone.get("cause"), "protocol")


class WriteTimeout(SlowCase):

    def test_one_who_takes_no_byte_is_cut(self):
        hub = self.start(WRITE_TIMEOUT="1s", HUB_QUEUE_SIZE="64MB",
                         HUB_PING_INTERVAL="20s")
        slow = self.stall(hub)
        self.fill(hub, slow, 600)
        self.assertEqual(hub.health()["total_connections"], 1)
        started = time.monotonic()
        hub.wait_connections(0, 4)
        print(f"\ncut {time.monotonic() - started:.2f} s after the last send,"
              " write timeout 1 s")
        gone = hub.wait_log("disconnected", user="slow")
        self.assertEqual(gone.get("cause"), "write_timeout")

    def test_one_who_talks_but_never_reads_is_cut(self):
        hub = self.start(WRITE_TIMEOUT="1s", HUB_QUEUE_SIZE="64MB",
                         HUB_PING_INTERVAL="1s", HUB_PONG_TIMEOUT="1s")
        slow = self.stall(hub)
        self.fill(hub, slow, 600)

        def talk_until_gone():
            slow.try_send(encode(PONG, b""))
            return hub.health()["total_connections"] == 0

        until(talk_until_gone, "the talker that never reads was cut", 5)
        gone = hub.wait_log("disconnected", user="slow")
        self.assertEqual(gone.get("cause"), "write_timeout")

    def test_one_who_reads_slowly_but_steadily_stays(self):
        """A socket's buffer counts as writable only when a third of it is
        free; until then a slow reader takes bytes that nobody sees leave."""
        hub = self.start(WRITE_TIMEOUT="1s", HUB_QUEUE_SIZE="64MB")
        slow = self.stall(hub)
        count = self.fill(hub, slow, 500)
        for number in range(count):
            self.assertEqual(number_of(slow.recv()), number)
            if number < 200:
                time.sleep(0.02)  # the pace of a slow reader: 800 KB/s
        self.assertEqual(hub.health()["total_connections"], 1)


if __name__ == "__main__":
    unittest.main()
