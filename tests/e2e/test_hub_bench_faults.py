"""hub-bench against a hub that makes the mistakes that hub-bench should
detect."""

import base64
import json
import re
import time
import unittest

from harness.fakehub import frame
from harness.rawws import CLOSE, CONTINUATION, PING
from harness.wait import scaled
from test_hub_bench import FakeHubCase, quick


class Faults(FakeHubCase):

    def test_what_is_posted(self):
        hub = self.fake()
        report = self.bench(hub, "-w4", "-b", "100")
        self.assertEqual(report["delivery"]["count"],
                         10 * report["publish"]["messages"])
        self.assertEqual(len(hub.posts), report["publish"]["messages"])
        self.assertEqual(hub.http_connections, 4)
        self.assertEqual(len({body for _, body in hub.posts}), len(hub.posts))
        head, body = hub.posts[0]
        self.assertTrue(head.startswith(b"POST /api/broadcast HTTP/1.1\r\n"))
        self.assertIn(b"\r\nX-API-Key: k\r\n", head)
        self.assertIn(b"\r\nContent-Type: application/json\r\n", head)
        self.assertNotIn(b"Expect", head)
        self.assertEqual(len(body), 100)
        message = json.loads(body)
        self.assertEqual(set(message), {"type", "payload", "timestamp"})
        self.assertRegex(message["payload"], r"\A[0-9a-f]{16}x*\Z")

    def to_target(self, hub, user, message):
        self.assertIn(user, hub.clients)
        hub.clients[user].write(frame(message))

    def test_a_send_names_its_target_in_the_body(self):
        def deliver(hub, body):
            post = json.loads(body)
            message = body[body.index(b'"message":') + 10:-1]
            self.assertEqual(json.loads(message), post["message"])
            self.assertEqual(set(post), {"targetUserId", "message"})
            self.to_target(hub, post["targetUserId"], message)

        hub = self.fake(deliver)
        report = self.bench(hub, "--send", "-w4")
        self.assertEqual(report["publish"]["errors"], 0)
        self.assertEqual(report["delivery"]["count"], len(hub.posts))

    def test_or_in_the_address(self):
        def deliver(hub, body):
            head = hub.posts[-1][0]
            user = re.match(rb"POST /pub/([^/ ]+)/x HTTP", head)[1].decode()
            self.to_target(hub, user, body)

        hub = self.fake(deliver)
        report = self.bench(
            hub, "--send", "-w4", "-p",
            f"http://127.0.0.1:{hub.port}/pub/{{user}}/x")
        self.assertEqual(report["publish"]["errors"], 0)
        self.assertEqual(report["delivery"]["count"], len(hub.posts))
        self.assertEqual({len(body) for _, body in hub.posts}, {170})

    def test_fragments_and_pings_in_between(self):
        def deliver(hub, body):
            hub.all(frame(body[:60], fin=False)
                    + frame(b"are you there?", PING)
                    + frame(body[60:], CONTINUATION))

        hub = self.fake(deliver)
        report = self.bench(hub)
        self.assertEqual(report["delivery"]["missing"], 0)
        self.assertEqual(report["delivery"]["count"],
                         10 * report["publish"]["messages"])
        self.assertEqual(set(hub.pongs), {b"welcome", b"are you there?"})
        self.assertEqual(hub.pongs.count(b"welcome"), 10)

    def test_foreign_messages_are_told(self):
        def deliver(hub, body):
            hub.all(frame(b'{"type":"other"}') + frame(body))

        hub = self.fake(deliver)
        report = self.bench(hub, warnings=["[0-9]+ messages were not from this"])
        count = 10 * report["publish"]["messages"]
        self.assertEqual(report["delivery"]["count"], count)
        self.assertEqual(report["delivery"]["foreign"], count)

    def test_second_deliveries_are_told(self):
        hub = self.fake(lambda hub, body: hub.all(2 * frame(body)))
        report = self.bench(hub, warnings=["[0-9]+ deliveries came out of "])
        count = 10 * report["publish"]["messages"]
        self.assertEqual(report["delivery"]["count"], count)
        self.assertEqual(report["delivery"]["out_of_order"], count)

    def test_a_wrong_order_is_told(self):
        kept = []

        def flush(hub):
            hub.all(b"".join(reversed(kept)))
            kept.clear()

        def deliver(hub, body):
            kept.append(frame(body))
            if len(kept) == 2:
                flush(hub)
            else:
                hub.loop.call_later(0.1, flush, hub)

        hub = self.fake(deliver)
        report = self.bench(hub, "-w2", "--connections=1",
                            warnings=["[0-9]+ deliveries came out of order"])
        self.assertGreater(report["delivery"]["out_of_order"], 0)
        self.assertEqual(report["delivery"]["missing"], 0)

    def test_what_never_comes_is_missing_and_does_not_hang(self):
        def deliver(hub, body):
            for user, writer in hub.clients.items():
                if user != "user-3" or len(hub.posts) != 5:
                    writer.write(frame(body))

        hub = self.fake(deliver)
        report = self.bench(hub, "-w4", warnings=["1 deliveries are missing"])
        self.assertEqual(report["delivery"]["missing"], 1)
        self.assertEqual(report["delivery"]["count"],
                         10 * report["publish"]["messages"] - 1)
        self.assertGreater(report["publish"]["messages"], 20)
        self.assertLess(report["duration_s"], scaled(5))

    def test_a_client_that_is_thrown_out_is_not_waited_for(self):
        def deliver(hub, body):
            if len(hub.posts) == 5:
                hub.clients.pop("user-3").write(frame(b"\x03\xf5", CLOSE))
            hub.all(frame(body))

        hub = self.fake(deliver)
        started = time.monotonic()
        report = self.bench(hub, warnings=["1 clients lost .* code 1013",
                                           "1 deliveries are missing"])
        self.assertLess(time.monotonic() - started, scaled(8))
        self.assertEqual(report["clients"]["lost"], 1)
        self.assertEqual(report["delivery"]["count"],
                         9 * report["publish"]["messages"] + 4)

    def test_nobody_left_is_no_measurement(self):
        def deliver(hub, body):
            for writer in hub.clients.values():
                writer.write(frame(b"\x03\xe9", CLOSE))
            hub.clients.clear()

        hub = self.fake(deliver)
        self.assertFails(1, "every client lost its connection: .*code 1001",
                         *quick(10), hub.url)

    def test_a_wrong_handshake_is_told(self):
        hub = self.fake(None, base64.b64encode(bytes(20)))
        self.assertFails(1, "cannot connect .*: wrong Sec-WebSocket-Accept",
                         *quick(10), hub.url)

    def test_a_broken_frame_is_told(self):
        hub = self.fake(lambda hub, body: hub.all(b"\xff\xff"))
        self.assertFails(1, "every client .*broke the WebSocket protocol",
                         *quick(10), hub.url)


if __name__ == "__main__":
    unittest.main()
