"""Driver.exe, a program on top of the C# client: each call here is a line to
it, and the outcome a line from it. Calls may overlap.

HUB_CSHARP_OUT is where the Makefile put it. HUB_CSHARP_RUN starts it with
something other than Mono, such as "dotnet Driver.dll".
"""

import base64
import concurrent.futures
import itertools
import json
import os
import pathlib
import shlex
import subprocess
import threading

from harness.wait import scaled

OUT = pathlib.Path(os.environ.get("HUB_CSHARP_OUT", "build"))
PATIENCE = 30  # seconds a call may take


def command_line():
    told = os.environ.get("HUB_CSHARP_RUN")
    return shlex.split(told) if told else ["mono", "--debug",
                                           str(OUT / "Driver.exe")]


def units(text):
    """UTF-16 code units, as C# has them; half a pair is one as well."""
    if text is None:
        return None
    data = text.encode("utf-16-le", "surrogatepass")
    return [int.from_bytes(data[i:i + 2], "little")
            for i in range(0, len(data), 2)]


def raw(text):
    """A RawJson made of text, or of bytes."""
    if isinstance(text, bytes):
        return {"bytes": base64.b64encode(text).decode()}
    return {"raw": text}


def sample(name):
    """One of the objects that driver/Payloads.cs can make."""
    return {"sample": name}


class Outcome:
    """What became of one call."""

    def __init__(self, told):
        self.told = told
        self.success = told.get("success")
        self.recipients = told.get("recipients")
        self.code = told.get("code")
        self.description = told.get("description")
        self.status = told.get("status")
        self.transient = told.get("transient")
        self.unknown = told.get("unknown")
        self.retry_after = told.get("retry_after")
        self.exception = told.get("exception")

    def __repr__(self):
        return f"<{self.told}>"


class Client:
    """One HubClient. The methods of its API return futures of Outcomes."""

    def __init__(self, driver, name):
        self.driver = driver
        self.name = name

    def user(self, user, payload=None, type="t", **how):
        return self._send("user", payload, type, user=units(user), **how)

    def session(self, session, payload=None, type="t", **how):
        return self._send("session", payload, type, session=units(session),
                          **how)

    def both(self, user, session, payload=None, type="t", **how):
        return self._send("both", payload, type, user=units(user),
                          session=units(session), **how)

    def everybody(self, payload=None, type="t", **how):
        return self._send("all", payload, type, **how)

    def ticket(self, user, session=None, origin=None, **how):
        """`ttl` and `connection_ttl` in seconds."""
        return self.command("ticket", user=units(user), session=units(session),
                            origin=units(origin), **how)

    def _send(self, to, payload, type, **how):
        if not (isinstance(payload, dict) and
                payload.keys() & {"raw", "bytes", "sample"}):
            payload = {"json": payload}
        return self.command("send", to=to, payload=payload, type=units(type),
                            **how)

    def command(self, do, **members):
        return self.driver.call(do=do, client=self.name, **members)


class Driver:

    def __init__(self, environment=None):
        self.numbers = itertools.count()
        self.waiting = {}
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            command_line(), env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def client(self, url, key, http=None, serializer=None, **options):
        name = str(next(self.numbers))
        outcome = self.call(do="client", client=name, http=http,
                            serializer=serializer,
                            options={"BaseUrl": url, "ApiKey": key, **options})
        if outcome.result(scaled(PATIENCE)).exception:
            raise AssertionError(f"no client: {outcome.result()}")
        return Client(self, name)

    def call(self, **command):
        future = concurrent.futures.Future()
        number = next(self.numbers)
        line = json.dumps({"id": number, **command}).encode() + b"\n"
        with self.lock:
            self.waiting[number] = future
            self.process.stdin.write(line)
            self.process.stdin.flush()
        return future

    def _read(self):
        for line in self.process.stdout:
            told = json.loads(line)
            with self.lock:
                future = self.waiting.pop(told.pop("id"))
            future.set_result(Outcome(told))
        with self.lock:
            for future in self.waiting.values():
                future.set_exception(AssertionError("the driver ended"))

    def stop(self):
        """Ends it in good order; True if it was."""
        self.process.stdin.close()
        try:
            status = self.process.wait(scaled(10))
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.reader.join(scaled(5))
        self.process.stdout.close()
        return status == 0


def run_checks():
    """What the checks without a server print: a name and an outcome each."""
    done = subprocess.run([*command_line(), "--checks"], check=True,
                          capture_output=True, text=True,
                          timeout=scaled(PATIENCE))
    return dict(line.split(": ", 1) for line in done.stdout.splitlines())
