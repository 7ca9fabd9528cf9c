"""A backend and a client of an installed hubd, on the command line so that
they can be run in another network.

    client.py deliver PORT KEY    a message each way there is, by curl
    client.py stay PORT KEY       posts and listens until standard input ends,
                                  whatever hubd does meanwhile
"""

import json
import subprocess
import sys
import threading
import time

from harness.http import request
from harness.rawws import CLOSE, RawWs

LAST = -1
MESSAGE = b'{"type":"note", "payload":1.10,"timestamp":"2024-01-02"}'


def curl(port, key, path, body):
    return json.loads(subprocess.run(
        ["curl", "-sS", "--fail", "-m", "10", "-H", f"X-API-Key: {key}", "-H",
         "Content-Type: application/json", "--data-binary", "@-",
         f"http://127.0.0.1:{port}{path}"],
        input=body, check=True, stdout=subprocess.PIPE).stdout)


def deliver(port, key):
    client = RawWs(port, "ada")
    client.sync()
    for path, body in (
            ("/api/broadcast", MESSAGE),
            ("/api/send", b'{"targetUserId":"ada","message":%s}' % MESSAGE)):
        answer = curl(port, key, path, body)
        assert answer["recipients"] == 1, answer
        got = client.recv()
        assert got == MESSAGE, got
    print("delivered")


class Stay:
    """Numbered messages, one after the other; each until it is accepted."""

    def __init__(self, port, key):
        self.port, self.key = port, key
        self.ending = threading.Event()
        self.promised, self.received, self.closed = [], [], []
        self.gap = 0.0

    def post(self, number):
        body = json.dumps({"targetUserId": "ada", "message": {
            "type": "number", "payload": number}})
        reply = request(self.port, "POST", "/api/send", body,
                        {"X-API-Key": self.key})
        assert reply.status in (200, 503), reply
        return reply.status == 200 and reply.json()["recipients"] == 1

    def publish(self):
        number = 0
        while not self.ending.is_set():
            if self.promise(number):
                number += 1
            time.sleep(0.005)
        while not self.promise(LAST):
            time.sleep(0.005)

    def promise(self, number):
        try:
            if not self.post(number):
                return False
        except OSError:
            return False
        self.promised.append(number)
        return True

    def connect(self):
        while True:
            try:
                return RawWs(self.port, "ada")
            except (OSError, EOFError, AssertionError):
                time.sleep(0.01)

    def listen(self):
        client = self.connect()
        while LAST not in self.received[-1:]:
            frame = client.recv_frame()
            if frame.opcode == CLOSE:
                closed = time.monotonic()
                self.closed.append([int.from_bytes(frame.payload[:2], "big"),
                                    frame.payload[2:].decode()])
                client.close_frame(1000)
                client.drain()
                client = self.connect()
                self.gap = max(self.gap, time.monotonic() - closed)
            else:
                self.received.append(json.loads(frame.payload)["payload"])

    def await_more(self):
        """Until messages get through, again."""
        enough, end = len(self.received) + 10, time.monotonic() + 30
        while len(self.received) < enough:
            if time.monotonic() > end:
                sys.exit("no messages get through")
            time.sleep(0.01)

    def run(self):
        threads = [threading.Thread(target=self.listen, daemon=True),
                   threading.Thread(target=self.publish, daemon=True)]
        for thread in threads:
            thread.start()
        self.await_more()
        print("going", flush=True)
        sys.stdin.read()
        self.await_more()
        self.ending.set()
        for thread in threads:
            thread.join(20)
        json.dump({"promised": self.promised, "received": self.received,
                   "closed": self.closed, "gap_ms": self.gap * 1e3},
                  sys.stdout)


def main(action, port, key):
    if action == "deliver":
        deliver(int(port), key)
    else:
        Stay(int(port), key).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
