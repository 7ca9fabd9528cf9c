"""examples/echo.c: what a client sends comes back."""

import threading
import unittest

from harness.rawws import CLOSE, TEXT, RawWs, encode
from program import ExampleCase, client, closing, send_early


class Echo(ExampleCase):

    def setUp(self):
        self.echo = self.start_example("echo", "0", "100000")
        self.port = int(self.echo.expect(r"ws://127.0.0.1:(\d+)/")[1])

    def test_messages_come_back_as_they_were(self):
        async def conversation():
            async with client(self.port, "/") as socket:
                for message in ("h\u00e9 \U0001f600", b"\0\xff", "x" * 100000):
                    await socket.send(message)
                    self.assertEqual(await socket.recv(), message)
        self.talk(conversation())

    def test_a_message_that_is_too_large_ends_it(self):
        async def conversation():
            async with client(self.port, "/") as socket:
                await socket.send("x" * 100001)
                self.assertEqual((await closing(socket))[0], 1009)
        self.talk(conversation())

    def test_what_was_echoed_comes_before_a_close(self):
        """Sent in one piece, so that they are read together."""
        message = b"x" * 90000
        for count in (1, 20):
            for name, last, code in (
                    ("a violation", b"\xc1\x80", 1002),
                    ("no UTF-8", encode(TEXT, b"\xff"), 1007),
                    ("a Close", encode(CLOSE, b"\x0f\xa0"), 4000)):
                with self.subTest(name, count=count):
                    peer = RawWs(self.port, "ada", receive_buffer=4096)
                    sender = threading.Thread(
                        target=peer.try_send,
                        args=(encode(TEXT, message) * count + last,))
                    sender.start()
                    for _ in range(count):
                        self.assertEqual(peer.recv_frame(),
                                         (True, 0, TEXT, message))
                    self.assertEqual(peer.recv_close()[0], code)
                    sender.join()
                    peer.close()

    def test_bytes_before_the_handshake_is_over_end_it(self):
        self.assertEqual(send_early(self.port, "/"), (101, True))

    def test_sigterm_tells_clients_to_come_back(self):
        async def conversation():
            async with client(self.port, "/") as socket:
                await (await socket.ping()) # the hub has it
                self.echo.process.terminate()
                code, reason = await closing(socket)
                self.assertEqual(code, 1001)
                self.assertIn("retry-after-ms=", reason)
        self.talk(conversation())
        self.assertEqual(self.echo.wait(), 0)


if __name__ == "__main__":
    unittest.main()
