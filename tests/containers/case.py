"""Shared by the tests of containers: one engine for each test file, and
clients outside of the containers."""

import asyncio
import os
import pathlib
import unittest

import websockets

from engine import Engine

from harness import http
from harness.daemon import parse_line
from harness.wait import until

WORK = pathlib.Path(os.environ["HUB_CONTAINERS"])
ROOT = WORK.parents[1]
KEY = "0123456789abcdef0123456789abcdef"
# What the machine allows here may be less than what people's machines do.
NOFILE = 4096


class EngineCase(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine = Engine(WORK / "engine", bridge=True)
        cls.enterClassContext(cls.engine)
        # What a run left that was ended in the middle.
        left = cls.engine.docker("ps", "--all", "--quiet").stdout.split()
        if left:
            cls.engine.docker("rm", "--force", *left)
        cls.engine.docker("network", "prune", "--force")

    def docker(self, *arguments, **how):
        return self.engine.docker(*arguments, **how)

    def inspect(self, name, template="{{json .}}"):
        return self.docker("inspect", "--format", template, name).stdout.strip()

    def wait_health(self, container, wanted, seconds=30):
        until(lambda: self.inspect(container, "{{.State.Health.Status}}")
              == wanted, f"{container} is {wanted}", seconds)

    def events(self, container, event):
        """The lines of hubd's log, as text, about one event."""
        lines = self.docker("logs", container).stderr.splitlines()
        return [pairs for pairs in map(parse_line, lines)
                if pairs.get("event") == event]

    def send(self, port, user, key=KEY):
        """The status, and to how many it went."""
        reply = http.request(
            port, "POST", "/api/send",
            f'{{"targetUserId":"{user}","message":'
            '{"type":"t","payload":"p","timestamp":"2024-01-02"}}',
            {"X-API-Key": key, "Content-Type": "application/json"})
        return reply.status, reply.json().get("recipients")

    def until_sent(self, port, user):
        until(lambda: self.send(port, user) == (200, 1), f"{user} is there")

    async def assertDrained(self, client):
        """Skips messages until the Close frame of a drain."""
        with self.assertRaises(websockets.ConnectionClosed):
            while True:
                await asyncio.wait_for(client.recv(), 20)
        self.assertEqual(client.close_code, 1001)
        self.assertRegex(client.close_reason,
                         r"\Ashutting down; retry-after-ms=\d+\Z")
