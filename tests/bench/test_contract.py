"""Servers that really run. The contract: every available server accepts
clients, and what is posted reaches them byte for byte. The driver: it
measures, and leaves nothing behind.

HUBD, HUB_BENCH, BENCH_FLOOR, BENCH_REGISTRY and BENCH_GO name what was built;
HUB_BENCH_REQUIRE turns a missing server into a failure.
"""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import figures
import measure
import process
import servers
import wrk

try:
    import websockets
except ImportError:
    websockets = None

KEY = "a-key-for-this-test"
BUILD = servers.ROOT / "build/bench"


def built(variable, default):
    return pathlib.Path(os.environ.get(variable) or BUILD / default)


def paths():
    return servers.Paths(
        built("HUBD", "hubd/hubd"),
        built("HUB_BENCH", "hub-bench/hub-bench"),
        built("BENCH_FLOOR", "tests/bench/bench_floor"),
        built("BENCH_REGISTRY", "tests/bench/bench_registry"),
        built("BENCH_GO", "tests/bench/bench_go"))


def post(port, path, body, key=KEY):
    """Status and body of the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", body, method="POST",
        headers={"X-API-Key": key, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Clients:
    """ada and bob, connected to one server."""

    def __init__(self, port, stack):
        self.port, self.stack, self.sockets = port, stack, {}

    async def connect(self, path=servers.SOCKET):
        for user, more in (("ada", ""), ("bob", "&sessionId=tab")):
            target = path.replace("{user}", user) + more
            self.sockets[user] = await self.stack.enter_async_context(
                websockets.connect(f"ws://127.0.0.1:{self.port}{target}",
                                   compression=None))
        await asyncio.sleep(0.2)  # nchan subscribes after its 101

    async def post(self, path, body, key=KEY):
        return await asyncio.get_running_loop().run_in_executor(
            None, post, self.port, path, body, key)

    async def next(self, user):
        return await asyncio.wait_for(self.sockets[user].recv(), 5)


MESSAGES = (
    '{"type":"a","payload":1.10,"timestamp":"2000-01-01T00:00:00Z"}',
    '{ "timestamp":"2000-01-01T00:00:00Z", "payload" : '
    '[12345678901234567890,"\\u00e4 ä }\\"]"],"type":"ü"}',
    '{"type":"long","payload":"' + "x" * 70000
    + '","timestamp":"2000-01-01T00:00:00Z"}',
)


@unittest.skipIf(websockets is None, "needs websockets")
class Contract(unittest.TestCase):
    """Each server that is there, one after the other."""

    def start(self, server):
        missing = server.missing()
        if missing:
            if os.environ.get("HUB_BENCH_REQUIRE"):
                self.fail(f"{server.title}: {missing}")
            self.skipTest(missing)
        running = servers.Running(server, process.Ports().take(), KEY, 4096)
        self.addCleanup(running.end)
        running.wait_healthy()
        return running

    def check(self, key):
        server = next(s for s in servers.all_servers(paths())
                      if s.key == key)
        running = self.start(server)
        asyncio.run(self.talk(server, running.port))
        asyncio.run(self.talk_apart(server, running.port))
        running.end()
        with socket.socket() as probe:
            self.assertNotEqual(
                probe.connect_ex(("127.0.0.1", running.port)), 0,
                "something still listens")

    async def talk(self, server, port):
        async with contextlib.AsyncExitStack() as stack:
            clients = Clients(port, stack)
            await clients.connect()
            self.check_health(port)
            for message in MESSAGES:
                await self.check_broadcast(clients, message)
            if server.can_send():
                await self.check_send(clients, server)
            status, _ = await clients.post("/api/broadcast", b"{}", "wrong")
            self.assertEqual(status, 401)

    async def talk_apart(self, server, port):
        """Where the clients of scenarios connect."""
        async with contextlib.AsyncExitStack() as stack:
            clients = Clients(port, stack)
            await clients.connect(server.broadcast_socket)
            await self.check_broadcast(clients, MESSAGES[0])
        if not server.can_send():
            return
        async with contextlib.AsyncExitStack() as stack:
            clients = Clients(port, stack)
            await clients.connect(server.send_socket)
            for message in MESSAGES:
                await self.check_one_send(clients, server, message)

    def check_health(self, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health",
                                    timeout=10) as answer:
            health = json.load(answer)
        self.assertEqual(health["status"], "healthy")
        self.assertEqual(health["stats"]["total_connections"], 2)

    async def check_broadcast(self, clients, message):
        status, body = await clients.post("/api/broadcast", message.encode())
        self.assertIn(status, (200, 201), body)
        for user in clients.sockets:
            self.assertEqual(await clients.next(user), message)

    async def check_send(self, clients, server):
        for message in MESSAGES:
            await self.check_one_send(clients, server, message)
        if not server.names_user_in_path():
            await self.check_union(clients)
        marker = MESSAGES[0].replace('"a"', '"end"')
        await self.check_broadcast(clients, marker)  # nothing in between

    async def check_one_send(self, clients, server, message):
        body = message if server.names_user_in_path() else (
            '{"x":["message",{"message":1}],"targetUserId":"ada", '
            f'"message" : {message} }}')
        path = server.send_path.replace("{user}", "ada")
        status, answer = await clients.post(path, body.encode())
        self.assertIn(status, (200, 201), answer)
        self.assertEqual(await clients.next("ada"), message)

    async def check_union(self, clients):
        status, answer = await clients.post("/api/send", (
            '{"targetUserId":"bob","targetSessionId":"tab","message":'
            + MESSAGES[0] + "}").encode())
        self.assertEqual((status, json.loads(answer)["recipients"]), (200, 1))
        self.assertEqual(await clients.next("bob"), MESSAGES[0])

    def test_hubd(self):
        self.check("hubd")

    def test_go(self):
        self.check("go")

    def test_node(self):
        self.check("node")

    def test_bun(self):
        self.check("bun")

    def test_nchan(self):
        self.check("nchan")

    def test_floor_send(self):
        self.check("floor-send")

    def test_floor_uring(self):
        self.check("floor-uring")

    def test_one_that_does_not_start_says_why(self):
        broken = servers.extra("x=/bin/sh -c 'echo no {port}; exit 3'")
        with self.assertRaisesRegex(servers.StartError,
                                    "ended with 3: no [0-9]+"):
            with servers.Running(broken, 81, KEY, 64):
                pass


class Children(unittest.TestCase):

    def test_a_child_that_hangs_is_ended(self):
        with self.assertRaisesRegex(process.RunError, "not done"):
            measure.run_json(["sleep", "60"], 0.2)

    def test_cpu_time_of_a_child_and_of_its_own_children_is_known(self):
        child = process.spawn(["sh", "-c", "while :; do :; done & sleep 60"])
        self.addCleanup(process.end, child, 0.2)
        deadline = time.monotonic() + 10
        while len(process.session_pids(child.pid)) < 3:
            self.assertLess(time.monotonic(), deadline)
        pids = process.session_pids(child.pid)
        self.assertIn(child.pid, pids)
        before = process.cpu_ns(pids)
        while process.cpu_ns(pids) < before + 20_000_000:
            self.assertLess(time.monotonic(), deadline)
        process.end(child, 0.2)
        with self.assertRaises(OSError):
            process.cpu_ns(pids)

    def test_a_server_is_ended_with_its_own_children(self):
        with tempfile.TemporaryDirectory() as folder:
            pid_file = pathlib.Path(folder) / "pid"
            child = process.spawn(
                ["sh", "-c", f"trap '' TERM; sleep 60 & echo $! >{pid_file};"
                 " wait"])
            while not pid_file.exists() or not pid_file.read_text():
                time.sleep(0.01)
            process.end(child, 0.2)
            pid = int(pid_file.read_text())
        deadline = time.monotonic() + 5
        while pathlib.Path(f"/proc/{pid}").exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)


class Driver(unittest.TestCase):
    """bench.py as it is called."""

    def setUp(self):
        self.paths = paths()
        for path in (self.paths.hub_bench, self.paths.floor):
            if not path.is_file():
                self.skipTest(f"there is no {path.name}")
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.out = pathlib.Path(self.scratch.name)

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            [sys.executable, "-B", str(servers.HERE / "bench.py"), "--quick",
             "--hub-bench", self.paths.hub_bench, "--floor",
             self.paths.floor, "--hubd", self.paths.hubd,
             "--registry", self.paths.registry, "--out", self.out,
             *arguments],
            env={**os.environ, "TMPDIR": str(self.out), **environment},
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def processes(self):
        """The command lines of those that were told of the scratch folder."""
        mark = f"TMPDIR={self.out}\0".encode()
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (folder / "environ").read_bytes():
                    found.append((folder / "cmdline").read_bytes())
        return found

    def check_nothing_is_left(self):
        self.assertEqual(self.processes(), [])
        self.assertEqual(list(self.out.glob("hub-bench-*")), [])

    def test_it_measures_and_writes(self):
        child = self.start("--duration", "200ms", "--server", "floor-send",
                           "--scenario", "one")
        _, told = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, told)
        results = json.loads((self.out / "results.json").read_text("utf-8"))
        cost = figures.median(results["medians"], "one", "1000", "floor-send",
                              "cpu_us_per_delivery")
        self.assertGreater(cost, 0.05)
        self.assertLess(cost, 1000)
        self.check_nothing_is_left()

    def requests(self, *arguments, **environment):
        """The row of hubd in the scenario, and what the driver told."""
        if not self.paths.hubd.is_file():
            self.skipTest("there is no hubd")
        child = self.start("--duration", "200ms", "--server", "hubd",
                           "--scenario", "requests", *arguments,
                           **environment)
        _, told = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 0, told)
        self.check_nothing_is_left()
        text = (self.out / "table.md").read_text("utf-8")
        part = text.partition("## Requests")[2]
        return part.partition("| hubd |")[2].partition("\n")[0], told

    @unittest.skipIf(wrk.missing(), "needs wrk")
    def test_requests_are_wrks(self):
        row, told = self.requests()
        results = json.loads((self.out / "results.json").read_text("utf-8"))
        run = results["runs"][0]
        self.assertEqual(run["warnings"], [], told)
        self.assertEqual(run["result"]["tool"], "wrk")
        self.assertEqual(run["result"]["delivery"]["missing"], 0)
        self.assertGreater(run["result"]["publish"]["messages"], 100)
        self.assertGreater(run["result"]["server"]["cpu_us_per_message"], 0.5)
        self.assertNotIn("–", row)

    def test_without_wrk_nobody_is_measured(self):
        row, told = self.requests("one", PATH="/nowhere")
        self.assertIn("requests: not measured: wrk is not installed", told)
        self.assertIn("not measured: wrk is not installed", row)

    def test_an_interrupt_ends_everything_and_keeps_what_there_is(self):
        child = self.start("--duration", "30s", "--server", "floor-send",
                           "--scenario", "one")
        deadline = time.monotonic() + 20
        client = os.fsencode(self.paths.hub_bench) + b"\0"
        while not any(line.startswith(client) for line in self.processes()):
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                self.fail("hub-bench never ran: " + child.communicate()[1])
            time.sleep(0.05)
        child.send_signal(signal.SIGTERM)
        _, told = child.communicate(timeout=30)
        self.assertEqual(child.returncode, 130, told)
        self.check_nothing_is_left()


if __name__ == "__main__":
    unittest.main()
