"""What hubd sends to a service manager, from start to end, and that a manager
that does not read has no effect on it."""

import os
import signal
import socket
import threading
import time
import unittest

from harness.daemon import Hubd, run_to_end
from harness.http import request
from harness.manager import Manager
from harness.stopper import EPOLL_WAITS, Stopped, waiting_loops
from harness.testcase import HubTestCase
from harness.wait import ms, sanitizer, scaled, until

GOOD = {"type": "note", "payload": 1}
STUCK = 5.0  # seconds after which hubd takes a loop for stuck


def usec(seconds):
    return str(round(seconds * 1e6))


class NotifyCase(HubTestCase):

    def manager(self, **how):
        manager = Manager(**how)
        self.addCleanup(manager.close)
        return manager

    def start_for(self, manager, watchdog=None, **settings):
        return self.start(
            NOTIFY_SOCKET=manager.name,
            WATCHDOG_USEC=watchdog and usec(watchdog), **settings)


class Sequence(NotifyCase):

    def test_from_start_to_end(self):
        for abstract in (False, True):
            with self.subTest(abstract=abstract):
                self.check_life(self.manager(abstract=abstract))

    def check_life(self, manager):
        hub = self.start_for(manager, watchdog=0.6)
        manager.until("READY=1")
        self.assertEqual(hub.health()["total_connections"], 0)
        client = self.connect(hub, "ada")
        manager.until("STATUS=1 connections of 1 users")
        before = time.monotonic()
        hub.signal(signal.SIGHUP)
        _, line = manager.until("MONOTONIC_USEC=")
        began = int(line.partition("=")[2]) / 1e6
        self.assertTrue(before <= began <= time.monotonic())
        manager.until("READY=1")
        hub.signal(signal.SIGTERM)
        manager.until("STOPPING=1")
        manager.until("STATUS=draining, ")
        client.recv_close()
        client.close_frame(1001)
        client.drain()
        self.assertEqual(hub.wait_exit(), 0)
        manager.listen(0.05)
        self.assertEqual(manager.states(), [
            "READY", "RELOADING", "MONOTONIC_USEC", "READY", "STOPPING"])

    def test_it_is_ready_again_when_the_new_key_counts(self):
        manager = self.manager()
        hub = Hubd(HUB_API_KEY=None, NOTIFY_SOCKET=manager.name)
        path = os.path.join(hub.scratch.name, "key")
        hub.settings["HUB_API_KEY_FILE"] = path
        self.write(path, "old-key-" + "o" * 24)
        self.addCleanup(hub.scratch.cleanup)
        hub.start()
        self.addCleanup(hub.stop)
        manager.until("READY=1")
        for number in range(20):
            hub.key = f"new-key-{number}-" + "n" * 24
            self.write(path, hub.key)
            hub.signal(signal.SIGHUP)
            manager.until("RELOADING=1")
            manager.until("READY=1")
            self.assertEqual(hub.broadcast(GOOD), 0)

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(text)

    def test_one_that_cannot_start_is_never_ready(self):
        manager = self.manager()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            code, _, err = run_to_end(
                PORT=taken.getsockname()[1], HUB_BIND="127.0.0.1",
                HUB_API_KEY="k" * 16, NOTIFY_SOCKET=manager.name)
        self.assertEqual(code, 1, err)
        self.assertFalse(manager.read(0.05), manager.lines)


class Watchdog(NotifyCase):

    def check_pace(self, manager, watchdog, since, until):
        times = [since, *manager.times("WATCHDOG=1"), until]
        gaps = [after - before for before, after in zip(times, times[1:])]
        self.assertGreater(len(gaps), 3)
        self.assertLess(max(gaps), watchdog / 2, manager.lines)
        print(f"\n{len(gaps)} signs of life, at most {max(gaps):.3f} s apart,"
              f" for a watchdog of {watchdog:g} s")

    def test_signs_of_life_come_in_time_until_the_end(self):
        """A reload and a drain that takes its time included."""
        watchdog = scaled(1.0)
        manager = self.manager()
        hub = self.start_for(manager, watchdog,
                             HUB_SHUTDOWN_TIMEOUT=ms(scaled(2)))
        ready, _ = manager.until("READY=1")
        silent = self.connect(hub, "silent")  # answers no Close
        manager.listen(watchdog)
        hub.signal(signal.SIGHUP)
        manager.listen(watchdog)
        hub.signal(signal.SIGTERM)
        reader = threading.Thread(target=hub.wait_exit)
        reader.start()
        while reader.is_alive():
            manager.read(0.05)
        ended = time.monotonic()
        reader.join()
        silent.drain()
        self.check_pace(manager, watchdog, ready, ended)
        stopping, = manager.times("STOPPING=1")
        self.assertGreater(ended - stopping, watchdog / 2)

    def test_they_are_not_for_another_process(self):
        manager = self.manager()
        hub = self.start_for(manager, 0.3, WATCHDOG_PID=str(os.getpid()))
        manager.until("READY=1")
        manager.listen(1)
        self.assertEqual(manager.times("WATCHDOG=1"), [])
        self.assertEqual(hub.events("notify"), [])

    def test_nonsense_is_told_and_gone_without(self):
        manager = self.manager()
        hub = self.start(NOTIFY_SOCKET=manager.name, WATCHDOG_USEC="soon")
        manager.until("READY=1")
        hub.wait_log("notify", variable="WATCHDOG_USEC")
        hub = self.start(NOTIFY_SOCKET="somewhere")
        hub.wait_log("notify", variable="NOTIFY_SOCKET")


