"""The Dockerfile and what starts it, as far as no engine is needed."""

import json
import re
import unittest

from case import PACKAGING, PackagingCase, seconds, version

from harness.wait import ROOT

DOCKERFILE = PACKAGING / "docker" / "Dockerfile"
# The way compose writes a variable with what it is if nobody sets it.
DEFAULTED = re.compile(r"\$\{\w+:-([^}]*)\}")


class Image(PackagingCase):

    def test_its_version_is_that_of_the_sources(self):
        label = re.search(r'image\.version="(.*)"', DOCKERFILE.read_text())
        self.assertEqual(label[1], version())

    def test_its_health_check_asks_what_hubd_answers(self):
        path = re.search(r'http://127\.0\.0\.1:\$\{PORT:-8081\}(/\w+)"',
                         DOCKERFILE.read_text())
        self.assertAnswered(path[1])

    def test_no_key_and_no_history_is_sent_to_the_engine(self):
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        rules = [line for line in lines if line and line[0] != "#"]
        self.assertEqual(rules[0], "*")
        for rule in rules[1:]:
            self.assertTrue(rule.startswith("!"), rule)
            self.assertTrue((ROOT / rule[1:]).exists(), rule)
            self.assertNotIn(rule[1:].split("/")[0], (".git", "build"))
        self.assertNotIn("!packaging", rules)


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
