"""What must work behind every proxy, over TLS from both sides: the same cases
for each, by mixing Cases into a class for each proxy.
"""

import asyncio
import http.client
import json
import re
import signal
import socket
import tempfile

from harness.http import from_client
from harness.rawws import new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase
from harness.wait import scaled

from proxy import NAME

try:
    import websockets
except ImportError:
    websockets = None

TEXT = json.dumps({"type": "t", "payload": "h\u00e9 \U0001f600", "n": "1.10",
                   "timestamp": "2024-01-02"}, ensure_ascii=False)
CLIENT, OTHER = "127.0.0.2", "127.0.0.3"  # the proxy itself is 127.0.0.1


def tls_request(proxy, port, method, path, body=None, headers=None,
                source="127.0.0.1"):
    """One HTTP request over TLS, as it is written: the path is not touched."""
    conn = http.client.HTTPConnection(NAME, port)
    sock = socket.create_connection(("127.0.0.1", port), scaled(15),
                                    (source, 0))
    try:
        conn.sock = proxy.tls.wrap_socket(sock, server_hostname=NAME)
        conn.request(method, path, body, headers or {})
        return from_client(conn.getresponse())
    finally:
        conn.close()
        sock.close()


class ProxyCase(HubTestCase):
    """A test starts hubd and a proxy in front of it."""
    proxy_class = None
    programs = ("openssl",)
    gone = 502  # what it says where there is no hubd

    def setUp(self):
        super().setUp()
        for program in self.programs:
            self.require(program)
        if websockets is None:
            self.lacking("python3-websockets is not installed")

    def front(self, changes=None, **settings):
        """hubd as it should be behind a proxy on its machine, and the
        proxy."""
        hub = self.start(HUB_TRUSTED_PROXIES="127.0.0.1,127.0.0.8/29",
                         **settings)
        work = tempfile.TemporaryDirectory(prefix="hub-proxy-")
        self.addCleanup(work.cleanup)
        proxy = self.proxy_class(hub, work.name, **(changes or {})).start()
        self.addCleanup(proxy.stop)
        return hub, proxy

    def open(self, proxy, user="ada", source=CLIENT, port=0, **how):
        """A WebSocket from this address and port."""
        return websockets.connect(
            f"wss://{NAME}:{proxy.clients_port}{ws_path(user)}",
            host="127.0.0.1", port=proxy.clients_port, ssl=proxy.tls,
            server_hostname=NAME, local_addr=(source, port), max_size=None,
            ping_interval=None, open_timeout=scaled(10), **how)

    async def assertTurnedAway(self, status, proxy, **how):
        with self.assertRaises(websockets.InvalidStatusCode) as caught:
            await self.open(proxy, **how)
        self.assertEqual(caught.exception.status_code, status)
        return caught.exception.headers

    async def assertClosed(self, client, code):
        with self.assertRaises(websockets.ConnectionClosed):
            await asyncio.wait_for(client.recv(), scaled(10))
        self.assertEqual(client.close_code, code)

    def post(self, proxy, hub, path, body, **how):
        return tls_request(proxy, proxy.backends_port, "POST", path,
                           body.encode(), {"X-API-Key": hub.key,
                                           "Content-Type": "application/json"},
                           **how)

    async def deliver(self, proxy, hub, client, text=TEXT, user="ada"):
        """A message by the proxy to a client of the proxy."""
        reply = await asyncio.to_thread(
            self.post, proxy, hub, "/api/send",
            f'{{"targetUserId":{json.dumps(user)},"message":{text}}}')
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.json()["recipients"], 1, reply)
        self.assertEqual(await asyncio.wait_for(client.recv(), scaled(20)),
                         text)

    def run_async(self, coroutine):
        return asyncio.run(asyncio.wait_for(coroutine, scaled(60)))


