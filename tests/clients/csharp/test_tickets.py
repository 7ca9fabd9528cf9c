"""Tickets: what is asked for, what hubd makes of it, and that asking again does
no harm."""

import json
import unittest

from cases import DriverCase, SharedHubdCase
from fakes import Fake, answer, hang_up, refusal

ISSUED = answer(200, b'{"status":"success","message":"Ticket issued",'
                b'"ticket":"hubt_n_secret","expiresInMs":1500}')


class TicketCase(DriverCase):

    def assertIssued(self, future):
        """Only the caller gets to see it."""
        outcome = self.outcome(future)
        self.assertTrue(outcome.success, outcome)
        ticket = outcome.told.pop("ticket")
        self.assertNotIn(ticket, str(outcome))
        return ticket, outcome.told["expires_in"]


class Issued(TicketCase, SharedHubdCase):
    settings = {"HUB_CLIENT_AUTH": "ticket", "HUB_NODE_NAME": "node-7",
                "HUB_TICKET_TTL": "20s"}

    def test_each_is_another(self):
        tickets = {self.assertIssued(self.hubd.ticket("ada"))
                   for _ in range(5)}
        self.assertEqual(len(tickets), 5)
        for ticket, expires_in in tickets:
            self.assertRegex(ticket, r"\Ahubt_node-7_[A-Za-z0-9_-]{43}\Z")
            self.assertEqual(expires_in, 20)

    def test_with_all_there_is(self):
        _, expires_in = self.assertIssued(self.hubd.ticket(
            'a"\\\u00e9\U0001f600', "tab 1", "https://app.example.com",
            ttl=90, connection_ttl=3600))
        self.assertEqual(expires_in, 90)

    def test_what_hubd_refuses(self):
        for how, code in ((dict(user=""), "invalid_id"),
                          (dict(user="ada", session="\n"), "invalid_id"),
                          (dict(user="ada", ttl=0.999),
                           "invalid_ticket_request"),
                          (dict(user="ada", ttl=301),
                           "invalid_ticket_request"),
                          (dict(user="ada", connection_ttl=0),
                           "invalid_ticket_request"),
                          (dict(user="ada", origin="app.example.com"),
                           "invalid_ticket_request")):
            with self.subTest(**how):
                outcome = self.assertFailed(self.hubd.ticket(**how), code)
                self.assertEqual(outcome.status, 400)
        outcome = self.assertFailed(
            self.client(self.url, "wrong-0123456789").ticket("ada"),
            "unauthorized")
        self.assertEqual(outcome.status, 401)

    def test_no_more_than_hubd_allows(self):
        hub = self.start(HUB_CLIENT_AUTH="ticket", HUB_TICKETS_MAX="2")
        client = self.client(f"http://127.0.0.1:{hub.port}", hub.key,
                             Timeout="00:00:01")
        for _ in range(2):
            self.assertIssued(client.ticket("ada"))
        outcome = self.assertFailed(client.ticket("ada"), "too_many_tickets",
                                    transient=True)
        self.assertEqual(outcome.status, 503)


class Requests(TicketCase):

    def test_what_is_sent(self):
        server = self.fake(Fake(lambda request, sock: ISSUED))
        client = self.client(server.url + "/hub")
        for how, body in (
                ({}, {"userId": "ada"}),
                (dict(session="s", origin="https://a.example", ttl=1.5,
                      connection_ttl=86400),
                 {"userId": "ada", "sessionId": "s",
                  "origin": "https://a.example", "ttlMs": 1500,
                  "connectionTtlMs": 86400000})):
            self.assertEqual(self.assertIssued(client.ticket("ada", **how)),
                             ("hubt_n_secret", 1.5))
            request = server.requests[-1]
            self.assertEqual(request.path, "/hub/api/tickets")
            self.assertEqual(request.headers["x-api-key"], self.key)
            self.assertEqual(json.loads(request.body), body)

    def test_half_a_surrogate_pair_is_not_sent(self):
        server = self.fake(Fake(lambda request, sock: ISSUED))
        client = self.client(server.url)
        for how, code in ((dict(user="\ud83d"), "invalid_id"),
                          (dict(user="a", session="\ud83d"), "invalid_id"),
                          (dict(user="a", origin="\ud83d"),
                           "invalid_ticket_request")):
            self.assertFailed(client.ticket(**how), code)
        self.assertEqual(server.connections, 0)

    def test_answers_without_a_ticket(self):
        for body in (b"{}", b'{"status":"success"}',
                     b'{"status":"success","recipients":1}',
                     b'{"status":"success","ticket":"t"}',
                     b'{"status":"success","ticket":"","expiresInMs":1}',
                     b'{"status":"success","ticket":1,"expiresInMs":1}',
                     b'{"status":"success","ticket":"t","expiresInMs":-1}',
                     b'{"status":"success","ticket":"t","expiresInMs":1.5}'):
            with self.subTest(body=body):
                server = self.fake(
                    Fake(lambda request, sock, body=body: answer(200, body)))
                self.assertFailed(self.client(server.url).ticket("ada"),
                                  "unexpected_response")
                self.assertEqual(len(server.requests), 1)

    def test_asking_again_does_no_harm(self):
        """Also where it may have been issued: nobody has got it."""
        def act(request, sock):
            if request.number == 0:
                hang_up(sock)
                return None
            if request.number == 1:
                return refusal(503, "too_many_tickets", Retry_After="0")
            return ISSUED

        server = self.fake(Fake(act))
        self.assertEqual(
            self.assertIssued(self.client(server.url).ticket("ada")),
            ("hubt_n_secret", 1.5))
        self.assertEqual(len(server.requests), 3)

    def test_silence_ends_the_call(self):
        server = self.fake(Fake(lambda request, sock: None))
        client = self.client(server.url, Timeout="00:00:01")
        outcome = self.assertFailed(client.ticket("ada"), "timeout",
                                    transient=True)
        self.assertNotIn("delivered", outcome.description)


if __name__ == "__main__":
    unittest.main()
