"""The servers: how each is started, and what is missing if it cannot be.

All speak hubd's contract: GET /ws?userId=…, POST /api/broadcast and /api/send
with X-API-Key, GET /health.
"""

import dataclasses
import http.client
import os
import pathlib
import platform
import shlex
import shutil
import subprocess
import tempfile
import time
from typing import Callable, Optional

import process

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
SOCKET = "/ws?userId={user}"
# Settings of hubd that the caller's environment must not slip in.
FOREIGN = ("PORT", "READ_TIMEOUT", "WRITE_TIMEOUT", "MAX_MESSAGE_SIZE")


@dataclasses.dataclass(frozen=True)
class Paths:
    """What was built, and where."""
    hubd: pathlib.Path
    hub_bench: pathlib.Path
    floor: pathlib.Path
    registry: pathlib.Path
    go: pathlib.Path
    node: pathlib.Path = HERE / "peers/node"
    bun: pathlib.Path = HERE / "peers/bun"
    nchan: pathlib.Path = HERE / "peers/nchan/nginx.conf.in"


@dataclasses.dataclass(frozen=True)
class Launch:
    """What a start knows: fills in the command."""
    port: int
    key: str
    scratch: pathlib.Path
    descriptors: int


@dataclasses.dataclass(frozen=True)
class Server:
    key: str    # on the command line and in results.json
    title: str  # in tables and plots
    role: str   # hub, peer or floor
    command: Callable[[Launch], list]
    missing: Callable[[], Optional[str]]  # why it cannot be started
    environment: dict = dataclasses.field(default_factory=dict)
    send_path: str = "/api/send"
    # Where clients connect that get broadcasts, and those that get sends.
    broadcast_socket: str = SOCKET
    send_socket: str = SOCKET

    def can_send(self):
        return self.role != "floor"

    def names_user_in_path(self):
        """Instead of in the body of /api/send."""
        return "{user}" in self.send_path

    def socket_path(self, sends):
        return self.send_socket if sends else self.broadcast_socket


class StartError(Exception):
    """A server that does not come up; says why in one line."""


# What can be started. --------------------------------------------------

def _not_built(path):
    return None if path.is_file() else f"not built: there is no {path.name}"


def knows_sender(hubd):
    """Whether this hubd has the setting HUB_SENDER."""
    try:
        shown = subprocess.run(
            [hubd, "--check-config"], capture_output=True, text=True,
            timeout=10, check=False, env={"HUB_API_KEY": "0" * 32})
    except OSError:
        return False
    return "HUB_SENDER" in shown.stdout


def _hubd(paths, sender):
    key = "hubd" if sender == "uring" else "hubd-sendmsg"
    settings = {"HUB_BIND": "127.0.0.1", "HUB_LOG_LEVEL": "warn"}
    known = paths.hubd.is_file() and knows_sender(paths.hubd)
    if known:
        settings["HUB_SENDER"] = sender

    def missing():
        if sender != "uring" and paths.hubd.is_file() and not known:
            return "this hubd has no setting HUB_SENDER"
        return _not_built(paths.hubd)

    return Server(key, "hubd" if sender == "uring" else "hubd (sendmsg)",
                  "hub", lambda launch: [str(paths.hubd)], missing, settings)


def _go(paths):
    return Server(
        "go", "Go (gorilla)", "peer",
        lambda launch: [str(paths.go), f"-port={launch.port}"],
        lambda: _not_built(paths.go))


def _node(paths):
    def missing():
        if not shutil.which("node"):
            return "node is not installed"
        if not (paths.node / "node_modules/ws").is_dir():
            return "the package ws is not installed: npm ci"
        return None

    return Server(
        "node", "Node (ws)", "peer",
        lambda launch: ["node", str(paths.node / "hub.mjs"),
                        str(launch.port)], missing)


def bun_program(folder):
    """npm has a package for each kind of machine, with nothing but the program
    in it."""
    machine = {"x86_64": "x64"}.get(platform.machine(), platform.machine())
    return folder / f"node_modules/@oven/bun-linux-{machine}/bin/bun"


