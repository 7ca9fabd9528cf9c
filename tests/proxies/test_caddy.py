"""packaging/proxies/Caddyfile, with the Caddy that is installed."""

import asyncio
import unittest

from cases import Cases
from proxy import Caddy


class CaddyCases(Cases):
    proxy_class = Caddy
    programs = ("openssl", "caddy")

    def test_a_reload_ends_connections_and_they_may_come_back(self):
        hub, proxy = self.front()

        async def scenario():
            async with self.open(proxy) as client:
                await asyncio.to_thread(proxy.reload)
                await self.assertClosed(client, 1001)
            self.assertEqual(client.close_reason, "")  # no word of when
            async with self.open(proxy) as client:
                await self.deliver(proxy, hub, client)

        self.run_async(scenario())


del Cases

if __name__ == "__main__":
    unittest.main()
