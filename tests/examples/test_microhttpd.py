"""examples/microhttpd.c: a chat with rooms."""

import unittest

from harness.http import raw_request, request
from harness.rawws import new_key, upgrade_request
from harness.wait import until

from program import ExampleCase, client, closing, send_early

ROOM = "/chat?user=ada&room=kitchen"


class Chat(ExampleCase):

    def setUp(self):
        self.program = self.start_example("microhttpd", "0")
        self.port = int(self.program.expect(r"ws://127.0.0.1:(\d+)/")[1])

    def upgrade(self, path, old="", new="", **how):
        data = upgrade_request(path, new_key(), **how).decode()
        self.assertIn(old, data)
        return raw_request(self.port, data.replace(old, new).encode())[0]

    def test_what_one_says_reaches_the_others_in_the_room(self):
        async def conversation():
            async with client(self.port, ROOM) as ada, \
                    client(self.port, "/chat?user=bob&room=kitchen") as bob, \
                    client(self.port, "/chat?user=cy&room=attic") as cy:
                for socket in ada, bob, cy:
                    await (await socket.ping())
                await cy.send("alone")
                await ada.send("h\u00e9")
                self.assertEqual(await bob.recv(), "h\u00e9")
                await bob.send(b"\0\xff")
                self.assertEqual(await ada.recv(), b"\0\xff")
                # What is for cy would be there by now.
                async with client(self.port,
                                  "/chat?user=dan&room=attic") as dan:
                    await dan.send("is anybody here?")
                    self.assertEqual(await cy.recv(), "is anybody here?")
        self.talk(conversation())

    def test_other_requests_are_refused(self):
        self.assertEqual(self.upgrade(ROOM).status, 101)
        for path in ("/chat", "/chat?user=ada", "/chat?user=ada&room=",
                     f"/chat?user={'x' * 257}&room=r"):
            self.assertEqual(self.upgrade(path).status, 400, path)
        self.assertEqual(self.upgrade("/other").status, 404)
        self.assertEqual(request(self.port, "POST", ROOM, "x").status, 405)
        self.assertEqual(request(self.port, "GET", ROOM).status, 400)

    def test_a_broken_handshake_is_refused(self):
        reply = self.upgrade(ROOM, version="12")
        self.assertEqual((reply.status, reply.header("sec-websocket-version")),
                         (426, "13"))
        for old, new in (("Upgrade: websocket", "Upgrade: h2c"),
                         ("Connection: Upgrade", "Connection: close"),
                         ("==\r\n", "==x\r\n"), ("==\r\n", "\r\n"),
                         (" HTTP/1.1", " HTTP/1.0")):
            with self.subTest(new):
                self.assertEqual(self.upgrade(ROOM, old, new).status, 400)

    def test_every_spelling_of_a_handshake_is_one(self):
        for old, new in (("Connection: Upgrade",
                          "Connection: close\r\nconnection: UPGRADE"),
                         ("Upgrade: websocket",
                          "Upgrade: h2c\r\nUpgrade:WebSocket , x"),
                         ("Version: 13", "Version:\t13 ")):
            with self.subTest(new):
                self.assertEqual(self.upgrade(ROOM, old, new).status, 101)

    def test_bytes_before_the_handshake_is_over_end_it(self):
        self.assertEqual(send_early(self.port, ROOM), (101, True))

    def test_sockets_are_given_back(self):
        before = self.program.descriptors()

        async def conversation():
            sockets = [await client(self.port, f"/chat?user=u{i}&room=r")
                       for i in range(100)]
            for socket in sockets:
                await (await socket.ping())
            # One descriptor each: MHD has closed its own.
            until(lambda: self.program.descriptors() == before + 100,
                  "one descriptor a connection")
            await sockets[0].send("all")
            for socket in sockets[1:]:
                self.assertEqual(await socket.recv(), "all")
            for socket in sockets:
                await socket.close()
        self.talk(conversation())
        until(lambda: self.program.descriptors() == before, "none is left")

    def test_sigterm_tells_clients_to_come_back(self):
        async def conversation():
            async with client(self.port, ROOM) as socket:
                await (await socket.ping())
                self.program.process.terminate()
                self.assertEqual((await closing(socket))[0], 1001)
        self.talk(conversation())
        self.assertEqual(self.program.wait(), 0)


if __name__ == "__main__":
    unittest.main()
