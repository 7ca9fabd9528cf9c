"""RFC 6455 after the handshake: what a peer may send, and the close code for
anything else."""

import struct
import unittest

from harness.rawws import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT,
                           encode)
from harness.testcase import SharedHubd
from harness.wait import scaled

LIMIT = 4096


class FrameCase(SharedHubd):
    settings = {"MAX_MESSAGE_SIZE": "4KB"}

    def closed_with(self, client, code):
        """The server's last frame is a Close with this code, and then the
        stream ends. This side does not answer, which a server that failed
        the connection must not wait for longer than its close timeout."""
        got, _ = client.recv_close()
        self.assertEqual(got, code)
        client.try_send(encode(CLOSE, struct.pack("!H", code)))
        self.assertTrue(client.ended(), "bytes behind the Close frame")
        client.close()

    def each(self, rows, code):
        for name, data in rows.items():
            with self.subTest(name):
                client = self.join("eve")
                client.try_send(data)
                self.closed_with(client, code)


class Violations(FrameCase):

    def test_frames_that_break_the_framing(self):
        start = encode(TEXT, b"a", fin=False)
        self.each({
            "unmasked text": encode(TEXT, b"hi", mask=False),
            "unmasked empty text": encode(TEXT, b"", mask=False),
            "unmasked ping": encode(PING, b"", mask=False),
            "unmasked close": encode(CLOSE, b"\x03\xe8", mask=False),
            "RSV1": encode(TEXT, b"hi", rsv=4),
            "RSV2": encode(TEXT, b"hi", rsv=2),
            "RSV3": encode(TEXT, b"hi", rsv=1),
            "RSV1 on a ping": encode(PING, b"", rsv=4),
            "RSV1 on a continuation": start + encode(CONTINUATION, b"",
                                                     rsv=4),
            "a continuation of nothing": encode(CONTINUATION, b"x"),
            "an unfinished continuation of nothing": encode(
                CONTINUATION, b"x", fin=False),
            "text inside fragments": start + encode(TEXT, b"b"),
            "binary inside fragments": start + encode(BINARY, b"b"),
            "a continuation behind the end": encode(TEXT, b"a")
            + encode(CONTINUATION, b"b"),
            "a fragmented ping": encode(PING, b"", fin=False),
            "a fragmented pong": encode(PONG, b"", fin=False),
            "a fragmented close": encode(CLOSE, b"", fin=False),
            "a ping of 126 bytes": encode(PING, b"x" * 126),
            "a pong of 126 bytes": encode(PONG, b"x" * 126),
            "a close of 126 bytes": encode(CLOSE, b"\x03\xe8" + b"x" * 124),
            "a ping in 16-bit form": encode(PING, b"x", length_bytes=2),
            "a ping in 64-bit form": encode(PING, b"x", length_bytes=8),
        }, 1002)

    def test_unknown_opcodes(self):
        self.each({f"opcode {opcode}": encode(opcode, b"")
                   for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)}, 1002)

    def test_lengths_not_in_their_shortest_form(self):
        self.each({
            "0 in 16 bits": encode(TEXT, b"", length_bytes=2),
            "125 in 16 bits": encode(TEXT, b"x" * 125, length_bytes=2),
            "0 in 64 bits": encode(TEXT, b"", length_bytes=8),
            "126 in 64 bits": encode(TEXT, b"x" * 126, length_bytes=8),
            "65535 in 64 bits": encode(TEXT, declare=65535, length_bytes=8),
        }, 1002)

    def test_a_length_with_its_top_bit_set(self):
        self.each({
            "2^63": encode(TEXT, declare=2 ** 63, length_bytes=8),
            "2^64 - 1": encode(BINARY, declare=2 ** 64 - 1, length_bytes=8),
        }, 1002)

    def test_the_verdict_comes_before_the_payload(self):
        """Only headers are sent; the payload never comes."""
        self.each({
            "RSV": encode(TEXT, rsv=4, declare=4000),
            "opcode": encode(3, declare=4000),
            "unmasked": encode(TEXT, mask=False, declare=4000),
            "control": encode(PING, declare=4000),
        }, 1002)

    def test_two_bytes_of_header_are_enough(self):
        for name, data in (("RSV", b"\xc1\x80"), ("opcode", b"\x83\x80"),
                           ("unmasked", b"\x81\x05"),
                           ("fragmented ping", b"\x09\x80"),
                           ("long ping", b"\x89\xfe")):
            with self.subTest(name):
                client = self.join("eve")
                client.send_bytes(data)
                self.closed_with(client, 1002)


