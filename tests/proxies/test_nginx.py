"""packaging/proxies/nginx.conf, with the nginx that is installed."""

import asyncio
import contextlib
import pathlib
import time
import unittest

from cases import Cases, ProxyCase, websockets
from proxy import Nginx

from harness.netns import Namespace
from harness.wait import until

RANGE = "/proc/sys/net/ipv4/ip_local_port_range"


class NginxCases(Cases):
    proxy_class = Nginx
    programs = ("openssl", "nginx")


class OnlyNginx(ProxyCase):
    proxy_class = Nginx
    programs = ("openssl", "nginx")
    timeout = {"read_timeout": "2s"}

    def test_pings_keep_an_idle_connection_open(self):
        hub, proxy = self.front(self.timeout, HUB_PING_INTERVAL="500ms")

        async def scenario():
            async with self.open(proxy) as client:
                await asyncio.sleep(5)
                await self.deliver(proxy, hub, client)

        self.run_async(scenario())

    def test_without_pings_it_would_not_be(self):
        _, proxy = self.front(self.timeout, HUB_PING_INTERVAL="1m")

        async def scenario():
            async with self.open(proxy) as client:
                started = time.monotonic()
                await self.assertClosed(client, 1006)
                self.assertGreater(time.monotonic() - started, 1.9)

        self.run_async(scenario())

    def test_a_reload_leaves_connections_alone(self):
        hub, proxy = self.front()

        async def scenario():
            async with self.open(proxy) as client:
                before = await asyncio.to_thread(proxy.reload)
                await self.deliver(proxy, hub, client)
                async with self.open(proxy, "bob") as other:
                    await self.deliver(proxy, hub, other, user="bob")
                self.assertTrue(before & proxy.workers())
            await asyncio.to_thread(
                until, lambda: not before & proxy.workers(),
                "old workers end with their last connection", 10)

        self.run_async(scenario())

    def test_old_workers_end_connections_when_their_time_is_up(self):
        _, proxy = self.front({"grace": "500ms"})

        async def scenario():
            async with self.open(proxy) as client:
                await asyncio.to_thread(proxy.reload)
                await self.assertClosed(client, 1006)

        self.run_async(scenario())

    def test_the_log_does_not_say_who_somebody_is(self):
        _, proxy = self.front()

        async def scenario():
            async with self.open(proxy, "somebody"):
                pass

        self.run_async(scenario())
        path = proxy.work / "access.log"
        until(lambda: " /ws 101 " in path.read_text(), "a line of the log")
        self.assertNotIn("somebody", path.read_text())


class ManyConnections(ProxyCase):
    """In a network where one address has few ports to connect from."""
    proxy_class = Nginx
    programs = ("openssl", "nginx", "ip")
    PORTS, CLIENTS = 20, 40

    def count_admitted(self, **changes):
        try:
            space = Namespace()
        except OSError as error:
            self.unable(f"no network namespaces: {error}")
        self.addCleanup(space.close)
        with space.entered():
            _, proxy = self.front(changes)
            pathlib.Path(RANGE).write_text(f"20001 {20000 + self.PORTS}")
            return self.run_async(self.count(proxy))

    async def count(self, proxy):
        clients = []
        for number in range(self.CLIENTS):
            with contextlib.suppress(websockets.InvalidStatusCode):
                clients.append(await self.open(proxy, f"user{number}",
                                               port=50000 + number))
        for client in clients:
            client.transport.abort()
        return len(clients)

    def test_one_address_has_so_many_ports(self):
        self.assertEqual(self.count_admitted(), self.PORTS)

    def test_four_addresses_have_more(self):
        self.assertEqual(self.count_admitted(many=True), self.CLIENTS)


del Cases, ProxyCase  # unittest would run them here as well

if __name__ == "__main__":
    unittest.main()
