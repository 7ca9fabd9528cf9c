"""The image of packaging/docker/Dockerfile: what is in it, and that it runs."""

import asyncio
import json
import os
import tempfile
import time
import unittest

import websockets

from case import KEY, NOFILE, EngineCase

from harness.wait import until

ADDED_BYTES_MAX = 16 << 20  # to the base image, with libcurl
NO_URING = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
    {"names": ["io_uring_setup", "io_uring_enter", "io_uring_register"],
     "action": "SCMP_ACT_ERRNO"}]}


class Contents(EngineCase):

    def shell(self, script):
        return self.docker("run", "--rm", "--entrypoint", "sh", "hubd", "-c",
                           script).stdout

    def test_what_it_says_of_itself(self):
        config = json.loads(self.inspect("hubd"))["Config"]
        self.assertEqual(config["Entrypoint"], ["/usr/local/bin/hubd"])
        self.assertFalse(config.get("Cmd"))
        self.assertEqual(config["User"], "10001:10001")
        self.assertEqual(config["StopSignal"], "SIGTERM")
        self.assertEqual(set(config["ExposedPorts"]), {"8081/tcp"})
        version = self.docker("run", "--rm", "hubd", "--version").stdout
        label = config["Labels"]["org.opencontainers.image.version"]
        self.assertIn(label, version.split())
        self.assertEqual([name for name in config["Env"]
                          if not name.startswith("PATH=")], [])

    def test_nothing_of_the_build_is_in_it(self):
        found = self.shell("ls -d /src /out /usr/bin/gcc /usr/bin/cmake"
                           " /usr/include/civetweb.h /var/lib/apt/lists/*"
                           " /var/log/apt /var/cache/apt/archives/*.deb"
                           " 2>/dev/null || true")
        self.assertEqual(found, "")
        added = (int(self.inspect("hubd", "{{.Size}}"))
                 - int(self.inspect("debian:bookworm-slim", "{{.Size}}")))
        print(f"\nthe image adds {added / (1 << 20):.1f} MB to its base")
        self.assertLess(added, ADDED_BYTES_MAX)

    def test_the_program_is_whole_and_not_its_users(self):
        libraries = self.shell("ldd /usr/local/bin/hubd")
        self.assertIn("libcivetweb", libraries)
        self.assertNotIn("not found", libraries)
        self.assertEqual(
            self.shell("stat -c '%U:%G %a' /usr/local/bin/hubd").strip(),
            "root:root 755")
        self.assertEqual(self.shell("id -u; id -g").split(),
                         ["10001", "10001"])
        self.assertIn("MIT", self.shell("cat /usr/share/doc/hubd/copyright"))

    def test_without_a_key_it_says_what_is_missing(self):
        done = self.docker("run", "--rm", "hubd", check=False)
        self.assertEqual(done.returncode, 78, done)
        self.assertIn("HUB_API_KEY", done.stderr)

    def test_messages_may_take_half_of_the_containers_memory(self):
        container = self.docker(
            "run", "-d", "--memory", "600m", "--ulimit", f"nofile={NOFILE}",
            "-e", f"HUB_API_KEY={KEY}", "hubd").stdout.strip()
        self.addCleanup(self.docker, "rm", "-f", container)
        line = until(lambda: self.events(container, "listening"), "it listens")
        self.assertEqual(line[0]["memory_limit"], str(300 << 20))



class Running(EngineCase):

    def run_hubd(self, *flags, port=8081):
        container = self.docker(
            "run", "-d", "-e", f"HUB_API_KEY={KEY}", "--ulimit",
            f"nofile={NOFILE}", "--health-interval", "500ms", "-p",
            f"127.0.0.1:{port}:{port}", *flags, "hubd").stdout.strip()
        self.addCleanup(self.docker, "rm", "-f", container)
        return container

    def test_a_message_and_a_drain(self):
        container = self.run_hubd()
        self.wait_health(container, "healthy")

        async def scenario():
            async with websockets.connect(
                    "ws://127.0.0.1:8081/ws?userId=ada") as client:
                await (await client.ping())
                self.assertEqual(await asyncio.to_thread(
                    self.send, 8081, "ada"), (200, 1))
                self.assertEqual(json.loads(await client.recv())["payload"],
                                 "p")
                stopping = asyncio.to_thread(self.stop, container)
                stopped, _ = await asyncio.gather(
                    stopping, self.assertDrained(client))
                self.assertLess(stopped, 8)

        asyncio.run(asyncio.wait_for(scenario(), 60))
        self.assertEqual(self.inspect(container, "{{.State.ExitCode}}"), "0")

    def stop(self, container):
        started = time.monotonic()
        self.docker("stop", "--time", "10", container)
        return time.monotonic() - started

    def test_a_key_as_kubernetes_mounts_it(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(KEY)
            file.flush()
            os.chown(file.name, 0, 10001)
            os.chmod(file.name, 0o440)
            container = self.run_hubd(
                "-e", "HUB_API_KEY=", "-e", "HUB_API_KEY_FILE=/key", "-v",
                f"{file.name}:/key:ro")
            self.wait_health(container, "healthy")
        self.assertEqual(self.send(8081, "nobody"), (200, 0))
        warnings = [line["warning"] for line
                    in self.events(container, "setting")]
        self.assertFalse([text for text in warnings if "KEY" in text])

    def test_the_health_check_follows_the_port(self):
        container = self.run_hubd("-e", "PORT=9000", port=9000)
        self.wait_health(container, "healthy")

    def test_a_hub_that_stands_still_is_unhealthy(self):
        container = self.run_hubd("--health-retries", "1")
        self.wait_health(container, "healthy")
        self.docker("kill", "--signal", "STOP", container)
        self.wait_health(container, "unhealthy")
        self.docker("kill", "--signal", "CONT", container)
        self.wait_health(container, "healthy")

    def test_with_the_least_rights(self):
        container = self.run_hubd("--read-only", "--cap-drop", "ALL",
                                  "--security-opt", "no-new-privileges")
        self.wait_health(container, "healthy")
        status = self.docker("exec", container, "cat",
                             "/proc/1/status").stdout
        self.assertRegex(status, r"(?m)^CapBnd:\t0+$")
        self.assertRegex(status, r"(?m)^NoNewPrivs:\t1$")
        self.assertRegex(status, r"(?m)^Uid:(\t10001){4}$")

    def test_without_io_uring_it_uses_sendmsg(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as profile:
            json.dump(NO_URING, profile)
            profile.flush()
            container = self.run_hubd("--security-opt",
                                      f"seccomp={profile.name}")
        self.wait_health(container, "healthy")
        line = self.events(container, "hub")[0]
        self.assertTrue(line["message"].startswith("sending with sendmsg"), line)


if __name__ == "__main__":
    unittest.main()
