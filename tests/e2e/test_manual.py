"""The manual pages and SECURITY.md are accurate: every setting with its flag
and default, and tests that exist."""

import os
import pathlib
import re
import subprocess
import unittest

from harness.daemon import run_to_end, sanitizer
from harness.testcase import Assertions
from harness.wait import ROOT

PAGES = ROOT / "packaging" / "man"
ITEM = re.compile(r"^\.It Ev (\w+) , Fl -([a-z-]+) Ns = (.*?)(?=^\.It |^\.El)",
                  re.MULTILINE | re.DOTALL)
OF_MANAGERS = {"JOURNAL_STREAM", "NOTIFY_SOCKET", "WATCHDOG_PID",
               "WATCHDOG_USEC"}
HELP = re.compile(r"^  ([A-Z_]+), --([a-z-]+)\n((?:      .*\n)+)",
                  re.MULTILINE)


def told_by_help():
    """Names with flag and default."""
    _, text, _ = run_to_end("--help")
    found = {}
    for name, flag, body in HELP.findall(text):
        default = re.search(r"^      default (.*)$", body, re.MULTILINE)
        found[name] = (flag, default and default[1])
    return found


def told_by_page():
    found = {}
    for name, flag, body in ITEM.findall((PAGES / "hubd.8").read_text()):
        default = re.search(r"^The default is\n\.Ql (.*?)(?: [.,])?$", body,
                            re.MULTILINE)
        found[name] = (flag, default and default[1])
    return found


class Page(Assertions):

    def test_every_setting_is_there_with_its_flag_and_default(self):
        settings = told_by_help()
        self.assertGreater(len(settings), 20)
        self.assertEqual(told_by_page(), settings)

    def test_what_check_config_prints_is_there(self):
        code, out, err = run_to_end("--check-config", HUB_API_KEY="k" * 16)
        self.assertEqual(code, 0, err)
        names = set(re.findall(r"^([A-Z_]+)=", out, re.MULTILINE))
        self.assertEqual(names, set(told_by_page()))

    def test_it_names_no_setting_that_there_is_not(self):
        text = (PAGES / "hubd.8").read_text()
        named = set(re.findall(r"^\.(?:It )?Ev (\w+)", text, re.MULTILINE))
        self.assertEqual(named - OF_MANAGERS, set(told_by_help()))
        self.assertLessEqual(OF_MANAGERS, named)

    def test_its_other_flags_are_taken(self):
        text = (PAGES / "hubd.8").read_text()
        flags = set(re.findall(r"\bFl -([a-z-]+)(?![a-z-]| Ns)", text))
        others = {"check-config", "check-token", "help", "version"}
        self.assertLessEqual(others, flags)
        known = {flag for flag, _ in told_by_help().values()}
        self.assertEqual(flags - known, others)

    def test_mandoc_finds_nothing_wrong(self):
        self.require("mandoc")
        for page in PAGES.iterdir():
            with self.subTest(page.name):
                done = subprocess.run(
                    ["mandoc", "-T", "lint", "-W", "warning", str(page)],
                    text=True, capture_output=True, check=False)
                self.assertEqual((done.returncode, done.stdout), (0, ""))


class Promises(Assertions):

    def test_every_test_that_security_md_names_exists(self):
        if sanitizer():
            self.skipTest("some are of a plain build only")
        named = re.findall(r"`((?:unit|e2e)\.\w+|binaries)`",
                           (ROOT / "SECURITY.md").read_text())
        self.assertGreater(len(named), 10)
        listed = subprocess.run(
            [os.environ["HUB_CTEST"], "--test-dir",
             os.environ["HUB_BUILD_DIR"], "-N"],
            text=True, capture_output=True, check=True).stdout
        known = set(re.findall(r"Test +#\d+: (\S+)", listed))
        self.assertEqual(set(named) - known, set())


if __name__ == "__main__":
    unittest.main()
