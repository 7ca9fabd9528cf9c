"""An environment that sets a proxy: the client and its example bypass it,
unless told otherwise."""

import os
import subprocess
import unittest

from cases import SharedHubdCase
from driver import OUT, Driver
from harness.proxy import RecordingProxy
from harness.wait import scaled


class Environment(SharedHubdCase):

    def setUp(self):
        super().setUp()
        self.proxy = RecordingProxy()
        self.addCleanup(self.proxy.close)

    def client_beside(self, **options):
        driver = Driver(self.proxy.environment)
        self.addCleanup(driver.stop)
        return driver.client(self.url, self.key, **options)

    def test_the_key_is_for_no_proxy(self):
        self.assertSent(self.client_beside().everybody(1), 0)
        self.assertSent(self.client_beside(http="single").everybody(1), 0)
        self.assertEqual(self.proxy.heard, [])

    def test_a_proxy_that_is_asked_for_is_used(self):
        self.assertSent(self.client_beside(UseProxy=True).everybody(1), 77)
        self.assertRegex(self.proxy.heard[0],
                         rf"\APOST {self.url}/api/broadcast HTTP")

    def test_the_example_sends_past_it(self):
        if os.environ.get("HUB_CSHARP_RUN"):
            self.skipTest("the example is built for Mono")
        done = subprocess.run(
            ["mono", str(OUT / "Send.exe"), "hello"], text=True,
            capture_output=True, check=False, timeout=scaled(30),
            env={**self.proxy.environment, "HUB_URL": self.url,
                 "HUB_API_KEY": self.key})
        self.assertEqual((done.stdout, done.stderr),
                         ("queued for 0 connection(s)\n", ""))
        self.assertEqual(self.proxy.heard, [])


if __name__ == "__main__":
    unittest.main()
