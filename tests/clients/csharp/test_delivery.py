"""Each method reaches the right clients, with what it was given."""

import json
import threading
import unittest

from cases import DriverCase, SharedHubdCase
from driver import raw, sample
from fakes import Forward


class Targets(SharedHubdCase):

    def expect(self, payload, *clients):
        for client in clients:
            message = json.loads(client.recv())
            self.assertEqual((message["type"], message["payload"]),
                             ("t", payload))

    def assertQuiet(self, *clients):
        for client in clients:
            self.assertNextIsMarker(self.hub, client)

    def test_a_user(self):
        ada1, ada2 = self.join("ada"), self.join("ada", "s")
        bob = self.join("bob", "ada")
        self.assertSent(self.hubd.user("ada", 1), 2)
        self.expect(1, ada1, ada2)
        self.assertQuiet(bob)

    def test_a_session(self):
        ada, bob = self.join("ada", "s"), self.join("bob", "s")
        other = self.join("s", "other")
        self.assertSent(self.hubd.session("s", 2), 2)
        self.expect(2, ada, bob)
        self.assertQuiet(other)

    def test_user_and_session_are_a_union_without_duplicates(self):
        both = self.join("ada", "s")
        by_user, by_session = self.join("ada"), self.join("bob", "s")
        neither = self.join("bob", "t")
        self.assertSent(self.hubd.both("ada", "s", 3), 3)
        self.expect(3, both, by_user, by_session)
        self.assertQuiet(by_session, neither)
        self.assertSent(self.hubd.both("ada", "gone", 4), 2)
        self.expect(4, both, by_user)

    def test_everybody(self):
        clients = [self.join(f"u{i}", f"s{i % 2}") for i in range(5)]
        self.assertSent(self.hubd.everybody(5), 5)
        self.expect(5, *clients)

    def test_nobody_is_a_success(self):
        self.assertSent(self.hubd.user("nobody", 1), 0)
        self.assertSent(self.hubd.session("none", 1), 0)
        self.assertSent(self.hubd.both("nobody", "none", 1), 0)
        self.assertSent(self.hubd.everybody(1), 0)

    def test_any_id_that_hubd_takes(self):
        names = ["\u4eba", "\U0001f600", "ad\u00e4", "a b", 'quo"te', "a\\b",
                 "a/b", "\u2028", "a%20b&c=d", "x" * 256, "\u00e9" * 128]
        for name in names:
            with self.subTest(name=name):
                user, session = self.join(name), self.join("x", name)
                self.assertSent(self.hubd.user(name, 1), 1)
                self.assertSent(self.hubd.session(name, 1), 1)
                self.assertSent(self.hubd.both(name, name, 1), 2)
                self.expect(1, user, user, session, session)

    def test_any_type(self):
        ada = self.join("ada")
        for name in ("order.created", 'a"b', "\u4eba\U0001f600", "\u0001",
                     'a"\u0001', "a\\\0\x1f\x7f", "\b\f\n\r\t\u2028"):
            with self.subTest(name=name):
                self.assertSent(self.hubd.user("ada", 1, type=name), 1)
                self.assertEqual(json.loads(ada.recv())["type"], name)

    def test_awaited_calls_keep_their_order(self):
        ada = self.join("ada", "s")
        calls = (lambda n: self.hubd.user("ada", n),
                 lambda n: self.hubd.session("s", n), self.hubd.everybody)
        for number in range(30):
            self.assertSent(calls[number % 3](number), 1)
        for number in range(30):
            self.expect(number, ada)


