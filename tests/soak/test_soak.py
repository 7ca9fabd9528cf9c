"""A short soak test of the hubd that was just built, including Ctrl-C, and
what the soak test reports about a hubd that exits early."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

# pylint: disable=wrong-import-position
from harness.wait import sanitizer, scaled, slowness, until  # noqa: E402

SECONDS = 15
# Sanitizers take most of the machine for themselves.
LOAD = (["--clients=600"] if not sanitizer() else
        ["--clients=100", f"--broadcasts={20 / slowness()}",
         f"--sends={100 / slowness()}"])


class Soak(unittest.TestCase):

    def setUp(self):
        self.out = tempfile.TemporaryDirectory(prefix="soak-")
        self.addCleanup(self.out.cleanup)

    def start(self, seconds):
        process = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "soak.py"), f"{seconds / 60}",
             f"--out={self.out.name}", *LOAD],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def finish(self, process):
        """What it printed, and its JSON file."""
        printed = process.communicate(timeout=scaled(150))[0]
        files = list(pathlib.Path(self.out.name).iterdir())
        self.assertEqual(len(files), 1, printed)
        return printed, json.loads(files[0].read_text())

    def test_everything_at_once_leaves_nothing_to_complain_about(self):
        process = self.start(SECONDS)
        printed, outcome = self.finish(process)
        print("\n" + printed)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(outcome["reasons"], [])
        self.assertGreater(outcome["load"]["delivered"], 100)
        self.assertGreater(outcome["sighups"], 0)
        self.assertEqual(outcome["exit_status"], 0)
        self.assertGreater(outcome["drain"]["drained"], 0)
        for label in ("connections made", "lost", "misrouted", "passed"):
            self.assertIn(label, printed)

    def test_an_interrupt_ends_it_with_its_table(self):
        process = self.start(600)
        self.await_load(process)
        os.kill(process.pid, signal.SIGINT)
        printed, outcome = self.finish(process)
        self.assertEqual(process.returncode, 0, printed)
        self.assertLess(outcome["load"]["seconds"], 300)
        self.assertIsNone(outcome.get("drain"))
        self.assertIn("connections made", printed)

    def test_a_hubd_that_dies_is_no_success(self):
        process = self.start(600)
        self.await_load(process)
        os.kill(self.child(process, "hubd"), signal.SIGKILL)
        printed, outcome = self.finish(process)
        self.assertEqual(process.returncode, 1, printed)
        self.assertTrue(outcome["reasons"], printed)
        self.assertIn("FAILED", printed)

    def await_load(self, process):
        """Its first line of progress is there."""
        self.assertIn(" clients ", process.stdout.readline())

    @staticmethod
    def child(process, name):
        def find():
            path = pathlib.Path(f"/proc/{process.pid}/task")
            children = [int(pid) for task in path.iterdir()
                        for pid in (task / "children").read_text().split()]
            return next((pid for pid in children if pathlib.Path(
                f"/proc/{pid}/comm").read_text().strip() == name), None)
        return until(find, f"a child named {name}")


if __name__ == "__main__":
    unittest.main()
