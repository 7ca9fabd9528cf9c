"""How many may connect, from where, and from which pages."""

import pathlib
import signal
import tempfile
import unittest

from harness.daemon import Hubd, run_to_end
from harness.http import RawHttp
from harness.rawws import RawWs, new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase
from harness.wait import until


class LimitCase(HubTestCase):

    def knock(self, hub, user="ada", headers=(), source=None):
        """An upgrade request; its reply, and the connection if it was let
        in."""
        conn = RawHttp(hub.port, source=source)
        self.addCleanup(conn.close)
        conn.send(upgrade_request(ws_path(user), new_key(), headers))
        return conn.read_reply(), conn

    def assertIn101(self, hub, **how):
        reply, conn = self.knock(hub, **how)
        self.assertEqual(reply.status, 101, reply)
        return conn

    def assertTurnedAway(self, hub, status, code=None, **how):
        reply, _ = self.knock(hub, **how)
        self.assertRefused(reply, status, code)
        if status in (429, 503):
            self.assertRegex(reply.header("retry-after", ""), r"\A\d+\Z")

    def until_let_in(self, hub, **how):
        def attempt():
            reply, conn = self.knock(hub, **how)
            if reply.status != 101:
                self.assertIn(reply.status, (429, 503), reply)
                conn.close()
                return None
            return conn
        return until(attempt, "let in again")


