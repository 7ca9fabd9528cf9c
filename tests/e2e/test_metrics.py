"""/metrics: where it is served, who may read it, and that it stays up to the
end."""

import base64
import os
import pathlib
import signal
import socket
import tempfile
import threading
import time
import unittest

from harness.daemon import Hubd, run_to_end
from harness.exposition import Exposition
from harness.http import RawHttp, raw_request, request
from harness.netns import Namespace
from harness.rawws import RawWs, new_key, upgrade_request, ws_path
from harness.testcase import Assertions, HubTestCase
from harness.wait import scaled, until

TYPE = "text/plain; version=0.0.4; charset=utf-8"
GOOD = b'{"type":"t","payload":1}'
ROUNDS = 60


def get(port, path="/metrics", method="GET", **headers):
    return request(port, method, path, headers={
        name.replace("_", "-"): value for name, value in headers.items()})


class MetricsCase(HubTestCase):

    def start_apart(self, **settings):
        """A hubd with a listener for metrics; `hub.metrics_port` is its."""
        settings.setdefault("HUB_METRICS", "127.0.0.1:0")
        hub = self.start(**settings)
        hub.metrics_port = int(hub.events("metrics")[0]["port"])
        return hub

    def assertScrape(self, reply):
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.header("content-type"), TYPE)
        self.assertEqual(reply.header("cache-control"), "no-store")
        self.assertPlain(reply)
        return Exposition(reply.body.decode())