def _bun(paths):
    program = bun_program(paths.bun)

    def missing():
        if not program.is_file():
            return "the package of Bun is not installed: npm ci"
        return None

    return Server(
        "bun", "Bun (uWebSockets)", "peer",
        lambda launch: [str(program), str(paths.bun / "hub.mjs"),
                        str(launch.port)], missing)


def _nginx():
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def _nchan(paths):
    def missing():
        if not _nginx():
            return "nginx is not installed"
        if not NCHAN_MODULE.is_file():
            return "the nchan module of nginx is not installed"
        return None

    def command(launch):
        text = paths.nchan.read_text("utf-8")
        for name, value in (("PORT", launch.port), ("KEY", launch.key),
                            ("NOFILE", launch.descriptors), ("PING", 25)):
            text = text.replace(f"@{name}@", str(value))
        (launch.scratch / "nginx.conf").write_text(text, "utf-8")
        return [_nginx(), "-p", str(launch.scratch), "-c", "nginx.conf",
                "-e", "stderr", "-g", "daemon off;"]

    return Server("nchan", "nchan", "peer", command, missing,
                  send_path="/api/send/{user}",
                  broadcast_socket="/ws/all?userId={user}",
                  send_socket="/ws/user?userId={user}")


def _floor(paths, sender):
    return Server(
        f"floor-{sender}", f"floor ({sender})", "floor",
        lambda launch: [str(paths.floor), f"--port={launch.port}",
                        f"--sender={sender}"],
        lambda: _not_built(paths.floor))


def extra(definition):
    """A server of somebody else's: NAME=COMMAND with {port} and {key}."""
    name, equals, template = definition.partition("=")
    words = shlex.split(template)
    if not (name and equals and words and "{port}" in template):
        raise ValueError(f"{definition!r} is not NAME=COMMAND with {{port}}")

    def command(launch):
        return [word.replace("{port}", str(launch.port))
                .replace("{key}", launch.key) for word in words]

    def missing():
        return None if shutil.which(words[0]) else f"there is no {words[0]}"

    return Server(name.lower(), name, "peer", command, missing)


def all_servers(paths, extras=()):
    """In the order of the tables."""
    return [_hubd(paths, "uring"), _hubd(paths, "sendmsg"), _go(paths),
            _node(paths), _bun(paths), _nchan(paths), *map(extra, extras),
            _floor(paths, "send"), _floor(paths, "uring")]


# Running one. ----------------------------------------------------------

def is_healthy(port):
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        client.request("GET", "/health")
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


class Running:
    """A server that listens; as a context it ends with it."""

    def __init__(self, server, port, key, descriptors):
        self.server, self.port, self.key = server, port, key
        self._scratch = tempfile.TemporaryDirectory(prefix="hub-bench-")
        scratch = pathlib.Path(self._scratch.name)
        self._log = scratch / "log"
        launch = Launch(port, key, scratch, descriptors)
        environment = {k: v for k, v in os.environ.items()
                       if not k.startswith("HUB_") and k not in FOREIGN}
        environment.update(server.environment, HUB_API_KEY=key,
                           PORT=str(port))
        try:
            with open(self._log, "wb") as log:
                self._child = process.spawn(
                    server.command(launch), stdout=log, stderr=log,
                    cwd=scratch, env=environment)
        except OSError as error:
            self._scratch.cleanup()
            raise StartError(str(error)) from None

    def wait_healthy(self, seconds=15.0):
        deadline = time.monotonic() + seconds
        while not is_healthy(self.port):
            if self._child.poll() is not None:
                raise StartError(f"it ended with {self._child.returncode}: "
                                 + self.last_line())
            if time.monotonic() > deadline:
                raise StartError(f"no answer from /health in {seconds:g} s")
            time.sleep(0.02)

    def pids(self):
        return process.session_pids(self._child.pid)

    def last_line(self):
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1][:200] if lines else "no output"

    def has_died(self):
        return self._child.poll() is not None

    def end(self):
        process.end(self._child)
        self._scratch.cleanup()

    def __enter__(self):
        try:
            self.wait_healthy()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()
