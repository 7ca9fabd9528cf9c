"""packaging/docker/compose.yaml with nginx in front, as docker-compose makes
it: TLS, the key from a secret, and the restrictions."""

import asyncio
import json
import pathlib
import shutil
import ssl
import tempfile
import unittest

import websockets

from case import KEY, NOFILE, ROOT, EngineCase
from proxy import NAME, make_certificate

from harness.wait import until

FILES = ROOT / "packaging" / "docker"
OVERRIDE = {"services": {name: {"ulimits": {"nofile": NOFILE}}
                         for name in ("hubd", "nginx")}}


class Compose(EngineCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.work = pathlib.Path(cls.enterClassContext(
            tempfile.TemporaryDirectory(prefix="hub-compose-")))
        cls.key_file = cls.work / "hub_api_key"
        cls.key_file.write_text(KEY + "\n")
        shutil.chown(cls.key_file, 10001, 10001)
        cls.key_file.chmod(0o400)
        make_certificate(cls.work)
        cls.tls = ssl.create_default_context(
            cafile=str(cls.work / "fullchain.pem"))
        (cls.work / "override.yaml").write_text(json.dumps(OVERRIDE))
        cls.addClassCleanup(cls.compose, "down", "--timeout", "5")
        cls.compose("up", "-d", "--no-build")

    @classmethod
    def compose(cls, *arguments):
        return cls.engine.run(
            "docker-compose", "-p", "hub", "-f", FILES / "compose.yaml", "-f",
            cls.work / "override.yaml", "--profile", "tls", *arguments,
            cwd=FILES, env={
                "HUB_API_KEY_FILE": str(cls.key_file),
                "HUB_CLIENT_AUTH": "none",
                "TLS_DIR": str(cls.work), "TLS_PORT": "8443",
                "NGINX_IMAGE": "hub-test-nginx"})

    def container(self, service):
        return self.compose("ps", "-q", service).stdout.strip()

    def open(self, user="ada", **headers):
        return websockets.connect(
            f"wss://{NAME}:8443/ws?userId={user}", host="127.0.0.1",
            port=8443, ssl=self.tls, server_hostname=NAME,
            extra_headers=headers)

    def events_of_hubd(self, event):
        lines = map(json.loads, self.docker(
            "logs", self.container("hubd")).stderr.splitlines())
        return [line for line in lines if line["event"] == event]

    def run_async(self, coroutine):
        return asyncio.run(asyncio.wait_for(coroutine, 60))

    def test_nginx_and_hubd_are_restricted(self):
        hubd = json.loads(self.inspect(self.container("hubd")))
        self.assertEqual(hubd["State"]["Health"]["Status"], "healthy")
        for service in ("hubd", "nginx"):
            host = json.loads(self.inspect(self.container(service)))[
                "HostConfig"]
            self.assertTrue(host["ReadonlyRootfs"])
            self.assertEqual(host["CapDrop"], ["ALL"])
            self.assertIn("no-new-privileges:true", host["SecurityOpt"])
        status = self.docker("exec", self.container("hubd"), "cat",
                             "/proc/1/status").stdout
        self.assertRegex(status, r"(?m)^CapBnd:\t0+$")

    def test_a_message_through_tls(self):
        async def scenario():
            async with self.open(**{"X-Forwarded-For": "203.0.113.9"}) as ws:
                await (await ws.ping())
                self.assertEqual(await asyncio.to_thread(
                    self.send, 8081, "ada"), (200, 1))
                self.assertEqual(json.loads(await ws.recv())["payload"], "p")

        self.run_async(scenario())
        remote = self.events_of_hubd("connected")[-1]["remote"]
        # Docker's side of the network, and neither nginx nor the claim.
        self.assertEqual(remote, "172.31.81.1")

    def test_the_key_of_the_secret_can_be_changed(self):
        texts = [line for line in self.docker(
            "logs", self.container("hubd")).stderr.splitlines()
            if "0600" in line]
        self.assertEqual(texts, [])
        other = KEY[::-1]
        self.assertEqual(self.send(8081, "nobody", other)[0], 401)
        self.key_file.write_text(other + "\n")
        self.compose("kill", "-s", "HUP", "hubd")
        until(lambda: self.send(8081, "nobody", other)[0] == 200, "new key")
        self.assertEqual(self.send(8081, "nobody", KEY)[0], 401)
        self.key_file.write_text(KEY + "\n")
        # From inside, as it is done in Kubernetes.
        self.docker("exec", self.container("hubd"), "sh", "-c", "kill -HUP 1")
        until(lambda: self.send(8081, "nobody", KEY)[0] == 200, "old key")

    def test_a_restart_of_hubd_tells_clients_and_lets_them_back(self):
        async def scenario():
            async with self.open() as ws:
                await (await ws.ping())
                await asyncio.gather(
                    asyncio.to_thread(self.compose, "stop", "hubd"),
                    self.assertDrained(ws))
            self.assertEqual(self.docker(
                "inspect", "--format", "{{.State.ExitCode}}",
                "hub_hubd_1").stdout.strip(), "0")
            await asyncio.to_thread(self.compose, "up", "-d", "--no-build")
            async with self.open() as ws:
                await (await ws.ping())
                await asyncio.to_thread(self.until_sent, 8081, "ada")

        self.run_async(scenario())


if __name__ == "__main__":
    unittest.main()
