#!/usr/bin/python3
"""Measures hubd against its peers: starts each server, lets hub-bench measure
it, and writes results.json, table.md and plots.

Rounds go over all servers at each point before the next point, begin with
another server each time and go backwards every other time, so that a machine
that gets slower or busier does so for all of them.
"""

import argparse
import pathlib
import secrets
import signal
import sys
import time

import budgets
import figures
import machine
import measure
import process
import report
import scenarios
import servers

try:
    import plots
except ImportError as error:
    plots = None
    NO_PLOTS = str(error)

START_TRIES = 2  # of a server, until it is left out
BUILD = servers.ROOT / "build/bench"


def say(text):
    print(text, file=sys.stderr, flush=True)


def go_seconds(text):
    """A number of seconds, written 5, 5s or 500ms."""
    for unit, factor in (("ms", 1e-3), ("s", 1.0), ("", 1.0)):
        if text.endswith(unit):
            try:
                seconds = float(text.removesuffix(unit)) * factor
            except ValueError:
                continue
            if seconds > 0:
                return seconds
    raise argparse.ArgumentTypeError(f"{text!r} is not like 5s or 500ms")


def count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def parse_arguments(argv):
    parser = argparse.ArgumentParser(
        prog="bench.py", description=__doc__.partition("\n\n")[0])
    add = parser.add_argument
    for name, built in (("hubd", "hubd/hubd"),
                        ("hub-bench", "hub-bench/hub-bench"),
                        ("floor", "tests/bench/bench_floor"),
                        ("registry", "tests/bench/bench_registry"),
                        ("go", "tests/bench/bench_go")):
        add(f"--{name}", metavar="PATH", type=pathlib.Path,
            default=BUILD / built, help="default: build/bench/" + built)
    add("--rounds", type=count, metavar="N", help="default: 3, quick: 1")
    add("--duration", type=go_seconds, metavar="TIME",
        help="of the measured part of a run; default: 4s, quick: 1s")
    add("--scenario", nargs="+", action="extend", metavar="NAME",
        choices=[s.key for s in scenarios.SCENARIOS],
        help="only these; --list names them")
    add("--server", nargs="+", action="extend", metavar="NAME",
        help="only these; --list names them")
    add("--extra", action="append", default=[], metavar="NAME=COMMAND",
        help="one more server that speaks the contract; {port} and {key} in "
        "COMMAND are replaced, HUB_API_KEY and PORT are set")
    add("--out", type=pathlib.Path, metavar="DIR",
        default=servers.HERE / "results", help="default: tests/bench/results")
    add("--quick", action="store_true", help="small, short, once")
    add("--list", action="store_true", help="what there is, and end")
    options = parser.parse_args(argv)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.duration = options.duration or (1.0 if options.quick else 4.0)
    options.paths = servers.Paths(*(
        path.resolve() for path in (options.hubd, options.hub_bench,
                                    options.floor, options.registry,
                                    options.go)))
    options.servers = choose_servers(parser, options)
    options.points = [p for p in scenarios.points(options.quick)
                      if not options.scenario
                      or p.scenario in options.scenario]
    return options


def choose_servers(parser, options):
    try:
        known = servers.all_servers(options.paths, options.extra)
    except ValueError as error:
        parser.error(str(error))
    keys = [server.key for server in known]
    for name in options.server or ():
        if name not in keys:
            parser.error(f"no server {name!r}; there are {', '.join(keys)}")
    return [s for s in known if not options.server or s.key in options.server]


def list_all(options):
    print("scenarios:")
    for scenario in scenarios.SCENARIOS:
        reasons = {measure.missing_tool(point)
                   for point in scenarios.points()
                   if point.scenario == scenario.key} - {None}
        print(f"  {scenario.key:14} "
              + "; ".join([scenario.question, *reasons]))
    print("servers:")
    for server in options.servers:
        print(f"  {server.key:14} {server.title:14} "
              + (server.missing() or "ready"))


def in_turn(everybody, number, point):
    """Servers in the order of a round at a point: another one begins each
    time, and every other round goes backwards."""
    first = (number - 1 + point) % max(1, len(everybody))
    order = everybody[first:] + everybody[:first]
    return order if number % 2 else order[::-1]


