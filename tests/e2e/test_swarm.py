"""Ten thousand clients at once, from this one process: all get in, a broadcast
reaches all, and when they vanish together nothing is left of them."""

import json
import resource
import select
import socket
import struct
import time
import unittest

from harness.rawws import new_key, upgrade_request, ws_path
from harness.testcase import HubTestCase
from harness.wait import sanitizer, scaled, until

COUNT = 500 if sanitizer() else 10000
DESCRIPTORS = 4096 if sanitizer() else None  # of hubd; None: all there are
SPARE = 1000
BYTES_EACH = 700  # process memory of an idle connection, ids included


class Swarm:
    """Clients that need only be told apart by how many bytes they got."""

    def __init__(self, port, count):
        self.epoll = select.epoll()
        self.address = ("127.0.0.1", port)
        self.socks = {}
        self.received = {}
        self.key = new_key()
        for index in range(count):
            self.open(index)

    def open(self, index):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(self.address)
        self.socks[sock.fileno()] = (sock, index)
        self.received[sock.fileno()] = b""
        self.epoll.register(sock, select.EPOLLOUT)

    def turn(self, seconds):
        for fd, events in self.epoll.poll(seconds):
            sock, index = self.socks[fd]
            if events & select.EPOLLOUT:
                path = ws_path(f"user{index}", f"session{index % 100}")
                sock.send(upgrade_request(path, self.key))
                self.epoll.modify(fd, select.EPOLLIN)
            elif events & (select.EPOLLIN | select.EPOLLHUP
                           | select.EPOLLERR):
                data = sock.recv(65536)
                if not data:
                    raise AssertionError(
                        f"client {index}: end of stream after"
                        f" {self.received[fd]!r}")
                self.received[fd] += data

    def collect(self, complete, seconds):
        """Reads until complete(bytes) holds for everyone. Returns the seconds
        that took and forgets the bytes."""
        started = time.monotonic()
        deadline = started + scaled(seconds)
        left = set(self.socks)
        while left:
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(left)} clients still wait")
            self.turn(1)
            left = {fd for fd in left if not complete(self.received[fd])}
        for fd in self.received:
            self.received[fd] = b""
        return time.monotonic() - started

    def vanish(self):
        for sock, _ in self.socks.values():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            struct.pack("ii", 1, 0))
            sock.close()
        self.socks.clear()
        if not self.epoll.closed:
            self.epoll.close()


def has_upgraded(data):
    if data and not data.startswith(b"HTTP/1.1 101 "[:len(data)]):
        raise AssertionError(f"refused: {data!r}")
    return data.endswith(b"\r\n\r\n")


class TenThousand(HubTestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < COUNT + SPARE:
            raise unittest.SkipTest(
                f"needs {COUNT + SPARE} descriptors; the hard limit of "
                f"RLIMIT_NOFILE is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def test_all_at_once(self):
        hub = self.start(nofile=DESCRIPTORS)
        hub.warm_up()
        idle = self.state(hub)
        first = Swarm(hub.port, COUNT)
        self.addCleanup(first.vanish)
        seconds = first.collect(has_upgraded, 60)
        hub.wait_connections(COUNT, 10)
        stats = hub.health()
        self.assertEqual(stats["total_users"], COUNT)
        self.assertEqual(stats["total_sessions"], 100)
        full = self.state(hub)
        each = 1024 * (full["kb"] - idle["kb"]) / COUNT
        print(f"\n{COUNT} clients connected in {seconds:.2f} s,"
              f" {each:.0f} bytes of memory each, threads"
              f" {idle['threads']} -> {full['threads']}")
        if not sanitizer():
            self.assertLess(each, BYTES_EACH)
        self.assertLessEqual(full["threads"], idle["threads"])
        self.check_broadcast(hub, first)
        self.check_sends(hub, first)
        self.check_vanishing(hub, first, idle)

    def state(self, hub):
        hub.health()
        return {"kb": hub.memory_kb(), "threads": hub.threads(),
                "descriptors": hub.descriptors()}

    def check_broadcast(self, hub, swarm):
        message = json.dumps({"type": "t", "payload": "x" * 170,
                              "timestamp": "2024-01-02"}).encode()
        frame = struct.pack("!BBH", 0x81, 126, len(message)) + message
        self.assertEqual(hub.broadcast(message), COUNT)
        seconds = swarm.collect(lambda data: data == frame, 30)
        print(f"a broadcast had reached all {seconds:.2f} s after the call")

    def check_sends(self, hub, swarm):
        """A session of a hundredth of them, and one user."""
        message = b'{"type":"t","payload":1,"timestamp":"2024-01-02"}'
        self.assertEqual(hub.send(message, session="session7"), COUNT // 100)
        self.assertEqual(hub.send(message, user=f"user{COUNT - 1}"), 1)
        wanted = COUNT // 100 + 1
        deadline = time.monotonic() + scaled(10)
        while sum(map(bool, swarm.received.values())) < wanted:
            self.assertLess(time.monotonic(), deadline)
            swarm.turn(1)
        reached = {swarm.socks[fd][1]
                   for fd, data in swarm.received.items() if data}
        self.assertEqual(reached, {i for i in range(COUNT)
                                   if i % 100 == 7 or i == COUNT - 1})

    def check_vanishing(self, hub, swarm, idle):
        swarm.vanish()
        started = time.monotonic()
        hub.wait_connections(0, 20)
        took = time.monotonic() - started
        until(lambda: hub.descriptors() <= idle["descriptors"] + 2,
              "descriptors given back")
        print(f"all gone {took:.2f} s after they vanished; descriptors"
              f" {idle['descriptors']} -> {hub.descriptors()}, memory"
              f" {idle['kb']} -> {hub.memory_kb()} KB")
        self.assertLess(took, scaled(1))

    def test_all_come_back_after_a_restart(self):
        """The storm that follows a restart: nobody is lost."""
        hub = self.start(nofile=DESCRIPTORS)
        count = COUNT // 4
        for _ in range(3):
            swarm = Swarm(hub.port, count)
            self.addCleanup(swarm.vanish)
            swarm.collect(has_upgraded, 60)
            hub.wait_connections(count, 10)
            swarm.vanish()
            hub.wait_connections(0, 10)


if __name__ == "__main__":
    unittest.main()
