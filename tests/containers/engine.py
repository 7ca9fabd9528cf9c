"""A separate Docker Engine: Debian's, with its data and its socket in a
directory. To be started inside separate namespaces for mounts and processes
(see run.py), so that containers and mounts end with them.
"""

import contextlib
import os
import pathlib
import subprocess
import time

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"  # Debian's, whatever else there is
GROUPS = pathlib.Path("/sys/fs/cgroup")
GROUP = "hub-containers"
START_SECONDS = 60


class Engine:
    """`bridge`: containers get networks of their own, in the network namespace
    we are in. Without it nothing is done to that namespace, and containers can
    only share it."""

    def __init__(self, home, bridge):
        self.home = pathlib.Path(home)
        self.bridge = bridge
        self.environment = {
            "PATH": PATH, "HOME": str(self.home),
            "DOCKER_HOST": f"unix://{self.home}/socket",
            "DOCKER_BUILDKIT": "1", "COMPOSE_DOCKER_CLI_BUILD": "1"}
        self.process = None

    def __enter__(self):
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "pid").unlink(missing_ok=True)
        network = [] if self.bridge else ["--bridge=none", "--iptables=false",
                                          "--ip-forward=false"]
        with open(self.home / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["dockerd", "-H", self.environment["DOCKER_HOST"],
                 "--data-root", self.home / "data",
                 "--exec-root", self.home / "exec",
                 "--pidfile", self.home / "pid",
                 "--cgroup-parent", f"/{GROUP}", *network],
                env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while self.docker("info", check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("dockerd does not start: " + self.tail())
            time.sleep(0.2)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._remove_groups()

    @staticmethod
    def _remove_groups():
        """Control groups are the one thing that no namespace takes along."""
        for top in GROUPS.glob(f"*/{GROUP}"):
            for path, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(path)

    def tail(self):
        lines = (self.home / "log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])

    def run(self, *command, check=True, **how):
        done = subprocess.run(
            list(map(str, command)), env={**self.environment,
                                          **how.pop("env", {})},
            text=True, capture_output=True, check=False, **how)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: exit status"
                                 f" {done.returncode}\n{done.stdout}"
                                 f"{done.stderr}")
        return done

    def docker(self, *arguments, **how):
        return self.run("docker", *arguments, **how)
