"""Third-party clients and tools: curl, wget, Python's websockets, Node's ws
package."""

import asyncio
import json
import os
import pathlib
import signal
import subprocess
import unittest

from harness.rawws import ws_path
from harness.testcase import HubTestCase
from harness.wait import scaled

NODE_DIR = pathlib.Path(__file__).with_name("node")
TEXT = json.dumps({"type": "t", "payload": "h\u00e9 \U0001f600 \u4eba",
                   "timestamp": "2024-01-02"}, ensure_ascii=False)


class Tools(HubTestCase):

    def run_tool(self, *command):
        self.require(command[0])
        return subprocess.run(command, capture_output=True, check=False,
                              timeout=scaled(20), stdin=subprocess.DEVNULL,
                              env={"PATH": os.environ["PATH"]})

    def curl(self, hub, path, *arguments):
        done = self.run_tool("curl", "-sS", "-w", "\n%{http_code}",
                             *arguments, f"http://127.0.0.1:{hub.port}{path}")
        self.assertEqual(done.returncode, 0, done)
        body, _, status = done.stdout.decode().rpartition("\n")
        return int(status), json.loads(body) if body else None

    def test_curl(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        key = ("-H", f"X-API-Key: {hub.key}",
               "-H", "Content-Type: application/json")
        status, answer = self.curl(
            hub, "/api/send", *key, "-d",
            '{"targetUserId":"ada","message":' + TEXT + "}")
        self.assertEqual((status, answer["recipients"]), (200, 1))
        self.assertEqual(client.recv(), TEXT.encode())
        status, answer = self.curl(hub, "/api/broadcast", *key, "-d", TEXT)
        self.assertEqual((status, answer["recipients"]), (200, 1))
        self.assertEqual(client.recv(), TEXT.encode())
        self.assertEqual(self.curl(hub, "/health")[1]["status"], "healthy")
        self.assertEqual(self.curl(hub, "/api/send", "-d", "{}")[0], 401)
        self.assertEqual(self.curl(hub, "/nothing")[0], 404)

    def test_curl_with_chunks_and_http_1_0_and_expect(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        key = ("-H", f"X-API-Key: {hub.key}",
               "-H", "Content-Type: application/json")
        big = json.dumps({"type": "t", "payload": "x" * 300000,
                          "timestamp": "2024-01-02"})
        path = os.path.join(hub.scratch.name, "big.json")
        pathlib.Path(path).write_text(big, encoding="ascii")
        for extra in (("-H", "Transfer-Encoding: chunked"), ("--http1.0",),
                      ("-H", "Expect: 100-continue"), ()):
            with self.subTest(extra=extra):
                status, answer = self.curl(hub, "/api/broadcast", *key,
                                           *extra, "--data-binary",
                                           f"@{path}")
                self.assertEqual((status, answer["recipients"]), (200, 1))
                self.assertEqual(client.recv(), big.encode())

    def test_curl_head(self):
        hub = self.start()
        done = self.run_tool("curl", "-sS", "-I",
                             f"http://127.0.0.1:{hub.port}/health")
        self.assertIn(b"200 OK", done.stdout)

    def test_the_health_check_of_compose_files(self):
        hub = self.start()
        url = f"http://127.0.0.1:{hub.port}"
        for path, wanted in (("/health", 0), ("/nothing", 8)):
            done = self.run_tool("wget", "-q", "--spider", url + path)
            self.assertEqual(done.returncode, wanted, done)

    def test_curl_as_a_websocket_client(self):
        """An upgrade by hand, as people do to debug."""
        hub = self.start()
        done = self.run_tool(
            "curl", "-sS", "-i", "-N", "--http1.1", "--max-time", "1",
            "-H", "Connection: Upgrade", "-H", "Upgrade: websocket",
            "-H", "Sec-WebSocket-Version: 13",
            "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            f"http://127.0.0.1:{hub.port}/ws?userId=ada")
        self.assertTrue(done.stdout.startswith(b"HTTP/1.1 101 "), done)
        self.assertIn(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", done.stdout)
        hub.wait_connections(0)


class PythonWebsockets(HubTestCase):

    def setUp(self):
        super().setUp()
        try:
            import websockets
        except ImportError:
            self.lacking("python3-websockets is not installed")
        self.websockets = websockets

    def url(self, hub, user, session=None):
        return f"ws://127.0.0.1:{hub.port}{ws_path(user, session)}"

    def run_async(self, coroutine):
        return asyncio.run(asyncio.wait_for(coroutine, scaled(30)))

    def test_messages_pings_and_close(self):
        hub = self.start()

        async def scenario():
            async with self.websockets.connect(
                    self.url(hub, "\u4eba", "tab")) as ws:
                await (await ws.ping())
                count = await asyncio.to_thread(hub.send, TEXT.encode(),
                                                "\u4eba")
                self.assertEqual(count, 1)
                self.assertEqual(await ws.recv(), TEXT)
                await ws.send("x" * 100000)
                await (await ws.ping(b"again"))
            self.assertEqual(ws.close_code, 1000)

        self.run_async(scenario())
        hub.wait_connections(0)

    def test_fragments_and_compression_offered(self):
        hub = self.start()

        async def scenario():
            async with self.websockets.connect(
                    self.url(hub, "ada"), compression="deflate",
                    subprotocols=["chat"]) as ws:
                self.assertEqual(ws.extensions, [])
                await ws.send(["frag", "ments ", "\u00e9"])
                await (await ws.ping())

        self.run_async(scenario())

    def test_a_message_over_the_limit_is_1009(self):
        hub = self.start(MAX_MESSAGE_SIZE="1KB")

        async def scenario():
            async with self.websockets.connect(self.url(hub, "ada")) as ws:
                await ws.send("x" * 1025)
                with self.assertRaises(self.websockets.ConnectionClosed):
                    await ws.recv()
                self.assertEqual(ws.close_code, 1009)

        self.run_async(scenario())

    def test_shutdown_is_1001(self):
        hub = self.start()

        async def scenario():
            async with self.websockets.connect(self.url(hub, "ada")) as ws:
                await (await ws.ping())
                hub.signal(signal.SIGTERM)
                with self.assertRaises(self.websockets.ConnectionClosed):
                    await ws.recv()
                self.assertEqual(ws.close_code, 1001)

        self.run_async(scenario())
        self.assertEqual(hub.wait_exit(), 0)

    def test_refusals_are_statuses(self):
        hub = self.start(HUB_ALLOWED_ORIGINS="https://good.example",
                         HUB_MAX_CONNECTIONS_PER_USER=1)
        statuses = self.websockets.InvalidStatusCode

        async def refused(url, **how):
            with self.assertRaises(statuses) as caught:
                await self.websockets.connect(url, **how)
            return caught.exception.status_code

        async def scenario():
            base = f"ws://127.0.0.1:{hub.port}"
            self.assertEqual(await refused(base + "/ws"), 400)
            self.assertEqual(await refused(base + "/other"), 404)
            self.assertEqual(
                await refused(self.url(hub, "a"), origin="https://evil"), 403)
            async with self.websockets.connect(self.url(hub, "ada")) as ws:
                await (await ws.ping())
                self.assertEqual(await refused(self.url(hub, "ada")), 429)

        self.run_async(scenario())

    def test_a_hundred_clients_at_once(self):
        hub = self.start()

        async def scenario():
            clients = await asyncio.gather(*(
                self.websockets.connect(self.url(hub, f"user{i}"))
                for i in range(100)))
            for ws in clients:
                await (await ws.ping())
            count = await asyncio.to_thread(hub.broadcast, TEXT.encode())
            self.assertEqual(count, 100)
            texts = await asyncio.gather(*(ws.recv() for ws in clients))
            self.assertEqual(set(texts), {TEXT})
            await asyncio.gather(*(ws.close() for ws in clients))

        self.run_async(scenario())
        hub.wait_connections(0)


class NodeWs(HubTestCase):

    def node(self, script, *arguments):
        node = self.require("node")
        if not (NODE_DIR / "node_modules" / "ws").is_dir():
            self.lacking("the ws package is not installed: npm ci in "
                         "tests/e2e/node")
        process = subprocess.Popen(
            [node, str(NODE_DIR / script), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PATH": os.environ["PATH"]})
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdin.close)
        return process

    def expect(self, process, event):
        line = process.stdout.readline()
        self.assertTrue(line, f"node ended before {event}")
        report = json.loads(line)
        self.assertEqual(report["event"], event, report)
        return report

    def command(self, process, text):
        process.stdin.write(text.encode() + b"\n")
        process.stdin.flush()

    def test_messages_pings_and_close(self):
        hub = self.start(HUB_PING_INTERVAL="1s")
        process = self.node("listen.mjs", f"ws://127.0.0.1:{hub.port}"
                            + ws_path("ada", "tab"), "hello")
        self.assertEqual(self.expect(process, "open")["protocol"], "")
        hub.wait_connections(1)
        self.assertEqual(hub.send(TEXT.encode(), session="tab"), 1)
        got = self.expect(process, "message")
        self.assertEqual((got["text"], got["isBinary"]), (TEXT, False))
        self.command(process, "ping")
        self.assertEqual(self.expect(process, "pong")["text"], "here")
        self.expect(process, "ping")
        self.command(process, "close")
        event = json.loads(process.stdout.readline())
        while event["event"] == "ping":
            event = json.loads(process.stdout.readline())
        self.assertEqual((event["event"], event["code"]), ("close", 1000))
        hub.wait_connections(0)

    def test_shutdown_is_1001(self):
        hub = self.start()
        process = self.node("listen.mjs",
                            f"ws://127.0.0.1:{hub.port}/ws?userId=ada")
        self.expect(process, "open")
        hub.wait_connections(1)
        hub.signal(signal.SIGTERM)
        self.assertEqual(self.expect(process, "close")["code"], 1001)
        self.assertEqual(hub.wait_exit(), 0)

    def test_a_refusal_is_a_status(self):
        hub = self.start()
        process = self.node("listen.mjs", f"ws://127.0.0.1:{hub.port}/ws")
        self.assertEqual(self.expect(process, "refused")["status"], 400)

    def test_two_hundred_clients_at_once(self):
        hub = self.start()
        process = self.node("many.mjs", f"ws://127.0.0.1:{hub.port}/ws",
                            "200")
        self.expect(process, "open")
        hub.wait_connections(200)
        for _ in range(20):
            self.assertEqual(hub.broadcast(TEXT.encode()), 200)
        hub.signal(signal.SIGTERM)
        closed = self.expect(process, "closed")
        self.assertEqual(closed["codes"], {"1001": 200})
        self.assertEqual(closed["received"], [20] * 200)
        self.assertEqual(hub.wait_exit(), 0)


if __name__ == "__main__":
    unittest.main()
