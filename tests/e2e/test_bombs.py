"""JSON that is designed to be expensive: each bomb is rejected, or passed on
as it is, within milliseconds and on a worker's small stack; and none of it
reaches a client in any other form."""

import time
import unittest

from harness.testcase import SharedHubd
from harness.wait import scaled

MEGABYTE = 1 << 20
BOUND = 0.25  # seconds; an idle machine takes a tenth of that


def with_payload(payload):
    return (b'{"type":"t","timestamp":"2024-01-02","payload":' + payload
            + b"}")


REFUSED = {
    "1 MB of [": b"[" * MEGABYTE,
    "1 MB of [ as a payload": with_payload(b"[" * MEGABYTE),
    "1 MB of [] nested": with_payload(b"[" * (MEGABYTE // 2)
                                      + b"]" * (MEGABYTE // 2)),
    "a million objects": b'{"":' * (MEGABYTE // 4),
    "nesting one too deep": with_payload(b"[" * 1000 + b"]" * 1000),
    "1 MB of minus": with_payload(b"-" * MEGABYTE),
    "1 MB of digits behind a zero": with_payload(b"0" * MEGABYTE),
    "an open string": with_payload(b'"' + b"x" * MEGABYTE)[:-1],
    "quotes": b'"' * MEGABYTE,
    "backslashes": with_payload(b'"' + b"\\" * (MEGABYTE - 1) + b'"'),
    "white space": b" " * MEGABYTE,
    "NULs": b"\0" * MEGABYTE,
    "continuation bytes": with_payload(b'"' + b"\x80" * MEGABYTE + b'"'),
    "commas": with_payload(b"[" + b"," * MEGABYTE + b"]"),
}

PASSED = {
    "a number of 1 MB": with_payload(b"9" * MEGABYTE),
    "a fraction of 1 MB": with_payload(b"0." + b"9" * MEGABYTE),
    "an exponent of 1 MB": with_payload(b"1e" + b"9" * MEGABYTE),
    "1e400": with_payload(b"1e400"),
    "-1E+99999": with_payload(b"-1E+99999"),
    "100,000 members": with_payload(
        b"{" + b",".join(b'"%d":0' % i for i in range(100000)) + b"}"),
    "one name 100,000 times": with_payload(
        b"{" + b",".join([b'"a":0'] * 100000) + b"}"),
    "100,000 members of the message": b'{"type":"t","payload":0,'
    b'"timestamp":"2024-01-02",'
    + b",".join(b'"%d":0' % i for i in range(100000)) + b"}",
    "escapes": with_payload(b'"' + b"\\u0000" * 170000 + b'"'),
    "a long name": with_payload(b'{"' + b"n" * MEGABYTE + b'":0}'),
    "empty arrays": with_payload(b"[" + b",".join([b"[]"] * 300000) + b"]"),
    "nesting as deep as it may be": with_payload(b"[" * 998 + b"]" * 998),
    "white space inside": with_payload(b" " * MEGABYTE + b"0"),
}


class Bombs(SharedHubd):
    settings = {"MAX_MESSAGE_SIZE": "2MB"}

    def quickest(self, post):
        """The best of three, and what came of each."""
        times, results = [], []
        for _ in range(3):
            started = time.monotonic()
            results.append(post())
            times.append(time.monotonic() - started)
        return min(times), results

    def test_what_is_no_message_is_refused_within_milliseconds(self):
        client = self.join("ada")
        slowest = 0.0
        for name, body in REFUSED.items():
            with self.subTest(name):
                took, replies = self.quickest(
                    lambda body=body: self.hub.post("/api/broadcast", body))
                for reply in replies:
                    self.assertRefused(reply, 400, "invalid_json")
                self.assertLess(took, scaled(BOUND))
                slowest = max(slowest, took)
                self.assertNextIsMarker(self.hub, client)
        print(f"\nslowest refusal: {slowest * 1000:.1f} ms")

    def test_what_is_a_message_passes_untouched_within_milliseconds(self):
        client = self.join("ada")
        slowest = 0.0
        for name, message in PASSED.items():
            with self.subTest(name):

                def post(message=message):
                    sent = self.hub.send(message, user="ada")
                    return sent, client.recv()

                took, results = self.quickest(post)
                for recipients, received in results:
                    self.assertEqual(recipients, 1)
                    self.assertTrue(received == message, name)
                self.assertLess(took, scaled(BOUND))
                slowest = max(slowest, took)
        print(f"\nslowest delivery: {slowest * 1000:.1f} ms")


if __name__ == "__main__":
    unittest.main()