class Session:
    """All runs of one call, and what they yielded so far."""

    def __init__(self, options):
        self.options = options
        self.bench = measure.Bench(options.paths, secrets.token_hex(16),
                                   options.duration)
        self.runs = []
        self.registry = None
        self.failed_starts = {}
        self.left_out = {s.key: s.missing() for s in options.servers}
        self.no_tool = {}  # scenario: why nobody is measured
        for point in options.points:
            if measure.missing_tool(point):
                self.no_tool[point.scenario] = measure.missing_tool(point)
        self.interrupted = False
        self.plan = list(self._plan())
        for server in options.servers:
            if self.left_out[server.key]:
                say(f"{server.title}: not measured: "
                    + self.left_out[server.key])
        for scenario, reason in self.no_tool.items():
            say(f"{scenario}: not measured: {reason}")

    def _plan(self):
        """(round, point, server), in the order of the runs."""
        for number in range(1, self.options.rounds + 1):
            for index, point in enumerate(self.options.points):
                if (point.scenario in self.no_tool
                        or point.rounds and number > point.rounds):
                    continue
                for server in in_turn(
                        [server for server in self.options.servers
                         if scenarios.applies(point, server)], number, index):
                    yield number, point, server

    def seconds(self):
        """About how long all of it takes."""
        return sum(point.seconds(self.options.duration)
                   for _, point, server in self.plan
                   if not self.left_out[server.key])

    def run_all(self):
        for index, (number, point, server) in enumerate(self.plan, 1):
            if not self.left_out[server.key]:
                where = (f"[{index}/{len(self.plan)}] round {number}, "
                         f"{point.scenario}, {point.label}, {server.title}")
                self._run(where, number, point, server)
        if not self.options.scenario or "registry" in self.options.scenario:
            say("registry: hub_send() as it grows")
            self._run_registry()

    def _run(self, where, number, point, server):
        run = {"scenario": point.scenario, "point": point.key,
               "server": server.key, "round": number}
        started = time.monotonic()
        try:
            run["result"], run["warnings"] = self.bench.measure(server, point)
        except servers.StartError as error:
            run["error"] = f"did not start: {error}"
            failed = self.failed_starts.get(server.key, 0) + 1
            self.failed_starts[server.key] = failed
            if failed >= START_TRIES:
                self.left_out[server.key] = run["error"]
        except (process.RunError, OSError) as error:
            run["error"] = str(error)
        self.runs.append(run)
        told = figures.trouble(run)
        if "result" in run:
            told.insert(0, self._headline(point, run["result"]))
        say(f"{where}: {'; '.join(told)} ({time.monotonic() - started:.1f} s)")

    @staticmethod
    def _headline(point, result):
        metric = scenarios.scenario(point.scenario).metric_list()[0]
        return (f"{metric.label} "
                f"{report.number(figures.value(metric, result))} "
                f"{metric.unit}")

    def _run_registry(self):
        sizes = scenarios.registry_sizes(self.options.quick)
        try:
            self.registry = self.bench.registry(
                sizes, 3 if self.options.quick else 5)
        except process.RunError as error:
            self.registry = {"error": str(error)}

    # -- what came of it ------------------------------------------------

    def _server_info(self, server):
        points = {}
        for point in self.options.points:
            if scenarios.applies(point, server):
                points.setdefault(point.scenario, []).append(point.key)
        return {"title": server.title, "role": server.role,
                "not_measured": self.left_out[server.key], "points": points}

    def results(self):
        tree = figures.medians(self.runs)
        peers = {s.key: s.title for s in self.options.servers
                 if s.role == "peer"}
        return {
            "format": 1,
            "interrupted": self.interrupted,
            "machine": machine.describe(),
            "versions": machine.versions(self.options.paths),
            "options": {"rounds": self.options.rounds,
                        "duration": self.options.duration,
                        "quick": self.options.quick},
            "no_tool": self.no_tool,
            "servers": {s.key: self._server_info(s)
                        for s in self.options.servers},
            "budgets": [b.as_json() for b in
                        budgets.evaluate(tree, peers, self.registry)],
            "medians": tree,
            "ratios": figures.ratios(tree),
            "marginal_memory_kb": {
                s.key: figures.marginal_memory_kb(tree, s.key)
                for s in self.options.servers},
            "registry": self.registry,
            "runs": self.runs,
        }


def draw(results, out):
    if plots is None:
        say(f"no plots: {NO_PLOTS}")
        return []
    return plots.draw_all(results, out)


def finish(session):
    options = session.options
    results = session.results()
    # First what cannot be had again, should a plot fail.
    report.write(options.out, results, options.points)
    report.write(options.out, results, options.points,
                 draw(results, options.out))
    for budget in results["budgets"]:
        if budget["met"] is False:
            say(f"over budget: {budget['what']}: "
                f"{report.number(budget['value'])} {budget['unit']}, "
                f"limit {budget['limit']:g}")
    say(f"wrote {options.out / 'table.md'}")
    return any("result" in run for run in session.runs)


def main(argv=None):
    options = parse_arguments(argv)
    if options.list:
        list_all(options)
        return 0
    if not options.hub_bench.is_file():
        say(f"bench.py: there is no {options.hub_bench}")
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    session = Session(options)
    say(f"about {session.seconds() / 60:.0f} min")
    try:
        session.run_all()
    except KeyboardInterrupt:
        say("interrupted")
        session.interrupted = True
    measured = session.runs or session.registry
    succeeded = finish(session) if measured else False
    if session.interrupted:
        return 130
    return 0 if succeeded or session.registry else 1


if __name__ == "__main__":
    sys.exit(main())
