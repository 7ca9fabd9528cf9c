"""What /metrics counts, exactly: every answer, delivery, byte and closed
connection once, and nothing about who it was."""

import os
import re
import signal
import time
import unittest

from harness.daemon import run_to_end
from harness.exposition import Exposition
from harness.http import request
from harness.rawws import CONTINUATION, TEXT, encode, new_key, upgrade_request
from harness.rawws import RawWs, ws_path
from harness.testcase import HubTestCase
from harness.wait import ROOT, scaled, slowness, until

STAMP = ',"timestamp":"2024-01-02"}'
SEND = "hub_http_requests_total{code=%s,endpoint=send}"
OTHER = "hub_http_requests_total{code=%s,endpoint=other}"
REFUSED = "hub_upgrades_refused_total{code=%s}"
PONG_BYTES = 10  # of the frame that answers RawWs.sync()
# What every scrape and every turn of a loop changes.
ALWAYS = re.compile(r"hub_loop_turn_duration|process_cpu|endpoint=metrics")


def message(filler):
    return (f'{{"type":"t","payload":"{"x" * filler}"' + STAMP).encode()


def framed(payload):
    """The bytes of a server's frame."""
    return len(payload) + (2 if len(payload) < 126 else 4)


class CountsCase(HubTestCase):

    def start_counting(self, **settings):
        settings.setdefault("HUB_METRICS", "on")
        return self.start(**settings)

    def connect(self, hub, user, session=None, **how):
        """The pong it gets may be read a moment before it is counted."""
        before = self.scrape(hub).get("hub_sent_bytes_total")
        client = super().connect(hub, user, session, **how)
        until(lambda: self.scrape(hub).get("hub_sent_bytes_total")
              >= before + PONG_BYTES, "the pong is counted")
        return client

    def scrape(self, hub):
        reply = request(hub.port, "GET", "/metrics")
        self.assertEqual(reply.status, 200, reply)
        return Exposition(reply.body.decode())

    def grown(self, hub, before, *but):
        """What has changed but for times, which are as they are."""
        grown = self.scrape(hub).grown_since(before)
        return {name: change for name, change in grown.items()
                if not ALWAYS.search(name)
                and not name.startswith("hub_delivery_delay_seconds_")
                and not any(name.startswith(other) for other in but)}

    def until_grown(self, hub, before, wanted, *but):
        """Until exactly that has changed."""
        grown = {}

        def as_wanted():
            grown.clear()
            grown.update(self.grown(hub, before, *but))
            return grown == wanted

        try:
            until(as_wanted, "the figures wanted", 3)
        except AssertionError:
            self.assertEqual(grown, wanted)


