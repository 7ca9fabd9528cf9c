"""The budgets for hubd, and whether it keeps them. If a peer can be measured
in the same run, the budget is a ratio to it: a ratio holds on another machine,
an absolute value does not.
"""

import dataclasses
from typing import Optional

import figures
import scenarios

QUEUE_MB = 1.0  # the default of HUB_QUEUE_SIZE
# Bun stands for uWebSockets, which may join in as an extra server.
CPU_PER_DELIVERY = (("nchan", 0.5), ("go", 0.35), ("bun", 0.5),
                    ("uwebsockets", 0.5))
CPU_IN_FLIGHT = (("bun", 0.6), ("uwebsockets", 0.6))
# These join what is in flight, as hubd does; all others make a call for each
# message and client.
JOINING = ("bun", "uwebsockets")
TIMES_AS_MANY, TIMES_AS_MANY_AS_JOINING = 6.0, 1.0
CPU_PER_ACCEPT = 2.5  # times that of nchan


@dataclasses.dataclass(frozen=True)
class Budget:
    what: str
    unit: str                # "×" is a ratio
    limit: float
    value: Optional[float]   # None: not measured
    at_least: bool = False

    @property
    def met(self):
        if self.value is None:
            return None
        if self.at_least:
            return self.value >= self.limit
        return self.value <= self.limit

    def as_json(self):
        return {**dataclasses.asdict(self), "met": self.met}


class Evaluation:
    """Looks figures up; `peers` are the servers that hubd is compared with."""

    def __init__(self, tree, peers, registry=None):
        self.tree, self.peers, self.registry = tree, peers, registry

    def of(self, scenario, point, metric, server=figures.HUB):
        return figures.median(self.tree, scenario, point, server, metric)

    def against(self, scenario, point, metric, server):
        return figures.ratio(self.of(scenario, point, metric),
                             self.of(scenario, point, metric, server))

    def largest(self, metric, points=("10000", "5000", "1000")):
        """A figure of idle connections at the most clients that all rounds
        measure."""
        for point in points:
            found = self.of("idle", point, metric)
            if found is not None:
                return found
        return None

    # -- the budgets ----------------------------------------------------

    def cpu_per_delivery(self):
        for scenario, load, limits in (
                ("one", "one broadcast at a time", CPU_PER_DELIVERY),
                ("burst", "32 broadcasts in flight", CPU_IN_FLIGHT)):
            for peer, limit in limits:
                if peer not in self.peers and peer == "uwebsockets":
                    continue
                for point, label in (("1000", "1,000"), ("10000", "10,000")):
                    yield Budget(
                        f"server CPU per delivery, {load}, {label} clients, "
                        f"to {self.peers.get(peer, peer)}", "×", limit,
                        self.against(scenario, point, "cpu_us_per_delivery",
                                     peer))

    def throughput(self):
        for point, label in (("1000", "1,000"), ("10000", "10,000")):
            for times, joining in ((TIMES_AS_MANY, False),
                                   (TIMES_AS_MANY_AS_JOINING, True)):
                measured = {
                    peer: self.of("burst", point, "deliveries_per_s", peer)
                    for peer in self.peers if (peer in JOINING) == joining}
                measured = {p: v for p, v in measured.items() if v}
                best = max(measured, key=measured.get, default=None)
                name = self.peers[best] if best else (
                    "the best that joins" if joining else "the best peer")
                yield Budget(
                    f"deliveries/s with 32 broadcasts in flight, {label} "
                    f"clients, to {name}", "×", times,
                    figures.ratio(self.of("burst", point, "deliveries_per_s"),
                                  measured.get(best)), at_least=True)

    def connections(self):
        yield Budget("process memory per idle connection", "KB", 0.7,
                     self.largest("memory_kb"))
        yield Budget("process memory per further idle connection", "KB", 0.7,
                     figures.marginal_memory_kb(self.tree, figures.HUB))
        for point, label in (("1000", "1,000 clients"),
                             ("10000", "10,000 clients"),
                             ("storm", "10,000 clients at once")):
            yield Budget(
                f"CPU per accepted connection, {label}, to nchan", "×",
                CPU_PER_ACCEPT,
                self.against("idle", point, "connect_cpu_us", "nchan"))
        yield Budget("idle CPU with 15,000 connections and heartbeats",
                     "% of a core", 2.0,
                     self.of("idle", "15000", "idle_cpu_percent"))

    def targeted(self):
        for metric, limit in (("p50_ms", 0.1), ("p99_ms", 1.0)):
            yield Budget(
                f"targeted send, call to client, one at a time, "
                f"{metric[:3]}", "ms", limit,
                self.of("targeted", "window-1", metric))

    def stalled(self):
        percent = scenarios.STALLED_PERCENT
        without, with_them = "stalled-0", f"stalled-{percent}"
        count = scenarios.STALLED_CLIENTS * percent // 100
        yield Budget(
            f"p99 of the others with {percent} % of clients stalled, to none "
            "stalled", "×", 1.1,
            figures.ratio(self.of("stalled", with_them, "p99_ms"),
                          self.of("stalled", without, "p99_ms")))
        growth = [self.of("stalled", point, "memory_growth_mb")
                  for point in (with_them, without)]
        yield Budget(
            f"memory more than with none stalled, to {count} full queues",
            "×", 1.0,
            None if None in growth
            else (growth[0] - growth[1]) / (count * QUEUE_MB))

    def registry_growth(self):
        results = {r["members"]: r for r in
                   (self.registry or {}).get("results", [])}
        small, large = results.get(1_000, {}), results.get(1_000_000, {})
        for who, key in (("a registered user", "send_present_ns"),
                         ("nobody", "send_absent_ns")):
            yield Budget(
                f"hub_send() to {who} with 1,000,000 registered, to 1,000",
                "×", 2.0, figures.ratio(large.get(key), small.get(key)))


def evaluate(tree, peers, registry=None):
    """All budgets, the ones that could not be measured too. `peers` maps the
    key of a server to its title."""
    e = Evaluation(tree, peers, registry)
    return [*e.cpu_per_delivery(), *e.throughput(), *e.connections(),
            *e.targeted(), *e.registry_growth(), *e.stalled()]
