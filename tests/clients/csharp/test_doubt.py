"""Nothing is repeated that may have been delivered, whatever went wrong and
whoever gave up."""

import pathlib
import signal
import time
import unittest

from cases import DriverCase
from fakes import Deaf, Fake, hang_up, refusal, reset, success
from harness.wait import scaled, until


class NotRepeated(DriverCase):

    def lose(self, act, code, **options):
        """Fails without anybody's knowing what became of the message."""
        server = self.fake(Fake(act))
        client = self.client(server.url, **options)
        outcome = self.assertFailed(client.user("ada", 1), code, unknown=True)
        self.assertIn("may have been delivered", outcome.description)
        self.assertIsNone(outcome.status)
        return server

    def assertOnce(self, act, code, **options):
        """The same, and a server that would take a repeat does not get one."""
        self.assertRequests(1, self.lose(act, code, **options))

    def test_connections_that_break(self):
        whole = success()
        head = whole.partition(b"\r\n\r\n")[0]

        def after(data, end):
            def act(request, sock):
                sock.sendall(data)
                end(sock)
            return act

        servers = []
        for name, data in (("nothing", b""), ("a line", whole[:20]),
                           ("half a head", head[:-10]),
                           ("a head", head + b"\r\n\r\n"),
                           ("all but a byte", whole[:-1])):
            for end in (hang_up, reset):
                with self.subTest(after=name, end=end.__name__):
                    servers.append(
                        self.lose(after(data, end), "connection_lost"))
        self.assertRequests(1, *servers)

    def test_a_kept_connection_that_breaks(self):
        def act(request, sock):
            if request.number == 0:
                return success()
            hang_up(sock)
            return None

        server = self.fake(Fake(act))
        client = self.client(server.url)
        self.assertSent(client.user("ada", 1), 1)
        self.assertFailed(client.user("ada", 2), "connection_lost",
                          unknown=True)
        self.assertRequests(2, server)
        self.assertEqual(server.connections, 1)

    def test_a_kept_connection_that_was_closed_in_between(self):
        server = self.fake(Fake(lambda request, sock: success()))
        client = self.client(server.url)
        self.assertSent(client.user("ada", 1), 1)
        with server.lock:
            hang_up(server.sockets[0])
        time.sleep(0.1)  # the kernel tells the client
        self.assertSent(client.user("ada", 2), 1)
        self.assertEqual((len(server.requests), server.connections), (2, 2))

    def test_answers_that_are_no_http(self):
        self.assertOnce(lambda request, sock: b"\x00\x01 nonsense\r\n\r\n",
                        "connection_lost")

    def test_no_answer_in_time(self):
        started = time.monotonic()
        self.assertOnce(lambda request, sock: None, "timeout",
                        Timeout="00:00:01")
        seconds = time.monotonic() - started
        self.assertGreaterEqual(seconds, 1)
        self.assertLess(seconds, 1 + scaled(5))

    def test_an_answer_that_stops_halfway(self):
        self.assertOnce(lambda request, sock: success()[:-5], "timeout",
                        Timeout="00:00:01")

    def test_the_timeout_of_an_http_client_that_was_passed_in(self):
        self.assertOnce(lambda request, sock: None, "timeout",
                        http="impatient")

    def test_a_handler_that_repeats_requests(self):
        def act(request, sock):
            hang_up(sock)

        self.assertOnce(act, "connection_lost", http="repeating")

    def test_a_wait_does_not_make_a_broken_one_safe(self):
        def act(request, sock):
            if request.number == 0:
                return refusal(503, "overloaded")
            hang_up(sock)
            return None

        server = self.fake(Fake(act))
        self.assertFailed(self.client(server.url).everybody(1),
                          "connection_lost", unknown=True)
        self.assertRequests(2, server)

    def test_hubd_that_is_killed_over_a_request(self):
        hub = self.start(HUB_API_KEY=self.key)
        self.addCleanup(hub.kill)
        client = self.client(f"http://127.0.0.1:{hub.port}")
        self.assertSent(client.everybody(1), 0)
        hub.signal(signal.SIGSTOP)  # so that the request stays in the kernel
        until(lambda: all(b") T " in path.read_bytes() for path in
                          pathlib.Path(f"/proc/{hub.pid}").glob("task/*/stat")),
              "all of it stopped")
        future = client.everybody(2)
        time.sleep(0.3)
        self.assertFalse(future.done())
        hub.kill()
        self.assertFailed(future, "connection_lost", unknown=True)


class Cancelled(DriverCase):

    def cancel(self, client, future):
        started = time.monotonic()
        self.assertFalse(future.done())
        self.outcome(client.command("cancel", token=self.id()))
        self.assertCancelled(future)
        self.assertLess(time.monotonic() - started, scaled(5))

    def assertCancelled(self, future):
        outcome = self.outcome(future)
        self.assertIn(outcome.exception,
                      ("System.OperationCanceledException",
                       "System.Threading.Tasks.TaskCanceledException"))
        self.assertTrue(outcome.told["token_cancelled"])

    def test_before_anything_is_sent(self):
        server = self.fake(Fake(lambda request, sock: success()))
        client = self.client(server.url)
        self.outcome(client.command("cancel", token=self.id()))
        self.assertCancelled(client.everybody(1, token=self.id()))
        self.assertEqual(server.connections, 0)

    def test_while_it_waits_for_an_answer(self):
        server = self.fake(Fake(lambda request, sock: None))
        client = self.client(server.url)
        future = client.everybody(1, token=self.id())
        until(lambda: server.requests, "the request")
        self.cancel(client, future)
        self.assertRequests(1, server)
        # The client is as good as before.
        server.act = lambda request, sock: success()
        self.assertSent(client.everybody(2), 1)

    def test_while_it_waits_for_the_rest_of_an_answer(self):
        server = self.fake(Fake(lambda request, sock: success()[:-5]))
        client = self.client(server.url)
        future = client.everybody(1, token=self.id())
        until(lambda: server.requests, "the request")
        self.cancel(client, future)
        self.assertRequests(1, server)

    def test_while_it_waits_to_try_again(self):
        server = self.fake(Fake(
            lambda request, sock: refusal(503, "draining", Retry_After="8")))
        client = self.client(server.url)
        future = client.everybody(1, token=self.id())
        until(lambda: server.requests, "the request")
        time.sleep(0.2)  # for the answer
        self.cancel(client, future)
        self.assertRequests(1, server)

    def test_while_it_tries_to_connect(self):
        client = self.client(self.fake(Deaf()).url)
        future = client.everybody(1, token=self.id())
        time.sleep(0.2)
        self.cancel(client, future)

    def test_many_that_wait_for_a_connection(self):
        hub = self.start(HUB_API_KEY=self.key)
        client = self.client(f"http://127.0.0.1:{hub.port}", MaxConnections=4)
        for _ in range(5):
            self.outcome(client.command("flurry", rounds=60))
        self.assertSent(client.everybody(1), 0)


if __name__ == "__main__":
    unittest.main()
