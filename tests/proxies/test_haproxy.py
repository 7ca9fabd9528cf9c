"""packaging/proxies/haproxy.cfg, with the HAProxy that is installed, and the
health checks of its manual."""

import asyncio
import re
import unittest

from cases import Cases, ProxyCase
from proxy import HAProxy

from harness.wait import until

# As the recipe has it; then what the manual shows, and what it does by default.
CHECK = """    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host hub.example.com
"""
CHECKS = {
    "the default": "    option httpchk\n",
    "the manual's": "    option httpchk OPTIONS * HTTP/1.1\n"
                    "    http-check send hdr Host www\n",
    "the manual's of before": "    option httpchk OPTIONS * HTTP/1.1\\r\\n"
                              "Host:\\ www\n",
    "without a version": "    option httpchk OPTIONS *\n",
    "an absolute target": "    option httpchk GET http://other:8080/livez "
                          "HTTP/1.1\n    http-check send hdr Host www\n",
}


class HAProxyCases(Cases):
    proxy_class = HAProxy
    programs = ("openssl", "haproxy")
    gone = 503


class Checks(ProxyCase):
    proxy_class = HAProxy
    programs = ("openssl", "haproxy")

    def state(self, proxy, state):
        until(lambda: proxy.state() == state, f"the server is {state}", 10)

    def test_each_check_finds_it_up(self):
        for name, check in CHECKS.items():
            with self.subTest(name):
                hub, proxy = self.front({"recipe": {CHECK: check}})
                self.state(proxy, "UP")
                reply = self.post(proxy, hub, "/api/broadcast",
                                  '{"type":"t","payload":1}')
                self.assertEqual(reply.status, 200, reply)
                proxy.stop()

    def test_each_check_finds_out_that_it_drains(self):
        for name, check in {"the recipe's": CHECK, **CHECKS}.items():
            if "livez" in check:
                continue  # whether it lives is another question
            with self.subTest(name):
                hub, proxy = self.front({"recipe": {CHECK: check}},
                                        HUB_SHUTDOWN_TIMEOUT="60s")
                self.run_async(self.drain(hub, proxy))
                proxy.stop()

    async def drain(self, hub, proxy):
        """A client that does not take part in the closing handshake holds the
        drain up until the check has come by."""
        await asyncio.to_thread(self.state, proxy, "UP")
        silent = await asyncio.to_thread(self.connect, hub, "silent")
        hub.signal(15)
        await asyncio.to_thread(self.state, proxy, "DOWN")
        silent.close()
        await asyncio.to_thread(hub.wait_exit)

    def test_checks_fill_no_log(self):
        hub, proxy = self.front({"recipe": {CHECK: CHECKS["the manual's"]}})
        self.state(proxy, "UP")
        self.assertFalse([line for line in hub.lines
                          if re.search(r"event=(refused|request)", line)])


del Cases, ProxyCase  # unittest would run them here as well

if __name__ == "__main__":
    unittest.main()
