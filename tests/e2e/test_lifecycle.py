"""From start to exit: signals, drains, deadlines, key rotation, restarts."""

import json
import os
import signal
import socket
import threading
import time
import unittest

from harness.daemon import Hubd, run_to_end
from harness.http import RawHttp, request
from harness.rawws import CLOSE, RawWs
from harness.testcase import HubTestCase
from harness.wait import scaled, slowness, until

GOOD = {"type": "t", "payload": 1, "timestamp": "2024-01-02"}


class LifecycleCase(HubTestCase):

    def terminate(self, hub, number=signal.SIGTERM, seconds=12):
        """Signals, waits for the exit with status 0, returns the seconds."""
        started = time.monotonic()
        hub.signal(number)
        self.assertEqual(hub.wait_exit(seconds), 0, hub.tail())
        hub.check_reports()
        return time.monotonic() - started

    def assertGoingAway(self, client):
        code, _ = client.recv_close()
        self.assertEqual(code, 1001)


class Drain(LifecycleCase):

    def test_every_client_is_told_1001(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                hub = self.start()
                clients = [self.connect(hub, f"user{i}") for i in range(50)]
                closers = [threading.Thread(
                    target=self.answer_close, args=(client,))
                    for client in clients]
                for thread in closers:
                    thread.start()
                took = self.terminate(hub, number)
                for thread in closers:
                    thread.join(scaled(10))
                self.assertEqual([c.seen for c in clients], [1001] * 50)
                self.assertLess(took, scaled(4))

    @staticmethod
    def answer_close(client):
        client.seen, _ = client.recv_close()
        client.close_frame(client.seen)
        client.drain()

    def test_what_was_queued_before_is_delivered(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        big = json.dumps({"type": "t", "payload": "x" * 100000}).encode()
        for _ in range(8):
            self.assertEqual(hub.send(big, user="ada"), 1)
        hub.signal(signal.SIGTERM)
        for _ in range(8):
            self.assertIn(b"x" * 100000, client.recv())
        self.assertGoingAway(client)
        client.close_frame(1001)
        self.assertEqual(hub.wait_exit(), 0)

    def test_under_load_each_answer_keeps_its_promise(self):
        """Recipients of a 200 get the message, whenever the signal comes."""
        hub = self.start()
        clients = [self.connect(hub, "ada") for _ in range(5)]
        promised, stop = [], threading.Event()

        def backend(name):
            for number in range(10000):
                token = f"{name}-{number}"
                try:
                    reply = hub.post("/api/send", {
                        "targetUserId": "ada",
                        "message": dict(GOOD, payload=token)})
                except OSError:
                    return
                if reply.status != 200:
                    assert reply.status == 503, reply
                    assert reply.json()["code"] == "draining", reply
                    return
                if reply.json()["recipients"] == 5:
                    promised.append(token)
                if stop.is_set():
                    return

        def listen(client):
            client.tokens = set()
            frame = client.recv_frame()
            while frame.opcode != CLOSE:
                client.tokens.add(json.loads(frame.payload)["payload"])
                frame = client.recv_frame()
            client.code = int.from_bytes(frame.payload[:2], "big")
            client.close_frame(client.code)

        threads = [threading.Thread(target=backend, args=(n,))
                   for n in range(4)]
        threads += [threading.Thread(target=listen, args=(c,))
                    for c in clients]
        for thread in threads:
            thread.start()
        until(lambda: len(promised) > 100, "load")
        took = self.terminate(hub)
        stop.set()
        for thread in threads:
            thread.join(scaled(10))
        for client in clients:
            self.assertEqual(client.code, 1001)
            self.assertEqual(set(promised) - client.tokens, set())
        self.assertLess(took, scaled(5))

    def test_clients_that_never_read_do_not_hold_it_up(self):
        hub = self.start(HUB_SHUTDOWN_TIMEOUT="3s", HUB_QUEUE_SIZE="4MB")
        stalled = [self.connect(hub, "slow", receive_buffer=4096)
                   for _ in range(10)]
        reader = self.connect(hub, "ada")
        big = json.dumps({"type": "t", "payload": "x" * 400000}).encode()
        for _ in range(14):
            hub.send(big, user="slow")
        started = time.monotonic()
        hub.signal(signal.SIGTERM)
        self.assertGoingAway(reader)
        reader.close_frame(1001)
        self.assertEqual(hub.wait_exit(6), 0, hub.tail())
        took = time.monotonic() - started
        print(f"\ndrain with 10 stalled clients: {took:.2f} s of 3 s")
        self.assertLess(took, 3 + 0.5 * slowness())
        for client in stalled:
            client.drain()

    def test_silent_clients_do_not_hold_it_up(self):
        hub = self.start(HUB_SHUTDOWN_TIMEOUT="2s")
        for index in range(10):
            self.connect(hub, f"user{index}")
        self.assertLess(self.terminate(hub), 2 + 0.5 * slowness())

    def test_half_sent_requests_do_not_hold_it_up(self):
        """civetweb waits for its workers, two seconds and more."""
        for limit in (1, 3):
            with self.subTest(limit=limit):
                hub = self.start(HUB_SHUTDOWN_TIMEOUT=f"{limit}s")
                self.leave_requests_half_sent(hub)
                took = self.terminate(hub)
                print(f"\ndrain with 15 half-sent requests: {took:.2f} s of"
                      f" {limit} s")
                self.assertLess(took, limit + 0.5 * slowness())

    def leave_requests_half_sent(self, hub):
        key = hub.key.encode()
        for head in (b"GET /heal", b"POST /api/send HTTP/1.1\r\nHost: h\r\n",
                     b"POST /api/send HTTP/1.1\r\nHost: h\r\nX-API-Key: "
                     + key + b"\r\nContent-Length: 100\r\n\r\n{"):
            for _ in range(5):
                self.http(hub).send(head)
        idle = self.http(hub)
        idle.send(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
        idle.read_reply()

    def test_an_idle_hub_ends_quickly(self):
        """civetweb alone would take up to two seconds."""
        took = min(self.terminate(self.start()) for _ in range(3))
        print(f"\ndrain of an idle hub: {took:.2f} s")
        self.assertLess(took, scaled(1))

    def test_while_draining_it_says_so_and_takes_nobody(self):
        hub = self.start(HUB_SHUTDOWN_TIMEOUT="4s")
        listener = self.connect(hub, "ada")  # never answers the Close
        api, probe, ready, door = (self.http(hub) for _ in range(4))
        for conn in (api, probe, ready, door):  # accepted and kept open
            conn.send(b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(conn.read_reply().status, 200)
        hub.signal(signal.SIGTERM)
        self.assertGoingAway(listener)
        self.check_draining(hub, api, probe, ready, door)
        self.assertEqual(hub.wait_exit(), 0)

    def check_draining(self, hub, api, probe, ready, door):
        """Idle connections may be closed by now; replies must be right."""
        body = json.dumps(GOOD).encode()
        answers = {
            "health": (probe, b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n"),
            "readyz": (ready, b"GET /readyz HTTP/1.1\r\nHost: h\r\n\r\n"),
            "api": (api, b"POST /api/broadcast HTTP/1.1\r\nHost: h\r\n"
                    b"X-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s"
                    % (hub.key.encode(), len(body), body)),
            "ws": (door, b"GET /ws?userId=late HTTP/1.1\r\nHost: h\r\n"
                   b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   b"Sec-WebSocket-Version: 13\r\n\r\n"),
        }
        for name, (conn, data) in answers.items():
            with self.subTest(name):
                conn.try_send(data)
                reply = conn.read_reply()
                self.assertEqual(reply.status, 503, reply)
                if name in ("api", "ws"):
                    self.assertRefused(reply, 503, "draining")
                    self.assertIsNotNone(reply.header("retry-after"), reply)
                else:
                    self.assertEqual(reply.json()["status"], "draining")

    def test_health_of_a_new_connection_says_draining(self):
        """A load balancer asks on a new connection."""
        hub = self.start(HUB_SHUTDOWN_TIMEOUT="4s")
        listener = self.connect(hub, "ada")
        hub.signal(signal.SIGTERM)
        self.assertGoingAway(listener)
        reply = request(hub.port, "GET", "/health")
        self.assertEqual(reply.status, 503, reply)
        self.assertEqual(reply.json()["status"], "draining")
        self.assertEqual(hub.wait_exit(), 0)

    def test_a_request_in_flight_is_finished(self):
        hub = self.start(HUB_SHUTDOWN_TIMEOUT="8s")
        body = json.dumps(GOOD).encode()
        conn = self.http(hub)
        conn.send(b"POST /api/broadcast HTTP/1.1\r\nHost: h\r\nX-API-Key: %s"
                  b"\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
                  % (hub.key.encode(), len(body)))
        self.assertEqual(conn.read_head().status, 100)
        hub.signal(signal.SIGTERM)
        until(lambda: self.draining(hub), "draining")
        conn.send(body)
        reply = conn.read_reply()
        self.assertIn(reply.status, (200, 503), reply)
        self.assertEqual(hub.wait_exit(), 0)
        self.assertEqual(reply.status, 200, "in flight before the signal")

    @staticmethod
    def draining(hub):
        try:
            return request(hub.port, "GET", "/health").status == 503
        except OSError:
            return True


class UnfinishedBody(LifecycleCase):

    def test_a_body_that_the_drain_cuts_off_may_be_sent_again(self):
        hub = self.start(HUB_SHUTDOWN_TIMEOUT="2s")
        conn = self.http(hub)
        conn.send(b"POST /api/broadcast HTTP/1.1\r\nHost: hub\r\nX-API-Key: "
                  + hub.key.encode() + b"\r\nExpect: 100-continue\r\n"
                  b"Content-Length: 100\r\n\r\n")
        self.assertEqual(conn.read_head().status, 100)
        conn.send(b'{"type":')
        hub.signal(signal.SIGTERM)
        reply = conn.read_reply()
        self.assertRefused(reply, 503, "draining")
        self.assertEqual(hub.wait_exit(), 0)


class SecondSignal(LifecycleCase):

    def test_it_exits_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                hub = self.start_to_be_cut(HUB_SHUTDOWN_TIMEOUT="30s",
                                           HUB_QUEUE_SIZE="8MB")
                slow = self.connect(hub, "slow", receive_buffer=4096)
                big = json.dumps({"type": "t", "payload": "x" * 400000})
                for _ in range(18):
                    hub.send(big.encode(), user="slow")
                hub.signal(signal.SIGTERM)
                until(lambda: Drain.draining(hub), "draining")
                self.assertIsNone(hub.process.poll(), "nothing held it up")
                started = time.monotonic()
                hub.signal(number)
                hub.wait_exit(3)
                self.assertLess(time.monotonic() - started, scaled(1))
                slow.drain()

    def start_to_be_cut(self, **settings):
        """A hub whose exit status may be anything."""
        hub = Hubd(**settings)
        self.addCleanup(hub.discard)
        return hub.start()


class Restart(LifecycleCase):

    def test_the_port_is_free_at_once_after_kill_9(self):
        hub = Hubd()
        self.addCleanup(hub.discard)
        hub.start()
        clients = [self.connect(hub, f"user{i}") for i in range(20)]
        api = self.http(hub)
        api.send(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
        api.read_reply()
        hub.kill()
        again = self.start(PORT=str(hub.port))
        self.assertEqual(again.port, hub.port)
        for client in clients:
            client.drain()
        self.connect(again, "ada")
        self.assertNextIsMarker(again, self.connect(again, "bob"))

    def test_the_port_is_free_at_once_after_a_drain(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        hub.signal(signal.SIGTERM)
        self.assertGoingAway(client)
        client.close_frame(1001)
        self.assertEqual(hub.wait_exit(), 0)
        again = self.start(PORT=str(hub.port))
        self.assertNextIsMarker(again, self.connect(again, "ada"))


class Rotation(LifecycleCase):

    def write_key(self, path, key):
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(key + "\n")
        os.chmod(path + ".new", 0o600)
        os.rename(path + ".new", path)

    def accepts(self, hub, key):
        reply = hub.post("/api/broadcast", GOOD, X_API_Key=key)
        self.assertIn(reply.status, (200, 401), reply)
        return reply.status == 200

    def start_with_file(self, key):
        hub = Hubd(HUB_API_KEY=None)
        self.path = os.path.join(hub.scratch.name, "key")
        self.write_key(self.path, key)
        hub.settings["HUB_API_KEY_FILE"] = self.path
        self.addCleanup(hub.scratch.cleanup)
        hub.start()
        self.addCleanup(hub.stop)
        hub.key = key
        return hub

    def test_sighup_takes_the_new_key_and_keeps_connections(self):
        old, new = "old-key-" + "o" * 24, "new-key-" + "n" * 24
        hub = self.start_with_file(old)
        client = self.connect(hub, "ada")
        self.assertTrue(self.accepts(hub, old))
        self.assertFalse(self.accepts(hub, new))
        client.recv()
        self.write_key(self.path, new)
        self.assertFalse(self.accepts(hub, new), "only a signal rereads")
        hub.signal(signal.SIGHUP)
        until(lambda: self.accepts(hub, new), "the new key")
        self.assertFalse(self.accepts(hub, old))
        client.recv()
        hub.key = new
        client.sync()
        self.assertEqual(hub.health()["total_connections"], 1)
        for key in (old, new):
            self.assertNotIn(key, "\n".join(hub.lines))

    def test_keys_change_while_both_are_accepted(self):
        """Nobody is disconnected, and no backend is ever refused."""
        old, new = "old-key-" + "o" * 24, "new-key-" + "n" * 24
        hub = self.start_with_file(old)
        client = self.connect(hub, "ada")
        for text, accepted, refused in (
                (f"{new}\n{old}\n", (old, new), ()),
                (f"{new}\n", (new,), (old,))):
            reloads = len(hub.events("reloaded"))
            self.write_key(self.path, text)
            hub.signal(signal.SIGHUP)
            until(lambda: len(hub.events("reloaded")) > reloads, "a reload")
            self.assertEqual(hub.events("reloaded")[-1]["accepted"],
                             str(len(accepted)))
            for key in accepted:
                self.assertTrue(self.accepts(hub, key))
                client.recv()
            for key in refused:
                self.assertFalse(self.accepts(hub, key))
        self.assertEqual(hub.health()["total_connections"], 1)

    def test_a_reload_that_fails_keeps_the_old_key(self):
        key = "a-key-" + "k" * 26
        hub = self.start_with_file(key)
        for spoil in (lambda: os.unlink(self.path),
                      lambda: self.write_key(self.path, "")):
            errors = self.error_lines(hub)
            spoil()
            hub.signal(signal.SIGHUP)
            until(lambda: self.error_lines(hub) > errors, "an error line")
            self.assertTrue(self.accepts(hub, key))

    @staticmethod
    def error_lines(hub):
        return sum("level=error" in line for line in list(hub.lines))

    def test_the_previous_key_is_accepted_too(self):
        hub = self.start(HUB_API_KEY_PREVIOUS="previous-" + "p" * 20)
        self.assertTrue(self.accepts(hub, hub.key))
        self.assertTrue(self.accepts(hub, "previous-" + "p" * 20))
        self.assertFalse(self.accepts(hub, "previous-"))

    def test_sighup_without_a_file_changes_nothing(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        for _ in range(5):
            hub.signal(signal.SIGHUP)
        self.assertNextIsMarker(hub, client)

    def test_other_signals_do_no_harm(self):
        hub = self.start()
        client = self.connect(hub, "ada")
        for _ in range(20):
            hub.signal(signal.SIGPIPE)
        self.assertNextIsMarker(hub, client)


class StartErrors(LifecycleCase):

    def assertOneLine(self, result, *words, status=None):
        code, _, err = result
        self.assertNotEqual(code, 0)
        if status is not None:
            self.assertEqual(code, status, err)
        lines = [line for line in err.splitlines() if line]
        self.assertTrue(lines, "nothing on standard error")
        for word in words:
            self.assertIn(word, lines[-1])
        errors = [line for line in lines if "level=info" not in line
                  and "level=warn" not in line]
        self.assertEqual(len(errors), 1, err)

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            self.assertOneLine(
                run_to_end(PORT=port, HUB_BIND="127.0.0.1",
                           HUB_API_KEY="k" * 32), port, status=1)

    def test_a_port_in_use_by_another_hubd(self):
        hub = self.start()
        self.assertOneLine(
            run_to_end(PORT=str(hub.port), HUB_BIND="127.0.0.1",
                       HUB_API_KEY="k" * 32), str(hub.port), status=1)
        self.assertEqual(hub.request("GET", "/health").status, 200)

    def test_an_address_that_is_not_ours(self):
        self.assertOneLine(
            run_to_end(PORT="0", HUB_BIND="192.0.2.1",
                       HUB_API_KEY="k" * 32), "192.0.2.1")

    def test_no_key(self):
        self.assertOneLine(run_to_end(PORT="0"), "HUB_API_KEY", status=78)

    def test_a_key_file_that_cannot_be_read(self):
        self.assertOneLine(
            run_to_end(PORT="0", HUB_API_KEY_FILE="/nonexistent/key"),
            "/nonexistent/key")


class Closed(LifecycleCase):

    def test_connections_opened_during_the_start_are_served(self):
        """A client that retries without pause gets in as soon as it can."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        hub = Hubd(PORT=str(port))
        self.addCleanup(hub.scratch.cleanup)
        hub.spawn()
        self.addCleanup(hub.stop)

        def attempt():
            try:
                return RawWs(port, "ada")
            except OSError:
                return None

        client = until(attempt, "listening", 10)
        self.addCleanup(client.close)
        client.sync()
        conn = RawHttp(port)
        conn.close()


if __name__ == "__main__":
    unittest.main()
