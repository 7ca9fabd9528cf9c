"""SVG plots: bars for comparisons at a point, lines for growth. Text stays
text, bars carry their names and values, and lines differ by marker as well as
by colour, so that nothing depends on telling colours apart.
"""

import itertools
import xml.etree.ElementTree as ET

import matplotlib

matplotlib.use("svg")
# pylint: disable=wrong-import-position
import matplotlib.pyplot as plt  # noqa: E402

import figures  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402

STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "hub-bench",
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10, "figure.facecolor": "white", "axes.facecolor": "white",
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.axisbelow": True, "axes.titlesize": 10, "legend.frameon": False,
}
# Each has a contrast of at least 3 to white.
COLOURS = {"hub": "#0b5394", "peer": "#7a7a7a", "floor": "#a5672e"}
LINES = ("#0b5394", "#b3470f", "#00704f", "#8a3d6f", "#5b5b5b", "#7d6200")
MARKERS = "os^DvPX"
SVG = "http://www.w3.org/2000/svg"


def save(figure, path, title, text):
    """Writes the file and gives it a name for screen readers."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold")
    figure.savefig(path, format="svg", metadata={"Date": None})
    plt.close(figure)
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    tree = ET.parse(path)
    root = tree.getroot()
    root.set("role", "img")
    root.set("aria-labelledby", "title desc")
    for index, (name, content) in enumerate((("title", title),
                                             ("desc", text))):
        element = ET.Element(f"{{{SVG}}}{name}", {"id": name})
        element.text = content
        root.insert(index, element)
    tree.write(path, encoding="utf-8", xml_declaration=True)


# Bars. -----------------------------------------------------------------

def bars_of(results, scenario, point, metric):
    """[(title, role, value)] of the servers that were measured there."""
    found = []
    for key, info in results["servers"].items():
        value = figures.median(results["medians"], scenario, point, key,
                               metric)
        if value is not None:
            found.append((info["title"], info["role"], value))
    return found


def draw_bars(axes, bars, label, title):
    names = [name for name, _, _ in bars]
    values = [value for _, _, value in bars]
    drawn = axes.barh(range(len(bars)), values, height=0.65,
                      color=[COLOURS[role] for _, role, _ in bars])
    axes.bar_label(drawn, [report.number(v) for v in values], padding=3)
    axes.set_yticks(range(len(bars)), names)
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.set_title(title, loc="left")
    axes.margins(x=0.18)
    axes.xaxis.grid(True, color="#dddddd")
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda v, _: f"{v:,.6g}")


def panels(results, wanted):
    """[(bars, axis label, panel title)] of those with anything in them."""
    found = []
    for scenario, point, metric, title in wanted:
        bars = bars_of(results, scenario, point, metric)
        if bars:
            found.append((bars, scenarios.METRICS[metric].heading, title))
    return found


def bar_plot(results, path, title, wanted):
    """A row of panels. Returns whether there was anything to draw."""
    found = panels(results, wanted)
    if not found:
        return False
    rows = max(len(bars) for bars, _, _ in found)
    figure, axes = plt.subplots(
        1, len(found), squeeze=False, layout="constrained",
        figsize=(4.6 * len(found), 1.5 + 0.36 * rows))
    text = []
    for one, (bars, label, panel) in zip(axes[0], found):
        draw_bars(one, bars, label, panel)
        text.append(f"{panel}, {label}: " + ", ".join(
            f"{name} {report.number(value)}" for name, _, value in bars))
    save(figure, path, title, ". ".join(text))
    return True


# Lines. ----------------------------------------------------------------

def draw_lines(axes, lines, x_label, y_label):
    looks = zip(itertools.cycle(LINES), itertools.cycle(MARKERS))
    for (name, xs, ys), (colour, marker) in zip(lines, looks):
        axes.plot(xs, ys, color=colour, marker=marker, label=name,
                  linewidth=1.8)
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_ylim(bottom=0)
    axes.grid(True, color="#dddddd")


def line_plot(path, title, panels_of_lines, x_label, log=False):
    """`panels_of_lines`: [(lines, label)], a line being (name, xs, ys)."""
    found = [(lines, label) for lines, label in panels_of_lines if lines]
    if not found:
        return False
    figure, axes = plt.subplots(1, len(found), squeeze=False,
                                layout="constrained",
                                figsize=(4.6 * len(found) + 1.4, 3.8))
    text = []
    for one, (lines, label) in zip(axes[0], found):
        draw_lines(one, lines, x_label, label)
        if log:
            one.set_xscale("log")
        else:
            one.locator_params(axis="x", nbins=5)
        one.xaxis.set_major_formatter(lambda v, _: f"{v:,.0f}")
        one.yaxis.set_major_formatter(lambda v, _: f"{v:,.6g}")
        text += [f"{label}, {name}: " + ", ".join(
            f"{report.number(y)} at {x:,}" for x, y in zip(xs, ys))
                 for name, xs, ys in lines]
    axes[0][-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1.0))
    save(figure, path, title, ". ".join(text))
    return True


def memory_plot(results, path, title):
    lines = []
    for key, info in results["servers"].items():
        known = figures.by_clients(results["medians"], key, "memory_kb")
        if known:
            lines.append((info["title"], *zip(*known)))
    return line_plot(path, title,
                     [(lines, scenarios.METRICS["memory_kb"].heading)],
                     "connections")


def registry_plot(results, path, title):
    rows = (results["registry"] or {}).get("results", [])
    if not rows:
        return False
    xs = [row["members"] for row in rows]
    lines = [(name, xs, [row[key] for row in rows])
             for name, key in (("to a member", "send_present_ns"),
                               ("to nobody", "send_absent_ns"))]
    return line_plot(path, title, [(lines, "time of hub_send(), ns")],
                     "registered members", log=True)


# All of them. ----------------------------------------------------------

def _counts(scenario, metric):
    return [(scenario, key, metric, label) for key, label in
            (("1000", "1,000 clients"), ("10000", "10,000 clients"))]


BAR_PLOTS = (
    ("cpu.svg", "Server CPU for one delivery, one broadcast at a time",
     _counts("one", "cpu_us_per_delivery")),
    ("latency.svg", "99th percentile of latency, one broadcast at a time",
     _counts("one", "p99_ms")),
    ("throughput.svg", "Deliveries with 32 broadcasts in flight",
     _counts("burst", "deliveries_per_s")),
    ("targeted.svg", "From the call to the one client it is for",
     [("targeted", "window-1", "p50_ms", "one at a time, median"),
      ("targeted", "window-1", "p99_ms", "one at a time, 99th percentile")]),
    ("stalled.svg", "99th percentile of the clients that do read",
     [("stalled", "stalled-0", "p99_ms", "none stalled"),
      ("stalled", f"stalled-{scenarios.STALLED_PERCENT}", "p99_ms",
       f"{scenarios.STALLED_PERCENT} % of clients stalled")]),
    ("connect.svg", "Arriving and staying",
     [("idle", "10000", "connect_cpu_us", "10,000 clients arrive"),
      ("idle", "storm", "connects_per_s", "all at once"),
      ("idle", "15000", "idle_cpu_percent", "15,000 stay, with heartbeats")]),
    ("requests.svg", "Calls of /api/send, 16 at a time",
     [("requests", "100", "requests_per_s", "throughput"),
      ("requests", "100", "response_p99_ms", "99th percentile")]),
)


def draw_all(results, out):
    """Writes what can be drawn. Returns [(file, title)]."""
    out.mkdir(parents=True, exist_ok=True)
    drawn = []
    with plt.rc_context(STYLE):
        for name, title, wanted in BAR_PLOTS:
            if bar_plot(results, out / name, title, wanted):
                drawn.append((name, title))
        for name, title, draw in (
                ("memory.svg", "Memory of connections that do nothing",
                 memory_plot),
                ("registry.svg", "hub_send() as the registry grows",
                 registry_plot)):
            if draw(results, out / name, title):
                drawn.append((name, title))
    return drawn
