"""The other files in the packages match the programs: the settings, the unit,
versions and symbols."""

import os
import re
import subprocess
import tempfile
import unittest

from harness.daemon import run_to_end
from harness.testcase import Assertions
from harness.wait import HUBD, ROOT

PACKAGING = ROOT / "packaging"
CONF = PACKAGING / "hubd.conf"
UNIT = PACKAGING / "systemd" / "hubd.service"
DEBIAN = PACKAGING / "debian"
SETTING = re.compile(r"^(#?)([A-Z_]+)=(.*)$", re.MULTILINE)
# What differs from a hubd without settings.
PACKAGED = {"HUB_BIND": "127.0.0.1", "HUB_API_KEY_FILE": "/etc/hubd/api-key"}
EXPOSURE = 12  # at most, of 100; systemd shows tenths of it


def told_by_conf():
    """Names with whether they are set, and the value."""
    return {name: (not mark, value)
            for mark, name, value in SETTING.findall(CONF.read_text())}


def effective(**settings):
    code, out, err = run_to_end("--check-config", **settings)
    assert code == 0, err
    return dict(line.split("=", 1) for line in out.splitlines())


class Conf(unittest.TestCase):

    def test_every_setting_is_there_once(self):
        names = [name for _, name, _ in SETTING.findall(CONF.read_text())]
        self.assertEqual(sorted(names),
                         sorted(effective(HUB_API_KEY="k" * 16)))

    def test_what_is_commented_out_is_the_default(self):
        defaults = effective(HUB_API_KEY="k" * 16)
        written = {name: value for name, (is_set, value)
                   in told_by_conf().items() if not is_set and value}
        self.assertGreater(len(written), 15)
        self.assertEqual(effective(HUB_API_KEY="k" * 16, **written), defaults)
        for name, value in written.items():
            if value != "0":  # shown in words
                self.assertEqual(value, defaults[name], name)

    def test_what_has_no_default_is_empty(self):
        defaults = effective(HUB_API_KEY="k" * 16)
        for name, (is_set, value) in told_by_conf().items():
            if not is_set:
                self.assertEqual(value == "", defaults[name] in
                                 ("(unset)", "****"), name)

    def test_only_what_a_package_decides_is_set(self):
        self.assertEqual({name: value for name, (is_set, value)
                          in told_by_conf().items() if is_set}, PACKAGED)

    def test_every_other_line_is_a_comment(self):
        for line in CONF.read_text().splitlines():
            self.assertRegex(line, r"\A(#( .*)?|#?[A-Z_]+=\S*|)\Z")
            self.assertLessEqual(len(line), 80)


class Unit(Assertions):

    def analyze(self, *arguments):
        self.require("systemd-analyze")
        with tempfile.TemporaryDirectory(prefix="hub-unit-") as scratch:
            path = os.path.join(scratch, "hubd.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(UNIT.read_text().replace("/usr/bin/hubd", HUBD)
                           .replace("man:hubd(8) ", ""))
            return subprocess.run(
                ["systemd-analyze", *arguments, path], text=True, check=False,
                capture_output=True)

    def value(self, name):
        value, = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
        return value

    def test_systemd_finds_nothing_wrong(self):
        done = self.analyze("verify")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_its_exposure(self):
        done = self.analyze("security", "--offline=true", "--no-pager",
                            f"--threshold={EXPOSURE}")
        print("\n" + done.stdout.strip().splitlines()[-1])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_drain_ends_before_systemd_loses_patience(self):
        timeout = told_by_conf()["HUB_SHUTDOWN_TIMEOUT"][1]
        self.assertLess(int(timeout.removesuffix("s")) + 5,
                        int(self.value("TimeoutStopSec")))

    def test_a_wrong_setting_is_not_tried_again(self):
        code, _, _ = run_to_end(PORT="x")
        self.assertEqual(self.value("RestartPreventExitStatus"), str(code))

    def test_it_names_the_files_that_are_installed(self):
        self.assertEqual(self.value("EnvironmentFile"), "/etc/hubd/hubd.conf")
        self.assertEqual(
            (DEBIAN / "hubd" / "conffiles").read_text(),
            "/etc/hubd/hubd.conf\n")
        self.assertIn(f"\nKEY={PACKAGED['HUB_API_KEY_FILE']}\n",
                      (DEBIAN / "hubd" / "postinst").read_text())


class Versions(unittest.TestCase):

    def test_the_changelog_begins_with_this_version(self):
        version = re.search(r'HUB_VERSION "(.*)"', (
            ROOT / "include/hub/version.h").read_text())[1]
        first = (DEBIAN / "changelog").read_text().splitlines()[0]
        self.assertRegex(first, rf"\Ahub \({re.escape(version)}-[1-9]\d*\) ")

    def test_the_symbols_are_those_of_the_library(self):
        exported = re.findall(r"^    (hub_\w+);$", (
            ROOT / "libhub/libhub.map").read_text(), re.MULTILINE)
        self.assertGreater(len(exported), 10)
        told = re.findall(r"^ (\w+)@HUB_0 [0-9.]+$", (
            DEBIAN / "libhub0/symbols").read_text(), re.MULTILINE)
        self.assertEqual(told, sorted(["HUB_0", *exported]))


if __name__ == "__main__":
    unittest.main()
