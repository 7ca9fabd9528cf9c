"""The wall clock jumps by a day under a running hubd. Only timestamps in
messages and log lines may follow it.

libfaketime changes the time of day for hubd, and leaves the monotonic clock
alone.
"""

import calendar
import glob
import json
import pathlib
import re
import tempfile
import time
import unittest

from harness.steady import FaultCase
from harness.wait import ms, sanitizer, scaled

DAY_S = 86400
JUMPS_S = (0, DAY_S, -DAY_S, 7)  # from what it is; the first is none
INTERVAL_S = TIMEOUT_S = 0.7
LIBRARIES = "/usr/lib/*/faketime/libfaketimeMT.so.1"
STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{3,9}Z")


def seconds_of(stamp):
    found = STAMP.fullmatch(stamp)
    return calendar.timegm(time.strptime(found[1], "%Y-%m-%dT%H:%M:%S"))


@unittest.skipIf(sanitizer(), "a sanitizer's runtime has to be the first"
                 " library, and libfaketime has to be too")
class WallClock(FaultCase):

    def setUp(self):
        super().setUp()
        found = glob.glob(LIBRARIES)
        if not found:
            self.lacking("libfaketime is not installed")
        folder = tempfile.TemporaryDirectory(prefix="hubd-e2e-")
        self.addCleanup(folder.cleanup)
        self.offset = pathlib.Path(folder.name, "offset")
        self.set_offset(0)
        self.hub = self.start(
            LD_PRELOAD=found[0], FAKETIME_TIMESTAMP_FILE=self.offset,
            FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1",
            HUB_PING_INTERVAL=ms(scaled(INTERVAL_S)),
            HUB_PONG_TIMEOUT=ms(scaled(TIMEOUT_S)))

    def set_offset(self, seconds):
        """In one step: hubd reads the file at any time."""
        other = self.offset.with_suffix(".new")
        other.write_text(f"{seconds:+d}\n")
        other.rename(self.offset)

    def assertTime(self, stamp, offset):
        self.assertLess(abs(seconds_of(stamp) - time.time() - offset),
                        scaled(5), stamp)

    def jump(self, offset):
        """What is appended to a message and what begins a line is by the
        wall clock; how long a connection was there is not."""
        user = f"at{offset}"
        watcher = self.connect(self.hub, user)
        self.set_offset(offset)
        self.hub.send({"type": "t", "payload": 1}, user=user)
        self.assertTime(json.loads(watcher.recv())["timestamp"], offset)
        watcher.leave()
        line = self.hub.wait_log("disconnected", user=user)
        self.assertTime(line["time"], offset)
        self.assertLess(int(line["duration_ms"]), 1000 * scaled(5))

    def check_heartbeat(self, steady, before):
        """Pings go on, and one who answers none is gone in time."""
        started = time.monotonic()
        self.connect(self.hub, "mute", "mute")
        steady.crowd.wait_pings(2)
        self.hub.wait_connections(before["connections"],
                                  INTERVAL_S + TIMEOUT_S + 1)
        return time.monotonic() - started

    def test_a_day_forth_and_a_day_back_cost_nobody_the_connection(self):
        hub = self.hub
        steady = self.steady(hub, to_session=True)
        before = self.state(hub)
        for offset in JUMPS_S:
            self.jump(offset)
            took = self.check_heartbeat(steady, before)
            print(f"\nwall clock at {offset:+d} s: a mute client was gone"
                  f" {took:.2f} s later")
        self.assertEqual(self.wait_causes(hub, "mute", len(JUMPS_S)),
                         {"pong_timeout": len(JUMPS_S)})
        print(f"{self.assertBackAt(hub, before)}; {steady.verify()}")


if __name__ == "__main__":
    unittest.main()