class Counts(LimitCase):

    def test_per_address(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=3)
        mine = [self.assertIn101(hub, user=f"u{i}") for i in range(3)]
        for _ in range(5):
            self.assertTurnedAway(hub, 429, "rate_limited", user="u9")
        self.assertIn101(hub, source="127.0.0.2")
        mine.pop().close()
        self.until_let_in(hub)
        self.assertTurnedAway(hub, 429, "rate_limited")

    def test_per_user(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_USER=2)
        first = self.assertIn101(hub)
        self.assertIn101(hub)
        self.assertTurnedAway(hub, 429, "rate_limited")
        self.assertTurnedAway(hub, 429, "rate_limited", source="127.0.0.2")
        self.assertIn101(hub, user="bob")
        first.close()
        self.until_let_in(hub)

    def test_in_all(self):
        hub = self.start(HUB_MAX_CONNECTIONS=3)
        conns = [self.assertIn101(hub, user=f"u{i}") for i in range(3)]
        self.assertTurnedAway(hub, 503, "at_capacity", user="u3")
        hub.wait_connections(3)
        conns[0].close()
        self.until_let_in(hub)
        self.assertTurnedAway(hub, 503, "at_capacity", user="u3")

    def test_refusals_do_not_use_up_a_limit(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=2,
                         HUB_MAX_CONNECTIONS_PER_USER=1,
                         HUB_MAX_CONNECTIONS=2)
        self.assertIn101(hub)
        for _ in range(10):
            self.assertTurnedAway(hub, 429, "rate_limited")
            self.raw(hub, upgrade_request("/ws?userId=", new_key()))
            self.raw(hub, b"GET /ws?userId=bob HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertIn101(hub, user="bob")

    def test_one_who_leaves_before_the_101_gives_back_their_place(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=5)
        for index in range(60):
            conn = RawHttp(hub.port)
            conn.send(upgrade_request(ws_path(f"u{index}"), new_key()))
            conn.close()
        hub.wait_connections(0)
        for index in range(5):
            self.until_let_in(hub, user=f"v{index}")

    def test_early_frames_give_back_their_place(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=3)
        for index in range(20):
            conn = RawHttp(hub.port)
            conn.try_send(upgrade_request(ws_path("eve"), new_key())
                          + b"\x81\x80\0\0\0\0" * 3)
            while conn._fill():
                if b"\x88" in conn.buffer:
                    break
            conn.close()
            hub.wait_connections(0)
        for index in range(3):
            self.until_let_in(hub, user=f"v{index}")

    def test_every_way_to_leave_gives_back_its_place(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_USER=1)
        leaves = (RawWs.leave, RawWs.vanish, RawWs.close,
                  self.break_the_rules, lambda c: c.http.end_sending())
        for leave in leaves * 3:
            client = until(lambda: self.try_connect(hub), "let in again")
            leave(client)

    @staticmethod
    def break_the_rules(client):
        client.send_bytes(b"\xff\xff")
        client.recv_close()
        client.close()

    def try_connect(self, hub):
        try:
            return self.connect(hub, "ada")
        except AssertionError as error:
            if "429" in str(error):
                return None
            raise


class Proxies(LimitCase):

    def forwarded(self, *values):
        return [("X-Forwarded-For", value) for value in values]

    def test_the_header_is_not_believed_by_default(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=1)
        self.assertIn101(hub, headers=self.forwarded("10.0.0.1"))
        self.assertTurnedAway(hub, 429, headers=self.forwarded("10.0.0.2"))

    def test_the_header_of_a_trusted_proxy_is(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=1,
                         HUB_TRUSTED_PROXIES="127.0.0.1, 10.1.0.0/16")
        self.assertIn101(hub, headers=self.forwarded("10.0.0.1"))
        self.assertIn101(hub, headers=self.forwarded("10.0.0.2"))
        self.assertTurnedAway(hub, 429, headers=self.forwarded("10.0.0.2"))

    def test_what_clients_put_in_front_counts_for_nothing(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=1,
                         HUB_TRUSTED_PROXIES="127.0.0.1, 10.1.0.0/16")
        self.assertIn101(hub, headers=self.forwarded("9.9.9.9, 10.0.0.1"))
        for headers in (self.forwarded("8.8.8.8, 10.0.0.1"),
                        self.forwarded("8.8.8.8,10.0.0.1,10.1.2.3"),
                        self.forwarded("8.8.8.8", "10.0.0.1"),
                        self.forwarded("8.8.8.8, 10.0.0.1", "10.1.0.1")):
            with self.subTest(headers=headers):
                self.assertTurnedAway(hub, 429, headers=headers)

    def test_another_peer_is_not_a_proxy(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_IP=1,
                         HUB_TRUSTED_PROXIES="127.0.0.9")
        self.assertIn101(hub, headers=self.forwarded("10.0.0.1"))
        self.assertTurnedAway(hub, 429, headers=self.forwarded("10.0.0.2"))
        self.assertIn101(hub, headers=self.forwarded("10.0.0.1"),
                         source="127.0.0.9")

    def test_the_log_names_the_client_behind_the_proxy(self):
        hub = self.start(HUB_TRUSTED_PROXIES="127.0.0.1")
        self.connect(hub, "ada", headers=self.forwarded("203.0.113.7"))
        self.connect(hub, "bob", headers=self.forwarded("2001:db8::7"))
        line = hub.wait_log("connected", user="ada")
        self.assertIn("203.0.113.7", line.get("remote", ""))
        line = hub.wait_log("connected", user="bob")
        self.assertIn("2001:db8::7", line.get("remote", ""))

    def test_a_refusal_names_the_client_behind_the_proxy(self):
        hub = self.start(HUB_TRUSTED_PROXIES="127.0.0.1",
                         HUB_ALLOWED_ORIGINS="https://app.example.com",
                         HUB_LOG_LEVEL="debug")
        self.assertTurnedAway(
            hub, 403, headers=[("Origin", "https://evil.example"),
                               *self.forwarded("9.9.9.9, 203.0.113.7")])
        for event in ("refused", "request"):
            line = hub.wait_log(event)
            self.assertEqual(line.get("remote"), "203.0.113.7", event)


class Origins(LimitCase):

    def origin(self, value):
        return [("Origin", value)]

    def test_only_listed_pages_get_in(self):
        hub = self.start(HUB_ALLOWED_ORIGINS="https://app.example.com, "
                         "http://localhost:3000,https://*.example.org")
        for value in ("https://app.example.com", "https://APP.example.com",
                      "https://app.example.com:443", "http://localhost:3000",
                      "https://a.example.org", "https://a.b.example.org"):
            with self.subTest(value):
                self.assertIn101(hub, headers=self.origin(value))
        for value in ("https://evil.example", "http://app.example.com",
                      "https://app.example.com:8443", "http://localhost",
                      "http://localhost:30000", "https://example.org",
                      "https://evilexample.org", "null", "",
                      "https://app.example.com.evil.example",
                      "https://app.example.com@evil.example",
                      "https://evil.example/https://app.example.com",
                      "https://a.example.org.evil.example", "app.example.com",
                      "https://app.example.com, https://app.example.com"):
            with self.subTest(value):
                self.assertTurnedAway(hub, 403, "origin_not_allowed",
                                      headers=self.origin(value))

    def test_what_is_no_web_server_has_an_origin_as_well(self):
        """Desktop shells, embedded clients, extensions, development."""
        hub = self.start(HUB_ALLOWED_ORIGINS="file://, http://localhost:*,"
                         "moz-extension://*,chrome-extension://abc")
        for value in ("file://", "http://localhost", "http://localhost:5173",
                      "moz-extension://0f4b9a02-51", "chrome-extension://abc"):
            with self.subTest(value):
                self.assertIn101(hub, headers=self.origin(value))
        for value in ("null", "file:///", "https://localhost:5173",
                      "http://localhost.evil.example:80", "moz-extension://",
                      "chrome-extension://abcd"):
            with self.subTest(value):
                self.assertTurnedAway(hub, 403, "origin_not_allowed",
                                      headers=self.origin(value))

    def test_an_origin_that_is_not_told_can_be_listed(self):
        hub = self.start(HUB_ALLOWED_ORIGINS="null")
        self.assertIn101(hub, headers=self.origin("null"))
        self.assertTurnedAway(hub, 403, "origin_not_allowed",
                              headers=self.origin("file://"))
        self.assertTrue(any("HUB_ALLOWED_ORIGINS includes null" in line
                            for line in hub.lines), hub.lines)

    def test_same_is_a_page_of_a_public_host(self):
        """Which one that is the settings say, and never the request: with DNS
        rebinding, Origin and Host are both somebody else's, and agree."""
        hub = self.start(HUB_ALLOWED_ORIGINS="same,https://app.example.com",
                         HUB_PUBLIC_HOSTS="hub.example.com, 127.0.0.1:8443")
        for value in ("https://hub.example.com", "http://HUB.example.com",
                      "https://hub.example.com:443", "http://127.0.0.1:8443",
                      "https://app.example.com"):
            with self.subTest(value):
                self.assertIn101(hub, headers=self.origin(value))
        for value in (f"http://127.0.0.1:{hub.port}", "http://127.0.0.1",
                      "https://hub.example.com:8443", "null", "file://",
                      "https://x.hub.example.com", "https://example.com",
                      "https://hub.example.com.evil.example"):
            with self.subTest(value):
                self.assertTurnedAway(hub, 403, "origin_not_allowed",
                                      headers=self.origin(value))
        for host in ("evil.example", f"evil.example:{hub.port}"):
            with self.subTest(host):
                request = upgrade_request(
                    ws_path("ada"), new_key(),
                    [("Origin", f"http://{host}")], host=host)
                self.assertRefused(self.raw(hub, request), 403,
                                   "origin_not_allowed")

    def test_same_in_a_file_has_the_public_hosts_too(self):
        with tempfile.NamedTemporaryFile("w", suffix=".origins") as file:
            file.write("# ours\nsame\nhttps://app.example.com\n")
            file.flush()
            hub = self.start(HUB_ALLOWED_ORIGINS_FILE=file.name,
                             HUB_PUBLIC_HOSTS="hub.example.com")
            for value in ("https://hub.example.com",
                          "https://app.example.com"):
                self.assertIn101(hub, headers=self.origin(value))
            self.assertTurnedAway(
                hub, 403, headers=self.origin("https://evil.example"))
            code, _, err = run_to_end("--check-config", HUB_API_KEY=hub.key,
                                      HUB_ALLOWED_ORIGINS_FILE=file.name)
            self.assertEqual(code, 78, err)
            self.assertIn("HUB_PUBLIC_HOSTS", err)

    def test_two_origins_do_not_get_in_by_the_first(self):
        hub = self.start(HUB_ALLOWED_ORIGINS="https://good.example")
        for pair in (("https://good.example", "https://evil.example"),
                     ("https://evil.example", "https://good.example")):
            reply, _ = self.knock(hub, headers=[("Origin", value)
                                                for value in pair])
            self.assertIn(reply.status, (400, 403), reply)

    def test_a_file_of_pages_is_read_again_on_sighup(self):
        hub = Hubd()
        path = pathlib.Path(hub.scratch.name) / "origins"
        hub.settings["HUB_ALLOWED_ORIGINS_FILE"] = path
        path.write_text("# pages\nhttps://a.example\nhttps://b.example,"
                        "https://c.example\n", encoding="ascii")
        self.addCleanup(hub.scratch.cleanup)
        hub.start()
        self.addCleanup(hub.stop)
        for page in "abc":
            self.assertIn101(
                hub, headers=self.origin(f"https://{page}.example"))
        self.assertTurnedAway(hub, 403,
                              headers=self.origin("https://d.example"))
        path.write_text("https://d.example\n", encoding="ascii")
        hub.signal(signal.SIGHUP)
        self.until_status(hub, 101, "https://d.example")
        self.assertTurnedAway(hub, 403,
                              headers=self.origin("https://a.example"))
        path.write_text("not an origin\n", encoding="ascii")
        hub.signal(signal.SIGHUP)
        until(lambda: [line for line in list(hub.lines)
                       if "level=error" in line], "an error line")
        self.until_status(hub, 101, "https://d.example")
        self.assertGreaterEqual(hub.health()["total_connections"], 4)

    def until_status(self, hub, status, origin):
        until(lambda: self.knock(
            hub, headers=self.origin(origin))[0].status == status,
            f"{status} for {origin}")

    def test_clients_that_are_no_browsers_have_none(self):
        hub = self.start(HUB_ALLOWED_ORIGINS="https://app.example.com")
        self.assertIn101(hub)

    def test_by_default_all_get_in_and_the_log_warns(self):
        hub = self.start()
        self.assertIn101(hub, headers=self.origin("https://any.example"))
        warnings = [line for line in hub.lines if "level=warn" in line]
        self.assertEqual(len(warnings), 1, hub.lines)
        self.assertIn("HUB_CLIENT_AUTH is none", warnings[0])


if __name__ == "__main__":
    unittest.main()
