"""What hubd must never let civetweb do by itself: answer, decode, serve files,
take signals, or spend a worker on clients that have not sent anything yet."""

import ctypes
import ctypes.util
import pathlib
import signal
import threading
import time
import unittest

from harness.daemon import Hubd, run_to_end
from harness.http import RawHttp
from harness.rawws import RawWs, new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase, SharedHubd
from harness.wait import HUBD, scaled, until

PATHS = ("/ws", "/ws?userId=ada", "/api/send", "/api/broadcast", "/health",
         "/livez", "/readyz", "/nothing", "*")
GOOD = b'{"type":"t","payload":1,"timestamp":"2024-01-02"}'

# What replies may hold, and nothing else: no name and no value of a client.
REPLY_HEADERS = {"date", "content-type", "content-length", "cache-control",
                 "connection", "keep-alive"}
UPGRADE_HEADERS = {"upgrade", "connection", "sec-websocket-accept"}


class Preflight(SharedHubd):

    def test_no_path_grants_a_page_anything(self):
        for path in PATHS:
            for method in ("OPTIONS", "GET", "POST"):
                with self.subTest(f"{method} {path}"):
                    conn = self.http(self.hub)
                    conn.try_send(
                        f"{method} {path} HTTP/1.1\r\nHost: hub\r\n"
                        "Origin: http://evil.example\r\n"
                        "Access-Control-Request-Method: POST\r\n"
                        "Access-Control-Request-Headers: X-API-Key\r\n"
                        "Content-Length: 0\r\nConnection: close\r\n\r\n"
                        .encode())
                    while conn._fill():
                        pass
                    self.assertNotIn(b"access-control", conn.buffer.lower())
                    reply = conn.read_reply()
                    if (method, path) == ("OPTIONS", "*"):
                        self.assertEqual(reply.status, 200, reply)
                    elif method == "OPTIONS":
                        self.assertGreaterEqual(reply.status, 400, reply)


