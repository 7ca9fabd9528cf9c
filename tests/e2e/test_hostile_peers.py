"""WebSocket peers that want memory, time or descriptors for nothing."""

import json
import struct
import time
import unittest

from harness.kernel import unread_by_hub
from harness.rawws import (CLOSE, CONTINUATION, PING, PONG, TEXT, RawWs,
                           encode)
from harness.testcase import HubTestCase
from harness.wait import sanitizer, scaled, until

MEGABYTE = 1 << 20
FILLER = json.dumps({"type": "t", "payload": "x" * 16000,
                     "timestamp": "2024-01-02"}).encode()


class Promises(HubTestCase):

    def address_space_kb(self, hub):
        """What was asked of the kernel, touched or not."""
        return int(hub.proc_value("status", "VmData"))

    def test_a_header_takes_no_memory_however_much_it_declares(self):
        """Each declares 64 MB, which is allowed, and sends a few bytes. The
        ping before it tells that the hub has read them: all come at once."""
        hub = self.start(MAX_MESSAGE_SIZE="64MB")
        clients = [self.connect(hub, f"u{i}") for i in range(100)]
        before = self.address_space_kb(hub)
        for number, client in enumerate(clients):
            kind, start = ((TEXT, b"") if number % 2 else
                           (CONTINUATION, encode(TEXT, b"x", fin=False)))
            client.send_bytes(encode(PING, b"read") + start
                              + encode(kind, b"only this",
                                       declare=64 * MEGABYTE - 1))
            self.assertEqual(client.recv_frame().payload, b"read")
        grown = self.address_space_kb(hub) - before
        print(f"\n100 headers that declare 64 MB each: {grown} KB more asked"
              " of the kernel")
        self.assertLess(grown, 100 * 1024)
        self.assertEqual(hub.health()["total_connections"], 100)


class Fragments(HubTestCase):

    def test_next_to_nothing_comes_in_a_thousand_fragments_at_most(self):
        hub = self.start()
        for payload, most in ((b"", 1023), (b"x", 1039)):
            for count, allowed in ((most, True), (most + 1, False)):
                with self.subTest(payload=payload, count=count):
                    client = self.connect(hub, "eve")
                    client.send_frame(TEXT, payload, fin=False)
                    client.try_send(
                        encode(CONTINUATION, payload, fin=False) * count)
                    if allowed:
                        client.sync()
                    else:
                        self.assertEqual(client.recv_close()[0], 1008)
                    client.close()


class Pings(HubTestCase):

    def test_while_output_waits_only_the_latest_is_answered(self):
        hub = self.start(HUB_QUEUE_SIZE="64MB", WRITE_TIMEOUT="120s",
                         HUB_RATE_LIMIT="0")
        client = self.connect(hub, "eve", receive_buffer=4096)
        for _ in range(500):
            self.assertEqual(hub.send(FILLER, user="eve"), 1)
        client.send_bytes(b"".join(encode(PING, b"%d" % number)
                                   for number in range(3000)))
        until(lambda: unread_by_hub(hub.port, client.sock) == 0,
              "the hub has read all pings")
        frames = [client.recv_frame() for _ in range(501)]
        pongs = [f.payload for f in frames if f.opcode == PONG]
        self.assertEqual(pongs, [b"2999"])
        self.assertEqual(sum(f.payload == FILLER for f in frames), 500)
        client.sync()

    def test_a_flood_that_never_reads_takes_no_memory(self):
        """Pongs for all of them would be 200 MB."""
        hub = self.start(WRITE_TIMEOUT="120s", HUB_RATE_LIMIT="0")
        client = self.connect(hub, "eve", receive_buffer=4096)
        before = hub.memory_kb()
        flood = encode(PING, b"x" * 125) * 8000
        for _ in range(200):
            client.send_bytes(flood)
        grown = hub.memory_kb() - before
        print(f"\n1.6 million pings that wait for their pongs: {grown} KB")
        if not sanitizer():  # whose allocator keeps what was freed
            self.assertLess(grown, 8 * 1024)
        self.assertNextIsMarker(hub, self.connect(hub, "ada"))


class Goodbyes(HubTestCase):

    def hold(self, hub, provoke, code):
        """A client that gets a Close, and neither answers nor hangs up."""
        before = hub.descriptors()
        client = self.connect(hub, "eve")
        provoke(client)
        self.assertEqual(client.recv_close()[0], code)
        started = time.monotonic()
        until(lambda: hub.descriptors() == before + 1,
              "civetweb has let go, and the hub has not")
        return client, before, started

    def check_released(self, hub, before, started):
        until(lambda: hub.descriptors() == before, "the socket is closed",
              12)
        took = time.monotonic() - started
        print(f"\nclosed hard after {took:.1f} s")
        self.assertLess(took, 5 + scaled(4))

    def test_who_broke_the_rules_and_stays_is_closed_after_five_seconds(self):
        hub = self.start()
        held = self.hold(hub, lambda c: c.send_bytes(b"\xff\xff"), 1002)
        self.check_released(hub, *held[1:])

    def test_who_leaves_our_close_unanswered_is_closed_after_five_seconds(
            self):
        """It even goes on talking, which does not buy it time."""
        hub = self.start(HUB_QUEUE_SIZE="64KB")
        before = hub.descriptors()
        client = self.connect(hub, "eve", receive_buffer=4096)
        until(lambda: self.is_full(hub), "cut off as a slow consumer")
        self.assertEqual(client.recv_close()[0], 1013)
        started = time.monotonic()

        def released():
            client.try_send(encode(TEXT, b"still here"))
            return hub.descriptors() == before

        until(released, "the socket is closed", 12)
        took = time.monotonic() - started
        print(f"\nclosed hard after {took:.1f} s of talk")
        self.assertLess(took, 5 + scaled(4))

    @staticmethod
    def is_full(hub):
        for _ in range(100):
            hub.send(FILLER, user="eve")
        return hub.health()["total_connections"] == 0

    def test_codes_of_the_wire_only_are_never_said(self):
        """Whatever a peer says, 1005, 1006 and 1015 do not come back."""
        hub = self.start()
        rows = {code: (struct.pack("!H", code), 1002)
                for code in (1004, 1005, 1006, 1015)}
        rows["none"] = (b"", None)
        rows["one byte"] = (b"\x03", 1002)
        for name, (payload, wanted) in rows.items():
            with self.subTest(name):
                client = self.connect(hub, "eve")
                client.send_frame(CLOSE, payload)
                self.assertEqual(client.recv_close()[0], wanted)
                self.assertTrue(client.ended())
                client.close()
        for code in (1000, 1012, 1013, 1014, 3000, 4999):
            with self.subTest(code):
                client = self.connect(hub, "eve")
                client.close_frame(code)
                self.assertEqual(client.recv_close()[0], code)
                client.close()

    def test_a_peer_that_only_vanishes_mid_frame_leaves_nothing(self):
        hub = self.start()
        self.connect(hub, "ada").leave()
        hub.wait_connections(0)
        before = hub.descriptors()
        for start in (b"\x81", b"\x81\xfe\x10", encode(TEXT, b"x", fin=False),
                      encode(TEXT, b"part", declare=1000)):
            for end in (RawWs.vanish, RawWs.close):
                client = self.connect(hub, "eve")
                client.send_bytes(start)
                end(client)
        hub.wait_connections(0)
        until(lambda: hub.descriptors() <= before, "descriptors given back")


if __name__ == "__main__":
    unittest.main()
