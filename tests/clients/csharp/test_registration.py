"""AddHubClient, on top of stand-ins for Microsoft.Extensions."""

import os
import subprocess
import unittest

from cases import SharedHubdCase
from driver import OUT
from harness.wait import scaled


class Registration(SharedHubdCase):

    def test_every_check(self):
        if os.environ.get("HUB_CSHARP_RUN"):
            self.skipTest("the stand-ins are for Mono")
        done = subprocess.run(
            ["mono", "--debug", str(OUT / "Registration.exe"), self.url,
             self.key], capture_output=True, text=True, check=False,
            timeout=scaled(30))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        checks = dict(line.split(": ", 1)
                      for line in done.stdout.splitlines())
        self.assertGreater(len(checks), 9)
        for name, outcome in checks.items():
            with self.subTest(name):
                self.assertEqual(outcome, "ok")


if __name__ == "__main__":
    unittest.main()
