"""The Dockerfile and what starts it, as far as that needs no engine."""

import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from case import PACKAGING, PackagingCase, seconds, version

from harness.wait import ROOT

DOCKERFILE = PACKAGING / "docker" / "Dockerfile"
# The way compose writes a variable with what it is if nobody sets it.
DEFAULTED = re.compile(r"\$\{\w+:-([^}]*)\}")


def sent_to_the_engine():
    """The rules of .dockerignore that let something through."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and line[0] != "#"]
    if rules[0] != "*" or any(rule[0] != "!" for rule in rules[1:]):
        raise AssertionError(".dockerignore is more than a list of what"
                             " passes")
    return [rule[1:] for rule in rules[1:]]


class Image(PackagingCase):

    def test_what_is_sent_to_the_engine_is_enough_to_build(self):
        with tempfile.TemporaryDirectory() as work:
            tree = pathlib.Path(work) / "src"
            for name in sent_to_the_engine():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                copy = (shutil.copytree if (ROOT / name).is_dir()
                        else shutil.copy)
                copy(ROOT / name, tree / name)
            step = re.search(r"(?m)^RUN (cmake(?:.*\\\n)*.*)",
                             DOCKERFILE.read_text())[1]
            step = step.replace("/out/", f"{work}/out/")
            done = subprocess.run(["sh", "-ec", step], cwd=tree, text=True,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            program = f"{work}/out/usr/local/bin/hubd"
            told = subprocess.run([program, "--version"], text=True,
                                  capture_output=True, check=True).stdout
        self.assertIn(version(), told)

    def test_its_version_is_that_of_the_sources(self):
        label = re.search(r'image\.version="(.*)"', DOCKERFILE.read_text())
        self.assertEqual(label[1], version())

    def test_its_health_check_asks_what_hubd_answers(self):
        path = re.search(r'http://127\.0\.0\.1:\$\{PORT:-8081\}(/\w+)"',
                         DOCKERFILE.read_text())
        self.assertAnswered(path[1])

    def test_no_key_and_no_history_is_sent_to_the_engine(self):
        sent = sent_to_the_engine()
        for name in sent:
            self.assertTrue((ROOT / name).exists(), name)
            self.assertNotIn(name.split("/")[0], (".git", "build"))
        self.assertNotIn("packaging", sent)  # where compose.yaml has its key


class Compose(PackagingCase):

    def setUp(self):
        super().setUp()
        self.file, = self.documents("docker/compose.yaml")
        self.hubd = self.file["services"]["hubd"]
        self.nginx = self.file["services"]["nginx"]

    def environment(self):
        return {name: DEFAULTED.sub(r"\1", value)
                for name, value in self.hubd["environment"].items()}

    def test_hubd_takes_its_settings(self):
        self.assertTaken(self.environment())

    def test_a_drain_has_time_to_end(self):
        shown = self.assertTaken(self.environment())
        self.assertGreater(seconds(self.hubd["stop_grace_period"]),
                           seconds(shown["HUB_SHUTDOWN_TIMEOUT"]))

    def test_the_key_is_a_secret(self):
        path = self.hubd["environment"]["HUB_API_KEY_FILE"]
        self.assertEqual(path, "/run/secrets/" + self.hubd["secrets"][0])
        self.assertIn(self.hubd["secrets"][0], self.file["secrets"])
        self.assertNotIn("HUB_API_KEY", self.hubd["environment"])

    def test_only_nginx_is_believed(self):
        trusted = self.hubd["environment"]["HUB_TRUSTED_PROXIES"]
        self.assertEqual(trusted,
                         self.nginx["networks"]["hub"]["ipv4_address"])

    def test_nginx_finds_hubd(self):
        address = self.hubd["networks"]["hub"]["ipv4_address"]
        self.assertIn(f"/{address}:8081/", self.nginx["command"][-1])

    def test_the_api_is_not_published_to_the_world(self):
        for port in self.hubd["ports"]:
            self.assertTrue(port.startswith("127.0.0.1:"), port)
        self.assertEqual(self.nginx["ports"], ["${TLS_PORT:-443}:443"])


class DevContainer(PackagingCase):

    def test_it_starts_from_what_is_there(self):
        place = ROOT / ".devcontainer"
        file = json.loads((place / "devcontainer.json").read_text())
        dockerfile = (place / file["build"]["dockerfile"]).read_text()
        self.assertIn(f"USER {file['remoteUser']}\n", dockerfile)
        commands = re.findall(r"(?m)^\./dev (\w+)",
                              (ROOT / "dev").read_text())
        for name in ("onCreateCommand", "postAttachCommand"):
            self.assertIn(file[name].removeprefix("./dev "), commands)


if __name__ == "__main__":
    unittest.main()