class Deliveries(CountsCase):

    def setUp(self):
        super().setUp()
        self.hub = self.start_counting()
        self.ada = [self.connect(self.hub, "ada", "s1"),
                    self.connect(self.hub, "ada", "s2")]
        self.bob = self.connect(self.hub, "bob", "s1")
        self.before = self.scrape(self.hub)

    def recipients(self, endpoint, *counts):
        """The histogram's part of what must have changed."""
        grown = {f"hub_recipients_count{{endpoint={endpoint}}}": len(counts)}
        if sum(counts):
            grown[f"hub_recipients_sum{{endpoint={endpoint}}}"] = sum(counts)
        for bound in ("0", "1", "2", "5", "10", "100", "1000", "10000",
                      "100000", "1000000", "10000000", "+Inf"):
            below = sum(count <= float(bound) for count in counts)
            if below:
                grown["hub_recipients_bucket{endpoint=%s,le=%s}"
                      % (endpoint, bound)] = below
        return grown

    def test_sends_and_broadcasts(self):
        small, large = message(10), message(1000)
        self.assertEqual(self.hub.send(small, user="ada"), 2)
        self.assertEqual(self.hub.send(small, user="ada", session="s1"), 3)
        self.assertEqual(self.hub.send(small, user="nobody"), 0)
        for _ in range(2):
            self.assertEqual(self.hub.broadcast(large), 3)
        for client, count in ((self.ada[0], 4), (self.ada[1], 4),
                              (self.bob, 3)):
            for _ in range(count):
                client.recv()
        self.until_grown(self.hub, self.before, {
            SEND % "ok": 3,
            "hub_http_requests_total{code=ok,endpoint=broadcast}": 2,
            "hub_sent_messages_total": 5 + 6,
            "hub_sent_bytes_total": 5 * framed(small) + 6 * framed(large),
            **self.recipients("send", 2, 3, 0),
            **self.recipients("broadcast", 3, 3)})
        after = self.scrape(self.hub)
        name = "hub_delivery_delay_seconds_count"
        self.assertEqual(after.get(name) - self.before.get(name), 11)
        spent = (after.get("hub_delivery_delay_seconds_sum")
                 - self.before.get("hub_delivery_delay_seconds_sum"))
        self.assertGreater(spent, 0)
        self.assertLess(spent, scaled(11))

    def test_what_clients_send(self):
        self.bob.send_text("four")
        self.bob.send_frame(TEXT, b"first", fin=False)
        self.bob.send_frame(CONTINUATION, b" second")
        self.ada[0].send_text("x" * 70000)
        self.until_grown(self.hub, self.before, {
            "hub_received_messages_total": 3,
            "hub_received_bytes_total":
                6 + 4 + 6 + 5 + 6 + 7 + 14 + 70000})

    def test_who_is_there(self):
        gone = self.ada.pop()
        for name, count in (("connections", 3), ("users", 2), ("sessions", 2)):
            self.assertEqual(self.before.get(f"hub_{name}"), count)
        self.assertEqual(self.before.get("hub_connections_opened_total"), 3)
        gone.leave()
        self.hub.wait_connections(2)
        after = self.scrape(self.hub)
        for name, count in (("connections", 2), ("users", 2), ("sessions", 1)):
            self.assertEqual(after.get(f"hub_{name}"), count)

    def test_nothing_tells_who_it_was(self):
        users = [f"user-{os.urandom(6).hex()}" for _ in range(5)]
        for user in users:
            self.connect(self.hub, user, f"session-of-{user}")
            self.hub.send(message(1), user=user)
        request(self.hub.port, "GET", "/secret-path?userId=" + users[0])
        RawWs(self.hub.port, users[1]).close()
        text = self.scrape(self.hub).text
        for private in users + ["ada", "bob", "session-of", "127.0.0.1",
                                "secret-path", self.hub.key]:
            self.assertNotIn(private, text)