class UpgradeRefusals(HubTestCase):
    """civetweb's own error pages have no status line once a request asks for an
    upgrade: each refusal must be a whole reply of hubd's."""

    def check_whole(self, hub, data, status):
        conn = self.http(hub)
        conn.try_send(data)
        reply = conn.read_reply()
        self.assertRefused(reply, status)
        closes = reply.header("connection", "").lower() == "close"
        self.assertTrue(not closes or conn.ended(), "bytes behind a reply")
        conn.close()
        return reply

    def test_every_refusal_is_a_whole_reply(self):
        hub = self.start(HUB_MAX_CONNECTIONS_PER_USER=1,
                         HUB_MAX_CONNECTIONS=2,
                         HUB_ALLOWED_ORIGINS="https://good.example")
        self.connect(hub, "taken")
        self.connect(hub, "other")
        good = upgrade_request(ws_path("ada"), new_key())
        fields = b"".join(b"X-%d: 1\r\n" % i for i in range(70))
        rows = {
            "no such path": (good.replace(b"/ws?", b"/wsx?"), 404),
            "another method": (good.replace(b"GET", b"PUT"), 405),
            "a method nobody knows": (good.replace(b"GET", b"BREW"), 400),
            "no id": (upgrade_request("/ws", new_key()), 400),
            "no key": (good.replace(b"Sec-WebSocket-Key", b"X-Key"), 400),
            "two hosts": (good.replace(b"Host:", b"Host: a\r\nHost:"), 400),
            "no host": (good.replace(b"Host:", b"X-Host:"), 400),
            "an old version": (good.replace(b"13\r\n", b"8\r\n"), 426),
            "HTTP/1.0": (good.replace(b"HTTP/1.1", b"HTTP/1.0"), 400),
            "HTTP/2.0": (good.replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
            "many headers": (good.replace(b"Host:", fields + b"Host:"), 431),
            "a page from elsewhere": (upgrade_request(
                ws_path("ada"), new_key(),
                [("Origin", "https://evil.example")]), 403),
            "a user's limit": (upgrade_request(ws_path("taken"), new_key()),
                               429),
            "full": (good, 503),
        }
        for name, (data, status) in rows.items():
            with self.subTest(name):
                reply = self.check_whole(hub, data, status)
                if status == 426:
                    self.assertEqual(reply.header("sec-websocket-version"),
                                     "13")
                    self.assertEqual(reply.header("upgrade"), "websocket")
                    self.assertEqual(
                        {value.lower()
                         for value in reply.header_values("connection")},
                        {"upgrade", "close"})
                if status in (429, 503):
                    self.assertRegex(reply.header("retry-after", ""),
                                     r"\A\d+\Z")


class Echo(SharedHubd):
    """Nothing that a client chose comes back in a header."""

    TOKEN = "Ech0-me"

    def check(self, reply, names):
        self.assertLessEqual({name for name, _ in reply.headers}, names)
        self.assertNotIn(self.TOKEN.lower(), str(reply.headers).lower())

    def test_ids_never_come_back_in_a_header(self):
        client = self.join(self.TOKEN, self.TOKEN)
        self.check(client.reply, UPGRADE_HEADERS)
        bad = (f"/ws?userId={self.TOKEN}%0d%0a{self.TOKEN}:1",
               f"/ws?userId={self.TOKEN}%00", f"/ws?userId={self.TOKEN}%zz",
               f"/ws?userId={self.TOKEN}%ff", f"/{self.TOKEN}",
               f"/ws?userId={self.TOKEN * 40}",
               f"/ws?userId=a&sessionId={self.TOKEN}%0d",
               f"/ws?userId={self.TOKEN}&userId={self.TOKEN}")
        for path in bad:
            with self.subTest(path):
                reply = self.raw(self.hub, upgrade_request(path, new_key()))
                self.assertIn(reply.status, (400, 404), reply)
                self.check(reply, REPLY_HEADERS)

    def test_neither_does_anything_of_a_post(self):
        for target in (self.TOKEN, self.TOKEN + "\r\n" + self.TOKEN, "",
                       self.TOKEN * 40):
            with self.subTest(target):
                reply = self.hub.post(
                    "/api/send", {"targetUserId": target,
                                  "message": {"type": self.TOKEN,
                                              "payload": 1}})
                self.assertIn(reply.status, (200, 400), reply)
                self.check(reply, REPLY_HEADERS)
        reply = self.hub.post("/api/send", {}, X_API_Key=self.TOKEN)
        self.check(reply, REPLY_HEADERS | {"www-authenticate"})


class Signals(HubTestCase):

    # Those that ask for something, and those that end a process that does
    # not expect them.
    BLOCKED = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE,
               signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
               signal.SIGVTALRM, signal.SIGCHLD, signal.SIGIO, signal.SIGPWR)

    def test_no_worker_takes_a_signal(self):
        hub = self.start()
        seen = 0
        for task in pathlib.Path(f"/proc/{hub.pid}/task").iterdir():
            if task.name == str(hub.pid):
                continue  # it waits for signals, which unblocks them
            status = (task / "status").read_text("latin-1")
            mask = int(status.partition("SigBlk:")[2].split()[0], 16)
            for number in self.BLOCKED:
                self.assertTrue(mask >> (number - 1) & 1,
                                f"{number!r} is not blocked in:\n{status}")
            seen += 1
        self.assertGreater(seen, 8, "no workers")

    def test_signals_fail_no_request(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        stop = threading.Event()

        def disturb():
            while not stop.is_set():
                for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
                               signal.SIGALRM, signal.SIGPIPE):
                    hub.signal(number)

        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            for _ in range(300):
                self.assertEqual(hub.send(GOOD, user="ada"), 1)
                self.assertEqual(client.recv(), GOOD)
        finally:
            stop.set()
            thread.join()


class Workers(HubTestCase):

    def test_early_errors_hold_no_worker(self):
        """Far more clients than workers, each with a body announced that
        never comes. Reading it first would take as long as they like."""
        hub = self.start(nofile=128, READ_TIMEOUT="60s")
        workers = int(hub.wait_log("listening")["workers"])
        self.assertLess(workers, 20)
        started = time.monotonic()
        for index in range(3 * workers):
            conn = RawHttp(hub.port)
            self.addCleanup(conn.close)
            key = hub.key if index % 2 else "wrong"
            length = 10 ** 9 if index % 2 else 400000
            conn.send(f"POST /api/send HTTP/1.1\r\nHost: h\r\nX-API-Key: {key}"
                      f"\r\nContent-Length: {length}\r\n\r\n{{".encode())
        self.assertEqual(hub.request("GET", "/health").status, 200)
        took = time.monotonic() - started
        print(f"\n/health behind {3 * workers} early errors, {workers}"
              f" workers: {took * 1000:.0f} ms")
        self.assertLess(took, scaled(8))

    def test_who_says_nothing_gets_no_worker(self):
        """Those who only connect are not accepted before /health is, which
        came after them: they are not in the line."""
        hub = self.start()

        def attempt():
            before = hub.descriptors()
            silent = [RawHttp(hub.port) for _ in range(50)]
            try:
                self.assertEqual(hub.request("GET", "/health").status, 200)
                return hub.descriptors() < before + len(silent) // 2
            finally:
                for conn in silent:
                    conn.close()

        # The kernel holds them back for a few seconds only, which a machine
        # may need that is very busy.
        until(attempt, "silent clients are not accepted", 8)


