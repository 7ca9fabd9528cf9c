"""What is measured. A scenario asks a question; its points are runs of
hub-bench, or of wrk, that answer it, each against a server that was just
started. The metrics of a scenario are what its table shows, the first one for
ratios.
"""

import dataclasses
from typing import Optional

# A client that stalls has its 4 MB in the kernel and its 1 MB in the hub full
# after two seconds, so that a hub has to do something about it.
STALLED_PERCENT = 1
STALLED_CLIENTS = 200
STALLED_BYTES = 65536
STALLED_RATE = 40
HEARTBEAT_SECONDS = 30  # longer than the 25 s between two pings
REGISTRY_SIZES = (1_000, 10_000, 100_000, 1_000_000)


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str
    path: str    # in the report of a run
    label: str
    unit: str
    scale: float = 1.0    # from the unit of hub-bench to this one
    minus: str = ""       # a second path, to be subtracted

    @property
    def heading(self):
        return f"{self.label}, {self.unit}" if self.unit else self.label


METRICS = {metric.key: metric for metric in (
    Metric("cpu_us_per_delivery", "server.cpu_us_per_delivery",
           "server CPU per delivery", "µs"),
    Metric("cpu_us_per_message", "server.cpu_us_per_message",
           "server CPU per request", "µs"),
    Metric("deliveries_per_s", "delivery.per_second", "deliveries", "1/s"),
    Metric("p50_ms", "delivery.latency_us.p50", "p50", "ms", 1e-3),
    Metric("p99_ms", "delivery.latency_us.p99", "p99", "ms", 1e-3),
    Metric("requests_per_s", "publish.per_second", "requests", "1/s"),
    Metric("response_p50_ms", "publish.response_us.p50", "response p50",
           "ms", 1e-3),
    Metric("response_p99_ms", "publish.response_us.p99", "response p99",
           "ms", 1e-3),
    Metric("memory_kb", "memory.process_bytes_per_connection",
           "process memory per connection", "KB", 1 / 1024),
    Metric("kernel_mb", "memory.kernel_socket_bytes_connected",
           "kernel's socket buffers", "MB", 1 / 1048576,
           "memory.kernel_socket_bytes_before"),
    Metric("kernel_peak_mb", "memory.kernel_socket_bytes_peak",
           "kernel's socket buffers at most", "MB", 1 / 1048576,
           "memory.kernel_socket_bytes_before"),
    Metric("memory_growth_mb", "memory.process_bytes_peak",
           "memory growth under load", "MB", 1 / 1048576,
           "memory.process_bytes_connected"),
    Metric("idle_cpu_percent", "idle.server_cpu_percent", "idle CPU",
           "% of a core"),
    Metric("connect_cpu_us", "connect.server_cpu_us_per_connection",
           "CPU per accepted connection", "µs"),
    Metric("connects_per_s", "connect.per_second", "connections", "1/s"),
)}


@dataclasses.dataclass(frozen=True)
class Point:
    scenario: str
    key: str
    label: str
    clients: int
    flags: tuple = ()
    idle: float = 0.3
    publishes: bool = True
    warmup: float = 1.0
    times: float = 1.0            # how many durations it lasts
    sends: bool = False           # /api/send instead of /api/broadcast
    floor: bool = False           # the floors take part
    rounds: Optional[int] = None  # at most so many; memory does not vary
    tool: str = "hub-bench"       # or wrk, which takes no flags from here

    def arguments(self, duration):
        """Of hub-bench, without those that depend on the server."""
        seconds = duration * self.times if self.publishes else 0
        warmup = min(self.warmup, duration) if self.publishes else 0
        return [f"--clients={self.clients}", f"--duration={seconds:g}s",
                f"--warmup={warmup:g}s", f"--idle={self.idle:g}s",
                *(["--send"] if self.sends else []), *self.flags]

    def seconds(self, duration):
        """About how long it takes, start and end of the server included."""
        busy = duration * self.times + min(self.warmup, duration)
        return (0.5 + self.clients / 5000 + self.idle
                + (busy if self.publishes else 0))


