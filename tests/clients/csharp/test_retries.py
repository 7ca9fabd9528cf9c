"""What is retried, and when: only what cannot have been delivered."""

import email.utils
import json
import signal
import threading
import time
import unittest

from cases import DriverCase
from fakes import Deaf, Fake, free_port, refusal, success
from harness.wait import scaled, until


class Repeated(DriverCase):

    def timed(self, future):
        started = time.monotonic()
        outcome = self.outcome(future)
        return outcome, time.monotonic() - started

    def refusing(self, *replies):
        """A server that answers these one after the other, then success."""
        replies = list(replies)
        return self.fake(Fake(
            lambda request, sock: replies.pop(0) if replies else success(7)))

    def test_hubd_that_comes_up_later(self):
        port = free_port()
        client = self.client(f"http://127.0.0.1:{port}", Timeout="00:00:20")
        future = client.user("ada", "once")
        time.sleep(0.5)  # tries fail in it
        self.assertFalse(future.done())
        hub = self.start(PORT=port, HUB_API_KEY=self.key)
        self.assertSent(future, 0)
        ada = self.connect(hub, "ada")
        self.assertSent(client.user("ada", "twice"), 1)
        self.assertEqual(json.loads(ada.recv())["payload"], "twice")

    def test_hubd_that_stays_down(self):
        client = self.client(f"http://127.0.0.1:{free_port()}",
                             Timeout="00:00:02")
        future = client.everybody(1)
        outcome, seconds = self.timed(future)
        self.assertFailed(future, "network_error", transient=True)
        self.assertIn("refused", outcome.description)
        # It gives up when the next try would come too late.
        self.assertGreater(seconds, 0.5)
        self.assertLess(seconds, 2 + scaled(5))

    def test_it_can_be_turned_off(self):
        client = self.client(f"http://127.0.0.1:{free_port()}", Retry=False)
        self.assertFailed(client.everybody(1), "network_error", transient=True)
        server = self.refusing(refusal(503, "overloaded"))
        client = self.client(server.url, Retry=False)
        self.assertFailed(client.everybody(1), "overloaded", transient=True)
        self.assertEqual(len(server.requests), 1)

    def test_503_and_429_after_the_time_they_ask_for(self):
        for status, code in ((503, "draining"), (429, "rate_limited")):
            with self.subTest(status=status):
                server = self.refusing(refusal(status, code, Retry_After="1"))
                future = self.client(server.url).everybody(1)
                _, seconds = self.timed(future)
                self.assertSent(future, 7)
                self.assertEqual(len(server.requests), 2)
                self.assertEqual(server.requests[0].body,
                                 server.requests[1].body)
                self.assertGreaterEqual(seconds, 1)
                self.assertLess(seconds, 1 + scaled(5))

    def test_a_date_to_retry_after(self):
        date = email.utils.formatdate(time.time() + 2, usegmt=True)
        server = self.refusing(refusal(503, "draining", Retry_After=date))
        future = self.client(server.url).everybody(1)
        _, seconds = self.timed(future)
        self.assertSent(future, 7)
        self.assertGreater(seconds, 0.9)
        past = email.utils.formatdate(time.time() - 60, usegmt=True)
        server = self.refusing(refusal(503, "draining", Retry_After=past))
        self.assertSent(self.client(server.url).everybody(1), 7)

    def test_without_a_time_it_waits_longer_each_time(self):
        times = []

        def act(request, sock):
            times.append(time.monotonic())
            return (success() if len(times) == 5 else
                    refusal(503, "out_of_memory"))

        server = self.fake(Fake(act))
        self.assertSent(self.client(server.url).everybody(1), 1)
        waits = [after - before for before, after in zip(times, times[1:])]
        for wait, least in zip(waits, (0.05, 0.1, 0.2, 0.4)):
            self.assertGreaterEqual(wait, least - 0.005)
            self.assertLess(wait, 2 * least + scaled(5))

    def test_no_wait_that_is_too_long(self):
        server = self.refusing(refusal(503, "draining", Retry_After="9"))
        future = self.client(server.url, Timeout="00:00:05").everybody(1)
        outcome, seconds = self.timed(future)
        self.assertFailed(future, "draining", transient=True)
        self.assertEqual((outcome.status, outcome.retry_after), (503, 9))
        self.assertLess(seconds, 5)
        self.assertEqual(len(server.requests), 1)

    def test_a_hubd_that_drains_and_its_successor(self):
        hub = self.start(HUB_API_KEY=self.key, HUB_SHUTDOWN_TIMEOUT="4s")
        self.connect(hub, "ada")  # does not answer the Close, as it must wait
        url = f"http://127.0.0.1:{hub.port}"
        hasty = self.client(url, Timeout="00:00:04")
        patient = self.client(url, Timeout="00:00:29")
        hub.signal(signal.SIGTERM)
        until(lambda: hub.request("GET", "/health").status == 503, "a drain")
        future = patient.everybody(1)
        outcome = self.assertFailed(hasty.everybody(1), "draining",
                                    transient=True)
        self.assertEqual((outcome.status, outcome.retry_after), (503, 5))
        self.assertEqual(hub.wait_exit(), 0)
        self.assertFalse(future.done())
        self.start(HUB_API_KEY=self.key, PORT=hub.port)
        self.assertSent(future, 0)

    def test_no_connection_in_time(self):
        deaf = self.fake(Deaf())
        future = self.client(deaf.url, Timeout="00:00:00.5").everybody(1)
        outcome, seconds = self.timed(future)
        self.assertFailed(future, "network_error", transient=True)
        self.assertIn("no connection in time", outcome.description)
        self.assertLess(seconds, 0.5 + scaled(5))

    def test_a_handler_that_lets_nothing_through(self):
        server = self.refusing()
        client = self.client(server.url, http="breaking", Retry=False)
        outcome = self.assertFailed(client.everybody(1), "network_error",
                                    transient=True)
        self.assertIn("no token", outcome.description)
        self.assertEqual(server.connections, 0)
        client = self.client(server.url, http="breaking")
        self.assertSent(client.everybody(1), 7)
        self.assertRequests(1, server)

    def test_the_last_try_is_cut_short(self):
        server = self.refusing(refusal(503, "overloaded"))
        client = self.client(server.url, http="stalling", Timeout="00:00:02")
        self.assertFailed(client.everybody(1), "overloaded", transient=True)

    def test_what_was_given_up_is_not_sent_later(self):
        server = self.fake(Fake(lambda request, sock: success()))
        client = self.client(server.url, http="late", Timeout="00:00:00.5")
        self.assertFailed(client.everybody(1), "network_error", transient=True)
        until(lambda: server.connections, "the late try", 3)
        self.assertRequests(0, server)

    def test_no_free_connection_in_time(self):
        answered = threading.Event()
        self.addCleanup(answered.set)

        def act(request, sock):
            answered.wait()
            return success(1)

        server = self.fake(Fake(act))
        slow = self.client(server.url, http="single")
        hasty = self.client(server.url, http="single", Timeout="00:00:00.5")
        first = slow.everybody("first")
        until(lambda: server.requests, "the first request", 20)
        outcome = self.assertFailed(hasty.everybody("second"), "network_error",
                                    transient=True)
        self.assertIn("no connection in time", outcome.description)
        # Now there is a connection, which must not be used for the second.
        answered.set()
        self.assertSent(first, 1)
        self.assertRequests(1, server)


if __name__ == "__main__":
    unittest.main()
