"""Who gets what: users, sessions, unions, broadcasts, counts and order."""

import json
import threading
import unittest

from harness.testcase import SharedHubd


def message(number):
    return {"type": "note", "payload": number, "timestamp": "2024-01-02"}


class Routing(SharedHubd):

    def expect(self, client, *numbers):
        for number in numbers:
            self.assertEqual(json.loads(client.recv())["payload"], number)

    def test_a_user_has_all_of_their_connections_served(self):
        ada1, ada2 = self.join("ada"), self.join("ada")
        bob = self.join("bob")
        self.assertEqual(self.hub.send(message(1), user="ada"), 2)
        self.assertEqual(self.hub.send(message(2), user="bob"), 1)
        self.expect(ada1, 1)
        self.expect(ada2, 1)
        self.expect(bob, 2)
        for client in (ada1, ada2, bob):
            self.assertNextIsMarker(self.hub, client)
            if client is ada1:
                ada2.recv()

    def test_a_session_may_be_shared_by_users(self):
        ada = self.join("ada", "room")
        bob = self.join("bob", "room")
        other = self.join("ada", "elsewhere")
        self.assertEqual(self.hub.send(message(1), session="room"), 2)
        self.expect(ada, 1)
        self.expect(bob, 1)
        self.assertEqual(self.hub.send(message(2), session="elsewhere"), 1)
        self.expect(other, 2)

    def test_user_and_session_are_a_union_delivered_once(self):
        both = self.join("ada", "s")
        by_user = self.join("ada")
        by_session = self.join("bob", "s")
        neither = self.join("bob", "t")
        self.assertEqual(
            self.hub.send(message(1), user="ada", session="s"), 3)
        self.assertEqual(self.hub.broadcast(message(2)), 4)
        for client in (both, by_user, by_session):
            self.expect(client, 1, 2)
        self.expect(neither, 2)

    def test_a_user_and_a_session_of_one_name_stay_apart(self):
        user = self.join("same", "other")
        session = self.join("other", "same")
        self.assertEqual(self.hub.send(message(1), user="same"), 1)
        self.assertEqual(self.hub.send(message(2), session="same"), 1)
        self.expect(user, 1)
        self.expect(session, 2)

    def test_nobody_there_is_a_success_with_no_recipients(self):
        self.assertEqual(self.hub.send(message(1), user="nobody"), 0)
        self.assertEqual(self.hub.send(message(1), session="none"), 0)
        self.assertEqual(
            self.hub.send(message(1), user="nobody", session="none"), 0)
        self.assertEqual(self.hub.broadcast(message(1)), 0)

    def test_one_of_two_targets_may_be_missing(self):
        ada = self.join("ada")
        self.assertEqual(
            self.hub.send(message(1), user="ada", session="gone"), 1)
        self.assertEqual(
            self.hub.send(message(2), user="gone", session="gone"), 0)
        self.assertNotEqual(ada.recv(), b"")

    def test_a_broadcast_reaches_everyone(self):
        clients = [self.join(f"user{i % 7}", f"session{i % 3}")
                   for i in range(30)]
        self.assertEqual(self.hub.broadcast(message(5)), 30)
        for client in clients:
            self.expect(client, 5)

    def test_health_counts_distinct_users_and_sessions(self):
        self.join("ada", "s1")
        self.join("ada", "s1")
        self.join("bob", "s2")
        self.join("bob")
        leaver = self.join("cy", "s3")
        self.assertCounts(users=3, connections=5, sessions=3)
        leaver.leave()
        self.assertCounts(users=2, connections=4, sessions=2)

    def assertCounts(self, users, connections, sessions):
        self.hub.wait_connections(connections)
        stats = self.hub.health()
        self.assertEqual(stats["total_users"], users)
        self.assertEqual(stats["total_connections"], connections)
        self.assertEqual(stats["total_sessions"], sessions)

    def test_someone_who_left_is_no_recipient(self):
        self.join("ada").leave()
        self.hub.wait_connections(0)
        self.assertEqual(self.hub.send(message(1), user="ada"), 0)

    def test_ids_are_compared_byte_by_byte(self):
        names = ["ada", "Ada", "ada ", " ada", "ad\u00e4", "ada\u0308",
                 "\u4eba", "\U0001f600", "a+b", "a b", "a%20b", "a&b=c",
                 'quo"te', "back\\slash", "x" * 256, "x" * 255]
        clients = {name: self.join(name) for name in names}
        for number, name in enumerate(names):
            with self.subTest(name=name):
                self.assertEqual(self.hub.send(message(number), user=name), 1)
                self.expect(clients[name], number)

    def test_an_id_may_be_written_with_escapes_in_json(self):
        client = self.join('a"\\/\u00e9\U0001f600')
        body = (b'{"targetUserId":"a\\"\\\\\\/\\u00E9\\ud83d\\ude00",'
                b'"message":{"type":"t","payload":1,"timestamp":"2024-01-02"}}')
        reply = self.hub.post("/api/send", body)
        self.assertEqual(reply.json()["recipients"], 1, reply)
        self.expect(client, 1)

    def test_members_of_a_send_may_stand_in_any_order(self):
        client = self.join("ada", "s")
        inner = b'{"type":"t","payload":{"message":0},"timestamp":"2024-01-02"}'
        for body in (
                b'{"message":%s,"targetUserId":"ada"}' % inner,
                b'{"targetSessionId":"s","x":[{}],"message":%s}' % inner,
                b' {"targetUserId"\n:\t"ada" , "message" : %s } ' % inner,
        ):
            with self.subTest(body=body):
                self.assertEqual(self.hub.post("/api/send", body).status, 200)
                self.assertEqual(client.recv(), inner)


class Order(SharedHubd):

    def test_mixed_sends_and_broadcasts_arrive_in_order(self):
        clients = [self.join("ada", "s"), self.join("ada"),
                   self.join("bob", "s")]
        wanted = {client: [] for client in clients}
        for number in range(300):
            if number % 3 == 0:
                self.hub.broadcast(message(number))
                reached = clients
            elif number % 3 == 1:
                self.hub.send(message(number), user="ada")
                reached = clients[:2]
            else:
                self.hub.send(message(number), session="s")
                reached = [clients[0], clients[2]]
            for client in reached:
                wanted[client].append(number)
        for client in clients:
            got = [json.loads(client.recv())["payload"]
                   for _ in wanted[client]]
            self.assertEqual(got, wanted[client])

    def test_backends_at_once_each_keep_their_order(self):
        client = self.join("ada")
        failed = []

        def backend(name):
            try:
                for number in range(60):
                    self.hub.send(message([name, number]), user="ada")
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=backend, args=(name,))
                   for name in range(6)]
        for thread in threads:
            thread.start()
        seen = {name: [] for name in range(6)}
        for _ in range(6 * 60):
            name, number = json.loads(client.recv())["payload"]
            seen[name].append(number)
        for thread in threads:
            thread.join()
        self.assertEqual(failed, [])
        for numbers in seen.values():
            self.assertEqual(numbers, list(range(60)))


if __name__ == "__main__":
    unittest.main()
