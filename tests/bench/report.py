"""results.json for programs, table.md for people."""

import json

import figures
import scenarios

HEAD = """# Benchmark

{line}

Figures are medians over the rounds, with their range where there were several.
*hubd is* divides hubd's figure by that row's. Absolute figures belong to the
machine above; ratios travel. † marks a server of which a run failed, or lost
something; the end of this page tells what.
"""


def number(value):
    """Three significant digits, thousands apart."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 2 if abs(value) < 10 else 1
    while abs(value) < 10 ** -(digits - 1) and digits < 6:
        digits += 1
    return f"{value:.{digits}f}"


def with_range(found):
    if found is None:
        return "–"
    text = number(found["median"])
    if found["runs"] > 1:
        text += f" ({number(found['min'])} – {number(found['max'])})"
    return text


def line(cells):
    return "| " + " | ".join(cells) + " |"


def table(heading, rows):
    alignment = ["---"] + ["--:"] * (len(heading) - 1)
    return "\n".join([line(heading), line(alignment), *map(line, rows)])


# Parts of table.md. ----------------------------------------------------

# (label, scenario, point, metrics) of a row; several metrics share a cell.
GLANCE = (
    ("server CPU per delivery, one broadcast at a time, 1,000 clients, µs",
     "one", "1000", ("cpu_us_per_delivery",)),
    ("the same, 10,000 clients", "one", "10000", ("cpu_us_per_delivery",)),
    ("deliveries/s, 32 in flight, 1,000 clients",
     "burst", "1000", ("deliveries_per_s",)),
    ("the same, 10,000 clients", "burst", "10000", ("deliveries_per_s",)),
    ("to one user, call to client, p50 / p99, ms",
     "targeted", "window-1", ("p50_ms", "p99_ms")),
    ("`/api/send` requests/s, 16 connections",
     "requests", "100", ("requests_per_s",)),
    ("process memory per connection at 10,000, KB",
     "idle", "10000", ("memory_kb",)),
    ("CPU per accepted connection, µs", "idle", "10000", ("connect_cpu_us",)),
)


def date_line(results):
    return ("{date} · {cpus} × {cpu} · {system} · {rounds} round(s) of "
            "{duration:g} s").format(**results["machine"],
                                     **results["options"])


def glance_table(results):
    """The figures that people ask for first, a column for each hub that was
    measured. The floors are no hubs."""
    columns = {key: info["title"]
               for key, info in results["servers"].items()
               if info["role"] != "floor" and not info["not_measured"]}
    rows = [[label, *(" / ".join(
        number(figures.median(results["medians"], scenario, point, key, m))
        for m in metrics) for key in columns)]
        for label, scenario, point, metrics in GLANCE]
    return table(["", *columns.values()], rows)



def budget_table(budgets):
    words = {True: "yes", False: "**no**", None: "not measured"}
    rows = []
    for b in budgets:
        sign = "≥" if b["at_least"] else "≤"
        rows.append([b["what"], f"{number(b['value'])} {b['unit']}".strip()
                     if b["value"] is not None else "–",
                     f"{sign} {b['limit']:g} {b['unit']}", words[b["met"]]])
    return table(["budget", "hubd", "limit", "met"], rows)


def point_rows(results, scenario, point):
    """A row for each server that takes part, measured or not."""
    metrics = scenario.metric_list()
    measured = results["medians"].get(scenario.key, {}).get(point.key, {})
    ratios = results["ratios"].get(scenario.key, {}).get(point.key, {})
    for key, info in results["servers"].items():
        if key in measured:
            compared = ratios.get(key, {}).get(metrics[0].key)
            marked = figures.has_trouble(results["runs"], scenario.key,
                                         point.key, key)
            yield [info["title"] + (" †" if marked else ""),
                   "" if key == figures.HUB or compared is None
                   else f"{number(compared)} ×",
                   *(with_range(measured[key][m.key]) for m in metrics)]
        elif point.key in info["points"].get(scenario.key, ()):
            reason = (info["not_measured"]
                      or results["no_tool"].get(scenario.key)
                      or "see the failures below")
            yield [info["title"], f"not measured: {reason}",
                   *["–"] * len(metrics)]


def scenario_section(results, scenario, points):
    parts = [f"## {scenario.title}", scenario.question]
    for point in points:
        heading = ["server", "hubd is",
                   *(m.heading for m in scenario.metric_list())]
        rows = list(point_rows(results, scenario, point))
        if rows:
            parts += [f"### {point.label}", table(heading, rows)]
    return parts if len(parts) > 2 else []


def marginal_table(results):
    """Memory of each connection beyond the first ones measured."""
    rows = []
    for key, kb in results["marginal_memory_kb"].items():
        known = figures.by_clients(results["medians"], key, "memory_kb")
        if kb is not None:
            rows.append([results["servers"][key]["title"], number(kb),
                         f"{known[0][0]:,} – {known[-1][0]:,}"])
    if not rows:
        return []
    return ["### What each further connection costs",
            table(["server", "process memory, KB", "connections"], rows)]


def registry_section(results):
    registry = results["registry"]
    if registry is None:
        return []
    scenario = scenarios.scenario("registry")
    parts = [f"## {scenario.title}", scenario.question]
    if "error" in registry:
        return [*parts, f"not measured: {registry['error']}"]
    heading = ["members", "hub_send() to a member, ns", "to nobody, ns",
               "memory per member, bytes", "hub_register(), ns"]
    rows = [[f"{r['members']:,}", number(r["send_present_ns"]),
             number(r["send_absent_ns"]), number(r["bytes_per_member"]),
             number(r["register_ns"])] for r in registry["results"]]
    return [*parts, table(heading, rows)]


def trouble_section(results):
    lines = []
    for run in results["runs"]:
        where = (f"{run['server']}, {run['scenario']} {run['point']}, "
                 f"round {run['round']}")
        lines += [f"- {where}: {what}" for what in figures.trouble(run)]
    return ["## † Failures and losses", "\n".join(lines)] if lines else []


def plot_section(plots):
    if not plots:
        return []
    return ["## Plots", "\n\n".join(f"![{title}]({name})"
                                    for name, title in plots)]


def version_section(results):
    rows = [[name, version or "not there"]
            for name, version in results["versions"].items()]
    return ["## Versions", table(["what", "version"], rows)]


def markdown(results, points, plots=()):
    """table.md. `points` are those of the run, `plots` (file, title)."""
    parts = [HEAD.format(line=date_line(results)).strip()]
    if results["interrupted"]:
        parts.append("**Interrupted**: what follows is incomplete.")
    parts += ["## At a glance", glance_table(results),
              "## Budgets", budget_table(results["budgets"])]
    for scenario in scenarios.SCENARIOS:
        own = [p for p in points if p.scenario == scenario.key]
        parts += scenario_section(results, scenario, own)
        if scenario.key == "idle":
            parts += marginal_table(results)
    parts += registry_section(results)
    parts += trouble_section(results)
    parts += plot_section(plots)
    parts += version_section(results)
    return "\n\n".join(parts) + "\n"


def write(out, results, points, plots=()):
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(
        json.dumps(results, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (out / "table.md").write_text(markdown(results, points, plots), "utf-8")