class Oversize(FrameCase):

    def test_over_the_limit_from_the_header_alone(self):
        self.each({
            "one more byte": encode(TEXT, declare=LIMIT + 1),
            "64 KB": encode(BINARY, declare=65536),
            "1 GB": encode(TEXT, declare=2 ** 30),
            "2^62": encode(BINARY, declare=2 ** 62),
            "2^63 - 1": encode(BINARY, declare=2 ** 63 - 1),
        }, 1009)

    def test_fragments_that_add_up_to_more(self):
        half = encode(TEXT, b"x" * (LIMIT // 2), fin=False)
        rest = encode(CONTINUATION, b"x" * (LIMIT // 2), fin=False)
        self.each({
            "one more byte": half + rest + encode(CONTINUATION, b"x"),
            "a sum that would wrap": half + encode(
                CONTINUATION, declare=2 ** 63 - 1),
        }, 1009)

    def test_the_largest_message_is_taken(self):
        client = self.join("ada")
        client.send_frame(TEXT, b"x" * LIMIT)
        client.send_frame(TEXT, b"x" * (LIMIT // 2), fin=False)
        client.send_frame(CONTINUATION, b"x" * (LIMIT // 2))
        client.send_frame(BINARY, b"\xff" * LIMIT)
        client.sync()
        self.assertNextIsMarker(self.hub, client)

    def test_no_memory_is_taken_for_a_declared_length(self):
        before = self.hub.memory_kb()
        for _ in range(30):
            client = self.join("eve")
            client.send_frame(TEXT, declare=2 ** 40)
            self.closed_with(client, 1009)
        grown = self.hub.memory_kb() - before
        self.assertLess(grown, scaled(8 * 1024), "KB")

    def test_endless_fragments_are_bounded(self):
        for payload, code in ((b"", (1002, 1008, 1009)),
                              (b"x", (1002, 1008, 1009))):
            with self.subTest(payload=payload):
                client = self.join("eve")
                client.send_frame(TEXT, b"", fin=False)
                client.try_send(encode(CONTINUATION, payload, fin=False)
                                * 3000)
                got, _ = client.recv_close()
                self.assertIn(got, code)
                client.close()

    def test_a_message_as_libraries_cut_it_up(self):
        """In frames of 4 KB, and in frames of 64 bytes."""
        hub = self.start(MAX_MESSAGE_SIZE="16MB")
        for message, piece in ((5 * 2 ** 20, 4096), (4 * 2 ** 20, 64)):
            with self.subTest(message=message, piece=piece):
                client = self.connect(hub, "ada")
                client.send_frame(BINARY, b"x" * piece, fin=False)
                client.send_bytes(encode(CONTINUATION, b"x" * piece, fin=False)
                                  * (message // piece - 2))
                client.send_frame(CONTINUATION, b"x" * piece)
                client.sync()
                client.close()

    def test_a_thousand_fragments_are_a_message(self):
        client = self.join("ada")
        client.send_frame(TEXT, b"x", fin=False)
        client.send_bytes(encode(CONTINUATION, b"x", fin=False) * 998)
        client.send_frame(CONTINUATION, b"x")
        client.sync()


class Control(FrameCase):

    def test_pings_are_answered_with_their_payload(self):
        client = self.join("ada")
        for payload in (b"", b"x", bytes(range(125)), b"\x00" * 125):
            client.send_frame(PING, payload)
            self.assertEqual(client.recv_frame(), (True, 0, PONG, payload))

    def test_pings_between_fragments(self):
        client = self.join("ada")
        client.send_frame(TEXT, b"a", fin=False)
        for index in range(10):
            client.send_frame(PING, b"%d" % index)
            self.assertEqual(client.recv_frame().payload, b"%d" % index)
            client.send_frame(CONTINUATION, b"b", fin=False)
        client.send_frame(CONTINUATION, b"")
        client.sync()

    def test_pongs_nobody_asked_for_are_ignored(self):
        client = self.join("ada")
        for payload in (b"", b"x" * 125):
            client.send_frame(PONG, payload)
        client.sync()
        self.assertNextIsMarker(self.hub, client)

    def test_frames_in_single_bytes(self):
        client = self.join("ada")
        data = (encode(TEXT, "h\u00e9".encode(), fin=False)
                + encode(PING, b"p") + encode(CONTINUATION, b"!")
                + encode(BINARY, b"\x00" * 130))
        for byte in data:
            client.send_bytes(bytes([byte]))
        self.assertEqual(client.recv_frame(), (True, 0, PONG, b"p"))
        client.sync()

    def test_many_frames_in_one_segment(self):
        client = self.join("ada")
        client.send_bytes(encode(TEXT, b"hello") * 300 + encode(PING, b"end"))
        frame = client.recv_frame()
        self.assertEqual((frame.opcode, frame.payload), (PONG, b"end"))

    def test_a_mask_of_zeros_is_a_mask(self):
        client = self.join("ada")
        client.send_frame(PING, b"zero", mask_key=b"\0\0\0\0")
        self.assertEqual(client.recv_frame().payload, b"zero")

    def test_a_flood_of_pings_disturbs_nobody(self):
        flooder, other = self.join("eve"), self.join("bob")
        flooder.try_send(encode(PING, b"x" * 125) * 5000)
        self.assertNextIsMarker(self.hub, other)
        other.sync()
        flooder.close()


class Closing(FrameCase):

    def test_a_close_is_echoed(self):
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011,
                     3000, 3999, 4000, 4999):
            with self.subTest(code=code):
                client = self.join("ada")
                client.close_frame(code, b"bye")
                self.assertEqual(client.recv_close()[0], code)
                self.assertTrue(client.ended())
                client.close()

    def test_1012_to_1014_are_registered_codes(self):
        for code in (1012, 1013, 1014):
            with self.subTest(code=code):
                client = self.join("ada")
                client.close_frame(code)
                self.assertIn(client.recv_close()[0], (code, 1000))
                client.close()

    def test_an_empty_close_is_answered(self):
        client = self.join("ada")
        client.close_frame()
        self.assertIn(client.recv_close()[0], (None, 1000))
        self.assertTrue(client.ended())

    def test_the_longest_reason(self):
        client = self.join("ada")
        client.close_frame(1000, "\u00e9".encode() * 61 + b"x")
        self.assertEqual(client.recv_close()[0], 1000)
        self.assertTrue(client.ended())

    def test_codes_that_must_not_be_sent(self):
        codes = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000,
                 2999, 5000, 65535)
        self.each({str(code): encode(CLOSE, struct.pack("!H", code))
                   for code in codes}, 1002)

    def test_a_close_of_one_byte(self):
        self.each({"one byte": encode(CLOSE, b"\x03")}, 1002)

    def test_a_reason_that_is_not_utf_8(self):
        self.each({
            "a stray byte": encode(CLOSE, b"\x03\xe8\xff"),
            "cut off": encode(CLOSE, b"\x03\xe8\xe2\x82"),
            "overlong": encode(CLOSE, b"\x03\xe8\xc0\xaf"),
        }, 1007)

    def test_what_follows_a_close_is_ignored(self):
        client = self.join("ada")
        client.try_send(encode(CLOSE, b"\x03\xe8") + encode(TEXT, b"late")
                        + encode(PING, b"late") + b"\xff" * 100)
        self.assertEqual(client.recv_close()[0], 1000)
        self.assertTrue(client.ended())

    def test_one_who_closed_is_no_recipient(self):
        client, other = self.join("ada"), self.join("ada")
        client.leave()
        self.hub.wait_connections(1)
        self.assertNextIsMarker(self.hub, other)

    def test_a_close_between_fragments(self):
        client = self.join("ada")
        client.send_frame(TEXT, b"a", fin=False)
        self.assertEqual(client.leave()[0], 1000)


class ClosingWithMore(FrameCase):

    def test_data_behind_a_close_does_not_reset_the_answer(self):
        """A reset could overtake our Close on its way."""
        for size in (100, 70000, 300000):
            with self.subTest(size=size):
                client = self.join(f"more{size}")
                client.try_send(encode(CLOSE, struct.pack("!H", 1000))
                                + b"\0" * size)
                self.assertEqual(client.recv_close()[0], 1000)
                self.assertTrue(client.ended())


class Utf8(FrameCase):
    text = "a\u00e9\u20ac\U0001f600\u0800\ud7ff\ue000\U0010ffff".encode()
    bad = {
        "a stray continuation byte": b"ab\x80",
        "0xff": b"\xff",
        "overlong two": b"\xc0\xaf",
        "overlong three": b"\xe0\x80\xaf",
        "overlong four": b"\xf0\x80\x80\xaf",
        "a surrogate": b"\xed\xa0\x80",
        "beyond U+10FFFF": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "cut at the end": b"abc\xf0\x9f\x98",
    }

    def test_valid_text_split_at_every_byte(self):
        client = self.join("ada")
        for at in range(len(self.text) + 1):
            client.send_frame(TEXT, self.text[:at], fin=False)
            client.send_frame(CONTINUATION, self.text[at:])
        client.sync()

    def test_valid_text_in_fragments_of_one_byte(self):
        client = self.join("ada")
        client.send_frame(TEXT, self.text[:1], fin=False)
        for byte in self.text[1:]:
            client.send_frame(CONTINUATION, bytes([byte]), fin=False)
        client.send_frame(CONTINUATION, b"")
        client.sync()

    def test_invalid_text(self):
        self.each({name: encode(TEXT, data)
                   for name, data in self.bad.items()}, 1007)

    def test_invalid_text_split_at_every_byte(self):
        self.each({
            f"{name} at {at}": encode(TEXT, data[:at], fin=False)
            + encode(CONTINUATION, data[at:])
            for name, data in self.bad.items()
            for at in range(1, len(data))}, 1007)

    def test_invalid_text_is_seen_before_the_message_ends(self):
        client = self.join("eve")
        client.send_frame(TEXT, b"\xc0\xaf", fin=False)
        self.closed_with(client, 1007)

    def test_binary_may_hold_anything(self):
        client = self.join("ada")
        for data in self.bad.values():
            client.send_frame(BINARY, data)
        client.sync()


if __name__ == "__main__":
    unittest.main()