@unittest.skipIf(sanitizer(), "their threads take ptrace badly")
class Stuck(NotifyCase):
    """One of two event loops stands still, and the whole process does."""

    def find_loop(self, hub):
        if os.uname().machine not in EPOLL_WAITS:
            self.unable("the numbers of system calls are not known here")
        try:
            return until(lambda: waiting_loops(hub.pid), "an idle loop")[0]
        except PermissionError:
            self.unable("no thread of hubd may be looked at")

    def test_no_sign_of_life_while_a_loop_is_stuck(self):
        manager = self.manager()
        hub = self.start_for(manager, 0.6, HUB_LOOPS=2)
        manager.until("READY=1")
        with Stopped(self.find_loop(hub)):
            stopped = time.monotonic()
            at, _ = manager.until("STATUS=an event loop is stuck",
                                  STUCK + 2)
            self.assertGreater(at - stopped, STUCK - 1.1)  # it had a tick left
            manager.listen(1)
            self.assertEqual([t for t in manager.times("WATCHDOG=1")
                              if t > at], [])
            self.assertEqual(request(hub.port, "GET", "/livez").status, 503)
        manager.until("WATCHDOG=1", 1.5)
        manager.until("STATUS=0 connections", 1.5)
        self.assertEqual(request(hub.port, "GET", "/livez").status, 200)

    def test_after_a_pause_of_the_process_signs_of_life_come_at_once(self):
        manager = self.manager()
        hub = self.start_for(manager, 1.0)
        manager.until("READY=1")
        hub.signal(signal.SIGSTOP)
        self.addCleanup(hub.signal, signal.SIGCONT)
        threading.Event().wait(STUCK + 0.5)  # the pause under test
        manager.skip()
        resumed = time.monotonic()
        hub.signal(signal.SIGCONT)
        at, _ = manager.until("WATCHDOG=1", 1)
        print(f"\nsign of life {(at - resumed) * 1e3:.0f} ms after SIGCONT")
        self.assertLess(at - resumed, 0.5)


class DeafManager(NotifyCase):

    def check_well(self, hub):
        """The main thread keeps deadlines and takes signals."""
        conn = self.http(hub)
        conn.send(b"GET /health HTTP/1.1\r\n")
        self.assertEqual(conn.read_reply().status, 408)
        self.connect(hub, "ada")
        started = time.monotonic()
        hub.signal(signal.SIGTERM)
        self.assertEqual(hub.wait_exit(), 0)
        self.assertLess(time.monotonic() - started, scaled(2))

    def test_one_that_does_not_read_holds_nothing_up(self):
        manager = self.manager()
        hub = self.start_for(manager, 0.03, READ_TIMEOUT=ms(scaled(0.3)),
                             HUB_SHUTDOWN_TIMEOUT=ms(scaled(1)))
        until(manager.is_full, "a full queue")
        hub.signal(signal.SIGHUP)
        self.check_well(hub)
        self.assertEqual(len(hub.events("notify")), 1, hub.tail())

    def test_one_that_is_gone_hurts_nothing(self):
        manager = self.manager()
        hub = self.start_for(manager, 0.03, READ_TIMEOUT=ms(scaled(0.3)),
                             HUB_SHUTDOWN_TIMEOUT=ms(scaled(1)))
        manager.until("READY=1")
        manager.socket.close()
        os.unlink(manager.path)
        hub.wait_log("notify", variable="NOTIFY_SOCKET")
        hub.signal(signal.SIGHUP)
        self.check_well(hub)
        self.assertEqual(len(hub.events("notify")), 1, hub.tail())

    def test_one_that_never_was_hurts_nothing(self):
        hub = self.start(NOTIFY_SOCKET="/nonexistent/socket",
                         READ_TIMEOUT=ms(scaled(0.3)),
                         HUB_SHUTDOWN_TIMEOUT=ms(scaled(1)))
        self.check_well(hub)


if __name__ == "__main__":
    unittest.main()
