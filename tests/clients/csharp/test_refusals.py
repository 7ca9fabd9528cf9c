"""What hubd rejects, what is never sent, and answers by other servers."""

import json
import unittest

from cases import DriverCase, SharedHubdCase
from driver import raw, run_checks, sample
from fakes import Fake, Forward, answer, refusal, success


class Refused(SharedHubdCase):
    settings = {"MAX_MESSAGE_SIZE": "1KB"}

    def test_a_wrong_key(self):
        key = "wrong-0123456789"
        ada = self.join("ada")
        future = self.client(self.url, key).user("ada", 1)
        outcome = self.assertFailed(future, "unauthorized")
        self.assertEqual(outcome.status, 401)
        self.assertNotIn(key, str(outcome))
        self.assertNextIsMarker(self.hub, ada)

    def test_ids_that_are_none(self):
        for name in ("", "x" * 257, "\u00e9" * 129, "a\nb", "\x7f", "\x00",
                     "\x85"):
            with self.subTest(name=name):
                for future in (self.hubd.user(name), self.hubd.session(name),
                               self.hubd.both("ada", name),
                               self.hubd.both(name, "s")):
                    outcome = self.assertFailed(future, "invalid_id")
                    self.assertEqual(outcome.status, 400)

    def test_an_empty_type(self):
        self.assertFailed(self.hubd.user("ada", 1, type=""), "invalid_message")
        self.assertFailed(self.hubd.everybody(1, type=""), "invalid_message")

    def test_raw_json_that_is_none(self):
        for text in ("", " ", "nul", "01", "1 2", "'a'", "[1,]", "{a:1}", "//",
                     "[}", '"\\x"', "\ufeff1", b'"\xff"', b'"\xc0\x80"'):
            with self.subTest(text=text):
                self.assertFailed(self.hubd.user("ada", raw(text)),
                                  "invalid_json")
                self.assertFailed(self.hubd.everybody(raw(text)),
                                  "invalid_json")

    def test_too_large(self):
        ada = self.join("ada")
        for size in (1024, 100_000, 1_000_000):
            with self.subTest(size=size):
                outcome = self.assertFailed(self.hubd.user("ada", "x" * size),
                                            "too_large")
                self.assertEqual(outcome.status, 413)
        self.assertNextIsMarker(self.hub, ada)

    def test_far_too_large(self):
        """hubd would not read all of it, and hang up over the rest."""
        line = self.fake(Forward(self.hub.port))
        client = self.client(line.url)
        self.assertFailed(client.user("ada", "x" * 12_000_000), "too_large")
        self.assertLess(line.bytes, 10_000)

    def test_a_path_that_is_not_hubds(self):
        client = self.client(self.url + "/elsewhere")
        outcome = self.assertFailed(client.user("ada", 1), "not_found")
        self.assertEqual(outcome.status, 404)

    def test_what_would_leave_its_place_is_not_sent(self):
        ada, eve = self.join("ada"), self.join("eve", "eve")
        for text in ('1},"targetUserId":"eve","x":{"y":1',
                     '1},"targetSessionId":"eve","x":{',
                     '1,"timestamp":"2024-01-02"', '1}', ']', '{"a":1}}',
                     '"a":1', '1,2', '"', '"\\"', '"\\', '{', '[1', '[{}', ','):
            with self.subTest(text=text):
                for future in (self.hubd.user("ada", raw(text)),
                               self.hubd.user("ada", raw(text.encode())),
                               self.hubd.everybody(raw(text))):
                    self.assertFailed(future, "invalid_payload")
        escaping = self.client(self.url, serializer="escaping")
        self.assertFailed(escaping.user("ada", 1), "invalid_payload")
        for client in (ada, eve):
            self.assertNextIsMarker(self.hub, client)


class NeverSent(DriverCase):

    def setUp(self):
        super().setUp()
        self.server = self.fake(Fake(lambda request, sock: success()))

    def assertNotSent(self, future, code, text):
        outcome = self.assertFailed(future, code)
        self.assertIn(text, outcome.description)
        self.assertIsNone(outcome.status)
        self.assertEqual(self.server.connections, 0)

    def test_half_a_surrogate_pair(self):
        client = self.client(self.server.url)
        for half in ("\ud83d", "a\ude00b"):
            self.assertNotSent(client.user(half), "invalid_id", "userId")
            self.assertNotSent(client.session(half), "invalid_id", "sessionId")
            self.assertNotSent(client.both("a", half), "invalid_id",
                               "sessionId")
            self.assertNotSent(client.everybody(type=half), "invalid_message",
                               "messageType")
        self.assertNotSent(client.everybody(sample("half pair")),
                           "invalid_payload", "the payload")

    def test_payloads_that_cannot_be_serialized(self):
        client = self.client(self.server.url)
        self.assertNotSent(client.everybody(sample("loop")),
                           "invalid_payload", "loop")
        self.assertNotSent(client.everybody(sample("throwing")),
                           "invalid_payload", "Text")

    def test_a_serializer_that_fails(self):
        for name, text in (("null", "SerializePayload returned null"),
                           ("throwing", "no such form")):
            client = self.client(self.server.url, serializer=name)
            self.assertNotSent(client.everybody(1), "invalid_payload", text)


