"""What hubd writes about itself: one line per event, nothing forged, nothing
secret, and never at the expense of a message."""

import json
import os
import re
import signal
import socket
import time
import unittest
import urllib.parse

from harness.daemon import Hubd
from harness.http import request
from harness.rawws import RawWs, new_key, upgrade_request
from harness.testcase import HubTestCase
from harness.wait import scaled, until

EVIL = ('x level=error event=listening port=1', 'quo"te', 'back\\slash',
        'a=b', 'tab', '\u202eabc', 'line\u2028separator', '{"json":1}',
        '%s%n%x', '</script>', '\U0001f600', "' or 1=1")


class Lines(HubTestCase):

    def test_connect_and_disconnect_say_who_and_why(self):
        hub = self.start()
        client = self.connect(hub, "ada", "tab-1")
        hub.send({"type": "t", "payload": "x" * 500}, user="ada")
        client.recv()
        client.send_text("hello")
        client.leave()
        opened = hub.wait_log("connected", user="ada")
        self.assertEqual(opened["session"], "tab-1")
        self.assertIn("127.0.0.1", opened["remote"])
        closed = hub.wait_log("disconnected", user="ada")
        self.assertEqual(closed["session"], "tab-1")
        self.assertEqual((closed["cause"], closed["code"]), ("peer", "1000"))
        self.assertGreaterEqual(int(closed["duration_ms"]), 0)
        self.assertGreater(int(closed["bytes_out"]), 500)
        self.assertGreater(int(closed["bytes_in"]), 5)

    def test_every_line_has_time_level_and_event(self):
        hub = self.start(HUB_LOG_LEVEL="debug")
        self.connect(hub, "ada").leave()
        hub.request("GET", "/nothing")
        hub.wait_log("disconnected")
        for line in hub.lines:
            self.assertRegex(line, r"\Atime=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
                             r"\.\d{3}Z level=(debug|info|warn|error) "
                             r"event=[a-z_]+( |\Z)")

    def test_the_start_names_the_settings(self):
        hub = self.start(HUB_QUEUE_SIZE="77KB")
        text = "\n".join(hub.lines).lower()
        self.assertRegex(text, r"queue_size=\"?77kb")
        self.assertRegex(text, r"\d{3,}")
        self.assertNotIn(hub.key, text)

    def test_it_says_how_many_connections_fit(self):
        hub = self.start(nofile=4096)
        numbers = [int(n) for line in hub.lines
                   if "event=config" not in line
                   for n in re.findall(r"connections[a-z_]*=(\d+)", line)]
        self.assertTrue([n for n in numbers if 1000 < n < 4096], hub.lines)

    def test_json_lines_are_json(self):
        hub = Hubd(HUB_LOG_FORMAT="json", HUB_LOG_LEVEL="debug")
        self.addCleanup(hub.scratch.cleanup)
        hub.spawn()
        self.addCleanup(hub.stop)

        def events(name):
            found = [json.loads(line) for line in list(hub.lines)]
            return [line for line in found if line.get("event") == name]

        hub.port = until(lambda: events("listening"), "listening",
                         10)[0]["port"]
        for user in EVIL:
            self.connect(hub, user, user).leave()
        until(lambda: len(events("disconnected")) == len(EVIL), "all lines")
        self.assertEqual([line["user"] for line in events("connected")],
                         list(EVIL))
        for line in events("disconnected"):
            self.assertIsInstance(line["duration_ms"], int)

    def test_levels_are_kept(self):
        hub = Hubd(HUB_LOG_LEVEL="error", PORT=str(self.free_port()))
        self.addCleanup(hub.scratch.cleanup)
        hub.spawn()
        self.addCleanup(hub.stop)
        port = int(hub.settings["PORT"])
        until(lambda: self.answers(port), "listening")
        RawWs(port, "ada").close()
        request(port, "GET", "/nothing")
        hub.signal(signal.SIGTERM)
        hub.wait_exit()
        self.assertEqual(hub.lines, [])

    @staticmethod
    def free_port():
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]

    @staticmethod
    def answers(port):
        try:
            return request(port, "GET", "/livez").status == 200
        except OSError:
            return False


class Forgery(HubTestCase):

    def test_ids_cannot_forge_a_line_or_a_pair(self):
        hub = self.start(HUB_LOG_LEVEL="debug")
        for user in EVIL:
            self.connect(hub, user, user).leave()
        until(lambda: len(hub.events("disconnected")) == len(EVIL), "lines")
        self.assertEqual(len(hub.events("listening")), 1)
        for line in hub.events("connected"):
            self.assertEqual(line["level"], "info")
            self.assertIn("remote", line)
        for line in hub.lines:
            self.assertTrue(line.startswith("time="), line)
            self.assertFalse(re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u202e]",
                                       line), line)

    def test_refused_requests_cannot_forge_a_line(self):
        hub = self.start(HUB_LOG_LEVEL="debug")
        evil = "x\r\nlevel=error event=forged\x1b[31m"
        quoted = urllib.parse.quote(evil)
        for data in (upgrade_request(f"/ws?userId={quoted}", new_key()),
                     upgrade_request("/ws?userId=a", new_key(),
                                     [("Origin", "x\x1b[31m\nevent=forged")]),
                     f"GET /{quoted} HTTP/1.1\r\nHost: h\r\n\r\n".encode(),
                     b"GET /\nevent=forged HTTP/1.1\r\nHost: h\r\n\r\n",
                     b"event=forged\r\n\r\n",
                     b"GET / HTTP/1.1\r\nevent=forged: \x1b[1m\r\n\r\n"):
            conn = self.http(hub)
            conn.try_send(data)
            conn.end_sending()
            while conn._fill():
                pass
        reply = hub.post("/api/send", {"targetUserId": evil, "message": 1})
        self.assertRefused(reply, 400)
        hub.signal(signal.SIGTERM)
        hub.wait_exit()
        self.assertEqual(hub.events("forged"), [])
        for line in hub.lines:
            self.assertTrue(line.startswith("time="), line)
            self.assertNotIn("\x1b", line)