class PayloadBytes(SharedHubdCase):

    def assertDelivers(self, payload, wanted, client=None):
        """The payload's own bytes, between the type and hubd's timestamp."""
        ada = self.join("ada")
        self.assertSent((client or self.hubd).user("ada", payload), 1)
        message = ada.recv()
        start = b'{"type":"t","payload":' + wanted + b',"timestamp":"'
        self.assertEqual(message[:len(start)], start)
        ada.leave()

    def test_raw_json_is_kept_byte_for_byte(self):
        for text in ('12345678901234567890', '-0.10', '1.10', '1E400',
                     '0.1e-999', '1' * 3000, '"\\u00e9\\/"', '"\u00e9"',
                     '"\\ud83d\\ude00 \U0001f600"', '{"b":1,"a":1,"b":2}',
                     ' [ 1 ,\t2 ] ', '[]', '"],}{["', '"\\\\"', '"\\""',
                     'null', 'true', '[[[{"a":[]}]]]',
                     '"' + 'x' * 300000 + '"'):
            with self.subTest(text=text[:40]):
                self.assertDelivers(raw(text), text.encode())
                self.assertDelivers(raw(text.encode()), text.encode())

    def test_objects_are_camel_case_where_nothing_else_is_told(self):
        self.assertDelivers(
            sample("order"),
            '{"orderId":42,"urlOfShop":"https://example.com/?a=1&b=<2>",'
            '"total":1.10,"Named_As_Told":"kept","AsIs":true,'
            '"sent":"2024-01-02T03:04:05Z","counts":{"BigKey":1},'
            '"lines":[{"text":"\u00e9\U0001f600"}]}'.encode())
        self.assertDelivers(sample("anonymous"),
                            b'{"text":"hi","nested":{"a":1}}')

    def test_values_that_are_no_objects(self):
        self.assertDelivers(None, b"null")
        self.assertDelivers(sample("string"),
                            '"quo\\"te \\\\ \\u2028 \u4eba"'.encode())
        self.assertDelivers(sample("number"), b"9007199254740993")
        self.assertDelivers(sample("true"), b"true")

    def test_a_tree_of_json_is_written_as_it_is(self):
        tree = {"Upper": [1, None, {"x": "2024-01-02T03:04:05Z"}]}
        self.assertDelivers(tree, json.dumps(tree, separators=(",", ":"))
                            .encode())

    def test_a_serializer_of_the_hosts_own(self):
        client = self.client(self.url, serializer="own")
        self.assertDelivers(sample("true"), b'["own", true]', client)
        self.assertDelivers(raw("1.0"), b"1.0", client)
        self.assertDelivers(None, b"null", client)

    def test_what_is_changed_after_the_call_is_not_sent(self):
        ada = self.join("ada")
        for _ in range(20):
            self.assertSent(self.hubd.command("mutate"), 1)
            self.assertEqual(json.loads(ada.recv())["payload"], ["before"])


class Large(DriverCase):

    def test_messages_of_megabytes(self):
        hub = self.start(MAX_MESSAGE_SIZE="8MB", HUB_QUEUE_SIZE="32MB")
        ada = self.connect(hub, "ada")
        client = self.client(f"http://127.0.0.1:{hub.port}", hub.key)
        for size in (1_000_000, 2_000_000, 8_000_000):
            self.assertSent(client.user("ada", "x" * size), 1)
            self.assertEqual(len(json.loads(ada.recv())["payload"]), size)


class Connections(SharedHubdCase):

    def test_one_connection_serves_call_after_call(self):
        line = self.fake(Forward(self.hub.port))
        client = self.client(line.url)
        for number in range(50):
            self.assertSent(client.user("nobody", number), 0)
        self.assertEqual(line.connections, 1)

    def test_many_threads_share_a_client(self):
        line = self.fake(Forward(self.hub.port))
        client = self.client(line.url, MaxConnections=8)
        ada = self.join("ada")
        got = []
        reader = threading.Thread(target=lambda: got.extend(
            tuple(json.loads(ada.recv())["payload"]) for _ in range(40 * 25)))
        reader.start()
        outcome = self.outcome(client.command("storm", threads=40, each=25))
        reader.join(30)
        self.assertEqual(outcome.told["failures"], [])
        self.assertEqual(outcome.told["recipients"], 40 * 25)
        self.assertEqual(sorted(got), [(thread, number)
                                       for thread in range(40)
                                       for number in range(25)])
        for thread in range(40):
            self.assertEqual([n for t, n in got if t == thread],
                             list(range(25)))
        self.assertLessEqual(line.connections, 8)
        self.assertGreater(line.connections, 1)


if __name__ == "__main__":
    unittest.main()
