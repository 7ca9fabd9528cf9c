"""The run whose load hub-bench cannot generate: wrk posts requests, faster
than libcurl, while this process holds the receiving clients. The result has
the form of hub-bench's report, as far as it is known.
"""

import dataclasses
import pathlib
import resource
import shutil
import time

import listeners
import process

SCRIPT = pathlib.Path(__file__).resolve().parent / "wrk.lua"
CONNECTIONS = 16
HEAD = b'{"type":"bench","payload":"'
TAIL = b'","timestamp":"2000-01-01T00:00:00Z"}'
MESSAGE = HEAD + b"x" * (170 - len(HEAD) - len(TAIL)) + TAIL
SUBSCRIBE_SECONDS = 0.2  # nchan does it after its 101; hub-bench waits too
SETTLE_SECONDS = 10.0  # for what is on its way


def missing():
    return None if shutil.which("wrk") else "wrk is not installed"


def whole_seconds(seconds):
    """wrk takes nothing else."""
    return max(1, round(seconds))


@dataclasses.dataclass(frozen=True)
class Load:
    """What wrk is told."""
    port: int
    key: str
    path: str  # of a request; may hold {user}
    clients: int

    def run(self, seconds):
        """What wrk.lua tells at the end."""
        seconds = whole_seconds(seconds)
        out, _ = process.output_of(
            ["wrk", "--threads=1", f"--connections={CONNECTIONS}",
             f"--duration={seconds}s", "--timeout=10s",
             f"--script={SCRIPT}", f"http://127.0.0.1:{self.port}", "--",
             str(self.clients), self.path, MESSAGE.decode()],
            seconds + 30, {"HUB_API_KEY": self.key})
        return process.parse_json(out.strip().rpartition(b"\n")[2])


def children_cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_with_costs(load, seconds, pids):
    """The same, with the CPU time of the server and of wrk."""
    server, own = process.cpu_ns(pids), children_cpu_seconds()
    found = load.run(seconds)
    found["server_ns"] = process.cpu_ns(pids) - server
    found["wrk_seconds"] = children_cpu_seconds() - own
    return found


def settle(crowd, expected):
    """Waits for deliveries that are still to come."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while crowd.delivered < expected and time.monotonic() < deadline:
        time.sleep(listeners.PAUSE)


def warnings_of(found, crowd, lacking):
    told = []
    if found["refused"] or found["broken"]:
        told.append(f"{found['refused']} requests were refused, "
                    f"{found['broken']} had no answer")
    if crowd.lost:
        told.append(f"{len(crowd.lost)} clients lost their connection: "
                    + crowd.lost[0])
    if lacking:
        told.append(f"{lacking} deliveries are missing")
    return told


def report(load, found, crowd, pids, lacking):
    seconds = found["seconds"]
    accepted = found["answers"] - found["refused"]
    return {
        "tool": "wrk", "mode": "send", "window": CONNECTIONS,
        "bytes": len(MESSAGE), "duration_s": seconds,
        "clients": {"asked": load.clients, "connected": load.clients,
                    "lost": len(crowd.lost)},
        "publish": {
            "messages": accepted, "per_second": accepted / seconds,
            "errors": found["refused"] + found["broken"],
            "response_us": {name: found[name]
                            for name in ("p50", "p99", "max", "mean")}},
        "delivery": {"missing": lacking},
        "server": {
            "pids": pids,
            "cpu_us_per_message": found["server_ns"] / 1e3 / accepted,
            "cpu_percent": found["server_ns"] / 1e7 / seconds},
        "client": {"cpu_percent": found["wrk_seconds"] * 100 / seconds},
    }


def measure(running, point, duration):
    """The report and what was not as it should be. Raises RunError, or
    OSError if the server has ended."""
    server, pids = running.server, running.pids()
    load = Load(running.port, running.key, server.send_path, point.clients)
    with listeners.Listeners(running.port, server.send_socket, point.clients,
                             MESSAGE) as crowd:
        time.sleep(SUBSCRIBE_SECONDS)
        before = load.run(point.warmup)
        found = run_with_costs(load, duration, pids)
        accepted = [f["answers"] - f["refused"] for f in (before, found)]
        if accepted[1] == 0:
            raise process.RunError(
                f"{found['refused']} requests were refused, none accepted")
        # What was under way when wrk ended is delivered, but not expected.
        settle(crowd, sum(accepted))
        lacking = max(0, sum(accepted) - crowd.delivered)
    return (report(load, found, crowd, pids, lacking),
            warnings_of(found, crowd, lacking))