class Secrets(HubTestCase):

    def test_keys_and_tokens_never_appear(self):
        previous, wrong = "previous-" + "p" * 20, "wrong-" + "w" * 20
        hub = self.start(HUB_LOG_LEVEL="debug", HUB_API_KEY_PREVIOUS=previous)
        good = {"type": "t", "payload": "payload-secret"}
        for key in (hub.key, previous, wrong):
            hub.post("/api/broadcast", good, X_API_Key=key)
            hub.post("/api/broadcast", good, X_API_Key=None,
                     Authorization=f"Bearer {key}")
            request(hub.port, "POST", f"/api/broadcast?key={key}", b"{}")
            request(hub.port, "GET", f"/nothing?key={key}")
        conn = self.http(hub)
        conn.send(upgrade_request("/ws?userId=ada&token=token-secret",
                                  new_key()))
        self.assertEqual(conn.read_reply().status, 101)
        conn.close()
        self.raw(hub, upgrade_request("/ws?userId=&token=token-secret",
                                      new_key()))
        hub.post("/api/broadcast", b"payload-secret")
        hub.signal(signal.SIGTERM)
        hub.wait_exit()
        text = "\n".join(hub.lines)
        for secret in (hub.key, previous, wrong, "token-secret",
                       "payload-secret"):
            self.assertNotIn(secret, text)

    def test_the_key_is_not_on_the_command_line(self):
        hub = self.start()
        with open(f"/proc/{hub.pid}/cmdline", encoding="latin-1") as file:
            self.assertNotIn(hub.key, file.read())

    def test_brute_force_is_counted_not_logged_line_by_line(self):
        hub = self.start()
        for _ in range(200):
            hub.post("/api/broadcast", b"{}", X_API_Key="guess")
        hub.signal(signal.SIGTERM)
        hub.wait_exit()
        lines = [line for line in hub.lines
                 if "unauthorized" in line or "401" in line]
        self.assertGreaterEqual(len(lines), 1, hub.lines)
        self.assertLess(len(lines), 6, lines)


class Blocked(HubTestCase):

    def test_a_pipe_that_nobody_reads_holds_up_nothing(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        port = Lines.free_port()
        hub = Hubd(PORT=str(port), HUB_LOG_LEVEL="debug", stderr=writer)
        self.addCleanup(hub.discard)
        hub.spawn()
        os.close(writer)
        hub.port = port
        until(lambda: Lines.answers(port), "listening")
        slowest = 0.0
        for _ in range(1500):  # far more lines than a pipe holds
            started = time.monotonic()
            hub.request("GET", "/nothing")
            slowest = max(slowest, time.monotonic() - started)
        client = self.connect(hub, "ada")
        self.assertNextIsMarker(hub, client)
        print(f"\nslowest request with a blocked log: {slowest * 1e3:.1f} ms")
        self.assertLess(slowest, scaled(1))
        hub.signal(signal.SIGTERM)
        self.assertEqual(client.recv_close()[0], 1001)
        client.close_frame(1001)
        self.assertEqual(hub.wait_exit(), 0)

    def test_a_full_disk_holds_up_nothing(self):
        with open("/dev/full", "wb") as full:
            port = Lines.free_port()
            hub = Hubd(PORT=str(port), stderr=full)
            self.addCleanup(hub.scratch.cleanup)
            hub.spawn()
        self.addCleanup(hub.stop)
        hub.port = port
        until(lambda: Lines.answers(port), "listening")
        self.assertNextIsMarker(hub, self.connect(hub, "ada"))

    def test_a_reader_that_went_away_holds_up_nothing(self):
        reader, writer = os.pipe()
        port = Lines.free_port()
        hub = Hubd(PORT=str(port), stderr=writer)
        self.addCleanup(hub.scratch.cleanup)
        hub.spawn()
        self.addCleanup(hub.stop)
        os.close(writer)
        hub.port = port
        until(lambda: Lines.answers(port), "listening")
        os.close(reader)
        for _ in range(5):
            client = self.connect(hub, "ada")
            self.assertNextIsMarker(hub, client)
            client.leave()
            hub.wait_connections(0)


if __name__ == "__main__":
    unittest.main()
