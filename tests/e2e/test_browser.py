"""A real browser: headless Chromium opens a page that opens WebSockets and
posts what it sees to the small web server here."""

import http.server
import json
import os
import pathlib
import queue
import signal
import subprocess
import tempfile
import threading
import unittest
import urllib.parse

from harness.testcase import HubTestCase
from harness.wait import scaled

PAGE = pathlib.Path(__file__).with_name("pages") / "two_users.html"
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
         "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync",
         "--disable-dev-shm-usage", "--no-proxy-server")


class PageServer(http.server.ThreadingHTTPServer):
    """Serves the page and collects its reports."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), PageHandler)
        self.reports = queue.Queue()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server_port}"


class PageHandler(http.server.BaseHTTPRequestHandler):

    def do_GET(self):
        found = self.path.startswith("/page?")
        body = PAGE.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.server.reports.put(json.loads(self.rfile.read(size)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Browser(HubTestCase):

    def serve(self):
        server = PageServer()
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def browse(self, server, hub, *users, protocols=()):
        chromium = self.require("chromium")
        profile = tempfile.TemporaryDirectory(prefix="hubd-e2e-browser-",
                                              ignore_cleanup_errors=True)
        self.addCleanup(profile.cleanup)
        query = urllib.parse.urlencode(
            [("hub", f"ws://127.0.0.1:{hub.port}")]
            + [("user", user) for user in users]
            + [("protocol", protocol) for protocol in protocols])
        log = open(os.path.join(profile.name, "browser.log"), "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [chromium, *FLAGS, f"--user-data-dir={profile.name}/profile",
             "--remote-debugging-port=0", f"{server.origin}/page?{query}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": profile.name})
        self.addCleanup(self.end, process)

    @staticmethod
    def end(process):
        """Ends the browser and the processes it started, which share its
        session."""
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def expect(self, server, count, event):
        """The next reports, which must all be this event, by user."""
        reports = [server.reports.get(timeout=scaled(40))
                   for _ in range(count)]
        self.assertEqual({r["event"] for r in reports}, {event}, reports)
        return {r["user"]: r for r in reports}

    def test_two_users_in_one_page(self):
        server = self.serve()
        hub = self.start(HUB_ALLOWED_ORIGINS=server.origin)
        users = ("ada", "b\u00f6b & co \U0001f600")
        self.browse(server, hub, *users)
        opened = self.expect(server, 2, "open")
        self.assertEqual(set(opened), set(users))
        self.assertEqual({r["protocol"] for r in opened.values()}, {""})
        hub.wait_connections(2)

        text = ('{"type":"t","payload":"\U0001f469\u200d\U0001f4bb '
                'h\u00e9 12345678901234567890","timestamp":"2024-01-02",'
                '"n":12345678901234567890}')
        for user in users:
            self.assertEqual(hub.send(text.encode(), user=user), 1)
            got = self.expect(server, 1, "message")
            self.assertEqual(got[user]["data"], text)
        self.assertEqual(hub.send(text.encode(), session="page"), 2)
        self.expect(server, 2, "message")
        self.assertEqual(hub.broadcast(text.encode()), 2)
        self.expect(server, 2, "message")

        hub.signal(signal.SIGTERM)
        closed = self.expect(server, 2, "close")
        for report in closed.values():
            self.assertEqual((report["code"], report["wasClean"]),
                             (1001, True))
        self.assertEqual(hub.wait_exit(), 0)

    def test_an_offer_of_subprotocols(self):
        """Without one of them in the answer a browser gives up."""
        server = self.serve()
        offer = ("access_token", "aaa.bbb.ccc")
        hub = self.start(HUB_SUBPROTOCOLS="access_token")
        self.browse(server, hub, "ada", protocols=offer)
        opened = self.expect(server, 1, "open")
        self.assertEqual(opened["ada"]["protocol"], "access_token")
        self.assertEqual(hub.broadcast(b'{"type":"t","payload":1}'), 1)
        self.expect(server, 1, "message")
        self.browse(server, self.start(), "bob", protocols=offer)
        self.expect(server, 1, "error")
        closed = self.expect(server, 1, "close")
        self.assertEqual(closed["bob"]["code"], 1006)

    def test_a_page_from_elsewhere_is_refused(self):
        server = self.serve()
        hub = self.start(HUB_ALLOWED_ORIGINS="https://app.example.com")
        self.browse(server, hub, "ada")
        self.expect(server, 1, "error")
        closed = self.expect(server, 1, "close")
        self.assertEqual(closed["ada"]["code"], 1006)
        self.assertEqual(hub.health()["total_connections"], 0)


if __name__ == "__main__":
    unittest.main()
