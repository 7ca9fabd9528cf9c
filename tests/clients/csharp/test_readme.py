"""The code in the client's README compiles and does what it says, and the
README names everything."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ET

from cases import DriverCase, SharedHubdCase
from driver import OUT, command_line
from harness.wait import ROOT, scaled
from test_build import NEWTONSOFT_JSON

CLIENT = ROOT / "clients" / "csharp"
README = (CLIENT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```csharp\n(.*?)^```", README, re.DOTALL | re.MULTILINE)

# What stands around lines that are not a file of their own.
FRAME = """
using System;
using System.Threading.Tasks;
using Hubd.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json;

static class Frame
{
    class Builder
    {
        public IServiceCollection Services = null;
        public IConfiguration Configuration = null;
    }

    static async Task Run(IHubClient hub, ILogger logger, Builder builder)
    {
%s
        await Task.Yield();
    }
}
"""


def table(heading):
    """The first columns of a section's table, its backticks undone."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def rows(heading):
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines() if line.startswith("| `")]


class Code(DriverCase):

    def test_every_block_compiles(self):
        if os.environ.get("HUB_CSHARP_RUN"):
            self.skipTest("Mono's compiler is wanted")
        self.assertGreater(len(BLOCKS), 4)
        with tempfile.TemporaryDirectory() as scratch:
            for number, block in enumerate(BLOCKS):
                with self.subTest(block=block.splitlines()[0]):
                    path = pathlib.Path(scratch) / f"Block{number}.cs"
                    path.write_text(block if "class " in block
                                    else FRAME % block, encoding="utf-8")
                    self.compile(path)

    def compile(self, path):
        references = [f"-r:{OUT}/{name}.dll"
                      for name in ("Hubd.Client", "StandIns")]
        done = subprocess.run(
            ["mcs", "-langversion:7.2", "-target:library", *references,
             f"-r:{NEWTONSOFT_JSON}", f"-r:{OUT}/Registration.exe",
             f"-out:{path}.dll", str(path)],
            text=True, capture_output=True, check=False, timeout=scaled(30))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Tables(DriverCase):

    def setUp(self):
        super().setUp()
        done = subprocess.run([*command_line(), "--describe"], check=True,
                              capture_output=True, timeout=scaled(30))
        self.there = json.loads(done.stdout)

    def test_settings_and_their_defaults(self):
        settings = self.there["settings"]
        self.assertEqual(table("Settings"), list(settings))
        for name, _, default in rows("Settings"):
            value = settings[name.strip("`")]
            self.assertIn(default, {f"`{value}`"} if value is not None
                          else {"required", "Newtonsoft.Json"})

    def test_methods(self):
        self.assertEqual(table("Methods"), self.there["methods"])

    def test_codes(self):
        codes = table("Errors")
        self.assertCountEqual(codes, self.there["codes"])
        self.assertEqual(len(codes), len(set(codes)))

    def test_hubds_codes_are_those_of_hubd(self):
        own = {"network_error", "timeout", "connection_lost",
               "unexpected_response", "invalid_payload"}
        told = re.findall(r"`(\w+)`", (ROOT / "docs/protocol.md").read_text(
            encoding="utf-8").split("| status | codes |")[1])
        self.assertLessEqual(set(self.there["codes"]) - own, set(told))

    def test_flags(self):
        """As the tests of refusals, retries and doubt have them."""
        for codes, _, flag in rows("Errors"):
            with self.subTest(codes=codes):
                self.assertEqual(
                    flag, "transient" if re.search("network|draining", codes)
                    else "unknown" if re.search("time|lost|unexp", codes)
                    else "")


class Packages(unittest.TestCase):

    def setUp(self):
        self.props = ET.parse(CLIENT / "Directory.Build.props")

    def told(self, name):
        return self.props.findtext(f".//{name}")

    def test_their_version_is_the_hubs(self):
        header = (ROOT / "include/hub/version.h").read_text(encoding="utf-8")
        self.assertIn(f'HUB_VERSION "{self.told("Version")}"', header)

    def test_they_say_whose_they_are(self):
        terms = (ROOT / "LICENSE").read_text(encoding="utf-8")
        self.assertTrue(terms.startswith(
            f"{self.told('PackageLicenseExpression')} License\n\n"
            f"{self.told('Copyright')}\n"), terms)
        self.assertTrue(self.told("Copyright").endswith(self.told("Authors")))

    def test_they_hold_the_readme(self):
        packed = [item.get("Include").split(")")[-1]
                  for item in self.props.iterfind(".//None[@Pack='true']")]
        self.assertEqual(packed, [self.told("PackageReadmeFile")])
        self.assertTrue((CLIENT / packed[0]).exists())


class Example(SharedHubdCase):

    def run_example(self, *words, **environment):
        if os.environ.get("HUB_CSHARP_RUN"):
            self.skipTest("it was built for Mono")
        return subprocess.run(
            ["mono", str(OUT / "Send.exe"), *words], text=True,
            capture_output=True, check=False, timeout=scaled(30),
            env={"PATH": os.environ["PATH"], "HUB_URL": self.url,
                 "HUB_API_KEY": self.key, **environment})

    def test_it_sends(self):
        ada, bob = self.join("ada"), self.join("bob", "tab")
        for words, reached in ((("--user", "ada"), [ada]),
                               (("--session", "tab"), [bob]),
                               (("--user", "ada", "--session", "tab"),
                                [ada, bob]),
                               (("--session", "tab", "--user", "ada"),
                                [ada, bob]), ((), [ada, bob])):
            with self.subTest(words=words):
                done = self.run_example(*words, "h\u00e9llo")
                self.assertEqual(
                    (done.returncode, done.stdout, done.stderr),
                    (0, f"queued for {len(reached)} connection(s)\n", ""))
                for client in reached:
                    message = json.loads(client.recv())
                    self.assertEqual(message["payload"],
                                     {"text": "h\u00e9llo"})
                    self.assertEqual(message["type"], "note")

    def test_it_says_what_is_wrong(self):
        done = self.run_example("x", HUB_API_KEY="wrong-key-1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"\Aunauthorized: [^\n]+\n\Z")
        for words in ((), ("x", "y"), ("--room", "x"), ("--user",),
                      ("--user", "ada", "--x"), ("-v",)):
            done = self.run_example(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertIn("usage: Send", done.stderr)
        done = self.run_example("x", HUB_API_KEY="")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertTrue(done.stderr.startswith("ApiKey is not set\nusage: "),
                        done.stderr)

    def test_it_explains_itself(self):
        for flag in ("--help", "-h"):
            done = self.run_example(flag)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertTrue(done.stdout.startswith("usage: Send"), done.stdout)


if __name__ == "__main__":
    unittest.main()
