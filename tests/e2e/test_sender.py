"""How frames reach the kernel: what was asked for, what the machine allows,
and one log line that says it."""

import json
import unittest

from harness.daemon import Hubd
from harness.seccomp import IO_URING_SETUP, deny
from harness.testcase import HubTestCase

CLIENTS = 20
MESSAGES = 30


def numbered(number):
    return json.dumps({"type": "n", "payload": number,
                       "timestamp": "2024-01-02"}).encode()


class Senders(HubTestCase):

    def sender_line(self, hub):
        """The one line about it."""
        lines = [event["message"] for event in hub.events("hub")
                 if event["message"].startswith("sending with ")]
        self.assertEqual(len(lines), 1, lines)
        return lines[0]

    def check_delivers(self, hub):
        clients = [self.connect(hub, f"u{i}") for i in range(CLIENTS)]
        for number in range(MESSAGES):
            if number % 3 == 2:
                for client in clients:
                    self.assertEqual(
                        hub.send(numbered(number), user=client.user), 1)
            else:
                self.assertEqual(hub.broadcast(numbered(number)), CLIENTS)
        for client in clients:
            for number in range(MESSAGES):
                self.assertEqual(client.recv(), numbered(number))

    def test_sendmsg(self):
        hub = self.start(HUB_SENDER="sendmsg")
        self.assertEqual(self.sender_line(hub), "sending with sendmsg")
        self.check_delivers(hub)

    def test_uring(self):
        hub = Hubd(HUB_SENDER="uring")
        self.addCleanup(hub.discard)
        hub.spawn()
        try:
            hub.port = int(hub.wait_log("listening", 20)["port"])
        except AssertionError:
            self.check_refusal(hub)
            self.unable("no io_uring")
        self.assertEqual(self.sender_line(hub), "sending with io_uring")
        self.check_delivers(hub)
        hub.stop()

    def check_refusal(self, hub):
        self.assertEqual(hub.wait_exit(), 1)
        self.assertEqual(len(hub.lines), 1, hub.lines)
        self.assertIn("HUB_SENDER", hub.lines[0])
        self.assertIn("io_uring", hub.lines[0])

    def test_where_it_is_forbidden_auto_does_without(self):
        hub = self.start(prepare=deny(IO_URING_SETUP), HUB_SENDER="auto")
        line = self.sender_line(hub)
        self.assertIn("sending with sendmsg", line)
        self.assertIn("Operation not permitted", line)
        self.check_delivers(hub)

    def test_where_it_is_forbidden_asking_for_it_is_an_error(self):
        hub = Hubd(prepare=deny(IO_URING_SETUP), HUB_SENDER="uring")
        self.addCleanup(hub.discard)
        hub.spawn()
        self.check_refusal(hub)
        self.assertIn("Operation not permitted", hub.lines[0])


if __name__ == "__main__":
    unittest.main()