class Binary(unittest.TestCase):
    """Functions and options with a history of holes are not even there."""

    FORBIDDEN = (b"mg_handle_form_request", b"mg_store_body", b"mg_upload",
                 b"mg_send_file", b"mg_send_mime_file", b"document_root",
                 b"access_log_file", b"cgi_pattern", b"ssi_pattern",
                 b"put_delete_auth_file", b"mg_set_websocket_handler",
                 b"cJSONUtils", b"libcjson_utils")

    def test_what_is_dangerous_is_not_used(self):
        binary = pathlib.Path(HUBD).read_bytes()
        if b"libcivetweb.so" not in binary:
            self.skipTest("civetweb is part of the binary")
        self.assertIn(b"mg_start2", binary)
        for name in self.FORBIDDEN:
            self.assertNotIn(name, binary)


class Ipv6(unittest.TestCase):

    FEATURE = 8  # MG_FEATURES_IPV6

    def test_an_address_that_civetweb_cannot_bind_is_explained(self):
        path = ctypes.util.find_library("civetweb")
        if path is None or ctypes.CDLL(path).mg_check_feature(self.FEATURE):
            self.skipTest("this civetweb has IPv6, or is not to be found")
        for settings, named in (({"HUB_BIND": "::1"}, "HUB_BIND=::1: "),
                                ({"HUB_BIND": "::"}, "HUB_BIND=::: "),
                                ({"HUB_METRICS": "[2001:db8::1]:9108"},
                                 "HUB_METRICS=[2001:db8::1]:9108: ")):
            for flags in ((), ("--check-config",)):
                with self.subTest(settings=settings, flags=flags):
                    code, out, err = run_to_end(*flags, PORT="0", **settings,
                                                HUB_API_KEY="k" * 32)
                    self.assertEqual((code, out), (78, ""), err)
                    line, = err.splitlines()
                    self.assertIn(named, line)
                    self.assertIn("without IPv6", line)


class CommandLine(HubTestCase):

    def test_a_key_among_the_flags_is_not_to_be_seen(self):
        key = "flag-key-" + "f" * 24
        for flags in ((f"--hub-api-key={key}",), ("--hub-api-key", key),
                      (f"--hub-api-key={key}",
                       f"--hub-api-key-previous={key}")):
            with self.subTest(flags):
                hub = Hubd(*flags, HUB_API_KEY=None)
                self.addCleanup(hub.scratch.cleanup)
                hub.start()
                self.addCleanup(hub.stop)
                hub.key = key
                self.assertEqual(hub.broadcast(GOOD), 0)
                for file in ("cmdline", "comm"):
                    shown = pathlib.Path(f"/proc/{hub.pid}/{file}")
                    self.assertNotIn(key.encode(), shown.read_bytes())
                self.assertNotIn(key, "\n".join(hub.lines))


class Subprotocols(HubTestCase):

    def test_each_worker_forgets_what_a_client_offered(self):
        """With a handful of workers each has had an offer before it serves
        someone without one."""
        hub = self.start(nofile=128)
        workers = int(hub.wait_log("listening")["workers"])
        offer = (("Sec-WebSocket-Protocol", "chat.v1, chat.v2"),)
        for headers in (offer, ()) * 2:
            for index in range(4 * workers):
                client = RawWs(hub.port, f"user{index}", headers=headers)
                client.sync()
                client.close()
                self.assertEqual(client.reply.header_values(
                    "sec-websocket-protocol"), [], f"connection {index}")


if __name__ == "__main__":
    unittest.main()
