"""A bad line between two tunnel devices: what comes out of one goes into the
other, late, out of order or not at all. Run as a separate process, so that a
busy test does not delay packets; it ends with its standard input and then
reports what it did.

    python3 -m harness.wire FD FD '{"loss": 0.1, "delay": 0.02, …}'
"""

import collections
import heapq
import itertools
import json
import os
import random
import selectors
import sys
import time

PACKET_BYTES = 65536


class Line:

    def __init__(self, ends, loss=0.0, delay=0.0, late=0.0, late_by=0.0,
                 seed=1):
        self.ends = ends
        self.loss, self.delay = loss, delay
        self.late, self.late_by = late, late_by
        self.random = random.Random(seed)
        self.counts = collections.Counter(packets=0, lost=0, overtaken=0)
        self.waiting = []
        self.order = itertools.count()
        self.newest = {end: -1 for end in ends}

    def take(self, end):
        """Reads what comes out of one end and decides its fate."""
        other = self.ends[1 - self.ends.index(end)]
        while True:
            try:
                packet = os.read(end, PACKET_BYTES)
            except BlockingIOError:
                return
            self.counts["packets"] += 1
            if self.random.random() < self.loss:
                self.counts["lost"] += 1
                continue
            due = time.monotonic() + self.delay
            if self.random.random() < self.late:
                due += self.late_by
            heapq.heappush(self.waiting,
                           (due, next(self.order), other, packet))

    def deliver(self):
        """Hands over what is due. Returns the seconds until there is more."""
        while self.waiting:
            due, order, end, packet = self.waiting[0]
            left = due - time.monotonic()
            if left > 0:
                return left
            heapq.heappop(self.waiting)
            if order < self.newest[end]:
                self.counts["overtaken"] += 1
            self.newest[end] = max(self.newest[end], order)
            try:
                os.write(end, packet)
            except OSError:  # a full queue of the device, or it is down
                self.counts["lost"] += 1
        return None


def main():
    ends = [int(fd) for fd in sys.argv[1:3]]
    line = Line(ends, **json.loads(sys.argv[3]))
    with selectors.DefaultSelector() as selector:
        for fd in ends + [0]:
            selector.register(fd, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(line.deliver()):
                if key.fd == 0:
                    print(json.dumps(line.counts))
                    return
                line.take(key.fd)


if __name__ == "__main__":
    main()
