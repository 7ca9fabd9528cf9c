"""Standard error that blocks for a while, or forever, while messages go on:
they are not late, and the log says how many lines are missing."""

import os
import re
import resource
import tempfile
import threading
import unittest

from harness.daemon import Hubd, parse_line
from harness.http import request
from harness.steady import FaultCase
from harness.wait import until

LINES = 12_000  # far more than a pipe and hubd's own buffer hold
POSTERS = 4


class Logs(FaultCase):

    def start_writing_to(self, stderr, **how):
        """The port comes from the kernel by way of /proc, where there is no
        log to tell it."""
        hub = Hubd(stderr=stderr, HUB_LOG_LEVEL="debug", **how)
        self.addCleanup(hub.scratch.cleanup)
        hub.spawn()
        self.addCleanup(hub.stop)
        hub.port = until(lambda: self.port_of(hub), "listening", 20)
        return hub

    @staticmethod
    def port_of(hub):
        """Of the only socket of this process that listens."""
        inodes = set()
        for fd in os.listdir(f"/proc/{hub.pid}/fd"):
            try:
                target = os.readlink(f"/proc/{hub.pid}/fd/{fd}")
            except OSError:
                continue
            inodes.update(re.findall(r"^socket:\[(\d+)\]$", target))
        with open("/proc/net/tcp", encoding="ascii") as file:
            lines = [line.split() for line in file]
        for line in lines[1:]:
            if line[3] == "0A" and line[9] in inodes:
                return int(line[1].partition(":")[2], 16)
        return None

    def make_lines(self, hub, count=LINES):
        def post():
            for _ in range(count // POSTERS):
                request(hub.port, "GET", "/nothing")

        threads = [threading.Thread(target=post) for _ in range(POSTERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def test_a_pipe_that_is_read_again_tells_what_is_missing(self):
        reader, writer = os.pipe()
        hub = self.start_writing_to(writer)
        os.close(writer)
        steady = self.steady(hub)
        self.make_lines(hub)
        steady.wait_next()
        lines = []

        def read():
            with os.fdopen(reader, encoding="utf-8") as pipe:
                lines.extend(map(parse_line, pipe))

        thread = threading.Thread(target=read)
        thread.start()
        until(lambda: any(line["event"] == "log_lines_dropped"
                          for line in lines), "a report")
        told = steady.verify()
        hub.stop()
        thread.join()
        missing = sum(int(line["lines"]) for line in lines
                      if line["event"] == "log_lines_dropped")
        asked = sum(line.get("path") == "/nothing" for line in lines)
        print(f"\n{missing} lines were dropped, {len(lines)} written; {told}")
        self.assertGreater(missing, 0)
        self.assertGreaterEqual(asked + missing, LINES)
        self.assertEqual(lines[-1]["event"], "stopped")

    def test_a_file_that_may_not_grow_holds_up_nothing(self):
        """As a quota does it; the kernel sends a signal for it, too."""
        limit = 256 << 10
        with tempfile.TemporaryFile() as file:
            hub = self.start_writing_to(
                file, prepare=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (limit, limit)))
            steady = self.steady(hub)
            self.make_lines(hub, LINES // 2)
            self.assertEqual(os.fstat(file.fileno()).st_size, limit)
            print(f"\na full log file: {steady.verify()}")

    def test_a_closed_standard_error_alone_holds_up_nothing(self):
        hub = self.start_writing_to(None, closed_fds=(2,))
        steady = self.steady(hub)
        self.make_lines(hub, LINES // 4)
        self.assertEqual(os.readlink(f"/proc/{hub.pid}/fd/2"), "/dev/null")
        print(f"\nno standard error: {steady.verify()}")


if __name__ == "__main__":
    unittest.main()
