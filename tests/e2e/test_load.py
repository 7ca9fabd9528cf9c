"""Heavy load: a large payload for thousands that do not read, a storm of
clients of which few are admitted, a hub that restarts under them, and signals
in the middle of broadcasts.

HUB_E2E_RECIPIENTS sets how many clients the large payload is queued for.
"""

import json
import os
import re
import resource
import select
import signal
import socket
import threading
import time
import unittest

from harness.http import narrow_down
from harness.rawws import (CLOSE, PONG, encode, new_key, upgrade_request,
                           ws_path)
from harness.testcase import HubTestCase
from harness.wait import sanitizer, scaled, slowness, until
from test_swarm import Swarm, has_upgraded

RECIPIENTS = int(os.environ.get("HUB_E2E_RECIPIENTS",
                                "200" if sanitizer() else "2000"))
PAYLOAD = 512 * 1024
STORM = 300 if sanitizer() else 3000


class LoadCase(HubTestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = max(RECIPIENTS, STORM) + 500
        if hard < wanted:
            raise unittest.SkipTest(f"needs {wanted} descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class NarrowSwarm(Swarm):
    """Clients for whom neither kernel holds much."""

    def open(self, index):
        sock = socket.socket()
        narrow_down(sock)
        sock.setblocking(False)
        sock.connect_ex(self.address)
        self.socks[sock.fileno()] = (sock, index)
        self.received[sock.fileno()] = b""
        self.epoll.register(sock, select.EPOLLOUT)


class OnePayload(LoadCase):

    def test_for_all_recipients_there_is_one_copy_of_it(self):
        hub = self.start(HUB_QUEUE_SIZE="2MB", WRITE_TIMEOUT="120s",
                         HUB_PING_INTERVAL="120s")
        swarm = NarrowSwarm(hub.port, RECIPIENTS)
        self.addCleanup(swarm.vanish)
        swarm.collect(has_upgraded, 60)
        hub.wait_connections(RECIPIENTS, 10)
        frame = len('{"type":"t","payload":"","timestamp":"2024-01-02"}')
        message = ('{"type":"t","payload":"' + "x" * (PAYLOAD - frame)
                   + '","timestamp":"2024-01-02"}').encode()
        self.assertEqual(len(message), PAYLOAD)
        hub.send(message, user="nobody")  # what a body of that size takes
        before, started = hub.memory_kb(), time.monotonic()
        self.assertEqual(hub.broadcast(message), RECIPIENTS)
        took = time.monotonic() - started
        until(lambda: self.all_wait(hub), "it waits for everyone", 30)
        grown = hub.memory_kb() - before
        print(f"\n512 KB waiting for {RECIPIENTS} clients: {grown} KB more;"
              f" the call took {took * 1000:.0f} ms")
        self.assertLess(grown, min(RECIPIENTS * 512 // 4, 24 * 1024))
        self.check_some_whole(swarm, message)
        self.assertEqual(hub.health()["total_connections"], RECIPIENTS)

    def all_wait(self, hub):
        """The loops have nothing to do any more: nobody takes a byte."""
        before = hub.cpu_seconds()
        threading.Event().wait(0.3)  # the time that is measured
        return hub.cpu_seconds() - before < 0.1

    def check_some_whole(self, swarm, message):
        head = b"\x81\x7f" + len(message).to_bytes(8, "big")
        for sock, _ in list(swarm.socks.values())[::RECIPIENTS // 3]:
            sock.settimeout(scaled(15))
            data = bytearray()
            while len(data) < len(head) + len(message):
                piece = sock.recv(1 << 20)
                self.assertTrue(piece, "end of stream")
                data += piece
            self.assertTrue(data == head + message, "another message")


class Refused(Swarm):
    """A swarm of which each member waits for one whole reply."""

    def turn(self, seconds):
        for fd, events in self.epoll.poll(seconds):
            sock, index = self.socks[fd]
            if events & select.EPOLLOUT:
                sock.send(upgrade_request(ws_path(f"u{index}"), self.key))
                self.epoll.modify(fd, select.EPOLLIN)
                continue
            data = sock.recv(65536)
            self.received[fd] += data
            if not data:
                self.epoll.unregister(fd)


def is_whole(data):
    head, mark, body = data.partition(b"\r\n\r\n")
    if not mark:
        return False
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return len(body) == int(length[1]) if length else True


class Storms(LoadCase):

    def test_each_of_a_storm_is_let_in_or_told_when_to_come_again(self):
        hub = self.start(HUB_MAX_CONNECTIONS=STORM // 10)
        swarm = Refused(hub.port, STORM)
        self.addCleanup(swarm.vanish)
        started = time.monotonic()
        deadline = started + scaled(30)
        while not all(map(is_whole, swarm.received.values())):
            self.assertLess(time.monotonic(), deadline)
            swarm.turn(1)
        took = time.monotonic() - started
        replies = list(swarm.received.values())
        let_in = [r for r in replies if r.startswith(b"HTTP/1.1 101 ")]
        refused = [r for r in replies if r.startswith(b"HTTP/1.1 503 ")]
        print(f"\n{STORM} at once for {STORM // 10} places: {took:.2f} s")
        self.assertEqual(len(let_in), STORM // 10)
        self.assertEqual(len(refused), STORM - STORM // 10)
        for reply in refused:
            self.assertRegex(reply, rb"(?i)\r\nretry-after: \d+\r\n")
            self.assertEqual(json.loads(reply.partition(b"\r\n\r\n")[2])
                             ["code"], "at_capacity")
        hub.wait_connections(STORM // 10)

    def test_all_come_back_when_the_hub_does(self):
        """They begin to knock while nobody listens yet."""
        count = STORM // 3
        hub = self.start()
        swarm = Swarm(hub.port, count)
        self.addCleanup(swarm.vanish)
        swarm.collect(has_upgraded, 30)
        hub.wait_connections(count, 10)
        hub.signal(signal.SIGTERM)
        swarm.collect(lambda data: data.startswith(b"\x88"), 10)
        swarm.vanish()
        self.assertEqual(hub.wait_exit(), 0)
        back, failed = [], []

        def come_back(share):
            deadline = time.monotonic() + scaled(30)
            for index in share:
                while True:
                    try:
                        back.append(self.knock(hub.port, index))
                        break
                    except ConnectionError:
                        if time.monotonic() > deadline:
                            failed.append(index)
                            return

        threads = [threading.Thread(target=come_back,
                                    args=(range(n, count, 8),))
                   for n in range(8)]
        for thread in threads:
            thread.start()
        again = self.start(PORT=str(hub.port))
        for thread in threads:
            thread.join()
        for sock in back:
            self.addCleanup(sock.close)
        self.assertEqual((failed, len(back)), ([], count))
        again.wait_connections(count, 10)

    @staticmethod
    def knock(port, index):
        sock = socket.create_connection(("127.0.0.1", port), scaled(10))
        try:
            sock.sendall(upgrade_request(ws_path(f"user{index}"), new_key()))
            data = b""
            while b"\r\n\r\n" not in data:
                piece = sock.recv(4096)
                if not piece:
                    raise ConnectionResetError
                data += piece
            if not data.startswith(b"HTTP/1.1 101 "):
                raise AssertionError(data)
            return sock
        except BaseException:
            sock.close()
            raise


class SignalInABroadcast(LoadCase):
    """Large broadcasts one after the other, to some that read and to more that
    do not."""

    def set_up(self, stop_after, **settings):
        hub = self.start(HUB_QUEUE_SIZE="8MB", **settings)
        self.stalled = [self.connect(hub, f"slow{i}", receive_buffer=4096)
                        for i in range(20)]
        readers = [self.connect(hub, f"fast{i}") for i in range(3)]
        for reader in readers:
            reader.numbers, reader.code = [], None
        self.promised = []
        threads = [threading.Thread(target=self.read, args=(r,))
                   for r in readers]
        threads.append(threading.Thread(target=self.publish, args=(hub,)))
        for thread in threads:
            thread.start()
        until(lambda: len(self.promised) >= stop_after, "broadcasts", 20)
        return hub, readers, threads

    def publish(self, hub):
        for number in range(10000):
            try:
                reply = hub.post("/api/broadcast", {
                    "type": "t", "payload": [number, "x" * 100000]})
            except OSError:
                return
            if reply.status != 200:
                return
            self.promised.append(number)

    @staticmethod
    def read(client):
        try:
            frame = client.recv_frame()
            while frame.opcode != CLOSE:
                if frame.opcode != PONG:
                    number, filler = json.loads(frame.payload)["payload"]
                    assert len(filler) == 100000
                    client.numbers.append(number)
                frame = client.recv_frame()
            client.code = int.from_bytes(frame.payload[:2], "big")
            client.try_send(encode(CLOSE, frame.payload))
        except (EOFError, OSError):
            pass

    def finish(self, threads):
        for thread in threads:
            thread.join(scaled(20))
            self.assertFalse(thread.is_alive())
        for client in self.stalled:
            client.close()

    def test_once_what_was_promised_is_delivered_within_the_deadline(self):
        hub, readers, threads = self.set_up(20, HUB_SHUTDOWN_TIMEOUT="3s")
        started = time.monotonic()
        hub.signal(signal.SIGTERM)
        self.assertEqual(hub.wait_exit(6), 0, hub.tail())
        took = time.monotonic() - started
        self.finish(threads)
        print(f"\nended {took:.2f} s after a signal in the middle of"
              " broadcasts, of 3 s")
        self.assertLess(took, 3 + 0.5 * slowness())
        for reader in readers:
            self.assertEqual(reader.code, 1001)
            self.assertEqual(reader.numbers,
                             list(range(len(reader.numbers))))
            self.assertEqual(set(self.promised) - set(reader.numbers), set())

    def test_twice_it_ends_at_once(self):
        hub, readers, threads = self.set_up(20, HUB_SHUTDOWN_TIMEOUT="30s")
        hub.killed = True  # any exit status is right
        hub.signal(signal.SIGTERM)
        hub.wait_log("draining")
        self.assertIsNone(hub.process.poll(), "nothing held it up")
        started = time.monotonic()
        hub.signal(signal.SIGTERM)
        hub.wait_exit(5)
        took = time.monotonic() - started
        self.finish(threads)
        print(f"\nended {took * 1000:.0f} ms after the second signal")
        self.assertLess(took, scaled(1))
        for reader in readers:
            self.assertEqual(reader.numbers,
                             list(range(len(reader.numbers))))


if __name__ == "__main__":
    unittest.main()
