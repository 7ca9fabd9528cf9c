"""Who a client is: tokens, what they are refused for, and what its query may
claim beside them."""

import concurrent.futures
import json
import threading

from harness.rawws import RawWs, new_key, upgrade_request
from harness.testcase import HubTestCase, SharedHubd
from harness.tokens import SECRET, offered, token
from harness.wait import sanitizer

JWT = {"HUB_CLIENT_AUTH": "jwt", "HUB_JWT_SECRET": SECRET,
       "HUB_JWT_AUDIENCE": "hub"}


def bearer(text):
    return ("Authorization", f"Bearer {text}")


class Knocking(SharedHubd):
    """Handshakes, and what comes of them."""

    def knock(self, query="", headers=()):
        return self.raw(self.hub, upgrade_request(f"/ws{query}", new_key(),
                                                  headers))

    def enter(self, query="", headers=()):
        client = RawWs(self.hub.port, path=f"/ws{query}", headers=headers)
        self.addCleanup(client.close)
        return client

    def assertTurnedAway(self, headers, code, reason, query=""):
        """In the way that a page can see."""
        client = self.enter(query, headers)
        self.assertEqual(client.reply.header("sec-websocket-protocol"),
                         "hub.v1")
        self.assertEqual(client.recv_close(), (code, reason))
        client.close_frame(code)
        self.assertTrue(client.ended())


class Tokens(Knocking):
    settings = {**JWT, "HUB_JWT_SESSION_CLAIM": "sid"}

    def test_a_page_is_in_with_hub_v1_and_told_who_it_is(self):
        client = self.enter(headers=[offered(token("ada", sid="s1"))])
        self.assertEqual(client.reply.header("sec-websocket-protocol"),
                         "hub.v1")
        hello = json.loads(client.recv())
        self.assertEqual(hello["hub"], "hello")
        self.assertEqual((hello["userId"], hello["sessionId"]), ("ada", "s1"))
        self.assertRegex(hello["connectionId"], r"\A[0-9a-f]{32}\Z")
        self.assertEqual(hello["pingIntervalMs"], 25000)
        self.assertLessEqual(hello["expiresInMs"], 3_630_000)
        self.assertGreater(hello["expiresInMs"], 3_500_000)
        self.assertEqual(self.hub.send(b'{"type":"x","payload":1}',
                                       user="ada"), 1)
        client.leave()

    def test_a_program_shows_it_as_authorization(self):
        client = self.enter(headers=[bearer(token("ada"))])
        self.assertIsNone(client.reply.header("sec-websocket-protocol"))
        client.sync()
        self.assertEqual(client.pending, [])
        client.leave()

    def test_hub_v1_may_be_anywhere_among_what_is_offered(self):
        good = token("ada")
        for lines in (["a", f"hub.token.{good} , b", "hub.v1"],
                      [f",,hub.token.{good}", "x,hub.v1,y"]):
            client = self.enter(headers=[("Sec-WebSocket-Protocol", line)
                                         for line in lines])
            self.assertEqual(json.loads(client.recv())["userId"], "ada")
            client.leave()

    def test_a_token_without_hub_v1_beside_it(self):
        reply = self.knock(headers=[("Sec-WebSocket-Protocol",
                                     f"hub.token.{token('ada')}")])
        self.assertRefused(reply, 400, "invalid_handshake")

    def test_no_token_is_401(self):
        self.assertRefused(self.knock("?userId=ada"), 401, "unauthorized")
        self.assertTurnedAway([("Sec-WebSocket-Protocol", "hub.v1")], 3000,
                              "unauthorized", "?userId=ada")

    def test_what_is_no_good_token_is_refused_in_the_same_words(self):
        replies = set()
        for bad in ("x", "a.b.c", token("ada", secret="another" * 8),
                    token("ada", aud="other"), token("ada", exp=None),
                    token("", ), token(None), token("a" * 257),
                    token("ada")[:-1], token("ada") + "A"):
            reply = self.knock(headers=[bearer(bad)])
            self.assertRefused(reply, 401, "unauthorized")
            replies.add(reply.body)
            self.assertTurnedAway([offered(bad)], 3000, "unauthorized")
        self.assertEqual(len(replies), 1)

    def test_an_expired_one_is_told_so(self):
        old = token("ada", seconds=-120)
        self.assertRefused(self.knock(headers=[bearer(old)]), 401,
                           "token_expired")
        self.assertTurnedAway([offered(old)], 3000, "token expired")

    def test_the_query_may_say_the_same_and_nothing_else(self):
        good = bearer(token("ada", sid="s1"))
        self.enter("?userId=ada&sessionId=s1", [good]).leave()
        for query in ("?userId=bob", "?userId=ada&sessionId=s2",
                      "?sessionId=s2", "?userId=Ada"):
            self.assertRefused(self.knock(query, [good]), 403,
                               "identity_mismatch")
        self.assertTurnedAway([offered(token("ada"))], 3003, "forbidden",
                              "?userId=bob")

    def test_nobody_hears_the_session_of_somebody_else(self):
        mine = self.enter(headers=[bearer(token("ada", sid="s1"))])
        mine.sync()
        self.assertRefused(self.knock("?sessionId=s1", [bearer(token("eve"))]),
                           403, "identity_mismatch")
        self.assertEqual(self.hub.send(b'{"type":"x","payload":1}',
                                       session="s1"), 1)
        mine.leave()

    def test_two_that_differ_are_none(self):
        one, other = token("ada"), token("bob")
        for headers in ([bearer(one), offered(other)],
                        [bearer(one), bearer(other)]):
            reply = self.knock(headers=headers)
            self.assertIn(reply.status, (101, 401), reply)
            if reply.status == 401:
                self.assertRefused(reply, 401, "unauthorized")
        self.enter(headers=[bearer(one), offered(one)]).leave()


