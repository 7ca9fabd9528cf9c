"""If the environment sets a proxy, it must not see the key: neither when the
commands in our documentation and of ./dev run are pasted into a shell, nor
when hub-bench posts. (Examples and clients have tests of their own.)"""

import json
import os
import re
import subprocess
import unittest

from harness.proxy import ANSWER, RecordingProxy
from harness.testcase import SharedHubd
from harness.wait import ROOT, scaled

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"),
         *ROOT.glob("examples/*.md"), *ROOT.glob("clients/*/README.md"),
         *ROOT.glob("packaging/man/*.[1-9]")]
# A line that begins with curl, and those behind a backslash.
COMMAND = re.compile(r"^ *(curl .*?[^\\])$", re.MULTILINE | re.DOTALL)
LOOPBACK = "http://127.0.0.1:8081/"


def commands(text):
    return COMMAND.findall(text.replace("\\e\n", "\\\n"))


class Environment(SharedHubd):

    def setUp(self):
        super().setUp()
        self.proxy = RecordingProxy()
        self.addCleanup(self.proxy.close)

    def answer_to(self, command):
        """What it prints, in a shell whose environment names the proxy."""
        self.require("curl")
        done = subprocess.run(
            ["sh", "-c", command], text=True, capture_output=True, check=False,
            timeout=scaled(20),
            env={**self.proxy.environment, "KEY": self.hub.key})
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def assertPosts(self, command):
        self.assertEqual(self.answer_to(command)["recipients"], 0, command)
        self.assertEqual(self.proxy.heard, [])


class Pasted(Environment):

    def test_without_further_words_curl_would_ask_the_proxy(self):
        url = f"http://127.0.0.1:{self.hub.port}/readyz"
        self.assertEqual(self.answer_to(f"curl -sS {url}"), json.loads(ANSWER))
        self.assertEqual(len(self.proxy.heard), 1)

    def test_commands_of_the_pages_post_to_hubd_alone(self):
        tried = 0
        for page in PAGES:
            for command in commands(page.read_text(encoding="utf-8")):
                with self.subTest(page.name, command=command):
                    self.assertIn("--noproxy '*'", command)
                    if LOOPBACK not in command:
                        continue
                    tried += 1
                    self.assertPosts(command.replace(
                        ":8081/", f":{self.hub.port}/"))
        self.assertGreaterEqual(tried, 3)

    def test_commands_of_dev_run_post_to_hubd_alone(self):
        told = subprocess.run(
            ["bash", "-c", "source <(sed '$d' dev) && print_welcome"
             f" {self.hub.port} {self.hub.key} on"], cwd=ROOT, text=True,
            capture_output=True, check=True).stderr
        self.assertEqual(len(commands(told)), 2)
        for command in commands(told):
            self.assertPosts(command)


class Bench(Environment):

    def test_hub_bench_posts_to_hubd_alone(self):
        if "HUB_BENCH" not in os.environ:
            self.skipTest("hub-bench was not built")
        done = subprocess.run(
            [os.environ["HUB_BENCH"], "--json", "--clients=2",
             "--duration=300ms", "--warmup=100ms", "--idle=100ms",
             f"ws://127.0.0.1:{self.hub.port}/ws?userId={{user}}"],
            text=True, capture_output=True, check=False, timeout=scaled(60),
            env={**self.proxy.environment, "HUB_API_KEY": self.hub.key})
        self.assertEqual(done.returncode, 0, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(report["publish"]["errors"], 0)
        self.assertGreater(report["delivery"]["count"], 0)
        self.assertEqual(self.proxy.heard, [])


if __name__ == "__main__":
    unittest.main()
