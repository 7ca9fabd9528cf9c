"""examples/limits.c: two connections per user, the third is rejected."""

import subprocess
import unittest

from harness.http import raw_request
from harness.rawws import new_key, upgrade_request
from harness.wait import until

from program import ExampleCase, client, closing

ADA = "/inbox?user=ada"


class Limits(ExampleCase):

    def setUp(self):
        self.program = self.start_example("limits", "0",
                                          stdin=subprocess.PIPE)
        self.port = int(self.program.expect(r"ws://127.0.0.1:(\d+)/")[1])
        self.addCleanup(self.program.process.stdin.close)

    def say(self, line):
        self.program.process.stdin.write(line + "\n")
        self.program.process.stdin.flush()

    def status(self, path, old="", new=""):
        """Of an upgrade on a connection that is closed behind it."""
        data = upgrade_request(path, new_key()).decode()
        return raw_request(self.port, data.replace(old, new).encode())[0].status

    def test_the_third_is_refused_before_the_handshake(self):
        async def conversation():
            async with client(self.port, ADA) as first, \
                    client(self.port, ADA) as second, \
                    client(self.port, "/inbox?user=bob"):
                for socket in first, second:
                    await (await socket.ping())
                self.assertEqual(self.status(ADA), 429)
                self.say("ada dinner is ready")
                for socket in first, second:
                    self.assertEqual(await socket.recv(), "dinner is ready")
                self.program.expect("^ada: sent$")
                await second.close()
                # Its place is free once it is gone.
                until(lambda: self.status(ADA) == 101, "there is room again")
        self.talk(conversation())

    def test_a_broken_handshake_gives_its_place_back(self):
        for _ in range(5):
            self.assertEqual(
                self.status(ADA, "Upgrade: websocket", "Upgrade: h2c"), 400)
        self.assertEqual(self.status(ADA), 101)

    def test_other_requests_are_refused(self):
        for path in ("/inbox", "/inbox?user=", f"/inbox?user={'x' * 257}"):
            self.assertEqual(self.status(path), 400, path)
        self.assertEqual(self.status("/other"), 404)

    def test_the_end_of_the_input_ends_it(self):
        async def conversation():
            async with client(self.port, ADA) as socket:
                await (await socket.ping())
                self.program.process.stdin.close()
                self.assertEqual((await closing(socket))[0], 1001)
        self.talk(conversation())
        self.assertEqual(self.program.wait(), 0)


if __name__ == "__main__":
    unittest.main()
