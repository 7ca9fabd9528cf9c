"""Builds the client, its example, and what the other tests need."""

import os
import pathlib
import subprocess
import unittest

from cases import HERE
from driver import OUT
from harness.testcase import Assertions

NEWTONSOFT_JSON = "/usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll"


class Build(Assertions):

    def test_all_of_it_compiles_without_a_warning(self):
        if os.environ.get("HUB_CSHARP_RUN"):
            self.skipTest("something else than Mono is tested")
        self.require("make")
        self.require("mono")
        self.require("mcs")
        if not pathlib.Path(NEWTONSOFT_JSON).exists():
            self.lacking("libnewtonsoft-json5.0-cil is not installed")
        done = subprocess.run(
            ["make", "--no-print-directory", "-C", str(HERE),
             f"OUT={OUT.absolute()}"], text=True, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("warning", done.stdout)
        for name in ("Hubd.Client.dll", "Hubd.Client.xml", "Send.exe",
                     "Driver.exe", "Registration.exe"):
            self.assertTrue((OUT / name).exists(), name)


if __name__ == "__main__":
    unittest.main()
