"""soak_driver as a child: its JSON lines are read by a thread."""

import json
import os
import pathlib
import subprocess
import threading

from harness.wait import ROOT, slowness

DRIVER = (os.environ.get("SOAK_DRIVER")
          or str(pathlib.Path(ROOT, "build/dev/tests/soak/soak_driver")))


class Driver:

    def __init__(self, hub, **flags):
        arguments = [f"--{name}" if value is True else f"--{name}={value}"
                     for name, value in flags.items()]
        self.last = None  # line of progress
        self.result = None
        self.ready = threading.Event()  # or its end
        self.process = subprocess.Popen(
            [DRIVER, f"--port={hub.port}", f"--slowness={slowness():g}",
             *arguments],
            env={**os.environ, "HUB_API_KEY": hub.key},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            start_new_session=True)  # Ctrl-C is passed on by whoever made it
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        with self.process.stdout as pipe:
            for line in pipe:
                event = json.loads(line)
                if event["event"] == "result":
                    self.result = event
                else:
                    self.last = event
                if event["event"] == "ready":
                    self.ready.set()
        self.ready.set()

    def is_running(self):
        return self.process.poll() is None

    def interrupt(self):
        if self.is_running():
            self.process.terminate()

    def finish(self, seconds):
        """The result; an AssertionError if there is none in time."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
        self.reader.join(5)
        if self.result is None:
            raise AssertionError(
                f"soak_driver ended with {self.process.returncode} and"
                " without a result")
        return self.result

    def kill(self):
        if self.is_running():
            self.process.kill()
            self.process.wait()
