"""Links that fail silently, lose packets or answer with resets: the clients
behind them are closed in time, with the right cause, and nobody else notices.
"""

import time
import unittest

from harness.crowd import numbered
from harness.netns import run
from harness.steady import NetworkCase
from harness.wait import ms, scaled, until

VANISHED = 10
MARGIN_S = 1.0  # for a busy machine, on top of what the settings allow


class Vanished(NetworkCase):
    """Peers that are there and then are not: no FIN, no reset."""

    def setUp(self):
        super().setUp()
        self.unplugged = self.network.add_site()
        self.swallowed = self.network.add_site()

    def join_both(self, hub):
        return [self.crowd_at(self.unplugged, hub, VANISHED, "unplugged"),
                self.crowd_at(self.swallowed, hub, VANISHED, "swallowed")]

    def vanish(self):
        self.unplugged.unplug()
        self.swallowed.swallow()
        return time.monotonic()

    def seconds_until_gone(self, hub, before, since, limit):
        """At once, or late: both are wrong."""
        hub.wait_connections(before["connections"], (limit + 5))
        took = time.monotonic() - since
        self.assertLess(took, scaled(limit) + scaled(MARGIN_S))
        return took

    def check_vanishing(self, **how):
        interval = timeout = scaled(1.0)
        hub = self.start(HUB_PING_INTERVAL=ms(interval),
                         HUB_PONG_TIMEOUT=ms(timeout), WRITE_TIMEOUT="30s")
        steady = self.steady(hub, **how)
        before = self.state(hub)
        crowds = self.join_both(hub)
        for crowd in crowds:
            crowd.wait_pings()
            self.assertEqual(crowd.past, [])
        since = self.vanish()
        took = self.seconds_until_gone(hub, before, since, 2.0)
        for name in ("unplugged", "swallowed"):
            self.assertEqual(self.wait_causes(hub, name, VANISHED),
                             {"pong_timeout": VANISHED})
        steady.crowd.wait_pings(2)
        print(f"\n{2 * VANISHED} vanished were gone {took:.2f} s later, ping"
              f" interval {interval:g} s, pong timeout {timeout:g} s;"
              f" {self.assertBackAt(hub, before)}; {steady.verify()}")

    def test_idle_peers_go_by_pong_timeout(self):
        self.check_vanishing(to_session=True)

    def test_peers_that_were_being_sent_to_go_by_pong_timeout(self):
        """A few bytes that nobody acknowledges do not fill a buffer, so the
        heartbeat is what notices."""
        self.check_vanishing(filler=10)

    def test_peers_with_much_in_flight_go_by_write_timeout(self):
        limit = scaled(1.0)
        hub = self.start(HUB_PING_INTERVAL="40s", WRITE_TIMEOUT=ms(limit),
                         HUB_QUEUE_SIZE="64MB")
        hub.warm_up()
        steady = self.steady(hub, to_session=True)
        before = self.state(hub)
        crowds = self.join_both(hub)
        self.vanish()
        for number in range(5):
            for name in ("unplugged", "swallowed"):
                self.assertEqual(hub.send(numbered(number, 200_000),
                                          session=name), VANISHED)
        full, since = hub.memory_kb(), time.monotonic()
        took = self.seconds_until_gone(hub, before, since, 1.0)
        for name in ("unplugged", "swallowed"):
            self.assertEqual(self.wait_causes(hub, name, VANISHED),
                             {"write_timeout": VANISHED})
        for crowd in crowds:
            self.assertFalse(any(c.numbers for c in crowd.open()))
        print(f"\n{2 * VANISHED} that took nothing were gone {took:.2f} s"
              f" after the last send, write timeout {limit:g} s; memory at"
              f" the peak {full} KB; {self.assertBackAt(hub, before)};"
              f" {steady.verify()}")


class BadLine(NetworkCase):

    def test_loss_delay_and_reordering_cost_time_and_nothing_else(self):
        """One packet in ten is lost each way, and one in ten overtaken."""
        site = self.network.add_site_by_wire(
            loss=0.1, delay=0.02, late=0.1, late_by=0.015)
        hub = self.start(HUB_PING_INTERVAL=ms(scaled(1.0)),
                         HUB_SHUTDOWN_TIMEOUT="1s")  # the line ends earlier
        steady = self.steady(hub, site=site, filler=3000)
        before, sent = self.state(hub), time.monotonic()
        steady.crowd.wait_pings(3, 30)
        steady.crowd.wait_number(50, 30)
        last = steady.backend.next
        steady.crowd.wait_number(last, 30)
        took = time.monotonic() - sent
        told = steady.verify()
        back = self.assertBackAt(hub, before)
        again = self.network.hub.tcp_counter("RetransSegs")
        counts = site.wire.end()
        print(f"\nover a bad line for {took:.1f} s: {counts}, hubd's side"
              f" sent {again} segments again; {back}; {told}")
        self.assertGreater(counts["lost"], counts["packets"] // 20)
        self.assertGreater(counts["overtaken"], 0)
        self.assertGreater(again, 0)


class Resets(NetworkCase):
    """The kernel of either side ends a connection in the middle of a large
    frame that hubd is writing."""

    def setUp(self):
        super().setUp()
        self.site = self.network.add_site()
        self.hub = self.start(HUB_QUEUE_SIZE="64MB")
        self.calm = self.steady(self.hub, to_session=True)
        self.before = self.state(self.hub)

    def stall(self):
        """A client in the middle of a frame: it has some of it, not all."""
        with self.site.entered():
            client = self.connect(self.hub, "half", "half",
                                  receive_buffer=4096, host=self.site.hub)
        for number in range(20):  # more than sockets hold
            self.hub.send(numbered(number, 400_000), session="half")
        client.sock.settimeout(scaled(5))
        while len(client.http.buffer) < 1000:
            client.http._fill()
        return client

    def check(self, client, how):
        self.hub.wait_connections(self.before["connections"])
        self.assertEqual(self.wait_causes(self.hub, "half", 1), {"lost": 1})
        print(f"\n{how}: {self.assertBackAt(self.hub, self.before)};"
              f" {self.calm.verify()}")

    def test_a_socket_that_hubds_kernel_destroys(self):
        client = self.stall()
        host, port = client.sock.getsockname()
        listed = run("ss", "-tnKH", f"dst {host}:{port}")
        self.assertIn(f"{host}:{port}", listed)
        self.assertRaises(EOFError, client.recv)
        self.check(client, "a socket destroyed under a write")

    def test_a_peer_that_answers_segments_with_a_reset(self):
        client = self.stall()
        self.site.answer_with_resets()
        until(lambda: self.poke(client), "a segment that is answered", 10)
        self.check(client, "a reset in answer to a segment of a frame")

    def poke(self, client):
        """Room in the window, so that hubd's side sends."""
        client.sock.settimeout(0.05)
        try:
            client.sock.recv(65536)
        except OSError:
            pass
        client.sock.settimeout(scaled(5))
        return (self.hub.health()["total_connections"]
                == self.before["connections"])


if __name__ == "__main__":
    unittest.main()
