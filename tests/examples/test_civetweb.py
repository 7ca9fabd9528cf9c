"""examples/civetweb.c: POST requests become messages."""

import json
import unittest

import websockets

from harness.http import request

from program import ExampleCase, client, closing


class Vote(ExampleCase):

    def setUp(self):
        self.program = self.start_example("civetweb", "0")
        self.port = int(self.program.expect(r"http://127.0.0.1:(\d+)/")[1])

    def vote(self, query):
        return request(self.port, "POST", "/vote?" + query)

    def test_everybody_sees_the_result_and_the_voter_is_thanked(self):
        async def conversation():
            async with client(self.port, "/live?user=ada") as ada, \
                    client(self.port, "/live?user=b%C3%B6b") as bob:
                for socket in ada, bob:
                    await (await socket.ping())
                reply = self.vote("user=ada&for=tea")
                self.assertEqual((reply.status, reply.json()),
                                 (200, {"told": 2}))
                self.vote("user=b%C3%B6b&for=coffee")
                first, second = ({"coffee": 0, "tea": 1},
                                 {"coffee": 1, "tea": 1})
                thanks = {"thanks": True}
                for socket, wanted in ((ada, [first, thanks, second]),
                                       (bob, [first, second, thanks])):
                    got = [json.loads(await socket.recv()) for _ in wanted]
                    self.assertEqual(got, wanted)
        self.talk(conversation())

    def test_bad_votes_are_refused(self):
        self.assertEqual(self.vote("user=ada&for=beer").status, 400)
        self.assertEqual(self.vote("for=tea").status, 400)
        self.assertEqual(self.vote(f"user={'x' * 257}&for=tea").status, 400)
        get = request(self.port, "GET", "/vote?user=ada&for=tea")
        self.assertEqual(get.status, 405)
        reply = self.vote("user=ada&for=tea")
        self.assertEqual((reply.status, reply.json()), (200, {"told": 0}))

    def test_who_has_no_name_does_not_get_in(self):
        async def conversation():
            with self.assertRaises(websockets.InvalidMessage):
                await client(self.port, "/live")
        self.talk(conversation())

    def test_sockets_are_taken_one_by_one_and_given_back(self):
        async def conversation():
            before = self.program.descriptors()
            sockets = [await client(self.port, f"/live?user=u{i}")
                       for i in range(150)]
            for socket in sockets:
                await (await socket.ping())
            self.assertEqual(self.vote("user=u7&for=tea").json(),
                             {"told": 150})
            for number, socket in enumerate(sockets):
                self.assertEqual(await socket.recv(), '{"coffee":0,"tea":1}')
                if number == 7:
                    self.assertEqual(await socket.recv(), '{"thanks":true}')
            for socket in sockets:
                await socket.close()
            return before
        before = self.talk(conversation())
        self.assertLess(self.program.descriptors(), before + 20)

    def test_sigterm_tells_clients_to_come_back(self):
        async def conversation():
            async with client(self.port, "/live?user=ada") as socket:
                await (await socket.ping())
                self.program.process.terminate()
                self.assertEqual((await closing(socket))[0], 1001)
        self.talk(conversation())
        self.assertEqual(self.program.wait(), 0)


class Ipv6(ExampleCase):

    def test_sockets_are_taken_whatever_their_addresses(self):
        """On a listener for both, addresses of IPv4 look like IPv6 as well."""
        for where, host in ("[::1]:0", "[::1]"), ("+0", "127.0.0.1"):
            with self.subTest(where):
                program = self.start_example("civetweb", where)
                port = program.expect(r"http://127.0.0.1:(\d+)/|port")[1]
                if port is None:
                    self.skipTest("this civetweb was built without IPv6")
                self.talk(self.ping(f"ws://{host}:{port}/live?user=ada"))

    async def ping(self, address):
        async with websockets.connect(address) as socket:
            await (await socket.ping())


if __name__ == "__main__":
    unittest.main()