class Answers(DriverCase):
    """One request each, whatever the answer: none is repeated."""

    def failed(self, reply, code, **how):
        server = self.fake(Fake(lambda request, sock: reply))
        outcome = self.assertFailed(self.client(server.url).everybody(1), code,
                                    **how)
        self.assertEqual(len(server.requests), 1)
        return outcome

    def test_of_somebody_else(self):
        page = b"<html>Service Unavailable</html>"
        for reply in (answer(200, b"hello"), answer(200), answer(204),
                      answer(503, page), answer(503, page, Retry_After="0"),
                      answer(502, page), answer(429, b"{}"), answer(401),
                      answer(503, b'{"code":"busy","message":"later"}'),
                      answer(503, b'{"status":"error","message":"later"}'),
                      answer(200, b"[1]"), answer(200, b"{}"),
                      answer(200, b'{"status":"success"}'),
                      answer(200, b"[" * 5000),
                      answer(200, success().partition(b"\r\n\r\n")[2] + b"x"),
                      answer(200, b'"' + b"x" * 1_000_000 + b'"'),
                      answer(201, success().partition(b"\r\n\r\n")[2]),
                      answer(200, refusal(1, "x").partition(b"\r\n\r\n")[2]),
                      answer(503, success().partition(b"\r\n\r\n")[2])):
            with self.subTest(reply=reply[:60]):
                outcome = self.failed(reply, "unexpected_response",
                                      unknown=True)
                self.assertEqual(outcome.status, int(reply.split()[1]))

    def test_numbers_of_recipients_that_are_none(self):
        for number in ("-1", "1.5", '"1"', "null", "[1]", "2147483648",
                       "9" * 30):
            with self.subTest(number=number):
                body = '{"status":"success","message":"m","recipients":%s}'
                self.failed(answer(200, (body % number).encode()),
                            "unexpected_response", unknown=True)

    def test_the_largest_number(self):
        server = self.fake(Fake(lambda request, sock: success(2 ** 31 - 1)))
        self.assertSent(self.client(server.url).everybody(1), 2 ** 31 - 1)

    def test_redirects_are_not_followed(self):
        other = self.fake(Fake(lambda request, sock: success()))
        for status in (301, 302, 307, 308):
            outcome = self.failed(answer(status, Location=other.url + "/x"),
                                  "unexpected_response", unknown=True)
            self.assertEqual(outcome.status, status)
        self.assertEqual(other.connections, 0)

    def test_errors_of_hubd_that_no_repeat_helps(self):
        for status, code in ((400, "invalid_request"), (403, "some_new_code"),
                             (408, "request_timeout"),
                             (500, "internal_error")):
            with self.subTest(code=code):
                outcome = self.failed(refusal(status, code, Retry_After="0"),
                                      code)
                self.assertEqual(outcome.description, "no")


class Requests(DriverCase):

    def test_paths_of_base_urls(self):
        server = self.fake(Fake(lambda request, sock: success()))
        for path, wanted in (("", ""), ("/", ""), ("/a/hub", "/a/hub"),
                             ("/a/hub/", "/a/hub"), ("/a%20b", "/a%20b")):
            with self.subTest(path=path):
                client = self.client(server.url + path)
                self.assertSent(client.user("u", 1), 1)
                self.assertEqual(server.requests[-1].path,
                                 wanted + "/api/send")
                self.assertSent(client.everybody(1), 1)
                self.assertEqual(server.requests[-1].path,
                                 wanted + "/api/broadcast")

    def test_what_is_sent(self):
        server = self.fake(Fake(lambda request, sock: success()))
        client = self.client(server.url)
        self.assertSent(client.both("u", "s", raw(" 1 ")), 1)
        request = server.requests[-1]
        self.assertEqual(request.headers["x-api-key"], self.key)
        self.assertEqual(request.headers["content-type"], "application/json")
        self.assertEqual(request.body,
                         b'{"targetUserId":"u","targetSessionId":"s",'
                         b'"message":{"type":"t","payload": 1 }}')
        self.assertSent(client.session("s", 1), 1)
        self.assertEqual(json.loads(server.requests[-1].body).keys(),
                         {"targetSessionId", "message"})


class Prefix(SharedHubdCase):

    def test_through_a_proxy_that_takes_a_prefix_off(self):
        def forward(request, sock):
            self.assertTrue(request.path.startswith("/hub/api/"))
            reply = self.hub.post(request.path[len("/hub"):], request.body)
            return answer(reply.status, reply.body)

        ada = self.join("ada")
        server = self.fake(Fake(forward))
        for url in (server.url + "/hub", server.url + "/hub/"):
            self.assertSent(self.client(url).user("ada", "x"), 1)
            self.assertEqual(json.loads(ada.recv())["payload"], "x")


class WithoutServer(DriverCase):

    def test_checks(self):
        checks = run_checks()
        self.assertGreater(len(checks), 7)
        for name, outcome in checks.items():
            with self.subTest(name):
                self.assertEqual(outcome, "ok")


if __name__ == "__main__":
    unittest.main()