class Places(MetricsCase):

    def test_there_is_nothing_unless_it_is_asked_for(self):
        for settings in ({}, {"HUB_METRICS": "off"}):
            hub = self.start(**settings)
            self.assertRefused(get(hub.port), 404, "not_found")
            self.assertEqual(hub.events("metrics"), [])

    def test_on_the_main_port(self):
        hub = self.start(HUB_METRICS="on")
        self.assertScrape(get(hub.port))
        self.assertScrape(get(hub.port, "/metrics?name=hub_users"))
        self.assertEqual(get(hub.port, "/health").status, 200)
        for path in ("/metrics/", "/metricsx", "/Metrics", "//metrics",
                     "/%6detrics", "/metrics/x"):
            self.assertRefused(get(hub.port, path), 404, "not_found")

    def test_only_get_and_head(self):
        hub = self.start_apart()
        whole = get(hub.metrics_port)
        head = get(hub.metrics_port, method="HEAD")
        self.assertEqual((head.status, head.body), (200, b""))
        self.assertEqual(head.header("content-type"), TYPE)
        # A counter or two has grown by a digit at most.
        self.assertAlmostEqual(int(head.header("content-length")),
                               len(whole.body), delta=40)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            reply = get(hub.metrics_port, method=method)
            self.assertRefused(reply, 405, "method_not_allowed")
            self.assertEqual(reply.header("allow"), "GET, HEAD")

    def test_they_come_in_chunks_on_a_connection_that_is_kept(self):
        conn = self.http(self.start(HUB_METRICS="on"))
        for _ in range(3):
            conn.send(b"GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n")
            reply = conn.read_reply()
            self.assertScrape(reply)
            self.assertEqual(reply.header("transfer-encoding"), "chunked")
            self.assertEqual(reply.header("connection"), "keep-alive")
        conn.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertIn("stats", conn.read_reply().json())

    def test_http_1_0_reads_them_to_the_end(self):
        conn = self.http(self.start(HUB_METRICS="on"))
        conn.send(b"GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        reply = conn.read_head()
        self.assertIsNone(reply.header("transfer-encoding"))
        self.assertIsNone(reply.header("content-length"))
        self.assertEqual(reply.header("connection"), "close")
        reply.body = conn.read_to_end()
        self.assertScrape(reply)

    def test_a_port_of_its_own_has_nothing_else(self):
        hub = self.start_apart()
        self.assertNotEqual(hub.metrics_port, hub.port)
        self.assertScrape(get(hub.metrics_port))
        self.assertRefused(get(hub.port), 404, "not_found")
        for path in ("/health", "/livez", "/readyz", "/", "/ws?userId=ada"):
            self.assertRefused(get(hub.metrics_port, path), 404, "not_found")
        for target in ("*", "/", f"http://127.0.0.1:{hub.port}"):
            head = f"OPTIONS {target} HTTP/1.1\r\nHost: h\r\n\r\n"
            self.assertRefused(self.raw_to(hub.metrics_port, head), 404,
                               "not_found")
        for path in ("/api/send", "/api/broadcast"):
            reply = request(hub.metrics_port, "POST", path, GOOD,
                            {"X-API-Key": hub.key})
            self.assertRefused(reply, 404, "not_found")
        reply, _ = raw_request(hub.metrics_port, upgrade_request(
            ws_path("ada"), new_key()))
        self.assertRefused(reply, 404, "not_found")
        self.assertEqual(hub.health()["total_connections"], 0)
        self.connect(hub, "ada")
        self.assertEqual(hub.broadcast(GOOD), 1)

    def test_what_a_request_claims_does_not_move_it(self):
        """Host may name the other listener, and so may an absolute form."""
        hub = self.start_apart()
        for here, there, path in ((hub.port, hub.metrics_port, "/metrics"),
                                  (hub.metrics_port, hub.port, "/health")):
            other = f"127.0.0.1:{there}"
            head = f"GET {path} HTTP/1.1\r\nHost: {other}\r\n\r\n"
            self.assertRefused(self.raw_to(here, head), 404, "not_found")
            head = head.replace(path, f"http://{other}{path}")
            self.assertRefused(self.raw_to(here, head), 404, "not_found")

    def raw_to(self, port, head):
        return raw_request(port, head.encode())[0]

    def test_without_an_address_it_is_that_of_the_main_port(self):
        hub = self.start_apart(HUB_METRICS=":0", HUB_BIND="127.0.0.2")
        self.assertEqual(hub.events("metrics")[0]["address"], "127.0.0.2")
        reply = request(hub.metrics_port, "GET", "/metrics", host="127.0.0.2")
        self.assertScrape(reply)
        with self.assertRaises(ConnectionRefusedError):
            get(hub.metrics_port)

    def test_who_says_nothing_there_takes_no_worker(self):
        """Silent connections wait in the kernel, as those to the main port."""
        hub = self.start_apart(nofile=250)
        workers = self.assertScrape(get(hub.metrics_port)).get(
            "hub_http_workers")
        silent = [RawHttp(hub.metrics_port) for _ in range(2 * workers)]
        started = time.monotonic()
        hub.health()
        told = self.assertScrape(get(hub.metrics_port))
        self.assertLess(time.monotonic() - started, scaled(0.5))
        self.assertLess(told.get("hub_http_connections"), workers / 2)
        for conn in silent:
            conn.close()


class StartErrors(Assertions):
    KEY = "0123456789abcdef"

    def run_with(self, **settings):
        return run_to_end(HUB_API_KEY=self.KEY, HUB_BIND="127.0.0.1",
                          **settings)

    def test_a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            code, _, err = self.run_with(PORT="0",
                                         HUB_METRICS=f"127.0.0.1:{port}")
        self.assertEqual(code, 1, err)
        last = err.splitlines()[-1]
        self.assertEqual(last, "hubd: HUB_METRICS: cannot listen on"
                         f" 127.0.0.1:{port}: Address already in use")

    def test_an_address_that_is_not_ours(self):
        code, _, err = self.run_with(PORT="0", HUB_METRICS="192.0.2.1:0")
        self.assertEqual(code, 1, err)
        self.assertIn("HUB_METRICS: cannot listen on 192.0.2.1:0: ",
                      err.splitlines()[-1])

    def test_the_main_port(self):
        code, _, err = self.run_with(PORT="8081", HUB_METRICS=":8081")
        self.assertEqual(code, 78, err)
        self.assertEqual(err, "hubd: HUB_METRICS: its port must be different"
                         " from PORT (8081)\n")

    def test_the_port_that_the_kernel_gave_the_other(self):
        """It may: on another address the number is free."""
        if os.geteuid() != 0:
            self.unable("only root may make a network of its own")
        network = Namespace()
        self.addCleanup(network.close)
        range_of_network = pathlib.Path(
            "/proc/sys/net/ipv4/ip_local_port_range")
        with network.entered():
            range_of_network.write_text("40000 40001", encoding="ascii")
            for port, apart in (("0", 0), ("40001", 0), ("0", 40001)):
                hub = Hubd(PORT=port, HUB_METRICS=f"127.0.0.2:{apart}",
                           nofile=250)
                self.addCleanup(hub.discard)
                self.assertEqual(hub.spawn().wait_exit(), 1, hub.lines)
                hub.check_reports()
                self.assertIn("hubd: HUB_METRICS: got port 40001, the same as",
                              hub.lines[-1])


class Keys(MetricsCase):

    def setUp(self):
        super().setUp()
        self.metrics_key = base64.b64encode(os.urandom(18)).decode()

    def check_keys(self, hub, port):
        self.assertScrape(get(port, X_API_Key=self.metrics_key))
        self.assertScrape(get(port,
                              Authorization=f"Bearer {self.metrics_key}"))
        for headers in ({}, {"X_API_Key": hub.key},
                        {"Authorization": f"Bearer {hub.key}"},
                        {"X_API_Key": "previous-" + hub.key},
                        {"X_API_Key": self.metrics_key[:-1]},
                        {"Authorization": self.metrics_key},
                        {"X_API_Key": self.metrics_key,
                         "Authorization": f"Bearer {hub.key}"}):
            reply = get(port, **headers)
            self.assertRefused(reply, 401, "unauthorized")
            self.assertEqual(reply.header("www-authenticate"), "Bearer")
            self.assertNotIn(b"hub_", reply.body)
        self.assertEqual(get(port, method="HEAD").status, 401)
        self.assertRefused(get(port, f"/metrics?key={self.metrics_key}"), 401)

    def test_its_own_key_and_no_other(self):
        for apart in (True, False):
            with self.subTest(apart=apart):
                hub = (self.start_apart if apart else self.start)(
                    HUB_METRICS="127.0.0.1:0" if apart else "on",
                    HUB_METRICS_KEY=self.metrics_key)
                port = hub.metrics_port if apart else hub.port
                self.check_keys(hub, port)
                for path in ("/api/send", "/api/broadcast"):
                    reply = hub.post(path, GOOD, X_API_Key=self.metrics_key)
                    self.assertRefused(reply, 401, "unauthorized")

    def test_the_key_is_not_shown(self):
        hub = self.start_apart(HUB_METRICS_KEY=self.metrics_key)
        get(hub.metrics_port, X_API_Key=self.metrics_key)
        get(hub.metrics_port, X_API_Key="wrong")
        body = get(hub.metrics_port, X_API_Key=self.metrics_key).body
        hub.signal(signal.SIGTERM)
        self.assertEqual(hub.wait_exit(), 0)
        text = "\n".join(hub.lines)
        self.assertIn("metrics_key=****", text)
        self.assertNotIn(self.metrics_key, text + body.decode())
        self.assertEqual([line["realm"] for line in hub.events("unauthorized")],
                         ["metrics"])

    def test_what_is_likely_a_mistake_is_warned_of(self):
        hub = self.start(HUB_METRICS="on", HUB_BIND="0.0.0.0")
        self.assertTrue(any("HUB_METRICS is on without" in line["warning"]
                            for line in hub.events("setting")), hub.lines)
        hub = self.start_apart(HUB_METRICS_KEY=self.metrics_key,
                               HUB_API_KEY_PREVIOUS=self.metrics_key)
        self.assertIn("HUB_METRICS_KEY is an API key too",
                      hub.events("key")[0]["warning"])

    def test_a_key_of_the_api_is_warned_of_whenever_it_becomes_one(self):
        sentence = "HUB_METRICS_KEY is an API key too"
        code, _, err = run_to_end(
            "--check-config", HUB_API_KEY=self.metrics_key, HUB_METRICS="on",
            HUB_METRICS_KEY=self.metrics_key)
        self.assertEqual(code, 0, err)
        self.assertIn(sentence, err)
        self.assertNotIn(self.metrics_key, err)
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
            file.write("k" * 20)
            file.flush()
            hub = self.start_apart(HUB_API_KEY=None, HUB_API_KEY_FILE=file.name,
                                   HUB_METRICS_KEY=self.metrics_key)
            self.assertEqual(hub.events("key"), [])
            pathlib.Path(file.name).write_text(self.metrics_key,
                                               encoding="ascii")
            hub.signal(signal.SIGHUP)
            self.assertIn(sentence, hub.wait_log("key")["warning"])


class Draining(MetricsCase):

    def test_it_answers_to_the_end(self):
        """A client that does not answer its Close holds up the drain."""
        for settings in ({"HUB_METRICS": "on"}, {}):
            with self.subTest(settings=settings):
                hub = (self.start if settings else self.start_apart)(**settings)
                port = hub.port if settings else hub.metrics_port
                client, stayer = (self.connect(hub, "a") for _ in range(2))
                self.assertEqual(
                    self.assertScrape(get(port)).get("hub_draining"), 0)
                hub.signal(signal.SIGTERM)
                hub.wait_log("draining")
                self.assertEqual(client.recv_close()[0], 1001)
                client.close_frame(1001)
                self.assertEqual(get(hub.port, "/health").status, 503)

                def closed(port=port):
                    reply = get(port)
                    self.assertEqual(reply.header("connection"), "close")
                    told = self.assertScrape(reply)
                    self.assertEqual(told.get("hub_draining"), 1)
                    return told.get("hub_connections_closed_total",
                                    cause="shutdown") == 1

                until(closed, "one of two is closed")
                stayer.recv_close()
                stayer.close_frame(1001)
                self.assertEqual(hub.wait_exit(), 0)
                with self.assertRaises(OSError):
                    get(port)


class Together(MetricsCase):

    def test_scrapes_under_load(self):
        """Any number of them at once, while all figures move: each is whole,
        and no counter goes back."""
        hub = self.start(HUB_LOOPS=2, HUB_METRICS="on")
        clients = [self.connect(hub, f"u{i}") for i in range(20)]
        stop, errors, scrapes = threading.Event(), [], []

        def scrape_on():
            try:
                last = self.assertScrape(get(hub.port))
                while not stop.is_set():
                    now = self.assertScrape(get(hub.port))
                    now.grown_since(last)
                    last = now
                    scrapes.append(1)
            except Exception as error:
                errors.append(error)

        def come_and_go():
            try:
                while not stop.is_set():
                    RawWs(hub.port, "guest").close()
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=work, daemon=True) for work in
                   (scrape_on, scrape_on, scrape_on, scrape_on, come_and_go)]
        for thread in threads:
            thread.start()
        for _ in range(ROUNDS):
            hub.broadcast(GOOD)
            for client in clients:
                client.recv()
        stop.set()
        for thread in threads:
            thread.join(scaled(10))
        self.assertEqual(errors, [])
        self.assertGreater(len(scrapes), 4)
        told = self.assertScrape(get(hub.port))
        self.assertGreaterEqual(told.get("hub_sent_messages_total"),
                                ROUNDS * len(clients))
        self.assertEqual(told.get("hub_recipients_count",
                                  endpoint="broadcast"), ROUNDS)


if __name__ == "__main__":
    unittest.main()
