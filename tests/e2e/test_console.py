"""The live page over HTTP: only there if enabled, each part with its type and
ETag, nothing from elsewhere, and the statistics as JSON."""

import re
import signal
import unittest

from harness.http import request
from harness.testcase import HubTestCase, SharedHubd
from harness.wait import ROOT, until

SOURCE = ROOT / "hubd" / "console"
CLIENT = ROOT / "clients" / "js"
TYPES = {".html": "text/html; charset=utf-8",
         ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8",
         ".svg": "image/svg+xml"}
STATS = "/console/stats"
FIGURES = {"connections", "users", "sessions", "opened", "closed",
           "messages_in", "bytes_in", "messages_out", "bytes_out", "dropped",
           "slow_closed", "loops", "uring_loops", "slowest_loop_ms",
           "memory_bytes"}
POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
    "img-src": "'self'", "connect-src": "'self'", "base-uri": "'none'",
    "form-action": "'none'", "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'", "trusted-types": "'none'",
}
MESSAGE = b'{"type":"t","payload":1,"timestamp":"2024-01-02"}'


def parts():
    """Each path with the file that is behind it."""
    found = {"/console": SOURCE / "index.html",
             "/console/hub-client.js": CLIENT / "hub-client.js",
             "/console/hub-protocol.js": CLIENT / "hub-protocol.js"}
    for file in SOURCE.iterdir():
        if file.suffix in TYPES and file.suffix != ".html":
            found["/console/" + file.name] = file
    return found


class Off(SharedHubd):

    def test_there_is_nothing(self):
        unknown = self.hub.request("GET", "/unknown")
        for path in [*parts(), STATS]:
            for method in ("GET", "HEAD", "POST"):
                with self.subTest(f"{method} {path}"):
                    reply = self.hub.request(method, path)
                    self.assertEqual(reply.status, 404, reply)
                    if method != "HEAD":
                        self.assertEqual(reply.body, unknown.body)


class ConsoleCase(SharedHubd):
    settings = {"HUB_CONSOLE": "on"}

    def get(self, path, **headers):
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.hub.request("GET", path, headers=fields)

    def stats(self):
        reply = self.get(STATS)
        self.assertEqual(reply.status, 200, reply)
        return reply.json()["stats"]


