"""HUB_API_PORT: backends on one port, clients on the other, and each path only
on its port."""

import re
import unittest

from harness.daemon import Hubd, run_to_end
from harness.http import request, raw_request
from harness.rawws import new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase, SharedHubd

GOOD = b'{"type":"t","payload":1,"timestamp":"2024-01-02"}'
TO_ADA = b'{"targetUserId":"ada","message":' + GOOD + b"}"
FOR_BACKENDS = (("POST", "/api/send", TO_ADA), ("POST", "/api/broadcast", GOOD),
                ("GET", "/metrics", None), ("GET", "/console", None),
                ("GET", "/console/console.js", None),
                ("GET", "/console/stats", None))
FOR_BOTH = ("/health", "/livez", "/readyz")


def upgrade(port, path=ws_path("ada")):
    return raw_request(port, upgrade_request(path, new_key()))[0]


class Apart(SharedHubd):
    settings = {"HUB_API_PORT": "0", "HUB_METRICS": "on", "HUB_CONSOLE": "on",
                "HUB_RATE_LIMIT": "0"}

    def ask(self, port, method, path, body=None):
        headers = {"X-API-Key": self.hub.key,
                   "Content-Type": "application/json"}
        return request(port, method, path, body, headers if body else {})

    def test_the_log_tells_both_ports(self):
        told = self.hub.events("api")
        self.assertEqual(len(told), 1)
        self.assertEqual(told[0]["address"], "127.0.0.1")
        self.assertNotIn(self.hub.api_port, (0, self.hub.port))

    def test_what_is_for_backends_is_on_their_port_alone(self):
        for method, path, body in FOR_BACKENDS:
            with self.subTest(path):
                self.assertEqual(
                    self.ask(self.hub.api_port, method, path, body).status, 200)
                self.assertRefused(
                    self.ask(self.hub.port, method, path, body), 404,
                    "not_found")

    def test_what_is_not_there_does_not_say_which_methods_it_takes(self):
        for port, path in ((self.hub.port, "/api/send"),
                           (self.hub.port, "/metrics"),
                           (self.hub.api_port, "/ws")):
            for method in ("GET", "PUT", "DELETE", "OPTIONS"):
                with self.subTest(f"{method} {path}"):
                    reply = self.ask(port, method, path)
                    self.assertRefused(reply, 404, "not_found")
                    self.assertIsNone(reply.header("allow"))

    def test_clients_are_on_the_main_port_alone(self):
        self.assertRefused(upgrade(self.hub.api_port), 404, "not_found")
        client = self.join("ada")
        self.assertEqual(self.hub.send(GOOD, user="ada"), 1)
        self.assertEqual(client.recv(), GOOD)

    def test_a_key_opens_nothing_on_the_port_of_clients(self):
        """Nor is it said whether it is the right one."""
        answers = set()
        for key in (self.hub.key, "wrong"):
            reply = request(self.hub.port, "POST", "/api/broadcast", GOOD,
                            {"X-API-Key": key})
            answers.add((reply.status, reply.body))
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(answers.pop()[0], 404)

    def test_balancers_may_ask_either(self):
        for port in (self.hub.port, self.hub.api_port):
            for path in FOR_BOTH:
                with self.subTest(f"{port}{path}"):
                    self.assertEqual(self.ask(port, "GET", path).status, 200)
            reply = raw_request(port, b"OPTIONS * HTTP/1.1\r\nHost: h\r\n"
                                b"Connection: close\r\n\r\n")[0]
            self.assertEqual(reply.status, 200, reply)

    def test_a_host_that_names_the_other_port_changes_nothing(self):
        for port, other in ((self.hub.port, self.hub.api_port),
                            (self.hub.api_port, self.hub.port)):
            path = "/metrics" if port == self.hub.port else ws_path("ada")
            for line in (f"GET {path}", f"GET http://h:{other}{path}"):
                reply = raw_request(
                    port, f"{line} HTTP/1.1\r\nHost: h:{other}\r\n"
                    "Connection: close\r\n\r\n".encode())[0]
                self.assertRefused(reply, 404, "not_found")

    def test_the_page_may_connect_to_the_port_of_clients(self):
        reply = self.ask(self.hub.api_port, "GET", "/console")
        policy = reply.header("content-security-policy")
        self.assertIn(f"; connect-src 'self' ws://*:{self.hub.port}; ", policy)
        told = self.ask(self.hub.api_port, "GET", "/console/stats").json()
        self.assertEqual(told["ports"], {"clients": self.hub.port,
                                         "api": self.hub.api_port})


class Places(HubTestCase):

    def test_each_port_has_its_address(self):
        hub = self.start(HUB_API_PORT="0", HUB_API_BIND="127.0.0.2")
        self.assertEqual(hub.events("api")[0]["address"], "127.0.0.2")
        reply = request(hub.api_port, "POST", "/api/broadcast", GOOD,
                        {"X-API-Key": hub.key}, host="127.0.0.2")
        self.assertEqual(reply.status, 200, reply)
        with self.assertRaises(ConnectionRefusedError):
            request(hub.api_port, "GET", "/health")
        self.assertEqual(request(hub.port, "GET", "/health").status, 200)

    def test_metrics_may_have_a_third_one(self):
        hub = self.start(HUB_API_PORT="0", HUB_METRICS="127.0.0.1:0")
        third = int(hub.events("metrics")[0]["port"])
        self.assertEqual(len({third, hub.port, hub.api_port}), 3)
        for port, status in ((third, 200), (hub.port, 404),
                             (hub.api_port, 404)):
            self.assertEqual(request(port, "GET", "/metrics").status, status)
        for path in ("/health", "/api/send", ws_path("ada")):
            self.assertRefused(request(third, "GET", path), 404, "not_found")

    def test_a_port_that_is_taken_is_named(self):
        hub = self.start()
        other = Hubd(HUB_API_PORT=str(hub.port))
        self.addCleanup(other.discard)
        self.assertEqual(other.spawn().wait_exit(), 1)
        self.assertRegex(other.lines[-1], r"HUB_API_PORT: cannot listen on "
                         rf"127\.0\.0\.1:{hub.port}: ")

    def test_an_address_without_a_port_is_a_mistake(self):
        code, out, err = run_to_end("--check-config", HUB_API_KEY="k" * 16,
                                    HUB_API_BIND="127.0.0.1")
        self.assertEqual((code, out), (78, ""))
        self.assertEqual(len(err.splitlines()), 1)
        self.assertRegex(err, "HUB_API_BIND=127.0.0.1: .*HUB_API_PORT")

    def test_ports_that_are_the_same_are_a_mistake(self):
        for settings in ({"PORT": "7"}, {"HUB_METRICS": ":7"}):
            code, _, err = run_to_end("--check-config", HUB_API_KEY="k" * 16,
                                      HUB_API_PORT="7", **settings)
            self.assertEqual(code, 78, err)
            self.assertTrue(re.search("HUB_API_PORT", err), err)


if __name__ == "__main__":
    unittest.main()
