"""WebSocket peers that try to waste memory, time or descriptors."""

import contextlib
import json
import struct
import threading
import time
import unittest

from harness.daemon import Hubd
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


class Held:
    """A hubd of its own with a client that got a Close, neither answers nor
    hangs up, and is waited for by a thread; `took` is how long."""

    def __init__(self, case, provoke, code, say=b"", queue="1MB",
                 receive_buffer=None):
        self.hub, self.say, self.took = Hubd(HUB_QUEUE_SIZE=queue), say, None
        case.addClassCleanup(self.hub.scratch.cleanup)
        self.hub.start()
        case.addClassCleanup(self.hub.stop)
        self.before = self.hub.descriptors()
        self.client = RawWs(self.hub.port, "eve",
                            receive_buffer=receive_buffer)
        case.addClassCleanup(self.client.close)
        self.client.sync()
        provoke(self)
        self.code = self.client.recv_close()[0]
        if self.code != code:
            raise AssertionError(f"closed with {self.code}")
        self.started = time.monotonic()
        until(lambda: self.hub.descriptors() == self.before + 1,
              "civetweb has let go, and the hub has not")
        self.thread = threading.Thread(target=self._wait)
        self.thread.start()
        case.addClassCleanup(self.thread.join)

    def _released(self):
        if self.say:
            self.client.try_send(self.say)
        return self.hub.descriptors() == self.before

    def _wait(self):
        with contextlib.suppress(AssertionError):
            until(self._released, "the socket is closed", 12)
            self.took = time.monotonic() - self.started

    def break_the_rules(self):
        self.client.send_bytes(b"\xff\xff")

    def read_too_slowly(self):
        until(self._is_cut_off, "cut off as a slow consumer")

    def _is_cut_off(self):
        for _ in range(100):
            self.hub.send(FILLER, user="eve")
        return self.hub.health()["total_connections"] == 0


class Goodbyes(HubTestCase):

    @classmethod
    def setUpClass(cls):
        """Both at once: each is held for five seconds."""
        super().setUpClass()
        cls.rude = Held(cls, Held.break_the_rules, 1002)
        cls.talker = Held(cls, Held.read_too_slowly, 1013,
                          encode(TEXT, b"still here"), "64KB", 4096)

    def check_released(self, held):
        held.thread.join()
        self.assertIsNotNone(held.took, "the socket is not closed")
        print(f"\nclosed hard after {held.took:.1f} s")
        self.assertLess(held.took, 5 + scaled(4))

    def test_who_broke_the_rules_and_stays_is_closed_after_five_seconds(self):
        self.check_released(self.rude)

    def test_who_leaves_our_close_unanswered_is_closed_after_five_seconds(
            self):
        """It even goes on talking, which does not buy it time."""
        self.check_released(self.talker)

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
