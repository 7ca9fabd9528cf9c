"""Results from runs: medians over the rounds, and how hubd compares."""

import statistics

import scenarios

HUB = "hubd"


def at(tree, path):
    """The number at a dotted path, or None."""
    for name in path.split("."):
        if not isinstance(tree, dict) or tree.get(name) is None:
            return None
        tree = tree[name]
    return tree if isinstance(tree, (int, float)) else None


def value(metric, result):
    """A metric of one run, or None where hub-bench does not know."""
    number = at(result, metric.path)
    if number is not None and metric.minus:
        other = at(result, metric.minus)
        number = None if other is None else number - other
    return None if number is None else number * metric.scale


def summary(numbers):
    """Median and range of what is known, or None."""
    known = [n for n in numbers if n is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "min": min(known),
            "max": max(known), "runs": len(known)}


def medians(runs):
    """{scenario: {point: {server: {metric: summary}}}} of the runs that
    yielded something."""
    grouped = {}
    for run in runs:
        if run.get("result") is not None:
            place = (run["scenario"], run["point"], run["server"])
            grouped.setdefault(place, []).append(run["result"])
    tree = {}
    for (scenario, point, server), results in grouped.items():
        figures = {}
        for metric in scenarios.scenario(scenario).metric_list():
            figures[metric.key] = summary(value(metric, r) for r in results)
        tree.setdefault(scenario, {}).setdefault(point, {})[server] = figures
    return tree


def median(tree, scenario, point, server, metric):
    """One median of medians(), or None."""
    found = (tree.get(scenario, {}).get(point, {}).get(server, {})
             .get(metric))
    return None if found is None else found["median"]


def ratio(numerator, denominator):
    if numerator is None or not denominator:
        return None
    return numerator / denominator


def ratios(tree):
    """The same tree, with hubd's median divided by each server's."""
    result = {}
    for scenario, points in tree.items():
        for point, found in points.items():
            for server in found:
                if server == HUB:
                    continue
                result.setdefault(scenario, {}).setdefault(point, {})[
                    server] = {
                        metric: ratio(
                            median(tree, scenario, point, HUB, metric),
                            median(tree, scenario, point, server, metric))
                        for metric in found[server]}
    return result


def by_clients(tree, server, metric):
    """[(clients, median)] of idle connections, in order of the clients."""
    known = ((int(point), median(tree, "idle", point, server, metric))
             for point in tree.get("idle", {}) if point.isdecimal())
    return sorted((n, m) for n, m in known if m is not None)


def marginal_memory_kb(tree, server):
    """What each connection costs beyond the fewest measured: without what a
    server allocates once, when the first ones come."""
    known = by_clients(tree, server, "memory_kb")
    if len(known) < 2:
        return None
    (few, few_kb), (many, many_kb) = known[0], known[-1]
    return (many * many_kb - few * few_kb) / (many - few)


def trouble(run):
    """What went wrong in a run, measured all the same or not."""
    failure = [f"failed: {run['error']}"] if "error" in run else []
    return failure + run.get("warnings", [])


def has_trouble(runs, scenario, point, server):
    return any(trouble(run) for run in runs
               if (run["scenario"], run["point"], run["server"])
               == (scenario, point, server))
