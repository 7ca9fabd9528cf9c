"""POST /api/tickets: what is issued, to whom, how many, and that tickets do
not show up anywhere else afterwards."""

import concurrent.futures
import re
import signal
import unittest

from harness import memory
from harness.daemon import sanitizer
from harness.exposition import Exposition
from harness.http import request
from harness.rawws import RawWs
from harness.testcase import HubTestCase, SharedHubd
from harness.wait import until

PATH = "/api/tickets"
ADA = {"userId": "ada"}
TICKETS = {"HUB_CLIENT_AUTH": "ticket"}
FIELDS = {"status", "message", "ticket", "expiresInMs"}


class TicketCase(HubTestCase):

    def issue(self, hub, **asked):
        """The whole answer."""
        reply = hub.post(PATH, {**ADA, **asked})
        self.assertEqual(reply.status, 200, reply)
        self.assertPlain(reply)
        self.assertEqual(reply.header("content-type"), "application/json")
        self.assertEqual(reply.header_values("cache-control"), ["no-store"])
        answer = reply.json()
        self.assertEqual(set(answer), FIELDS)
        self.assertEqual((answer["status"], answer["message"]),
                         ("success", "Ticket issued"))
        return answer

    def figure(self, hub, name):
        reply = request(hub.port, "GET", "/metrics")
        return Exposition(reply.body.decode()).get(f"hubd_tickets_{name}")


class Issuing(TicketCase, SharedHubd):
    settings = {**TICKETS, "HUB_NODE_NAME": "Node-1"}

    def test_a_ticket_names_its_node_and_is_a_secret(self):
        tickets = {self.issue(self.hub)["ticket"] for _ in range(50)}
        self.assertEqual(len(tickets), 50)
        for ticket in tickets:
            self.assertRegex(ticket, r"\Ahubt_Node-1_[A-Za-z0-9_-]{43}\Z")

    def test_its_time_is_the_settings_or_the_requests(self):
        self.assertEqual(self.issue(self.hub)["expiresInMs"], 30000)
        for ms in (1000, 300000):
            self.assertEqual(self.issue(self.hub, ttlMs=ms)["expiresInMs"], ms)
        hub = self.start(**TICKETS, HUB_TICKET_TTL="1m30s")
        self.assertEqual(self.issue(hub)["expiresInMs"], 90000)

    def test_everything_can_be_asked_for(self):
        self.issue(self.hub, sessionId="tab 1", ttlMs=2000, groups=None,
                   connectionTtlMs=3600000, origin="https://app.example.com",
                   somethingElse={"userId": 1})

    def test_at_once_each_gets_its_own(self):
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            tickets = list(pool.map(
                lambda _: self.issue(self.hub)["ticket"], range(400)))
        self.assertEqual(len(set(tickets)), 400)