class Secrets(HubTestCase):

    def test_the_log_holds_no_token(self):
        hub = self.start(**JWT, HUB_LOG_LEVEL="debug")
        good, bad = token("ada"), token("eve", secret="x" * 40)
        for text in (good, bad):
            self.raw(hub, upgrade_request("/ws", new_key(), [bearer(text)]))
            client = RawWs(hub.port, path="/ws", headers=[offered(text)])
            self.addCleanup(client.close)
        hub.stop()
        for text in (good, bad):
            self.assertNotIn(text.split(".")[2], "".join(hub.lines))


class Places(Knocking):
    settings = {**JWT, "HUB_TOKEN_FROM": "cookie:sid,query:access_token",
                "HUB_ALLOWED_ORIGINS": "https://app.example"}

    def test_a_cookie(self):
        cookie = ("Cookie", f"a=b; sid={token('ada')};c=d")
        self.enter(headers=[cookie]).leave()
        self.assertRefused(
            self.knock(headers=[cookie, ("Origin", "https://evil.example")]),
            403, "origin_not_allowed")
        self.assertRefused(
            self.knock(headers=[cookie, ("Cookie", f"sid={token('bob')}")]),
            401, "unauthorized")

    def test_a_parameter(self):
        self.enter(f"?x=y&access_token={token('ada')}&userId=ada").leave()
        self.assertRefused(self.knock("?access_token="), 401, "unauthorized")

    def test_nowhere_else(self):
        self.assertRefused(self.knock(headers=[bearer(token("ada"))]), 401,
                           "unauthorized")


class Proxies(Knocking):
    settings = {"HUB_CLIENT_AUTH": "proxy",
                "HUB_TRUSTED_PROXIES": "127.0.0.1",
                "HUB_ALLOWED_ORIGINS": "https://app.example"}

    def test_a_trusted_one_says_who_it_is(self):
        self.enter(headers=[("X-User-Id", "ada")]).leave()
        client = self.enter(headers=[("X-User-Id", "ada"),
                                     ("X-Session-Id", "s1"),
                                     ("Sec-WebSocket-Protocol", "hub.v1")])
        self.assertEqual(json.loads(client.recv())["sessionId"], "s1")
        client.leave()

    def test_what_it_says_twice_or_not_at_all(self):
        self.assertRefused(
            self.knock(headers=[("X-User-Id", "a"), ("X-User-Id", "a")]), 400,
            "invalid_id")
        self.assertRefused(self.knock("?userId=ada"), 401, "unauthorized")
        self.assertRefused(self.knock(headers=[("X-User-Id", "")]), 400,
                           "invalid_id")


class Strangers(Knocking):
    settings = {"HUB_CLIENT_AUTH": "proxy", "HUB_TRUSTED_PROXIES": "10.0.0.1",
                "HUB_ALLOWED_ORIGINS": "https://app.example"}

    def test_the_header_of_nobody_s_proxy_is_not_believed(self):
        self.assertRefused(self.knock(headers=[("X-User-Id", "ada")]), 401,
                           "unauthorized")