class Cases(ProxyCase):

    def test_messages_and_the_api_pass_through_tls(self):
        hub, proxy = self.front()

        async def scenario():
            async with self.open(proxy, user="\u4eba & co") as client:
                await (await client.ping())
                await self.deliver(proxy, hub, client, user="\u4eba & co")
                await client.send("x" * 100000)
                await (await client.ping())
            self.assertEqual(client.close_code, 1000)

        self.run_async(scenario())
        hub.wait_connections(0)
        reply = self.post(proxy, hub, "/api/broadcast", TEXT)
        self.assertEqual((reply.status, reply.json()["recipients"]), (200, 0))

    def test_a_message_of_ten_megabytes(self):
        hub, proxy = self.front(MAX_MESSAGE_SIZE="12MB", HUB_QUEUE_SIZE="24MB",
                                HUB_MEMORY_LIMIT="1GB")
        text = json.dumps({"type": "t", "payload": "x" * (10 << 20),
                           "timestamp": "2024-01-02"})

        async def scenario():
            async with self.open(proxy) as client:
                await self.deliver(proxy, hub, client, text)
                await client.send("y" * (10 << 20))
                await (await client.ping())

        self.run_async(scenario())

    def test_refusals_are_those_of_hubd(self):
        hub, proxy = self.front(MAX_MESSAGE_SIZE="1KB")
        for body, status, code in (("{", 400, "invalid_json"),
                                   ("x" * 100000, 413, "too_large")):
            reply = self.post(proxy, hub, "/api/broadcast", body)
            self.assertEqual((reply.status, reply.json()["code"]),
                             (status, code), reply)
        hub.key = "wrong"
        reply = self.post(proxy, hub, "/api/broadcast", TEXT)
        self.assertEqual((reply.status, reply.json()["code"]),
                         (401, "unauthorized"), reply)

    def test_limits_and_log_are_about_the_client(self):
        hub, proxy = self.front(HUB_MAX_CONNECTIONS_PER_IP=1)

        async def scenario():
            async with self.open(proxy), self.open(proxy, "bob", OTHER):
                headers = await self.assertTurnedAway(429, proxy)
                self.assertRegex(headers["Retry-After"], r"\A\d+\Z")

        self.run_async(scenario())
        self.assertEqual(hub.wait_log("connected", user="ada")["remote"],
                         CLIENT)
        self.assertEqual(hub.wait_log("connected", user="bob")["remote"],
                         OTHER)

    def test_who_claims_to_be_another_is_not_believed(self):
        hub, proxy = self.front(HUB_MAX_CONNECTIONS_PER_IP=1)
        claims = (
            [("X-Forwarded-For", "203.0.113.9")],
            [("X-Forwarded-For", "203.0.113.9, 127.0.0.1")],
            [("X-Forwarded-For", "203.0.113.9"),
             ("X-Forwarded-For", "203.0.113.10")],
            [("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "203.0.113.9"),
             ("Forwarded", "for=203.0.113.9")],
        )

        async def scenario():
            for number, headers in enumerate(claims):
                user = f"user{number}"
                async with self.open(proxy, user,
                                     extra_headers=headers):
                    await self.assertTurnedAway(429, proxy,
                                                extra_headers=headers)
                    await self.assertTurnedAway(429, proxy)
                line = await asyncio.to_thread(hub.wait_log, "connected",
                                               user=user)
                self.assertEqual(line["remote"], CLIENT)
                await asyncio.to_thread(hub.wait_connections, 0)

        self.run_async(scenario())

    def test_origins_are_passed_on(self):
        _, proxy = self.front(HUB_ALLOWED_ORIGINS="https://app.example.com")

        async def scenario():
            async with self.open(proxy, origin="https://app.example.com"):
                await self.assertTurnedAway(403, proxy,
                                            origin="https://evil.example")

        self.run_async(scenario())

    def test_cookies_do_not_reach_hubd(self):
        """It would refuse so many header lines."""
        cookies = [("Cookie", f"c{number}=\t1") for number in range(70)]
        _, proxy = self.front()

        async def scenario():
            async with self.open(proxy, extra_headers=cookies) as client:
                await (await client.ping())

        self.run_async(scenario())

    def test_a_drain_reaches_clients(self):
        hub, proxy = self.front()

        async def scenario():
            async with self.open(proxy) as client:
                await (await client.ping())
                hub.signal(signal.SIGTERM)
                await self.assertClosed(client, 1001)
                self.assertRegex(client.close_reason,
                                 r"\Ashutting down; retry-after-ms=\d+\Z")

        self.run_async(scenario())
        self.assertEqual(hub.wait_exit(), 0)
        self.run_async(self.assertTurnedAway(self.gone, proxy))

    def test_who_comes_too_early_is_told_when_to_come(self):
        hub, proxy = self.front()
        with self.tls_socket(proxy) as sock:  # which answers no Close frame
            sock.sendall(upgrade_request(ws_path("ada"), new_key(),
                                         host=NAME))
            self.assertIn(b" 101 ", sock.recv(4096))
            hub.wait_connections(1)
            hub.signal(signal.SIGTERM)
            hub.wait_log("draining")
            headers = self.run_async(self.assertTurnedAway(503, proxy))
        self.assertRegex(headers["Retry-After"], r"\A\d+\Z")

    def tls_socket(self, proxy):
        sock = socket.create_connection(("127.0.0.1", proxy.clients_port),
                                        scaled(15))
        return proxy.tls.wrap_socket(sock, server_hostname=NAME)

    def test_clients_reach_nothing_but_websockets(self):
        hub, proxy = self.front(HUB_METRICS="on", HUB_CONSOLE="on")
        for path in ("/metrics", "/console", "/health"):
            self.assertEqual(hub.request("GET", path).status, 200, path)
        hidden = re.compile(
            r"healthy|alive|ready|recipients|unauthorized|hub_")

        async def scenario():
            async with self.open(proxy) as client:
                await (await client.ping())
                await asyncio.to_thread(self.try_all_paths, hub, proxy, hidden)
                await self.deliver(proxy, hub, client)  # and nothing before

        self.run_async(scenario())

    def try_all_paths(self, hub, proxy, hidden):
        for path in ("/", "/api/send", "/api/broadcast", "/health", "/livez",
                     "/readyz", "/metrics", "/console", "/ws/",
                     "/ws/../api/broadcast", "/ws/%2e%2e/api/broadcast",
                     "//api/broadcast", "/ws%2f..%2fapi/broadcast",
                     "/API/broadcast", "/ws;/../api/broadcast",
                     "/.//api/broadcast"):
            for method in ("GET", "POST"):
                with self.subTest(path=path, method=method):
                    reply = tls_request(
                        proxy, proxy.clients_port, method, path,
                        TEXT.encode() if method == "POST" else None,
                        {"X-API-Key": hub.key,
                         "Content-Type": "application/json"}, source=CLIENT)
                    self.assertGreaterEqual(reply.status, 300)
                    self.assertIsNone(hidden.search(reply.body.decode()))

    def test_the_api_is_for_its_networks_only(self):
        hub, proxy = self.front()
        for path in ("/api/broadcast", "/api/send"):
            reply = self.post(proxy, hub, path, TEXT, source=CLIENT)
            self.assertEqual(reply.status, 403, reply)
            self.assertNotIn(b"recipients", reply.body)
        for path in ("/ws?userId=ada", "/health", "/metrics", "/console", "/"):
            reply = tls_request(proxy, proxy.backends_port, "GET", path)
            self.assertEqual(reply.status, 404, reply)
