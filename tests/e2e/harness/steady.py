"""Bystanders that other peers' faults must not affect: clients that get a
numbered message several times a second, the backend that posts it, and an
operator who reads /health. verify() checks that they noticed nothing.
"""

import contextlib
import http.client
import json
import threading
import time

from .crowd import Crowd, numbered
from .netns import Network
from .testcase import HubTestCase
from .wait import sanitizer, scaled, until

CLIENTS = 20
EVERY_S = 0.1
SETTLED_KB = 3 * 1024  # what hubd keeps of a peak: see GAIN_MIN of its trim.c


class Backend:
    """Posts the next number at a fixed pace, and asks for /health."""

    def __init__(self, hub, session=None, filler=100, every=EVERY_S):
        self.hub, self.session = hub, session
        self.filler, self.every = filler, every
        self.next = 0
        self.accepted, self.refused, self.unknown = [], {}, {}
        self.slowest = self.slowest_health = 0.0
        self.unhealthy = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        due = time.monotonic()
        while not self.stopping.wait(max(0.0, due - time.monotonic())):
            due = max(due + self.every, time.monotonic())
            self._post()
            self._look()

    def _post(self):
        number, started = self.next, time.monotonic()
        body = numbered(number, self.filler)
        path = "/api/broadcast"
        if self.session is not None:
            path = "/api/send"
            body = (b'{"targetSessionId":%s,"message":%s}'
                    % (json.dumps(self.session).encode(), body))
        self.next += 1
        try:
            reply = self.hub.post(path, body)
        except (OSError, http.client.HTTPException) as error:
            self.unknown[number] = error
            return
        self.slowest = max(self.slowest, time.monotonic() - started)
        if reply.status == 200:
            self.accepted.append(number)
        else:
            self.refused[number] = reply

    def _look(self):
        started = time.monotonic()
        try:
            status = self.hub.request("GET", "/health").status
        except (OSError, http.client.HTTPException) as error:
            status = error
        self.slowest_health = max(self.slowest_health,
                                  time.monotonic() - started)
        if status != 200:
            self.unhealthy.append(status)

    def start(self):
        self.thread.start()

    def stop(self):
        self.stopping.set()
        self.thread.join(scaled(20))


class Steady:

    def __init__(self, hub, count=CLIENTS, session="steady",
                 to_session=False, come_back=False, site=None, **backend):
        self.hub, self.site = hub, site
        self.crowd = Crowd(hub.port, count, session,
                           site.hub if site else "127.0.0.1", come_back)
        self.backend = Backend(hub, session if to_session else None,
                               **backend)

    def start(self):
        with self.site.entered() if self.site else contextlib.nullcontext():
            self.crowd.start()
        self.hub.wait_connections(len(self.crowd.users))
        self.backend.start()
        self.wait_next()
        return self

    def wait_next(self, count=3, seconds=10):
        """Until everybody has got messages posted after this call."""
        self.crowd.wait_number(self.backend.next + count - 1, seconds)

    def stop(self):
        self.backend.stop()
        self.crowd.stop()

    def verify(self, slowest=1.0, refusals=False):
        """Nobody was cut; everybody got exactly what was accepted, once and
        in order; and every answer came soon. With `refusals`, 503 is an
        answer too."""
        backend, crowd = self.backend, self.crowd
        self.wait_next()
        backend.stop()
        problems = []
        unhealthy = [status for status in backend.unhealthy
                     if not refusals or status != 503]
        if backend.unknown or unhealthy:
            problems.append(f"no answer: {backend.unknown}, /health:"
                            f" {unhealthy}")
        if backend.refused and not refusals:
            problems.append(f"refused: {backend.refused}")
        if max(backend.slowest, backend.slowest_health) > scaled(slowest):
            problems.append(f"slow: {backend.slowest:.2f} s, /health"
                            f" {backend.slowest_health:.2f} s")
        if not backend.accepted:
            problems.append("nothing was accepted")
        if problems:
            raise AssertionError("; ".join(problems))
        crowd.wait_number(backend.accepted[-1])
        crowd.check()
        if crowd.past:
            raise AssertionError(f"cut: {[c.end for c in crowd.past]}")
        for conn in crowd.open():
            if conn.numbers != backend.accepted:
                raise AssertionError(
                    f"{conn.user} got {conn.numbers}, accepted were"
                    f" {backend.accepted}")
        return (f"{len(crowd.users)} steady clients got"
                f" {len(backend.accepted)} messages; slowest post"
                f" {backend.slowest * 1e3:.0f} ms, /health"
                f" {backend.slowest_health * 1e3:.0f} ms")


class FaultCase(HubTestCase):
    """A fault in the middle of a steady life, and a look at what it leaves."""

    def steady(self, hub, **how):
        hub.warm_up()
        steady = Steady(hub, **how)
        self.addCleanup(steady.stop)
        return steady.start()

    def crowd(self, hub, count, session, host="127.0.0.1", **how):
        crowd = Crowd(hub.port, count, session, host, **how)
        self.addCleanup(crowd.stop)
        return crowd.start()

    def state(self, hub):
        return {"connections": hub.health()["total_connections"],
                "descriptors": hub.descriptors(), "kb": hub.memory_kb()}

    def assertBackAt(self, hub, before, seconds=10, kept_kb=SETTLED_KB):
        """Connections, descriptors and memory are what they were. A request
        is under way at times, hence the few descriptors."""
        hub.wait_connections(before["connections"], seconds)
        until(lambda: hub.descriptors() <= before["descriptors"] + 4,
              f"descriptors back at {before['descriptors']}", seconds)
        if not sanitizer():  # their allocators keep what they like
            until(lambda: hub.memory_kb() <= before["kb"] + kept_kb,
                  f"memory back at {before['kb']} KB", seconds)
        after = self.state(hub)
        return ", ".join(f"{name} {before[name]} -> {after[name]}"
                         for name in before)

    def causes(self, hub, session):
        """What ended the connections of a session, by the log."""
        found = {}
        for line in hub.events("disconnected"):
            if line.get("session") == session:
                cause = line["cause"]
                found[cause] = found.get(cause, 0) + 1
        return found

    def wait_causes(self, hub, session, count, seconds=5):
        until(lambda: sum(self.causes(hub, session).values()) >= count,
              f"{count} of {session} gone by the log", seconds)
        return self.causes(hub, session)


class NetworkCase(FaultCase):
    """hubd in a namespace of its own, in which this thread is too, so that
    127.0.0.1 is hubd's. Clients are at the sites of `network`."""

    def setUp(self):
        super().setUp()
        for tool in ("ip", "nft", "ss"):
            self.require(tool)
        try:
            self.network = Network()
        except OSError as error:
            self.unable(f"no network namespaces and links: {error}")
        self.addCleanup(self.network.close)
        inside = contextlib.ExitStack()
        inside.enter_context(self.network.hub.entered())
        self.addCleanup(inside.close)

    def start(self, *flags, **settings):
        return super().start(*flags, HUB_BIND="0.0.0.0", **settings)

    def crowd_at(self, site, hub, count, session):
        with site.entered():
            return self.crowd(hub, count, session, site.hub)
