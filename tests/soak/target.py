"""The hubd under test. It logs several lines per connection for any length of
time, so lines are counted, and only few are kept.
"""

import collections
import os
import pathlib

from harness.daemon import Hubd, parse_line

PING_INTERVAL, PONG_TIMEOUT = "5s", "10s"
READ_TIMEOUT = "10s"  # those who never finish a handshake need not wait long
SHUTDOWN_TIMEOUT = 10.0
KEPT_AT_START, KEPT_AT_END = 200, 100


class Target(Hubd):

    def __init__(self):
        super().__init__(HUB_API_KEY=None, READ_TIMEOUT=READ_TIMEOUT,
                         HUB_PING_INTERVAL=PING_INTERVAL,
                         HUB_PONG_TIMEOUT=PONG_TIMEOUT,
                         HUB_SHUTDOWN_TIMEOUT=f"{SHUTDOWN_TIMEOUT:g}s",
                         prepare=os.setsid)
        path = pathlib.Path(self.scratch.name, "key")
        path.touch(0o600)
        path.write_text(self.key)
        # A file, so that SIGHUP has something to read.
        self.settings["HUB_API_KEY_FILE"] = path
        self.recent = collections.deque(maxlen=KEPT_AT_END)
        self.events_seen = collections.Counter()
        self.causes = collections.Counter()
        self.complaints = []

    def _take(self, line):
        self.recent.append(line)
        pairs = parse_line(line)
        self.events_seen[pairs.get("event")] += 1
        if pairs.get("event") == "disconnected":
            self.causes[pairs.get("cause")] += 1
        if pairs.get("level") == "error" and len(self.complaints) < 20:
            self.complaints.append(line)
        if len(self.lines) < KEPT_AT_START:
            self.lines.append(line)

    def _read_log(self):
        with self.process.stderr as pipe:
            for line in pipe:
                with self.changed:
                    self._take(line.decode("utf-8", "backslashreplace")
                               .rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.log_ended = True
            self.changed.notify_all()

    def tail(self):
        return "; its last lines:\n" + "\n".join(list(self.recent)[-20:])

    def pss_kb(self):
        return int(self.proc_value("smaps_rollup", "Pss"))