@dataclasses.dataclass(frozen=True)
class Scenario:
    key: str
    title: str
    question: str
    metrics: tuple

    def metric_list(self):
        return [METRICS[key] for key in self.metrics]


SCENARIOS = (
    Scenario("one", "One broadcast at a time",
             "What does one message to everybody cost, with nothing else "
             "under way?",
             ("cpu_us_per_delivery", "p50_ms", "p99_ms", "deliveries_per_s")),
    Scenario("burst", "32 broadcasts in flight",
             "How many deliveries a second can be had?",
             ("deliveries_per_s", "cpu_us_per_delivery", "p99_ms")),
    Scenario("targeted", "To one user",
             "How long from the call to the client?",
             ("p50_ms", "p99_ms", "deliveries_per_s",
              "cpu_us_per_message")),
    Scenario("stalled", "Clients that stop reading",
             f"Do the others notice that {STALLED_PERCENT} % of "
             f"{STALLED_CLIENTS} clients read nothing, at a constant rate of "
             f"{STALLED_BYTES // 1024} KB messages?",
             ("p99_ms", "p50_ms", "memory_growth_mb", "kernel_peak_mb",
              "cpu_us_per_delivery")),
    Scenario("idle", "Connections that do nothing",
             "What does it cost to stay and to arrive?",
             ("memory_kb", "connect_cpu_us", "connects_per_s",
              "idle_cpu_percent", "kernel_mb")),
    Scenario("requests", "Requests of backends",
             "How many calls of /api/send a second, 16 at a time?",
             ("requests_per_s", "response_p50_ms", "response_p99_ms",
              "cpu_us_per_message")),
    Scenario("registry", "Growth of the registry",
             "Does hub_send() slow down when a million are registered?", ()),
)


def scenario(key):
    return next(s for s in SCENARIOS if s.key == key)


# The points. -----------------------------------------------------------

def _in_flight(count):
    """As many connections, for servers that answer when all is delivered."""
    return (f"--window={count}", f"--connections={count}")


def _broadcasts(key, window, counts):
    return [Point(key, str(n), f"{n:,} clients", n, _in_flight(window),
                  floor=True) for n in counts]


def _targeted():
    return [Point("targeted", f"window-{w}", f"{w} in flight", 1000,
                  _in_flight(w), sends=True) for w in (1, 32)]


def _stalled():
    flags = (f"--rate={STALLED_RATE}", f"--bytes={STALLED_BYTES}")
    return [Point("stalled", f"stalled-{percent}", label, STALLED_CLIENTS,
                  (*flags, f"--stalled={percent}"), times=1.5)
            for percent, label in ((0, "none stalled"),
                                   (STALLED_PERCENT,
                                    f"{STALLED_PERCENT} % stalled"))]


def _idle(counts, heartbeat):
    points = [Point("idle", str(n), f"{n:,} clients", n, idle=2.0,
                    publishes=False, rounds=None if n == 10000 else 1)
              for n in counts]
    if heartbeat:
        points.append(Point("idle", "15000", "15,000 clients", 15000,
                            idle=HEARTBEAT_SECONDS, publishes=False,
                            rounds=1))
    storm = 10000 if heartbeat else 2000
    points.append(Point("idle", "storm", f"{storm:,} clients at once", storm,
                        ("--connect-window=0",), idle=0.5, publishes=False))
    return points


def points(quick=False):
    """All of them, those of one scenario next to each other."""
    counts = (1000,) if quick else (1000, 10000)
    return [
        *_broadcasts("one", 1, counts),
        *_broadcasts("burst", 32, counts),
        *_targeted(),
        *_stalled(),
        *_idle((1000, 5000) if quick else (1000, 5000, 10000), not quick),
        Point("requests", "100", "100 clients", 100, tool="wrk", sends=True),
    ]


def registry_sizes(quick=False):
    return REGISTRY_SIZES[:3] if quick else REGISTRY_SIZES


def applies(point, server):
    """Whether this server takes part in this point."""
    if server.role == "floor":
        return point.floor
    return True