class Tickets(Knocking):
    settings = {"HUB_CLIENT_AUTH": "ticket,jwt",
                "HUB_JWT_SECRET": SECRET, "HUB_JWT_AUDIENCE": "hub",
                "HUB_NODE_NAME": "one"}

    def issue(self, **asked):
        reply = self.hub.post("/api/tickets", {"userId": "ada", **asked})
        self.assertEqual(reply.status, 200, reply)
        return reply.json()["ticket"]

    def test_it_lets_in_once(self):
        ticket = self.issue(sessionId="s1")
        client = self.enter(headers=[offered(ticket, "ticket")])
        hello = json.loads(client.recv())
        self.assertEqual((hello["userId"], hello["sessionId"]), ("ada", "s1"))
        self.assertNotIn("expiresInMs", hello)
        self.assertTurnedAway([offered(ticket, "ticket")], 3000,
                              "unauthorized")
        client.leave()

    def test_it_may_be_in_the_query(self):
        self.enter(f"?ticket={self.issue()}&userId=ada").leave()

    def test_of_a_thousand_tries_at_once_one_is_let_in(self):
        ticket = self.issue()
        request = upgrade_request(f"/ws?ticket={ticket}", new_key())
        start = threading.Barrier(16)

        def knock(_):
            statuses = []
            start.wait()
            for _ in range(63):
                statuses.append(self.raw(self.hub, request).status)
            return statuses

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            statuses = sum(pool.map(knock, range(16)), [])
        self.assertEqual(statuses.count(101), 1)
        self.assertEqual(statuses.count(401), len(statuses) - 1)

    def test_it_ends_the_connection_when_it_says_so(self):
        client = self.enter(headers=[
            offered(self.issue(connectionTtlMs=60000), "ticket")])
        self.assertLessEqual(json.loads(client.recv())["expiresInMs"], 60000)
        client.leave()

    def test_a_refusal_does_not_use_it_up(self):
        ticket = self.issue(origin="https://app.example")
        path = f"?ticket={ticket}"
        self.raw(self.hub, f"GET /ws{path} HTTP/1.1\r\nHost: x\r\n\r\n"
                 .encode())
        self.assertRefused(self.knock(path + "&userId=bob",
                                      [("Origin", "https://app.example")]),
                           403, "identity_mismatch")
        self.assertRefused(self.knock(path,
                                      [("Origin", "https://evil.example")]),
                           401, "unauthorized")
        self.enter(path, [("Origin", "https://app.example")]).leave()

    def test_neither_does_a_full_hub(self):
        hub = self.start(HUB_CLIENT_AUTH="ticket", HUB_MAX_CONNECTIONS=1)
        ticket = hub.post("/api/tickets", {"userId": "ada"}).json()["ticket"]
        other = hub.post("/api/tickets", {"userId": "bob"}).json()["ticket"]
        first = RawWs(hub.port, path=f"/ws?ticket={other}")
        self.addCleanup(first.close)
        first.sync()
        request = upgrade_request(f"/ws?ticket={ticket}", new_key())
        self.assertRefused(self.raw(hub, request), 503, "at_capacity")
        first.leave()
        hub.wait_connections(0)
        RawWs(hub.port, path=f"/ws?ticket={ticket}").leave()

    def test_only_its_node_knows_it(self):
        other = self.issue().replace("hubt_one_", "hubt_two_")
        self.assertRefused(self.knock(f"?ticket={other}"), 503,
                           "cluster_unavailable")

    def test_a_token_beside_it(self):
        self.assertRefused(self.knock(f"?ticket={self.issue()}",
                                      [bearer(token("ada"))]),
                           401, "unauthorized")


class Lifetimes(HubTestCase):

    def start_short(self, **settings):
        return self.start(**JWT, HUB_JWT_LEEWAY="0s", HUB_EXPIRY_WARNING="1s",
                          HUB_EXPIRY_GRACE="500ms", **settings)

    def enter(self, hub, credential):
        client = RawWs(hub.port, path="/ws", headers=[offered(credential)])
        self.addCleanup(client.close)
        self.assertEqual(json.loads(client.recv())["hub"], "hello")
        return client

    def ask(self, client, **frame):
        client.send_text(json.dumps(frame))
        return json.loads(client.recv())

    def test_a_client_is_warned_and_then_disconnected(self):
        hub = self.start_short()
        client = self.enter(hub, token("ada", seconds=3))
        warning = json.loads(client.recv())
        self.assertEqual(warning["hub"], "expiring")
        self.assertLessEqual(warning["inMs"], 1000)
        self.assertEqual(client.recv_close(), (3000, "token expired"))

    def test_plain_clients_too(self):
        hub = self.start_short()
        client = RawWs(hub.port, path="/ws",
                       headers=[bearer(token("ada", seconds=2))])
        self.addCleanup(client.close)
        self.assertEqual(client.recv_close(), (3000, "token expired"))

    def test_a_refresh_keeps_it_for_three_lifetimes(self):
        hub = self.start_short()
        client = self.enter(hub, token("ada", seconds=3))
        for _ in range(3):
            self.assertEqual(json.loads(client.recv())["hub"], "expiring")
            answer = self.ask(client, hub="refresh",
                              token=token("ada", seconds=3))
            self.assertEqual(answer["hub"], "refreshed")
            self.assertGreater(answer["expiresInMs"], 1000)
        client.leave()

    def test_a_refresh_for_somebody_else_ends_it(self):
        hub = self.start_short()
        client = self.enter(hub, token("ada"))
        client.send_text(json.dumps({"hub": "refresh", "token": token("eve")}))
        self.assertEqual(client.recv_close(), (3003, "forbidden"))

    def test_a_bad_refresh_changes_nothing(self):
        hub = self.start_short()
        client = self.enter(hub, token("ada"))
        answer = self.ask(client, hub="refresh", token="x")
        self.assertEqual((answer["hub"], answer["code"], answer["for"]),
                         ("error", "unauthorized", "refresh"))
        self.assertEqual(self.ask(client, hub="refresh")["code"],
                         "invalid_control")
        client.leave()

    def test_many_refreshes_are_too_many(self):
        hub = self.start_short()
        client = self.enter(hub, token("ada"))
        for _ in range(4):
            client.send_text('{"hub":"refresh","token":"x"}')
        self.assertEqual(client.recv_close(), (1008, "too many refreshes"))


