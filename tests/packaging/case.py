"""Shared by the tests of packaging."""

import pathlib
import re
import tempfile

from harness.daemon import run_to_end
from harness.testcase import HubTestCase
from harness.wait import ROOT

try:
    import yaml
except ImportError:
    yaml = None

PACKAGING = ROOT / "packaging"
KEY = "0123456789abcdef"
OPEN = ("hubd: HUB_CLIENT_AUTH is none: anyone who can connect can claim any"
        " userId\n")


def version():
    text = (ROOT / "include" / "hub" / "version.h").read_text()
    return re.search(r'HUB_VERSION "(.*)"', text)[1]


class PackagingCase(HubTestCase):

    def setUp(self):
        super().setUp()
        if yaml is None:
            self.lacking("python3-yaml is not installed")

    def documents(self, path):
        return list(yaml.safe_load_all((PACKAGING / path).read_text()))

    def assertTaken(self, settings):
        """hubd knows each of these variables and takes its value; a key file
        becomes one that is there. Returns what --check-config printed."""
        with tempfile.TemporaryDirectory() as work:
            path = pathlib.Path(work) / "key"
            path.write_text(KEY)
            path.chmod(0o600)
            settings = {**settings, "HUB_API_KEY_FILE": str(path)}
            status, out, err = run_to_end("--check-config", **settings)
        self.assertEqual((status, err.replace(OPEN, "")), (0, ""))
        shown = dict(re.findall(r"(?m)^(\w+)=(.*)$", out))
        self.assertLessEqual(set(settings), set(shown))
        return shown

    def assertAnswered(self, path):
        """The real hubd says 200 to this path."""
        hub = self.start()
        self.assertEqual(hub.request("GET", path).status, 200, path)


def seconds(text):
    """Of a duration as the files here have them."""
    match = re.fullmatch(r"(\d+)s", text)
    if match is None:
        raise AssertionError(f"not in seconds: {text!r}")
    return int(match[1])