class Answers(CountsCase):

    def test_every_code_of_the_manual_has_its_place(self):
        table = (ROOT / "docs/protocol.md").read_text().partition(
            "| status | codes |")[2].partition("\n\n")[0]
        codes = set(re.findall(r"`([a-z_]+)`", table))
        self.assertGreater(len(codes), 20)
        told = {dict(labels)["code"]
                for (name, labels) in self.scrape(self.start_counting())
                .samples()
                if name in ("hub_http_requests_total",
                            "hub_upgrades_refused_total")}
        self.assertEqual(told - codes, {"ok", "stuck"})
        self.assertEqual(codes - told, set())

    def ask(self, hub, head, body=b""):
        lines = [line.replace("KEY", hub.key) for line in head]
        data = "\r\n".join([*lines, "", ""]).encode() + body
        reply = self.raw(hub, data)
        return reply.json().get("code", "ok")

    def test_each_answer_is_counted_once_and_by_its_code(self):
        hub = self.start_counting(HUB_ALLOWED_ORIGINS="https://a.example")
        key = ("X-API-Key: KEY", "Host: h")
        good = message(1)
        length = f"Content-Length: {len(good)}"
        upgrade = upgrade_request(ws_path("ada"), new_key()).decode()
        upgrade = upgrade.split("\r\n")[:-2]
        cases = (
            (SEND, "invalid_json", ("POST /api/send HTTP/1.1", *key,
                                    "Content-Length: 1"), b"{"),
            (SEND, "missing_target", ("POST /api/send HTTP/1.1", *key, length),
             good),
            (SEND, "unauthorized", ("POST /api/send HTTP/1.1", "Host: h",
                                    length), good),
            (SEND, "length_required", ("POST /api/send HTTP/1.1", *key), b""),
            (SEND, "unsupported_media_type",
             ("POST /api/send HTTP/1.1", *key, length,
              "Content-Type: text/plain"), good),
            (SEND, "too_large", ("POST /api/send HTTP/1.1", *key,
                                 "Content-Length: 99999999"), b""),
            (SEND, "method_not_allowed", ("GET /api/send HTTP/1.1", *key),
             b""),
            (SEND, "expectation_failed", ("POST /api/send HTTP/1.1", *key,
                                          "Expect: wonders", length), good),
            (OTHER, "not_found", ("GET /nowhere HTTP/1.1", *key), b""),
            (OTHER, "invalid_request", ("garbage",), b""),
            (OTHER, "headers_too_large",
             ("GET / HTTP/1.1", "X: " + "x" * 20000), b""),
            (OTHER, "http_version_not_supported", ("GET / HTTP/7.0", *key),
             b""),
            ("hub_http_requests_total{code=%s,endpoint=health}", "ok",
             ("GET /livez HTTP/1.1", *key), b""),
            ("hub_http_requests_total{code=%s,endpoint=health}", "ok",
             ("OPTIONS * HTTP/1.1", *key), b""),
            ("hub_http_requests_total{code=%s,endpoint=health}", "ok",
             ("OPTIONS / HTTP/1.1", *key), b""),
            (REFUSED, "invalid_handshake", ("GET /ws?userId=a HTTP/1.1", *key),
             b""),
            (REFUSED, "unsupported_version",
             [line.replace("Version: 13", "Version: 12") for line in upgrade],
             b""),
            (REFUSED, "invalid_id",
             [line.replace("userId=ada", "userId=") for line in upgrade], b""),
            (REFUSED, "origin_not_allowed",
             [*upgrade, "Origin: https://b.example"], b""),
            (REFUSED, "method_not_allowed",
             ["POST /ws HTTP/1.1", "Host: h", "Content-Length: 0"], b""),
        )
        for where, code, head, body in cases:
            with self.subTest(code=code, head=head[0]):
                before = self.scrape(hub)
                self.assertEqual(self.ask(hub, head, body), code)
                self.assertEqual(self.grown(hub, before), {where % code: 1})

    def test_requests_on_one_connection_are_counted_apart(self):
        hub = self.start_counting()
        for request_line, code in (("GET /nowhere HTTP/1.1", "not_found"),
                                   ("garbage", "invalid_request")):
            before = self.scrape(hub)
            conn = self.http(hub)
            conn.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(conn.read_reply().status, 200)
            conn.send(request_line.encode() + b"\r\nHost: h\r\n\r\n")
            self.assertRefused(conn.read_reply(),
                               404 if code == "not_found" else 400, code)
            self.assertEqual(self.grown(hub, before), {
                "hub_http_requests_total{code=ok,endpoint=health}": 1,
                OTHER % code: 1})

    def test_limits_of_upgrades(self):
        hub = self.start_counting(HUB_MAX_CONNECTIONS=2,
                                  HUB_MAX_CONNECTIONS_PER_USER=1)
        self.assertEqual(self.scrape(hub).get("hub_connections_max"), 2)
        for user in ("ada", "bob"):
            self.connect(hub, user)
        before = self.scrape(hub)
        for user in ("ada", "ada", "eve"):
            reply = self.raw(hub, upgrade_request(ws_path(user), new_key()))
            self.assertIn(reply.status, (429, 503))
        self.assertEqual(self.grown(hub, before),
                         {REFUSED % "rate_limited": 2,
                          REFUSED % "at_capacity": 1})

    def test_an_upgrade_with_a_frame_behind_it(self):
        hub = self.start_counting()
        before = self.scrape(hub)
        conn = self.http(hub)
        conn.send(upgrade_request(ws_path("ada"), new_key())
                  + encode(TEXT, b"too early"))
        self.assertRefused(conn.read_reply(), 400, "invalid_handshake")
        self.assertEqual(self.grown(hub, before),
                         {REFUSED % "invalid_handshake": 1})

    def test_what_a_drain_turns_away(self):
        hub = self.start_counting()
        stayer = self.connect(hub, "ada")
        before = self.scrape(hub)
        hub.signal(signal.SIGTERM)
        hub.wait_log("draining")
        stayer.recv_close()
        self.assertRefused(hub.post("/api/broadcast", message(1)), 503,
                           "draining")
        self.assertRefused(
            self.raw(hub, upgrade_request(ws_path("eve"), new_key())), 503)
        self.assertEqual(hub.request("GET", "/readyz").status, 503)
        self.assertEqual(self.grown(hub, before, "hub_sent_bytes"), {
            "hub_http_requests_total{code=draining,endpoint=broadcast}": 1,
            "hub_http_requests_total{code=draining,endpoint=health}": 1,
            REFUSED % "draining": 1})
        stayer.close_frame(1001)
        self.assertEqual(hub.wait_exit(), 0)

    def test_the_log_misses_nobody_for_long(self):
        """The first without a key is told at once, those behind it when the
        window is over, also if nobody else comes."""
        hub = self.start_counting(HUB_METRICS_KEY="m" * 20)
        for _ in range(4):
            for path in ("/metrics", "/api/send"):
                method = "GET" if path == "/metrics" else "POST"
                reply = request(hub.port, method, path, b"",
                                {"X-API-Key": "wrong"})
                self.assertEqual(reply.status, 401, reply)
        for realm in ("metrics", "API"):
            line = hub.wait_log("unauthorized", realm=realm)
            self.assertEqual(line["requests"], "1")
            hub.wait_log("unauthorized", 12, realm=realm, requests="3")


