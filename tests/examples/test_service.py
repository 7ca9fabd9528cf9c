"""examples/service.c: started as systemd starts services, and by hand."""

import os
import pathlib
import socket
import sys
import tempfile
import unittest

from program import SECONDS, ExampleCase, client, closing

TIME = r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\Z"
# What systemd does between fork and exec.
SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
journal = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{journal.st_dev}:{journal.st_ino}"
os.execv(sys.argv[2], sys.argv[2:])
"""


class Service(ExampleCase):

    def check_serves_and_drains(self, program, port):
        async def conversation():
            async with client(port, "/time") as connected:
                self.assertRegex(await connected.recv(), TIME)
                program.process.terminate()
                self.assertEqual((await closing(connected))[0], 1001)
        self.talk(conversation())
        self.assertEqual(program.wait(), 0)
        self.assertRegex("".join(program.printed),
                         r"connection \d+ ended: shutdown, 1001, after \d+ ms")


class ByHand(Service):

    def test_it_listens_on_a_port_and_drains_on_sigterm(self):
        program = self.start_example("service", "0")
        port = int(program.expect(r"\Aready on port (\d+)$")[1])
        self.check_serves_and_drains(program, port)

    def test_the_journal_of_whoever_started_it_is_not_its_own(self):
        environment = {**os.environ, "JOURNAL_STREAM": "1:2"}
        program = self.start_example("service", "80x", env=environment)
        self.assertEqual(program.wait(), 1)
        self.assertEqual(program.printed, ["usage: service [port]\n"])

    def test_a_port_in_use_is_an_error(self):
        with socket.create_server(("0.0.0.0", 0)) as other:
            program = self.start_example("service", str(other.getsockname()[1]))
            self.assertEqual(program.wait(), 1)
        self.assertIn("no socket to listen on", "".join(program.printed))

    def test_what_is_no_port_is_an_error(self):
        program = self.start_example("service", "80x")
        self.assertEqual(program.wait(), 1)
        self.assertEqual(program.printed, ["usage: service [port]\n"])


class BySystemd(Service):

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="hub-service-")
        self.addCleanup(scratch.cleanup)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.notify.close)
        self.notify.settimeout(SECONDS)
        self.notify.bind(str(pathlib.Path(scratch.name, "notify")))

    def test_it_takes_the_socket_that_is_given_to_it(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            program = self.start_given(listening)
            self.assertEqual(self.notify.recv(100), b"READY=1")
            port = listening.getsockname()[1]
            program.expect(rf"\A<6>ready on port {port}$")
            self.check_serves_and_drains(program, port)
            self.assertEqual(self.notify.recv(100), b"STOPPING=1")

    def test_a_descriptor_that_is_no_listening_socket_is_an_error(self):
        with socket.socket() as other:
            program = self.start_given(other)
            self.assertEqual(program.wait(), 1)
        self.assertRegex("".join(program.printed),
                         r"(?m)^<3>there is no socket to listen on$")

    def start_given(self, given):
        environment = {**os.environ, "LISTEN_FDS": "1",
                       "NOTIFY_SOCKET": self.notify.getsockname()}
        return self.start_example("service", "0", env=environment,
                          before=(sys.executable, "-c", SYSTEMD,
                                  str(given.fileno())),
                          pass_fds=(given.fileno(),))


if __name__ == "__main__":
    unittest.main()
