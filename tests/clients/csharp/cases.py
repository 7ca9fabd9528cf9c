"""unittest classes with a driver, and checks that apply to every outcome."""

import os
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "e2e")]

# pylint: disable=wrong-import-position
from driver import OUT, PATIENCE, Driver  # noqa: E402
from fakes import Fake, refusal, success  # noqa: E402
from harness.testcase import HubTestCase, SharedHubd  # noqa: E402
from harness.wait import scaled  # noqa: E402


class DriverCase(HubTestCase):
    """One driver for all tests of a class."""

    driver = None
    key = "key-0123456789abcdef"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.can_drive():
            cls.driver = Driver()
            cls.addClassCleanup(cls.driver.stop)
            cls.warm_up()

    @classmethod
    def warm_up(cls):
        """The first calls are compiled as they run, which takes longer than
        some tests give them."""
        replies = [refusal(503, "overloaded"), success()]
        server = Fake(lambda request, sock: replies.pop(0))
        try:
            cls.driver.client(server.url, cls.key).everybody(1).result(
                scaled(PATIENCE))
        finally:
            server.close()

    @staticmethod
    def can_drive():
        return bool(os.environ.get("HUB_CSHARP_RUN") or
                    shutil.which("mono") and (OUT / "Driver.exe").exists())

    def setUp(self):
        super().setUp()
        if self.driver is None:
            self.lacking("Driver.exe was not built: Mono is not installed, or "
                         "clients.csharp.build has not run")

    def client(self, url, key=None, **options):
        return self.driver.client(url, key or self.key, **options)

    def fake(self, server):
        self.addCleanup(server.close)
        return server

    def outcome(self, future):
        """What a call came to; it must not show the key."""
        outcome = future.result(scaled(PATIENCE))
        self.assertNotIn(self.key, str(outcome))
        return outcome

    def assertSent(self, future, recipients):
        outcome = self.outcome(future)
        self.assertTrue(outcome.success, outcome)
        self.assertEqual(outcome.recipients, recipients)
        self.assertEqual((outcome.code, outcome.description), ("", ""))
        self.assertFalse(outcome.told["failure"])

    def assertFailed(self, future, code, transient=False, unknown=False):
        """`transient` and `unknown` must be what they are said to be."""
        outcome = self.outcome(future)
        self.assertIs(outcome.success, False, outcome)
        self.assertTrue(outcome.told["failure"])
        self.assertEqual(outcome.code, code, outcome)
        self.assertRegex(outcome.description, r"\A[^\x00-\x1f]+\Z")
        self.assertEqual((outcome.transient, outcome.unknown),
                         (transient, unknown), outcome)
        return outcome

    def assertRequests(self, count, *servers):
        time.sleep(0.3)  # in which another would come
        for server in servers:
            self.assertEqual(len(server.requests), count)


class SharedHubdCase(DriverCase, SharedHubd):
    """One hubd and one client for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.url = f"http://127.0.0.1:{cls.hub.port}"
        cls.key = cls.hub.key
        if cls.driver:
            cls.hubd = cls.driver.client(cls.url, cls.key)