class Ends(CountsCase):
    """Each way in which a connection can end, by cause and by code."""

    BYTES = ("hub_received_", "hub_sent_")

    def ended(self, cause, code, *more):
        return {f"hub_connections_closed_total{{cause={cause}}}": 1,
                f"hub_close_codes_total{{code={code}}}": 1, **dict(more)}

    def test_by_the_client(self):
        hub = self.start_counting()
        for code, told in ((1000, "1000"), (1001, "1001"), (None, "1005"),
                           (3000, "3xxx"), (4999, "4xxx")):
            with self.subTest(code=code):
                client = self.connect(hub, "ada")
                before = self.scrape(hub)
                client.close_frame(code)
                client.recv_close()
                self.until_grown(hub, before, self.ended("peer", told),
                                 *self.BYTES)

    def test_by_a_lost_line(self):
        hub = self.start_counting()
        for leave in (RawWs.vanish, lambda client: client.http.end_sending()):
            client = self.connect(hub, "ada")
            before = self.scrape(hub)
            leave(client)
            self.until_grown(hub, before, self.ended("lost", "1006"))

    def test_by_broken_rules(self):
        hub = self.start_counting(HUB_RATE_LIMIT=5, MAX_MESSAGE_SIZE="1KB")
        for code, frames in ((1002, encode(TEXT, b"x", mask=False)),
                             (1007, encode(TEXT, b"\xff")),
                             (1008, 100 * encode(TEXT, b"x")),
                             (1009, encode(TEXT, b"x" * 1025))):
            with self.subTest(code=code):
                client = self.connect(hub, "ada")
                before = self.scrape(hub)
                client.send_bytes(frames)
                self.assertEqual(client.recv_close()[0], code)
                client.close_frame(code)
                client.close()
                self.until_grown(hub, before, self.ended("protocol", code),
                                 *self.BYTES)

    def test_by_silence(self):
        silence = f"{int(300 * slowness())}ms"
        hub = self.start_counting(HUB_PING_INTERVAL=silence,
                                  HUB_PONG_TIMEOUT=silence)
        client = self.connect(hub, "ada")
        before = self.scrape(hub)
        client.drain()
        self.until_grown(hub, before, self.ended("pong_timeout", "1006"),
                         *self.BYTES)

    def stall(self, full, **settings):
        """Sends to a client that does not read until `full` says so. Each time
        it is asked, the one loop has been through all that came before."""
        hub = self.start_counting(HUB_LOOPS=1, **settings)
        client = self.connect(hub, "slow", receive_buffer=4096)
        other = self.connect(hub, "other")
        before = self.scrape(hub)
        sent, markers = 0, 0
        while True:
            for _ in range(20):
                hub.send(message(16000), user="slow")
            self.assertNextIsMarker(hub, other)
            sent, markers = sent + 20, markers + 1
            if full(self.scrape(hub)):
                return hub, client, before, sent, markers
            self.assertLess(sent, 3000)

    def test_by_a_full_queue(self):
        hub, client, before, _, _ = self.stall(
            lambda told: told.get("hub_slow_consumers_closed_total") == 1,
            HUB_QUEUE_SIZE="64KB")
        self.assertEqual(self.scrape(hub).get("hub_connections_closed_total",
                                              cause="slow"), 0, "not yet gone")
        while client.http._fill():
            if b"\x88\x0f\x03\xf5slow" in client.http.buffer[-17:]:
                break
        client.close_frame(1013)
        self.until_grown(hub, before, self.ended(
            "slow", "1013", ("hub_slow_consumers_closed_total", 1)),
            *self.BYTES, "hub_http_requests_total", "hub_recipients")

    def test_by_taking_nothing(self):
        """What is left when the loop is through cannot be written."""
        cut = self.ended("write_timeout", "1006")
        hub, _, before, _, _ = self.stall(
            lambda told: told.get("hub_memory_bytes", for_="queued") > 0
            or told.get("hub_close_codes_total", code="1006"),
            HUB_QUEUE_SIZE="64MB", WRITE_TIMEOUT="500ms")
        self.until_grown(hub, before, cut, *self.BYTES,
                         "hub_http_requests_total", "hub_recipients")
        self.assertEqual(self.scrape(hub).get("hub_memory_bytes",
                                              for_="queued"), 0)

    def test_dropped_messages(self):
        for policy in ("drop-oldest", "drop-newest"):
            hub, client, before, sent, markers = self.stall(
                lambda told: told.get("hub_dropped_messages_total") > 0,
                HUB_QUEUE_SIZE="64KB", HUB_SLOW_CONSUMER=policy)
            dropped = self.scrape(hub).get("hub_dropped_messages_total")
            for _ in range(sent - dropped):
                client.recv()
            self.assertNextIsMarker(hub, client)
            grown = self.grown(hub, before)
            self.assertEqual(grown["hub_dropped_messages_total"], dropped)
            self.assertEqual(grown["hub_sent_messages_total"],
                             sent - dropped + markers + 1)


