"""The resources that hubd uses under load, and whether they stay level: taking
samples, and judging them (pure).

A run is split into a warm-up and four quarters. The medians of the first and
of the last quarter must be equal within a tolerance, and after all clients are
gone usage must be as before the load.
"""

import statistics

WARM_UP = 0.2  # of the run, and at most:
WARM_UP_S = 60.0

# Descriptors beside those of connections: a handshake that is under way has
# three, a backend's connection one; both come and go between two samples.
FD_SLACK = 8

# Medians of what malloc holds differ with what waited for stalled clients in
# that minute: they are megabytes each. A leak of 200 bytes a connection shows
# after 10 minutes.
RSS_SLACK_KB = 4096
RSS_SLACK_PART = 0.10
# In less time than this quarters are too short for medians of that.
SHORT_S = 300.0
RSS_SLACK_SHORT_KB = 16384


class Sample(dict):
    """seconds, rss_kb, pss_kb, fds, connections, threads, cpu_s."""

    @property
    def spare_fds(self):
        return self["fds"] - self["connections"]


def take(hub, seconds):
    """A sample of a running hubd."""
    connections = hub.health()["total_connections"]
    return Sample(seconds=seconds, connections=connections,
                  fds=hub.descriptors(), rss_kb=hub.memory_kb(),
                  pss_kb=hub.pss_kb(), threads=hub.threads(),
                  cpu_s=hub.cpu_seconds())


def quarters(samples):
    """The first and the last quarter of what follows the warm-up."""
    if not samples:
        return [], []
    end = samples[-1]["seconds"]
    start = min(end * WARM_UP, WARM_UP_S)
    length = (end - start) / 4
    return ([s for s in samples if start <= s["seconds"] < start + length],
            [s for s in samples if s["seconds"] >= end - length])


def median(samples, value):
    return statistics.median(map(value, samples)) if samples else None


def rss_slack_kb(early, seconds):
    if seconds < SHORT_S:
        return RSS_SLACK_SHORT_KB
    return RSS_SLACK_KB + early * RSS_SLACK_PART


def figures(before, samples, after):
    """Medians by name: before, early, late, after."""
    early, late = quarters(samples)
    found = {}
    for name, value in (("rss_kb", lambda s: s["rss_kb"]),
                        ("pss_kb", lambda s: s["pss_kb"]),
                        ("fds", lambda s: s["fds"]),
                        ("spare_fds", lambda s: s.spare_fds),
                        ("threads", lambda s: s["threads"])):
        found[name] = {
            "before": value(before) if before else None,
            "early": median(early, value), "late": median(late, value),
            "after": value(after) if after else None,
            "max": max(map(value, samples), default=None),
        }
    return found


def judge(before, samples, after, memory=True):
    """The reasons for which it is not level; an empty list is good."""
    found = figures(before, samples, after)
    reasons = []

    def check(name, at, base, slack, unit=""):
        is_, was = found[name][at], found[name][base]
        if is_ is None or was is None:
            return
        if is_ > was + slack:
            reasons.append(f"{name} grew from {was:g}{unit} ({base}) to "
                           f"{is_:g}{unit} ({at}), by more than {slack:g}")

    check("spare_fds", "late", "early", FD_SLACK)
    check("spare_fds", "after", "before", FD_SLACK)
    check("threads", "late", "early", 0)
    check("threads", "after", "before", 0)
    if memory and found["rss_kb"]["early"] is not None:
        slack = rss_slack_kb(found["rss_kb"]["early"],
                             samples[-1]["seconds"])
        check("rss_kb", "late", "early", slack, " KB")
        check("rss_kb", "after", "early", slack, " KB")
    return reasons
