"""A hubd for one test: port from the kernel, random key, settings through its
environment, log lines collected by a thread. stop() insists on a clean exit
and on clean sanitizer reports.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import tempfile
import threading
import time
import pathlib

from . import http
from .rawws import RawWs
from .wait import HUBD, sanitizer, scaled, until

SANITIZER_EXIT = 99
PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')


def parse_line(line):
    """The pairs of a logfmt line; quoted values keep their escapes."""
    return {name: value[1:-1] if value.startswith('"') else value
            for name, value in PAIR.findall(line)}


def sanitizer_environment(report):
    common = f"log_path={report}:exitcode={SANITIZER_EXIT}"
    return {
        "ASAN_OPTIONS": common + ":detect_leaks=1",
        "UBSAN_OPTIONS": common + ":print_stacktrace=1:halt_on_error=1",
        "TSAN_OPTIONS": common + ":second_deadlock_stack=1",
    }


def limited(nofile):
    """What goes in front of a command that may have so many descriptors."""
    return ["prlimit", f"--nofile={nofile}:{nofile}", "--"] if nofile else []


class Hubd:
    """One daemon. Settings are environment variables; None removes one."""

    def __init__(self, *flags, nofile=None, stderr=None, closed_fds=(),
                 prepare=None, **settings):
        self.key = secrets.token_hex(16)
        self.binary = HUBD
        self.flags = list(flags)
        # Fewer descriptors mean fewer worker threads, which ThreadSanitizer
        # takes seconds to start.
        self.nofile = nofile or (1024 if sanitizer() == "thread" else None)
        self.closed_fds = closed_fds
        self.stderr = stderr
        self.prepare = prepare  # called in the child before hubd is run
        self.scratch = tempfile.TemporaryDirectory(prefix="hubd-e2e-")
        self.settings = {"PORT": "0", "HUB_BIND": "127.0.0.1",
                         "HUB_API_KEY": self.key,
                         "HUB_SENDER": os.environ.get("HUB_E2E_SENDER")}
        self.settings.update(settings)
        self.lines = []
        self.changed = threading.Condition()
        self.log_ended = False
        self.port = None
        self.api_port = None  # the same, unless HUB_API_PORT is set
        self.killed = False
        self.told_to_end = False
        self.patience = 15  # seconds a request may wait for its answer

    # -- start and end --------------------------------------------------

    def spawn(self):
        """Starts the process without waiting for anything."""
        report = os.path.join(self.scratch.name, "sanitizer")
        environment = {"PATH": os.environ["PATH"],
                       **sanitizer_environment(report)}
        environment.update({k: str(v) for k, v in self.settings.items()
                            if v is not None})
        command = [*limited(self.nofile), self.binary, *self.flags]
        if self.closed_fds:
            closing = "".join(f" {fd}>&-" for fd in self.closed_fds)
            command = ["sh", "-c", f'exec "$@"{closing}', "sh", *command]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, preexec_fn=self.prepare,
            stderr=subprocess.PIPE if self.stderr is None else self.stderr)
        if self.stderr is None:
            self.reader = threading.Thread(target=self._read_log, daemon=True)
            self.reader.start()
        return self

    def start(self):
        """Starts the process and waits until it listens."""
        self.spawn()
        try:
            self.port = int(self.wait_log("listening", 20)["port"])
            apart = self.events("api")
            self.api_port = int(apart[0]["port"]) if apart else self.port
        except BaseException:
            self.kill()
            raise
        return self

    def _read_log(self):
        with self.process.stderr as pipe:
            for line in pipe:
                with self.changed:
                    self.lines.append(line.decode("utf-8", "backslashreplace")
                                      .rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.log_ended = True
            self.changed.notify_all()

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.told_to_end |= number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def wait_exit(self, seconds=12):
        """The exit status; the process is killed if it takes longer."""
        try:
            status = self.process.wait(scaled(seconds))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"hubd still ran after {scaled(seconds):g} s"
                                 + self.tail()) from None
        if self.stderr is None:
            self.reader.join(5)
        return status

    def stop(self):
        """Ends it in good order and checks that it was in good order."""
        if not self.told_to_end:
            self.signal(signal.SIGTERM)
        status = self.wait_exit(15)
        self.check_reports()
        if not self.killed and status != 0:
            raise AssertionError(f"hubd exited with {status}" + self.tail())

    def kill(self):
        """Ends it at once, if it still runs."""
        self.killed = True
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def check_reports(self):
        reports = [p.read_text(errors="replace")
                   for p in pathlib.Path(self.scratch.name).glob("sanitizer*")]
        if reports:
            raise AssertionError("sanitizer:\n" + "\n".join(reports))

    def discard(self):
        """Whatever happened before: no process and no files are left."""
        self.kill()
        self.scratch.cleanup()

    # -- log ------------------------------------------------------------

    def tail(self):
        return "; its last lines:\n" + "\n".join(self.lines[-20:])

    def events(self, event):
        """All lines of an event so far, parsed."""
        with self.changed:
            lines = list(self.lines)
        return [pairs for pairs in map(parse_line, lines)
                if pairs.get("event") == event]

    def wait_log(self, event, seconds=5, **wanted):
        """The first line of an event whose pairs include those wanted."""
        deadline = time.monotonic() + scaled(seconds)
        with self.changed:
            seen = 0
            while True:
                for line in self.lines[seen:]:
                    pairs = parse_line(line)
                    if pairs.get("event") == event and all(
                            pairs.get(k) == v for k, v in wanted.items()):
                        return pairs
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or self.log_ended:
                    raise AssertionError(
                        f"no line event={event} {wanted}" + self.tail())
                self.changed.wait(left)

    # -- the backend's side ---------------------------------------------

    def request(self, method, path, body=None, headers=None):
        return http.request(self.port, method, path, body, headers,
                            seconds=self.patience)

    def post(self, path, body, **headers):
        """A POST with the key; `body` is bytes, or becomes JSON."""
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        fields = {"X-API-Key": self.key, "Content-Type": "application/json"}
        fields.update({k.replace("_", "-"): v for k, v in headers.items()})
        return http.request(self.api_port or self.port, "POST", path, body,
                            {k: v for k, v in fields.items() if v is not None},
                            seconds=self.patience)

    def send(self, message, user=None, session=None):
        """Posts a message (bytes as they are) and returns the recipients."""
        if not isinstance(message, bytes):
            message = json.dumps(message).encode()
        body = b'{"message":' + message
        for name, value in (("targetUserId", user),
                            ("targetSessionId", session)):
            if value is not None:
                body += f',"{name}":{json.dumps(value)}'.encode()
        return self._recipients(self.post("/api/send", body + b"}"),
                                "Message sent successfully")

    def broadcast(self, message):
        return self._recipients(self.post("/api/broadcast", message),
                                "Broadcast sent successfully")

    @staticmethod
    def _recipients(reply, text):
        if reply.status != 200:
            raise AssertionError(f"refused: {reply!r}")
        answer = reply.json()
        if set(answer) != {"status", "message", "recipients"}:
            raise AssertionError(f"other members: {answer!r}")
        if (answer["status"], answer["message"]) != ("success", text):
            raise AssertionError(f"other words: {answer!r}")
        return answer["recipients"]

    def warm_up(self):
        """Gives every worker thread its turn at an answer and at a handshake,
        so that memory measured later is not that of their stacks."""
        for _ in range(1200):
            self.health()
            RawWs(self.port, "guest").close()
        self.wait_connections(0)

    # -- what it says about itself --------------------------------------

    def health(self):
        reply = self.request("GET", "/health")
        if reply.status != 200:
            raise AssertionError(f"not healthy: {reply!r}")
        return reply.json()["stats"]

    def wait_connections(self, count, seconds=5):
        until(lambda: self.health()["total_connections"] == count,
              f"{count} connections", seconds)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return int(self.proc_value("status", "Threads"))

    def memory_kb(self):
        """Private and shared pages that are in memory now."""
        return int(self.proc_value("smaps_rollup", "Rss"))

    def cpu_seconds(self):
        path = pathlib.Path(f"/proc/{self.pid}/stat")
        fields = path.read_text("latin-1").rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def proc_value(self, file, name):
        text = pathlib.Path(f"/proc/{self.pid}/{file}").read_text("latin-1")
        for line in text.splitlines():
            if line.startswith(name + ":"):
                return line.split(":")[1].split()[0]
        raise AssertionError(f"no {name} in {file}")


def run_to_end(*flags, seconds=10, nofile=None, **settings):
    """Runs hubd where it is expected to end by itself. Returns its exit
    status, standard output and standard error."""
    environment = {"PATH": os.environ["PATH"]}
    environment.update({k: str(v) for k, v in settings.items()})
    done = subprocess.run([*limited(nofile), HUBD, *flags], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=scaled(seconds), check=False)
    return (done.returncode, done.stdout.decode(errors="backslashreplace"),
            done.stderr.decode(errors="backslashreplace"))


__all__ = ["Hubd", "parse_line", "run_to_end", "sanitizer"]
