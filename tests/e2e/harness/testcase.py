"""unittest classes that own what a test starts.

HubTestCase    each test starts the daemons it wants; all are stopped, with
               the checks of Hubd.stop(), when it ends
SharedHubd     one daemon for all tests of a class; after each test it must be
               back at no connections
"""

import json
import os
import shutil
import unittest

from .daemon import Hubd
from .http import RawHttp, raw_request
from .rawws import RawWs

MARKER = {"type": "marker", "payload": None, "timestamp": "2024-01-02"}


class Assertions(unittest.TestCase):
    """What every refusal and every delivery has in common."""

    def assertPlain(self, reply):
        """Nothing about the server leaks and nothing is cached."""
        for name in ("server", "x-powered-by", "access-control-allow-origin"):
            self.assertIsNone(reply.header(name), reply)
        for banner in (b"civetweb", b"hubd/"):
            self.assertNotIn(banner, reply.body.lower())

    def assertRefused(self, reply, status, code=None):
        """An error reply in the one shape all errors have."""
        self.assertEqual(reply.status, status, reply)
        self.assertPlain(reply)
        self.assertEqual(reply.header("content-type", "").split(";")[0],
                         "application/json", reply)
        error = reply.json()
        self.assertEqual(set(error), {"status", "code", "message"}, reply)
        self.assertEqual(error["status"], "error", reply)
        self.assertTrue(error["message"], reply)
        self.assertRegex(error["code"], r"\A[a-z][a-z_0-9]*\Z")
        if code:
            self.assertEqual(error["code"], code, reply)
        return error

    def assertNextIsMarker(self, hub, client):
        """Nothing was on its way to the client before this call."""
        marker = json.dumps(MARKER).encode()
        self.assertGreaterEqual(hub.send(marker, user=client.user), 1)
        self.assertEqual(client.recv(), marker)

    def require(self, program):
        """Skips without a program, or fails where all must be there."""
        path = shutil.which(program)
        if path is None:
            self.lacking(f"{program} is not installed")
        return path

    def lacking(self, what):
        """Something that could be installed."""
        if os.environ.get("HUB_E2E_REQUIRE"):
            self.fail(what)
        self.skipTest(what)

    def unable(self, why):
        """Something that this machine or user does not allow: many do not."""
        if os.environ.get("HUB_E2E_REQUIRE") == "all":
            self.fail(why)
        self.skipTest(why)


class HubTestCase(Assertions):

    def start(self, *flags, **settings):
        """A listening hubd that is stopped, and checked, after the test."""
        hub = Hubd(*flags, **settings)
        self.addCleanup(hub.scratch.cleanup)
        hub.start()
        self.addCleanup(hub.stop)
        return hub

    def connect(self, hub, user, session=None, **how):
        """A WebSocket that hubd counts when this returns."""
        client = RawWs(hub.port, user, session, **how)
        self.addCleanup(client.close)
        client.sync()
        return client

    def http(self, hub, **how):
        conn = RawHttp(hub.port, **how)
        self.addCleanup(conn.close)
        return conn

    def raw(self, hub, data, **how):
        """One reply to these bytes."""
        return raw_request(hub.port, data, **how)[0]

    def raw_closing(self, hub, data, **how):
        """One reply to these bytes, behind which the connection must end."""
        reply, ended = raw_request(hub.port, data, **how)
        self.assertEqual((reply.header("connection") or "").lower(), "close",
                         reply)
        self.assertTrue(ended, f"bytes behind {reply!r}")
        return reply


class SharedHubd(HubTestCase):
    settings = {}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.hub = Hubd(**cls.settings)
        cls.addClassCleanup(cls.hub.scratch.cleanup)
        cls.hub.start()
        cls.addClassCleanup(cls.hub.stop)

    def setUp(self):
        super().setUp()
        self.addCleanup(self._check_empty)

    def _check_empty(self):
        self.hub.wait_connections(0)

    def join(self, user, session=None, **how):
        return self.connect(self.hub, user, session, **how)