class ControlFrames(Knocking):
    """hub.v1 without any authentication."""

    def ask(self, client, text):
        client.send_text(text)
        return json.loads(client.recv())

    def test_they_are_answered(self):
        client = self.enter("?userId=ada",
                            [("Sec-WebSocket-Protocol", "hub.v1")])
        hello = json.loads(client.recv())
        self.assertNotIn("expiresInMs", hello)
        self.assertNotIn("sessionId", hello)
        self.assertEqual(self.ask(client, '{"hub":"ping"}'), {"hub": "pong"})
        self.assertEqual(self.ask(client, '{"hub":"dance"}')["code"],
                         "unknown_control")
        self.assertEqual(
            self.ask(client, '{"hub":"refresh","token":"x"}')["code"],
            "unauthorized")
        client.leave()

    def test_what_is_no_control_frame_is_not_answered(self):
        client = self.enter("?userId=ada",
                            [("Sec-WebSocket-Protocol", "hub.v1")])
        client.recv()
        for text in ('{"hub":"ping","type":"x"}', '{"hub":1}', '["hub"]',
                     '"hub"', "x", "", '{"hub":"ping"', '{"type":"hub"}',
                     '{"hub":"ping","hub":"ping"}',
                     '{"hub":"ping","x":"' + "y" * 16384 + '"}'):
            client.send_text(text)
        client.sync()
        self.assertEqual(client.pending, [])
        client.leave()

    def test_plain_clients_say_what_they_like(self):
        client = self.enter("?userId=ada")
        client.send_text('{"hub":"ping"}')
        client.sync()
        self.assertEqual(client.pending, [])
        client.leave()

    def test_connection_ids_are_never_the_same(self):
        seen = set()
        for _ in range(50):
            client = self.enter("?userId=ada",
                                [("Sec-WebSocket-Protocol", "hub.v1")])
            seen.add(json.loads(client.recv())["connectionId"])
            client.leave()
        self.assertEqual(len(seen), 50)

    def test_a_foreign_page_is_told_that_it_is_forbidden(self):
        hub = self.start(HUB_ALLOWED_ORIGINS="https://app.example")
        client = RawWs(hub.port, path="/ws?userId=ada", headers=[
            ("Sec-WebSocket-Protocol", "hub.v1"),
            ("Origin", "https://evil.example")])
        self.addCleanup(client.close)
        self.assertEqual(client.recv_close(), (3003, "forbidden"))

    def test_a_full_hub_says_when_to_come_back(self):
        hub = self.start(HUB_MAX_CONNECTIONS=1)
        first = self.connect(hub, "ada")
        client = RawWs(hub.port, path="/ws?userId=bob",
                       headers=[("Sec-WebSocket-Protocol", "hub.v1")])
        self.addCleanup(client.close)
        self.assertEqual(client.recv_close(),
                         (1013, "at_capacity; retry-after-ms=10000"))
        self.assertEqual(hub.health()["total_connections"], 1)
        first.leave()


class Floods(HubTestCase):

    def test_those_who_are_turned_away_hold_no_worker(self):
        hub = self.start(**JWT)
        # More than there are workers. ThreadSanitizer has 1,024 descriptors.
        count = 300 if sanitizer() else 600
        clients = []
        for _ in range(count):
            clients.append(RawWs(hub.port, path="/ws", headers=[
                ("Sec-WebSocket-Protocol", "hub.v1")]))
            self.addCleanup(clients[-1].close)
        self.assertEqual(hub.health()["total_connections"], 0)
        for client in clients:
            self.assertEqual(client.recv_close(), (3000, "unauthorized"))
