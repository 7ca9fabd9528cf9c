"""Running out: descriptors, closed standard descriptors, memory, threads."""

import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import tempfile
import threading
import time
import unittest

from harness.daemon import Hubd, run_to_end
from harness.http import RawHttp, request
from harness.rawws import RawWs, new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase
from harness.wait import sanitizer, scaled, until


class Descriptors(HubTestCase):

    def fill(self, hub, attempts):
        """Connects until refused. Returns the clients and the last reply."""
        clients = []
        for index in range(attempts):
            conn = RawHttp(hub.port)
            self.addCleanup(conn.close)
            conn.send(upgrade_request(ws_path(f"u{index}"), new_key()))
            reply = conn.read_reply()
            if reply.status != 101:
                return clients, reply
            clients.append(conn)
        return clients, None

    def test_few_descriptors_fill_up_and_recover(self):
        for limit in (256, 1024):
            with self.subTest(limit=limit):
                hub = self.start(nofile=limit)
                before = hub.descriptors()
                clients, refusal = self.fill(hub, limit)
                print(f"\n{limit} descriptors: {len(clients)} connections")
                self.assertIsNotNone(refusal, "never full")
                self.assertGreaterEqual(len(clients), limit // 4)
                self.assertRefused(refusal, 503, "at_capacity")
                self.assertIsNotNone(refusal.header("retry-after"))
                self.check_full_but_sound(hub, len(clients))
                for conn in clients:
                    conn.close()
                hub.wait_connections(0)
                until(lambda: hub.descriptors() <= before + 4,
                      "descriptors given back")
                again, _ = self.fill(hub, len(clients))
                self.assertEqual(len(again), len(clients))

    def test_too_few_descriptors_are_named_with_how_many_it_takes(self):
        code, out, err = run_to_end(nofile=64, PORT="0", HUB_LOOPS="1",
                                    HUB_API_KEY="k" * 16)
        self.assertEqual((code, out), (1, ""), err)
        least = re.search(r"limit of 64 open files is too small: hubd"
                          r" needs at least (\d+)$", err.rstrip())
        self.assertIsNotNone(least, err)
        hub = self.start(nofile=int(least[1]), HUB_LOOPS="1")
        self.assertEqual(hub.events("few_descriptors"), [])

    def test_a_limit_that_cannot_be_reached_is_warned_of(self):
        hub = self.start(nofile=1024, HUB_MAX_CONNECTIONS="2000")
        few, = hub.events("few_descriptors")
        self.assertEqual((few["level"], few["wanted"], few["descriptors"]),
                         ("warn", "2000", "1024"))
        self.assertEqual(few["connections_max"],
                         hub.wait_log("listening")["connections_max"])

    def check_full_but_sound(self, hub, count):
        """It answers, it delivers, and it does not spin."""
        self.assertEqual(hub.health()["total_connections"], count)
        sent = hub.broadcast({"type": "t", "payload": 1})
        self.assertEqual(sent, count)
        used, started = hub.cpu_seconds(), time.monotonic()
        quiet = threading.Event()
        quiet.wait(1.0)  # the second that is measured
        share = ((hub.cpu_seconds() - used)
                 / (time.monotonic() - started))
        self.assertLess(share, 0.3, "CPU while full and idle")

    def test_more_http_clients_than_descriptors_do_not_make_it_spin(self):
        hub = self.start(nofile=256)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                        (soft, hard))
        conns = [RawHttp(hub.port) for _ in range(400)]
        for conn in conns:
            self.addCleanup(conn.close)
            conn.try_send(b"GET /health HTTP/1.1\r\nHost: h\r\n")
        used, started = hub.cpu_seconds(), time.monotonic()
        threading.Event().wait(1.0)  # the second that is measured
        share = (hub.cpu_seconds() - used) / (time.monotonic() - started)
        self.assertLess(share, 0.5, "CPU with 400 half-sent requests")
        for conn in conns:
            conn.close()
        until(lambda: self.healthy(hub), "healthy again", 10)
        self.assertNextIsMarker(hub, self.connect(hub, "ada"))

    @staticmethod
    def healthy(hub):
        try:
            return request(hub.port, "GET", "/health").status == 200
        except OSError:
            return False

    def test_sockets_never_land_on_closed_standard_descriptors(self):
        for closed in ((0,), (0, 1), (1,)):
            with self.subTest(closed=closed):
                hub = self.start(closed_fds=closed)
                clients = [self.connect(hub, f"u{i}") for i in range(5)]
                for fd in closed:
                    self.assertNotIn("socket", self.target(hub, fd))
                for client in clients:
                    self.assertNextIsMarker(hub, client)

    def test_a_closed_standard_error_does_no_harm(self):
        hub = self.start_without_standard_descriptors()
        until(lambda: self.healthy(hub), "listening", 10)
        client = self.connect(hub, "ada")
        self.assertNotIn("socket", self.target(hub, 2))
        self.assertNextIsMarker(hub, client)

    def start_without_standard_descriptors(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        hub = Hubd(PORT=str(port), closed_fds=(0, 1, 2))
        self.addCleanup(hub.scratch.cleanup)
        hub.spawn()
        self.addCleanup(hub.stop)
        hub.port = port
        return hub

    @staticmethod
    def target(hub, fd):
        return os.readlink(f"/proc/{hub.pid}/fd/{fd}")

    def test_connections_come_and_go_without_a_leak(self):
        hub = self.start()
        self.churn(hub, 3000)  # until every worker thread has had its turn
        before = hub.descriptors()
        # What each thread takes once it may take late on a busy machine; what
        # leaks, every round does.
        least = min(self.growth(hub, 1500) for _ in range(3))
        until(lambda: hub.descriptors() <= before + 2,
              "descriptors given back")
        print(f"\n1,500 connections and requests later: {least} KB more")
        if not sanitizer():
            self.assertLess(least, 512)

    def growth(self, hub, count):
        before = hub.memory_kb()
        self.churn(hub, count)
        return hub.memory_kb() - before

    def churn(self, hub, count):
        for index in range(count):
            client = RawWs(hub.port, f"user{index % 50}", f"s{index}")
            if index % 3 == 0:
                client.leave()
            elif index % 3 == 1:
                client.vanish()
            client.close()
            hub.request("GET", "/nothing")
        hub.wait_connections(0)


class Memory(HubTestCase):

    def test_one_payload_is_not_copied_for_each_recipient(self):
        hub = self.start()
        clients = [self.connect(hub, "ada", receive_buffer=4096)
                   for _ in range(100)]
        before = hub.memory_kb()
        message = json.dumps({"type": "t", "payload": "x" * 500000}).encode()
        self.assertEqual(hub.broadcast(message), 100)
        grown = hub.memory_kb() - before
        print(f"\n500 KB waiting for 100 stalled clients: {grown} KB more")
        self.assertLess(grown, scaled(100 * 500 / 8))
        for client in clients:
            client.close()
        hub.wait_connections(0)

    def test_many_large_bodies_at_once(self):
        hub = self.start(HUB_QUEUE_SIZE="64MB")
        client = self.connect(hub, "ada")
        message = json.dumps({"type": "t", "payload": "x" * 500000}).encode()
        statuses = []

        def post():
            statuses.append(hub.post("/api/broadcast", message).status)

        threads = [threading.Thread(target=post) for _ in range(20)]
        for thread in threads:
            thread.start()
        read = 0
        for _ in range(20):
            read += len(client.recv()) > 500000
        for thread in threads:
            thread.join()
        self.assertEqual(read, statuses.count(200))
        self.assertEqual(set(statuses), {200})

    def test_json_bombs_cost_milliseconds(self):
        hub = self.start()
        self.connect(hub, "ada")
        bombs = {
            "brackets": b"[" * 500000,
            "objects": b'{"a":' * 100000,
            "a long number": b'{"type":"t","payload":' + b"9" * 500000 + b"}",
            "a long string": b'{"type":"t","payload":"' + b"\\u0041" * 80000
                             + b'"}',
            "many members": b'{"type":"t","payload":0,'
            + b",".join(b'"%d":0' % i for i in range(40000)) + b"}",
            "one name many times": b'{"type":"t","payload":{'
            + b",".join([b'"a":0'] * 80000) + b"}}",
            "white space": b" " * 500000 + b"{}",
        }
        for name, body in bombs.items():
            with self.subTest(name):
                started = time.monotonic()
                reply = hub.post("/api/broadcast", body)
                took = time.monotonic() - started
                self.assertIn(reply.status, (200, 400), reply)
                self.assertLess(took, scaled(0.5))


class Loops(HubTestCase):

    def loops_on(self, cpus, **settings):
        hub = Hubd(prepare=lambda: os.sched_setaffinity(0, cpus), **settings)
        self.addCleanup(hub.scratch.cleanup)
        hub.start()
        self.addCleanup(hub.stop)
        listening = hub.wait_log("listening")
        self.assertNextIsMarker(hub, self.connect(hub, "ada"))
        return int(listening["loops"])

    def test_there_is_one_for_each_cpu_that_it_may_run_on(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.assertEqual(self.loops_on(cpus[:1]), 1)
        if not self.has_quota():
            self.assertEqual(self.loops_on(cpus), len(cpus))

    @staticmethod
    def has_quota():
        """Whether this machine lets us have less time than it has CPUs."""
        for path in pathlib.Path("/sys/fs/cgroup").glob("**/cpu.max"):
            if not path.read_text().startswith("max"):
                return True
        for path in pathlib.Path("/sys/fs/cgroup").glob(
                "cpu/**/cpu.cfs_quota_us"):
            if int(path.read_text()) > 0:
                return True
        return False

    def test_the_setting_has_its_way(self):
        cpus = sorted(os.sched_getaffinity(0))
        self.assertEqual(self.loops_on(cpus[:1], HUB_LOOPS="3"), 3)


@unittest.skipIf(sanitizer(), "its runtime wants threads and files too")
class Threads(HubTestCase):
    """As a user who may have so many, which does not bind root."""

    USER = 65531  # who has no other process
    LEAST = 5 + 8 + 2  # its own, workers, and those beside them

    def setUp(self):
        if os.geteuid() != 0:
            self.unable("only root can run hubd as somebody else")
        self.room = tempfile.TemporaryDirectory(prefix="hubd-e2e-")
        self.addCleanup(self.room.cleanup)
        os.chmod(self.room.name, 0o755)
        # Somebody else may not get to where it was built.
        build = pathlib.Path(os.environ["HUBD"]).parent
        shutil.copy(os.environ["HUBD"], self.room.name)
        for library in (build / "../libhub").glob("libhub.so.?"):
            shutil.copy(library, self.room.name)

    def hub_with(self, count):
        def become_somebody():
            os.setgroups([])
            os.setgid(self.USER)
            os.setuid(self.USER)
            resource.setrlimit(resource.RLIMIT_NPROC, (count, count))

        hub = Hubd(prepare=become_somebody, LD_LIBRARY_PATH=self.room.name,
                   HUB_LOOPS="2", HUB_SHUTDOWN_TIMEOUT="5s")
        hub.binary = os.path.join(self.room.name, "hubd")
        self.addCleanup(hub.discard)
        return hub

    def test_a_start_without_enough_of_them_says_so(self):
        for count in range(1, self.LEAST):
            with self.subTest(threads=count):
                hub = self.hub_with(count).spawn()
                self.assertEqual(hub.wait_exit(), 1, hub.tail())
                self.assertRegex(hub.lines[-1],
                                 r"^hubd: cannot start .*(Resource temporarily"
                                 r" unavailable|it needs 10 threads, and"
                                 r" only \d can be started)$")

    def test_a_few_workers_serve_and_drain(self):
        """civetweb alone would go on with holes in their ranks, and hand
        connections to those who are not there."""
        hub = self.hub_with(self.LEAST + 2).start()
        few = hub.wait_log("few_threads")
        self.assertEqual((few["workers"], few["wanted"]), ("10", "512"))
        self.assertEqual(hub.wait_log("listening")["workers"], "10")
        ada = self.connect(hub, "ada")
        self.assertNextIsMarker(hub, ada)
        for _ in range(30):  # three times the workers
            self.http(hub).send(b"GET /health HTTP/1.1\r\nHost: h\r\n")
        started = time.monotonic()
        hub.health()
        took = time.monotonic() - started
        print(f"\n/health behind 30 half-sent heads, 10 workers: {took:.1f} s")
        self.assertLess(took, scaled(9))
        self.assertNextIsMarker(hub, ada)
        hub.signal(signal.SIGTERM)
        self.assertEqual(ada.recv_close()[0], 1001)
        ada.close()
        self.assertEqual(hub.wait_exit(), 0, hub.tail())


if __name__ == "__main__":
    unittest.main()