class Refused(TicketCase, SharedHubd):
    settings = TICKETS

    def assertBad(self, body, code, message):
        error = self.assertRefused(self.hub.post(PATH, body), 400, code)
        self.assertEqual(error["message"], message)

    def test_without_the_key(self):
        for key in (None, "wrong", self.hub.key + "x"):
            self.assertRefused(self.hub.post(PATH, ADA, X_API_Key=key), 401,
                               "unauthorized")

    def test_what_is_no_post_of_json(self):
        reply = self.hub.request("GET", PATH)
        self.assertRefused(reply, 405, "method_not_allowed")
        self.assertEqual(reply.header("allow"), "POST")
        self.assertRefused(self.hub.post(PATH, ADA, Content_Type="text/plain"),
                           415, "unsupported_media_type")
        self.assertRefused(self.hub.post(PATH, ADA, Content_Encoding="gzip"),
                           415, "unsupported_media_type")
        self.assertRefused(self.hub.post(PATH, b" " * 16385), 413, "too_large")
        self.assertRefused(self.hub.post(PATH, b'{"userId":"ada"'), 400,
                           "invalid_json")

    def test_who_it_is_for_must_be_told(self):
        self.assertBad({}, "invalid_id", "userId is missing")
        self.assertBad({"userId": None}, "invalid_id", "userId is missing")
        self.assertBad({"userId": 7}, "invalid_id", "userId is not a string")
        self.assertBad({**ADA, "sessionId": ""}, "invalid_id",
                       "sessionId is empty")
        self.assertBad(b'{"userId":"ada","userId":"eve"}',
                       "invalid_ticket_request",
                       "userId is given more than once")

    def test_times_origins_and_groups(self):
        for name, value in (
                ("ttlMs", 999), ("ttlMs", 300001), ("ttlMs", "2000"),
                ("ttlMs", 2000.5), ("connectionTtlMs", 0),
                ("connectionTtlMs", -1), ("origin", "app.example.com"),
                ("origin", "*"), ("origin", "https://*.example.com"),
                ("origin", ["https://app.example.com"]), ("groups", []),
                ("groups", ["a"])):
            with self.subTest(f"{name}={value}"):
                error = self.assertRefused(
                    self.hub.post(PATH, {**ADA, name: value}), 400,
                    "invalid_ticket_request")
                self.assertTrue(error["message"].startswith(name + " "), error)

    def test_nothing_of_the_body_is_repeated(self):
        body = {"userId": "SENTINEL\x01", "origin": "SENTINEL",
                "ttlMs": "SENTINEL", "SENTINEL": 1}
        for name in ("userId", "origin", "ttlMs"):
            reply = self.hub.post(PATH, {**ADA, "SENTINEL": 1,
                                         name: body[name]})
            self.assertEqual(reply.status, 400, reply)
            self.assertNotIn(b"SENTINEL", reply.body)


class Numbers(TicketCase):

    def test_there_is_a_limit_and_time_makes_room(self):
        hub = self.start(**TICKETS, HUB_TICKETS_MAX="3", HUB_TICKET_TTL="1s",
                         HUB_METRICS="on")
        for _ in range(3):
            self.issue(hub)
        reply = hub.post(PATH, ADA)
        self.assertRefused(reply, 503, "too_many_tickets")
        self.assertRegex(reply.header("retry-after"), r"\A\d+\Z")
        until(lambda: hub.post(PATH, ADA).status == 200, "room for another", 5)
        until(lambda: self.figure(hub, "waiting") == 0, "all expired", 5)
        self.assertEqual(self.figure(hub, "issued_total"), 4)
        self.assertEqual(self.figure(hub, "expired_total"), 4)
        self.assertEqual(self.figure(hub, "redeemed_total"), 0)

    def test_while_draining_none_is_issued(self):
        hub = self.start(**TICKETS, HUB_SHUTDOWN_TIMEOUT="3s")
        ticket = self.issue(hub)["ticket"]
        # It never answers the Close.
        listener = RawWs(hub.port, path=f"/ws?ticket={ticket}")
        self.addCleanup(listener.close)
        listener.sync()
        keep = self.http(hub)
        hub.signal(signal.SIGTERM)
        self.assertEqual(listener.recv_close()[0], 1001)
        body = b'{"userId":"ada"}'
        keep.send(f"POST {PATH} HTTP/1.1\r\nHost: h\r\nX-API-Key: {hub.key}\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.assertRefused(keep.read_reply(), 503, "draining")


class Traces(TicketCase):

    def test_a_ticket_is_nowhere_but_in_its_answer(self):
        hub = self.start(**TICKETS, HUB_LOG_LEVEL="debug")
        keep = self.http(hub)
        body = b'{"userId":"ada","origin":"https://app.example.com"}'
        tickets = []
        for _ in range(20):
            keep.send(f"POST {PATH} HTTP/1.1\r\nHost: h\r\n"
                      f"X-API-Key: {hub.key}\r\n"
                      f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
            tickets.append(keep.read_reply().json()["ticket"])
        hub.wait_log("request", path=PATH)
        log = "\n".join(hub.lines)
        for ticket in tickets:
            secret = re.fullmatch(r"hubt_[a-z2-7]+_(.+)", ticket)[1]
            self.assertNotIn(secret, log)
            if not sanitizer():  # which keeps copies of its own
                until(lambda s=secret: not memory.search(hub.pid, s),
                      "forgotten", 3)


if __name__ == "__main__":
    unittest.main()
