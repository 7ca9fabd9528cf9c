"""hub-bench against a hub that makes the mistakes which hub-bench is there to
notice."""

import asyncio
import base64
import json
import os
import re
import threading
import time
import unittest

from harness.rawws import (CLOSE, CONTINUATION, PING, PONG, TEXT, accept_of,
                           encode, frame_at)
from harness.wait import scaled
from test_hub_bench import BenchTestCase, quick


class FakeHub:
    """Shakes hands, takes POSTs and gives each message to deliver(), which
    says what every client gets: by default one frame. In a thread."""

    def __init__(self, deliver=None, accept=None):
        self.deliver = deliver or (lambda hub, body: hub.all(frame(body)))
        self.accept = accept
        self.clients = {}
        self.posts = []
        self.http_connections = 0
        self.pongs = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = self.call(asyncio.start_server(
            self.connected, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/?userId={{user}}"

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(
            coroutine, self.loop).result(scaled(20))

    async def shut(self):
        self.server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self):
        self.call(self.shut())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def all(self, data):
        for writer in self.clients.values():
            writer.write(data)

    async def connected(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST"):
                self.http_connections += 1
                await self.serve_posts(reader, writer, head)
            else:
                await self.serve_client(reader, writer, head)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def serve_posts(self, reader, writer, head):
        while True:
            size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
            body = await reader.readexactly(size)
            self.posts.append((head, body))
            self.deliver(self, body)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            head = await reader.readuntil(b"\r\n\r\n")

    async def serve_client(self, reader, writer, head):
        key = re.search(rb"(?i)sec-websocket-key: (\S+)", head)[1]
        accept = accept_of(key.decode()).encode()
        user = re.search(rb"userId=([^ ]+)", head)[1].decode()
        answer = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\nSec-WebSocket-Accept: "
                  + (self.accept or accept) + b"\r\n\r\n")
        writer.write(answer[:50])  # in two pieces, the second with a frame
        await writer.drain()
        await asyncio.sleep(0.01)
        writer.write(answer[50:] + frame(b"welcome", PING))
        self.clients[user] = writer
        try:
            await self.read_client(reader, writer)
        finally:
            self.clients.pop(user, None)

    async def read_client(self, reader, writer):
        buffer = b""
        while data := await reader.read(65536):
            buffer += data
            while found := frame_at(buffer, masked=True):
                client, buffer = found[0], buffer[found[1]:]
                if client.opcode == PONG:
                    self.pongs.append(client.payload)
                if client.opcode == CLOSE:
                    writer.write(frame(client.payload, CLOSE))


def frame(payload, opcode=TEXT, fin=True):
    return encode(opcode, payload, fin, mask=False)


class Faults(BenchTestCase):

    def fake(self, *how):
        hub = FakeHub(*how)
        self.addCleanup(hub.close)
        return hub

    def bench(self, hub, *flags, warnings=()):
        return self.measure(*quick(10), "--warmup=0", f"--pid={os.getpid()}",
                            *flags, hub.url, warnings=warnings)

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

    def test_a_delay_of_the_server_is_in_the_latency(self):
        def deliver(hub, body):
            hub.loop.call_later(0.05, hub.all, frame(body))

        report = self.bench(self.fake(deliver))
        latency = report["delivery"]["latency_us"]
        self.assertTimes(latency)
        self.assertGreater(latency["p50"], 49000)
        self.assertLess(latency["p50"], 50000 + scaled(40000))
        self.assertLess(report["publish"]["messages"], 11)

    def test_with_a_rate_waiting_in_line_is_in_the_latency(self):
        hub = self.fake(lambda hub, body: (time.sleep(0.05),
                                           hub.all(frame(body))))
        report = self.bench(hub, "--rate=100", "--connections=1",
                            warnings=["the rate was not kept: "])
        # The tenth was due after 90 ms and posted after 450 ms.
        self.assertGreater(report["delivery"]["latency_us"]["max"], 200000)
        self.assertGreater(report["publish"]["response_us"]["max"], 200000)

    def test_foreign_messages_are_told(self):
        def deliver(hub, body):
            hub.all(frame(b'{"type":"other"}') + frame(body))

        hub = self.fake(deliver)
        report = self.bench(hub, warnings=["[0-9]+ messages were not of this"])
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