class Parts(ConsoleCase):

    def assertGuarded(self, reply):
        """A browser takes it for what it is, and shows it to nobody else."""
        self.assertPlain(reply)
        for name, value in (("x-content-type-options", "nosniff"),
                            ("referrer-policy", "no-referrer"),
                            ("cross-origin-resource-policy", "same-origin")):
            self.assertEqual(reply.header_values(name), [value], reply)

    def test_each_is_its_file_with_its_type(self):
        for path, file in parts().items():
            with self.subTest(path):
                reply = self.get(path)
                self.assertEqual(reply.status, 200, reply.headers)
                self.assertEqual(reply.body, file.read_bytes())
                self.assertEqual(reply.header_values("content-type"),
                                 [TYPES[file.suffix]])
                self.assertGuarded(reply)

    def test_the_policy_allows_nothing_from_elsewhere(self):
        for path in parts():
            with self.subTest(path):
                policies = self.get(path).header_values(
                    "content-security-policy")
                self.assertEqual(len(policies), 1)
                rules = dict(rule.strip().split(" ", 1)
                             for rule in policies[0].split(";"))
                self.assertEqual(rules, POLICY)

    def test_the_page_has_nothing_inline(self):
        """The policy would not let it run, nor be shown."""
        page = self.get("/console").body.decode()
        self.assertNotRegex(page, r"(?i)<style|\sstyle=|\son\w+=|javascript:")
        for script in re.findall(r"<script[^>]*>.*?</script>", page, re.S):
            self.assertRegex(script, r'\A<script [^>]*src="[^"]+"></script>')

    def test_head_is_get_without_the_body(self):
        for path in [*parts(), STATS]:
            with self.subTest(path):
                conn = self.http(self.hub)
                conn.send(f"HEAD {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                head = conn.read_reply(to_head=True)
                conn.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                got = conn.read_reply()
                self.assertEqual((head.status, got.status), (200, 200))
                if path != STATS:  # it may have grown by a digit
                    self.assertEqual(head.header("content-length"),
                                     str(len(got.body)))
                names = [name for name, _ in got.headers]
                self.assertEqual([n for n, _ in head.headers], names)

    def test_a_browser_asks_whether_it_has_the_right_one(self):
        for path in parts():
            with self.subTest(path):
                first = self.get(path)
                tag = first.header("etag")
                self.assertRegex(tag, r'\A"[0-9a-f]{16}"\Z')
                self.assertEqual(first.header("cache-control"), "no-cache")
                for known in (tag, f'"x", {tag}', f"W/{tag}", "*"):
                    self.assertUnchanged(path, known, first)
                for other in ('"x"', tag.strip('"'), tag[:-1], '""', tag[:9]):
                    reply = self.get(path, If_None_Match=other)
                    self.assertEqual(reply.status, 200, (other, reply.headers))
                    self.assertEqual(reply.body, first.body)
        tags = [self.get(path).header("etag") for path in parts()]
        self.assertEqual(len(set(tags)), len(tags), "tags of different files")

    def assertUnchanged(self, path, known, first):
        """304 without a body: what follows is the next reply."""
        conn = self.http(self.hub)
        request = f"GET {path} HTTP/1.1\r\nHost: h\r\n"
        conn.send(f"{request}If-None-Match: {known}\r\n\r\n".encode())
        reply = conn.read_reply(to_head=True)
        self.assertEqual(reply.status, 304, (known, reply))
        self.assertEqual(reply.header("etag"), first.header("etag"))
        conn.send(f"{request}Connection: close\r\n\r\n".encode())
        self.assertEqual(conn.read_reply().body, first.body)

    def test_other_methods_are_told_the_right_ones(self):
        for path in ("/console", "/console/console.js", STATS):
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
                with self.subTest(f"{method} {path}"):
                    reply = self.hub.request(method, path, body=b"")
                    self.assertRefused(reply, 405, "method_not_allowed")
                    self.assertEqual(reply.header("allow"), "GET, HEAD")

    def test_only_the_exact_path_leads_there(self):
        for path in ("/console/", "/Console", "/consol", "/consolex",
                     "/console/index.html", "/console/package.json",
                     "/console/stats/", "/console/STATS", "/console/x.js",
                     "/console//console.js", "//console", "/x/../console",
                     "/console/../console", "/console/..%2fhealth",
                     "/console/%2e%2e/%2e%2e/etc/passwd", "/%63onsole",
                     "/console/console%2ejs", "/console/console.js%00",
                     "/console/console.js;x", "/console\\console.js",
                     "/console/../../hubd/main.c", "/hub-client.js"):
            with self.subTest(path):
                reply = self.raw(
                    self.hub, f"GET {path} HTTP/1.1\r\nHost: h\r\n"
                    "Connection: close\r\n\r\n".encode())
                if reply.status != 400 or ".." not in path:
                    self.assertRefused(reply, 404, "not_found")

    def test_a_query_changes_nothing(self):
        self.assertEqual(self.get("/console?userId=ada").body,
                         self.get("/console").body)

    def test_an_upgrade_gets_the_page(self):
        reply = self.raw(
            self.hub, b"GET /console HTTP/1.1\r\nHost: h\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        self.assertEqual(reply.status, 200, reply.headers)


class Stats(ConsoleCase):

    def test_they_are_figures_and_nothing_else(self):
        self.join("ada-the-user", "ada-the-session")
        reply = self.get(STATS)
        self.assertEqual(reply.status, 200, reply)
        self.assertPlain(reply)
        self.assertEqual(reply.header("content-type"), "application/json")
        self.assertEqual(reply.header("cache-control"), "no-store")
        self.assertEqual(reply.header("x-content-type-options"), "nosniff")
        self.assertNotIn(b"ada", reply.body)
        told = reply.json()
        self.assertEqual(set(told), {"status", "uptime_ms", "stats"})
        self.assertEqual(told["status"], "healthy")
        self.assertEqual(set(told["stats"]), FIGURES)
        for name, value in [*told["stats"].items(),
                            ("uptime_ms", told["uptime_ms"])]:
            self.assertIs(type(value), int, name)
            self.assertGreaterEqual(value, 0, name)

    def test_they_follow_what_happens(self):
        before = until(self.nobody, "the clients of other tests are gone")
        ada = self.join("ada", "s")
        bob = self.join("bob")
        both = until(lambda: self.greeted(before), "two pongs counted")
        self.assertEqual((both["connections"], both["users"],
                          both["sessions"]), (2, 2, 1))
        self.assertEqual(both["opened"] - before["opened"], 2)
        self.assertEqual(self.hub.broadcast(MESSAGE), 2)
        for client in (ada, bob):
            self.assertEqual(client.recv(), MESSAGE)
        ada.send_text("x" * 10)
        until(lambda: self.stats()["messages_in"] > both["messages_in"],
              "a message from a client")
        after = until(lambda: self.grown(both), "two messages delivered")
        self.assertEqual(after["bytes_in"] - both["bytes_in"], 6 + 10)
        bob.leave()
        until(lambda: self.stats()["closed"] > both["closed"], "one is gone")

    def nobody(self):
        """Once no connection is there that could still be written to."""
        stats = self.stats()
        return stats if stats["opened"] == stats["closed"] else None

    def greeted(self, before):
        """Once what join() was answered is counted, of both: a client may have
        it before that. A pong has two bytes of head and eight of its ping."""
        stats = self.stats()
        octets = stats["bytes_out"] - before["bytes_out"]
        return stats if octets == 2 * (2 + 8) else None

    def grown(self, before):
        """Once both messages are out, in frames with two bytes of head."""
        stats = self.stats()
        messages = stats["messages_out"] - before["messages_out"]
        octets = stats["bytes_out"] - before["bytes_out"]
        done = messages == 2 and octets == 2 * (len(MESSAGE) + 2)
        return stats if done else None

    def test_the_time_since_the_start_grows(self):
        first = self.get(STATS).json()["uptime_ms"]
        until(lambda: self.get(STATS).json()["uptime_ms"] > first, "time")


class Ends(HubTestCase):

    def test_while_draining_the_figures_say_so(self):
        hub = self.start(HUB_CONSOLE="on", HUB_SHUTDOWN_TIMEOUT="2s")
        listener = self.connect(hub, "ada")  # never answers the Close
        hub.signal(signal.SIGTERM)
        self.assertEqual(listener.recv_close()[0], 1001)
        reply = hub.request("GET", STATS)
        self.assertEqual(reply.status, 200, reply)
        self.assertEqual(reply.json()["status"], "draining")
        self.assertEqual(hub.request("GET", "/console").status, 200)
        self.assertEqual(hub.wait_exit(), 0)

    def test_a_listener_for_metrics_alone_has_no_page(self):
        hub = self.start(HUB_CONSOLE="on", HUB_METRICS="127.0.0.1:0")
        apart = int(hub.events("metrics")[0]["port"])
        for path in ("/console", "/console/console.js", STATS):
            with self.subTest(path):
                self.assertEqual(hub.request("GET", path).status, 200)
                self.assertRefused(request(apart, "GET", path), 404,
                                   "not_found")

    def test_it_is_warned_of_where_other_machines_see_it(self):
        for bind, count in (("0.0.0.0", 1), ("127.0.0.1", 0)):
            hub = self.start(HUB_CONSOLE="on", HUB_BIND=bind)
            self.assertEqual(sum("HUB_CONSOLE" in line.get("warning", "")
                                 for line in hub.events("setting")), count)


if __name__ == "__main__":
    unittest.main()
