"""HUB_RATE_LIMIT: a client that floods hubd with messages, pings or pongs is
closed with 1008, and costs the others nothing."""

import time
import unittest

from harness.rawws import PING, PONG, TEXT, encode
from harness.testcase import SharedHubd
from harness.wait import scaled

RATE = 20
BURST = 10 * RATE  # ten seconds' worth may come at once


class Floods(SharedHubd):
    settings = {"HUB_RATE_LIMIT": str(RATE)}

    def assertEnds(self, client):
        self.assertEqual(client.recv_close(), (1008, "too many messages"))
        client.drain()
        client.close()

    def test_a_flood_of_each_kind(self):
        for opcode in (TEXT, PING, PONG):
            with self.subTest(opcode=opcode):
                client = self.join("mallory")
                client.try_send(encode(opcode, b"x") * 50 * BURST)
                self.assertEnds(client)
        line = self.hub.wait_log("disconnected", user="mallory", code="1008")
        self.assertEqual(line["cause"], "protocol")
        self.assertLessEqual(int(line["messages_in"]), BURST)

    def test_a_burst_after_silence_is_none(self):
        client = self.join("ada")  # with one ping
        client.send_bytes(encode(TEXT, b"x") * (BURST - 3))
        client.sync()
        self.assertNextIsMarker(self.hub, client)
        client.send_bytes(encode(TEXT, b"x") * RATE * 10)
        self.assertEnds(client)

    def test_a_steady_client_stays(self):
        client = self.join("ada")
        client.send_bytes(encode(TEXT, b"x") * (BURST - 10))
        for _ in range(6):
            time.sleep(0.5)  # the rate is one of time
            client.send_bytes(encode(TEXT, b"x") * (RATE // 4))
        client.sync()
        self.assertNextIsMarker(self.hub, client)

    def test_others_are_served_meanwhile(self):
        ada = self.join("ada")
        floods = [self.join("mallory") for _ in range(10)]
        worst = 0.0
        for client in floods:
            client.try_send(encode(PING, b"x" * 125) * 20_000)
            started = time.monotonic()
            self.assertNextIsMarker(self.hub, ada)
            worst = max(worst, time.monotonic() - started)
        for client in floods:
            client.drain()
        print(f"\na message past a flood: {worst * 1000:.1f} ms at worst")
        self.assertLess(worst, scaled(1))
        self.assertNextIsMarker(self.hub, ada)


class Unlimited(SharedHubd):
    settings = {"HUB_RATE_LIMIT": "0"}

    def test_any_number_is_taken(self):
        client = self.join("ada")
        client.send_bytes(encode(TEXT, b"x") * 20_000)
        client.sync()
        self.assertNextIsMarker(self.hub, client)


if __name__ == "__main__":
    unittest.main()