class Times(CountsCase):

    def test_a_message_that_had_to_wait(self):
        """It counts when it is whole, with all the time it took."""
        hub = self.start_counting(HUB_QUEUE_SIZE="64MB")
        client = self.connect(hub, "ada", receive_buffer=4096)
        before = self.scrape(hub)
        for _ in range(20):
            hub.send(message(500_000), user="ada")
        waiting = self.scrape(hub)
        self.assertGreater(waiting.get("hub_memory_bytes", for_="queued"),
                           1_000_000)
        time.sleep(0.7)  # the time that is measured
        for _ in range(20):
            client.recv()
        until(lambda: self.scrape(hub).grown_since(before).get(
            "hub_delivery_delay_seconds_count") == 20, "all are counted")
        grown = self.scrape(hub).grown_since(before)
        late = 20 - grown.get("hub_delivery_delay_seconds_bucket{le=0.524288}",
                              0)
        self.assertGreater(late, 1)
        self.assertGreater(grown["hub_delivery_delay_seconds_sum"],
                           late * 0.524)

    def test_loops_turn(self):
        hub = self.start_counting(HUB_LOOPS=3, HUB_SENDER="sendmsg")
        told = self.scrape(hub)
        self.assertEqual(told.get("hub_loops", sender="sendmsg"), 3)
        self.assertEqual(told.get("hub_loops", sender="uring"), 0)
        self.assertLess(told.get("hub_loop_lag_seconds"), scaled(2))
        name = "hub_loop_turn_duration_seconds_count"
        until(lambda: self.scrape(hub).get(name) > told.get(name), "a turn")


class Process(CountsCase):

    def test_it_is_the_process(self):
        started = time.time()
        hub = self.start_counting(nofile=2000, HUB_MEMORY_LIMIT="64MB")
        told = self.scrape(hub)
        self.assertAlmostEqual(told.get("process_start_time_seconds"), started,
                               delta=scaled(3))
        self.assertEqual(told.get("process_max_fds"), 2000)
        open_fds = told.get("process_open_fds")
        # Connections of scrapes come and go meanwhile.
        self.assertAlmostEqual(open_fds, hub.descriptors(), delta=3)
        for i in range(20):
            self.connect(hub, f"u{i}")
        self.assertAlmostEqual(self.scrape(hub).get("process_open_fds"),
                               open_fds + 20, delta=3)
        self.assertAlmostEqual(
            self.scrape(hub).get("process_resident_memory_bytes") / 1024,
            hub.memory_kb(), delta=4096 * slowness())
        self.assertGreaterEqual(
            told.get("process_virtual_memory_bytes"),
            told.get("process_resident_memory_bytes"))
        for where, part in (("queued", 24), ("received", 24), ("bodies", 16)):
            self.assertEqual(told.get("hub_memory_limit_bytes", for_=where),
                             part << 20)
        self.assertAlmostEqual(
            self.scrape(hub).get("process_cpu_seconds_total"),
            hub.cpu_seconds(), delta=scaled(0.2))

    def test_the_version(self):
        _, out, _ = run_to_end("--version")
        told = self.scrape(self.start_counting())
        self.assertEqual(
            told.get("hub_build_info", version=out.split()[1]), 1)


if __name__ == "__main__":
    unittest.main()
