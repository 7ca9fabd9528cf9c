"""Descriptors and memory run out under load, and become available again:
connected clients stay, what cannot be done is rejected, and nothing spins."""

import resource
import threading
import time
import unittest

from harness.crowd import numbered
from harness.http import RawHttp
from harness.rawws import new_key, upgrade_request, ws_path
from harness.steady import FaultCase
from harness.wait import ms, sanitizer, scaled, until

DESCRIPTORS = 256
IDLE_HTTP = 300  # more than a hubd with so few descriptors has threads
SPIN_SHARE = 0.4  # of a core; a loop that spins takes all of it


class Descriptors(FaultCase):

    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                        (soft, hard))
        self.hub = self.start(nofile=DESCRIPTORS, READ_TIMEOUT=ms(scaled(1)),
                              HUB_PING_INTERVAL=ms(scaled(0.5)))
        self.held = []
        self.addCleanup(self.release)

    def release(self):
        for conn in self.held:
            conn.close()
        self.held.clear()

    def fill_by_websockets(self):
        """Returns how many got in before one was refused."""
        for index in range(DESCRIPTORS):
            conn = RawHttp(self.hub.port)
            self.held.append(conn)
            conn.send(upgrade_request(ws_path(f"many{index}", "many"),
                                      new_key()))
            reply = conn.read_reply()
            if reply.status != 101:
                self.assertRefused(reply, 503, "at_capacity")
                return index
        raise AssertionError("never full")

    def fill_by_http(self):
        """Half of them have begun a request, half have not."""
        for index in range(IDLE_HTTP):
            conn = RawHttp(self.hub.port)
            self.held.append(conn)
            if index % 2:
                conn.try_send(b"GET /health HTTP/1.1\r\nHost: h\r\n")

    def check_exhausted(self, steady, what):
        """For two seconds; those who are in hear from their loops."""
        used, started = self.hub.cpu_seconds(), time.monotonic()
        threading.Event().wait(2.0)  # the time that is measured
        share = ((self.hub.cpu_seconds() - used)
                 / (time.monotonic() - started))
        most = self.hub.descriptors()
        steady.crowd.wait_pings(2)
        print(f"\nfull of {what}: {most} of {DESCRIPTORS} descriptors,"
              f" {share:.1%} of a core")
        self.assertLess(share, scaled(SPIN_SHARE))

    def check_recovered(self, steady, before, slowest):
        self.release()
        back = self.assertBackAt(self.hub, before, 15)
        newcomers = self.crowd(self.hub, 20, "newcomers")
        self.hub.wait_connections(before["connections"] + 20)
        newcomers.stop()
        print(f"{back}; {steady.verify(slowest)}")

    def run_out(self, what, *fillers, slowest=1.0):
        steady = self.steady(self.hub, to_session=True)
        before = self.state(self.hub)
        for fill in fillers:
            fill()
        self.check_exhausted(steady, what)
        self.check_recovered(steady, before, slowest)

    def test_by_websockets(self):
        self.run_out("WebSockets", self.fill_by_websockets)

    def test_by_idle_http(self):
        # A request waits until enough of those before it had their time.
        self.run_out("idle HTTP", self.fill_by_http, slowest=10)

    def test_by_both(self):
        self.run_out("both", self.fill_by_websockets, self.fill_by_http,
                     slowest=10)


@unittest.skipIf(sanitizer(), "a sanitizer ends the process when there is no"
                 " memory to be had")
class Memory(FaultCase):
    """A limit on what the process may map to write on; the addresses that
    malloc only reserves do not count, so every arena runs dry."""

    ROOM = 32 << 20  # above what hubd has with its clients
    KEPT_KB = 14 * 1024  # spread over the arenas of hundreds of threads
    ROUNDS = 2
    FILLERS = (400_000, 20_000, 1_000, 50)  # until the last gap is full
    BATCH = 200

    def limit(self, hub):
        used = int(hub.proc_value("status", "VmData")) << 10
        resource.prlimit(hub.pid, resource.RLIMIT_DATA,
                         (used + self.ROOM, resource.RLIM_INFINITY))

    def starve(self, hub, name, filler):
        """Posts to clients that read nothing, until hardly anything of a
        batch is accepted. Returns how many were. It is over as well when
        there was not even memory for such a client's queue, which ended
        it."""
        total, accepted = 0, self.BATCH
        while accepted > self.BATCH // 10 and not self.causes(hub, name):
            accepted = 0
            for _ in range(self.BATCH):
                accepted += self.post(hub, name, filler)
            total += accepted
            self.assertLess(total * filler, 4 * self.ROOM, "no end")
        return total

    def post(self, hub, name, filler):
        reply = hub.post("/api/send", b'{"targetSessionId":"%s","message":%s}'
                         % (name.encode(), numbered(0, filler)))
        if reply.status == 200:
            return True
        self.assertRefused(reply, 503, "out_of_memory")
        return False

    def knock(self, hub):
        """Newcomers are let in or told why not. Returns how many got in."""
        entered = 0
        for index in range(30):
            conn = RawHttp(hub.port)
            conn.send(upgrade_request(ws_path(f"new{index}", "new"),
                                      new_key()))
            try:
                reply = conn.read_reply()
                if reply.status == 101:
                    entered += 1
                else:
                    self.assertRefused(reply, 503, "out_of_memory")
            finally:
                conn.close()
        return entered

    @staticmethod
    def is_healthy_with(hub, count):
        reply = hub.request("GET", "/health")
        return (reply.status == 200
                and reply.json()["stats"]["total_connections"] == count)

    def test_memory_runs_out_and_comes_back(self):
        hub = self.start(HUB_QUEUE_SIZE="512MB", WRITE_TIMEOUT="60s",
                         HUB_PING_INTERVAL="500ms", HUB_PONG_TIMEOUT="60s")
        steady = self.steady(hub, to_session=True)
        before = self.state(hub)
        self.limit(hub)
        reached = [self.one_round(hub, steady, before, f"greedy{number}")
                   for number in range(self.ROUNDS)]
        self.assertGreater(reached[-1], reached[0] * 2 // 3)
        print(f"{len(steady.backend.refused)} of the steady messages were"
              f" refused; {steady.verify(refusals=True)}")
        for reply in steady.backend.refused.values():
            self.assertRefused(reply, 503, "out_of_memory")

    def one_round(self, hub, steady, before, name):
        greedy = [self.connect(hub, f"{name}-{i}", name, receive_buffer=4096)
                  for i in range(3)]
        taken = [self.starve(hub, name, filler) for filler in self.FILLERS]
        entered = self.knock(hub)
        full = hub.memory_kb()
        steady.crowd.wait_pings(2)
        for client in greedy:
            client.vanish()
        until(lambda: self.is_healthy_with(hub, before["connections"]),
              "memory for answers, and the greedy gone", 15)
        back = self.assertBackAt(hub, before, 15, self.KEPT_KB)
        self.assertTrue(self.post(hub, name, 400_000))
        self.assertEqual(self.knock(hub), 30)
        print(f"\nout of memory at {full} KB after {taken} messages of"
              f" {self.FILLERS} bytes; {entered} of 30 newcomers got in;"
              f" {back}")
        return taken[0]


if __name__ == "__main__":
    unittest.main()
