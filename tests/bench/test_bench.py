"""The benchmark's arithmetic, on made-up values, and its files.
"""

import json
import pathlib
import re
import socket
import tempfile
import unittest
import xml.etree.ElementTree as ET

import bench
import budgets
import figures
import listeners
import pages
import report
import scenarios
import servers
import wrk

try:
    import plots
except ImportError:  # without matplotlib
    plots = None

TITLES = {"go": "Go", "nchan": "nchan"}


def run(server, cpu, number=1, scenario="one", point="1000", **members):
    """A run as bench.py records it."""
    result = {"server": {"cpu_us_per_delivery": cpu},
              "delivery": {"latency_us": {"p50": 100 * cpu, "p99": None},
                           "per_second": 1e6 / cpu}, **members}
    return {"scenario": scenario, "point": point, "server": server,
            "round": number, "result": result}


class Figures(unittest.TestCase):

    def test_median_and_range_of_the_rounds(self):
        tree = figures.medians([run("hubd", cpu, i) for i, cpu
                                in enumerate((3.0, 9.0, 2.0))])
        self.assertEqual(tree["one"]["1000"]["hubd"]["cpu_us_per_delivery"],
                         {"median": 3.0, "min": 2.0, "max": 9.0, "runs": 3})

    def test_an_even_number_of_rounds_has_a_median_between_two(self):
        tree = figures.medians([run("go", cpu) for cpu in (1.0, 2.0)])
        self.assertEqual(figures.median(tree, "one", "1000", "go",
                                        "cpu_us_per_delivery"), 1.5)

    def test_unknown_figures_are_none(self):
        tree = figures.medians([run("go", 2.0)])
        self.assertIsNone(tree["one"]["1000"]["go"]["p99_ms"])
        self.assertIsNone(figures.median(tree, "one", "1", "go", "p50_ms"))
        self.assertIsNone(figures.median(tree, "one", "1000", "x", "p50_ms"))

    def test_failed_runs_do_not_count(self):
        failed = {"scenario": "one", "point": "1000", "server": "go",
                  "round": 1, "error": "no"}
        self.assertEqual(figures.medians([failed]), {})
        self.assertEqual(figures.trouble(failed), ["failed: no"])

    def test_ratios_divide_hubd_by_the_others(self):
        tree = figures.medians([run("hubd", 3.0), run("go", 12.0)])
        self.assertEqual(
            figures.ratios(tree)["one"]["1000"]["go"]["cpu_us_per_delivery"],
            0.25)

    def test_no_ratio_without_hubd_or_to_nothing(self):
        tree = figures.medians([run("go", 12.0)])
        self.assertIsNone(
            figures.ratios(tree)["one"]["1000"]["go"]["cpu_us_per_delivery"])
        self.assertIsNone(figures.ratio(1.0, 0.0))
        self.assertIsNone(figures.ratio(1.0, None))

    def test_growth_is_what_came_since(self):
        result = {"memory": {"process_bytes_connected": 1048576,
                             "process_bytes_peak": 3145728}}
        metric = scenarios.METRICS["memory_growth_mb"]
        self.assertEqual(figures.value(metric, result), 2.0)
        del result["memory"]["process_bytes_connected"]
        self.assertIsNone(figures.value(metric, result))

    def test_further_connections_leave_out_what_is_allocated_once(self):
        def idle(count, once):
            return run("hubd", 1.0, scenario="idle", point=str(count), memory={
                "process_bytes_per_connection": 512 + once / count})
        few, many = idle(1000, 8e6), idle(10000, 8e6)
        tree = figures.medians([few, many])
        self.assertAlmostEqual(figures.marginal_memory_kb(tree, "hubd"), 0.5)
        self.assertIsNone(figures.marginal_memory_kb(tree, "go"))
        self.assertIsNone(figures.marginal_memory_kb(figures.medians([few]),
                                                     "hubd"))

    def test_trouble_is_found_where_it_was(self):
        bad = {**run("go", 1.0), "warnings": ["3 clients were refused"]}
        self.assertEqual(figures.trouble(bad), ["3 clients were refused"])
        runs = [run("go", 1.0), bad, run("hubd", 1.0)]
        self.assertTrue(figures.has_trouble(runs, "one", "1000", "go"))
        self.assertFalse(figures.has_trouble(runs, "one", "1000", "hubd"))
        self.assertFalse(figures.has_trouble(runs, "one", "10000", "go"))


class Budgets(unittest.TestCase):

    def evaluate(self, runs, registry=None, peers=None):
        tree = figures.medians(runs)
        return {b.what: b for b in
                budgets.evaluate(tree, peers or TITLES, registry)}

    def pick(self, found, *words):
        return next(b for what, b in found.items()
                    if all(word in what for word in words))

    def test_a_ratio_at_the_limit_is_met(self):
        found = self.evaluate([run("hubd", 3.5), run("go", 10.0),
                               run("nchan", 6.9)])
        self.assertIs(self.pick(found, " 1,000", "Go").met, True)
        self.assertIs(self.pick(found, "server CPU", " 1,000",
                                "nchan").met, False)

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        found = self.evaluate([])
        self.assertTrue(all(b.met is None for b in found.values()))
        self.assertEqual(json.loads(json.dumps(
            self.pick(found, "accepted").as_json()))["met"], None)

    def test_throughput_is_held_against_the_best_peer_of_each_kind(self):
        found = self.evaluate(
            [run(s, cpu, scenario="burst") for s, cpu in
             (("hubd", 1.0), ("go", 9.0), ("nchan", 5.0), ("bun", 1.5))],
            peers={**TITLES, "bun": "Bun"})
        best = self.pick(found, "deliveries/s", " 1,000", "nchan")
        self.assertAlmostEqual(best.value, 5.0)
        self.assertIs(best.met, False)
        joining = self.pick(found, "deliveries/s", " 1,000", "Bun")
        self.assertAlmostEqual(joining.value, 1.5)
        self.assertIs(joining.met, True)

    def test_arriving_is_held_against_nchan(self):
        for hubd, met in ((50.0, True), (51.0, False)):
            found = self.evaluate(
                [run(server, 1.0, scenario="idle", point="1000",
                     connect={"server_cpu_us_per_connection": micros})
                 for server, micros in (("hubd", hubd), ("nchan", 20.0))])
            self.assertIs(self.pick(found, "accepted", " 1,000").met, met)

    def test_other_makes_have_a_budget_only_when_they_take_part(self):
        self.assertFalse(any("uWeb" in what for what in self.evaluate([])))
        found = self.evaluate([], peers={**TITLES, "uwebsockets": "uWeb"})
        self.assertTrue(any("uWeb" in what for what in found))

    def test_bun_is_held_to_its_budgets_whether_it_was_measured_or_not(self):
        missed = self.pick(self.evaluate([]), "in flight", "10,000", "bun")
        self.assertIsNone(missed.met)
        found = self.evaluate([run(s, cpu, scenario="burst") for s, cpu in
                               (("hubd", 0.61), ("bun", 1.0))],
                              peers={**TITLES, "bun": "Bun"})
        budget = self.pick(found, "server CPU", "in flight", " 1,000", "Bun")
        self.assertAlmostEqual(budget.value, 0.61)
        self.assertIs(budget.met, False)

    def test_growth_of_the_registry(self):
        rows = [{"members": 1_000, "send_present_ns": 100.0,
                 "send_absent_ns": 50.0},
                {"members": 1_000_000, "send_present_ns": 300.0,
                 "send_absent_ns": 60.0}]
        found = self.evaluate([], {"results": rows})
        self.assertIs(self.pick(found, "registered user").met, False)
        self.assertIs(self.pick(found, "nobody").met, True)

    def test_memory_of_stalled_clients_is_held_against_their_queues(self):
        grown = [run("hubd", 1.0, scenario="stalled", point=point,
                     memory={"process_bytes_connected": 0,
                             "process_bytes_peak": megabytes * 1048576})
                 for point, megabytes in (("stalled-0", 1), ("stalled-1", 2))]
        found = self.evaluate(grown)
        self.assertAlmostEqual(self.pick(found, "full queues").value, 0.5)


class Files(unittest.TestCase):
    """table.md, results.json and the plots."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.out = pathlib.Path(self.scratch.name) / "deep/results"
        self.points = [p for p in scenarios.points() if p.scenario == "one"]
        self.results = self.make()

    def make(self):
        runs = [run("hubd", 2.0), run("go", 8.0), run("hubd", 3.0, 2),
                {"scenario": "one", "point": "1000", "server": "go",
                 "round": 2, "error": "went <away> & more"}]
        runs += [run("hubd", 1.0, scenario="idle", point=point,
                     memory={"process_bytes_per_connection": 700})
                 for point in ("1000", "5000")]
        tree = figures.medians(runs)
        own = {"one": ["1000"]}
        return {
            "interrupted": False, "runs": runs, "medians": tree,
            "no_tool": {},
            "machine": {"date": "2000-01-01", "cpus": 2, "cpu": "<x>",
                        "system": "Linux"},
            "options": {"rounds": 2, "duration": 1.0},
            "versions": {"go": None, "hubd": "hubd 1"},
            "servers": {
                "hubd": {"title": "hubd", "role": "hub",
                         "not_measured": None, "points": own},
                "go": {"title": "Go", "role": "peer",
                       "not_measured": None, "points": own},
                "nchan": {"title": "nchan", "role": "peer", "points": own,
                          "not_measured": "not installed"}},
            "budgets": [b.as_json() for b in
                        budgets.evaluate(tree, TITLES, None)],
            "ratios": figures.ratios(tree),
            "marginal_memory_kb": {
                s: figures.marginal_memory_kb(tree, s)
                for s in ("hubd", "go")},
            "registry": {"results": [
                {"members": n, "send_present_ns": 100.0,
                 "send_absent_ns": 50.0, "bytes_per_member": 500.0,
                 "register_ns": 400.0} for n in (1000, 10000)]},
        }

    def test_the_table_has_every_server_measured_or_not(self):
        text = report.markdown(self.results, self.points)
        self.assertIn("| hubd |  | 2.50 (2.00 – 3.00) |", text)
        self.assertIn("| Go † | 0.31 × | 8.00 |", text)
        self.assertIn("| nchan | not measured: not installed |", text)
        self.assertIn("- go, one 1000, round 2: failed: went <away>", text)
        self.assertIn("| go | not there |", text)
        self.assertIn("| hubd | 0.68 | 1,000 – 5,000 |", text)
        self.assertIn("| 10,000 | 100 | 50.0 | 500 | 400 |", text)

    def test_a_glance_shows_the_hubs_that_were_measured(self):
        self.results["servers"]["floor-send"] = {
            "title": "floor", "role": "floor", "not_measured": None}
        rows = report.glance_table(self.results).splitlines()
        self.assertEqual(rows[0], "|  | hubd | Go |")
        self.assertRegex(rows[2], r" 1,000 clients, µs \| 2\.50 \| 8\.00 \|")
        self.assertIn("| – / – | – / – |", report.glance_table(self.results))
        self.assertEqual({row.count("|") for row in rows}, {4})

    def test_pages_get_the_figures_and_keep_the_rest(self):
        page = ("before\n<!-- bench: machine -->\nold\n<!-- bench: end -->\n"
                "between\n<!-- bench: glance -->\n<!-- bench: end -->\nend\n")
        once = pages.filled(page, self.results)
        self.assertNotIn("old", once)
        self.assertIn("<!-- bench: machine -->\n\n2000-01-01 · 2 × <x>", once)
        self.assertEqual(re.sub(r"-->\n.*?\n<!-- bench: end -->", "",
                                once, flags=re.DOTALL).split(),
                         "before <!-- bench: machine between "
                         "<!-- bench: glance end".split())
        self.assertEqual(pages.filled(once, self.results), once)

    def test_the_pages_there_are_show_the_results_there_are(self):
        results = json.loads(pages.RESULTS.read_text("utf-8"))
        for page in pages.PAGES:
            text = page.read_text("utf-8")
            self.assertIn("<!-- bench: glance -->", text)
            self.assertEqual(pages.filled(text, results), text,
                             f"{page.name}: run tests/bench/pages.py")

    def test_a_tool_that_is_not_there_is_told(self):
        self.results["no_tool"] = {"one": "x is not installed"}
        self.results["medians"]["one"] = {}
        text = report.markdown(self.results, self.points)
        self.assertIn("| hubd | not measured: x is not installed |", text)

    def test_all_rows_of_a_table_are_as_wide_as_its_heading(self):
        text = report.markdown(self.results, self.points)
        for block in text.split("\n\n"):
            if block.startswith("|"):
                widths = {row.count("|") for row in block.splitlines()}
                self.assertEqual(len(widths), 1, block)

    def test_an_interrupted_run_says_so(self):
        self.results["interrupted"] = True
        self.assertIn("**Interrupted**",
                      report.markdown(self.results, self.points))

    def test_results_are_json_again(self):
        report.write(self.out, self.results, self.points)
        text = (self.out / "results.json").read_text("utf-8")
        self.assertEqual(json.loads(text), self.results)
        self.assertTrue((self.out / "table.md").is_file())

    def test_numbers_keep_three_digits(self):
        for value, text in ((None, "–"), (0, "0"), (0.0123, "0.012"),
                            (1.234, "1.23"), (12.34, "12.3"),
                            (123456.7, "123,457"), (-3.21, "-3.21")):
            self.assertEqual(report.number(value), text)

    @unittest.skipIf(plots is None, "needs matplotlib")
    def test_plots_are_well_formed_and_their_text_is_text(self):
        drawn = plots.draw_all(self.results, self.out)
        self.assertEqual({name for name, _ in drawn},
                         {"cpu.svg", "memory.svg", "registry.svg"})
        for name, title in drawn:
            root = ET.parse(self.out / name).getroot()
            texts = ["".join(e.itertext()).strip() for e in root.iter()
                     if e.tag.endswith("}text")]
            self.assertEqual(root.get("role"), "img")
            self.assertIn(title, texts)
            self.assertTrue(any("µs" in t or "KB" in t or "ns" in t
                                for t in texts), texts)


class Plan(unittest.TestCase):

    def test_every_server_has_its_turn(self):
        for number, point, order in ((1, 0, "abc"), (1, 1, "bca"),
                                     (2, 0, "acb"), (3, 0, "cab")):
            self.assertEqual(bench.in_turn("abc", number, point), order)

    def test_points_are_told_apart(self):
        for quick in (False, True):
            keys = [(p.scenario, p.key) for p in scenarios.points(quick)]
            self.assertEqual(len(keys), len(set(keys)))

    def test_every_scenario_has_points_and_metrics(self):
        with_points = {p.scenario for p in scenarios.points(True)}
        for scenario in scenarios.SCENARIOS:
            if scenario.key != "registry":
                self.assertIn(scenario.key, with_points)
                self.assertTrue(scenario.metric_list())

    def test_idle_points_do_not_publish(self):
        for point in scenarios.points():
            arguments = point.arguments(5)
            self.assertEqual("--duration=0s" in arguments,
                             point.scenario == "idle")

    def test_clients_that_stall_are_sent_more_than_buffers_hold(self):
        for quick, duration in ((True, 1.0), (False, 4.0)):
            for point in scenarios.points(quick):
                if point.scenario == "stalled":
                    seconds = point.warmup + duration * point.times
                    self.assertGreater(seconds * scenarios.STALLED_RATE
                                       * scenarios.STALLED_BYTES, 6e6)

    def test_a_server_has_a_connection_for_each_message_in_flight(self):
        for point in scenarios.points():
            for flag in point.flags:
                if flag.startswith("--window="):
                    self.assertIn(flag.replace("window", "connections"),
                                  point.flags)

    def test_a_server_of_somebody_else(self):
        server = servers.extra("My Hub=/bin/sh -c 'x {port} {key}' {port}")
        launch = servers.Launch(81, "k", pathlib.Path("/"), 1)
        self.assertEqual(server.command(launch),
                         ["/bin/sh", "-c", "x 81 k", "81"])
        self.assertEqual((server.key, server.title), ("my hub", "My Hub"))
        self.assertIsNone(server.missing())
        for wrong in ("x", "=y {port}", "x=", "x=y", "x=y {key}"):
            with self.assertRaises(ValueError, msg=wrong):
                servers.extra(wrong)


class Listening(unittest.TestCase):
    """A client that counts one message, on the other end of a socket."""

    def setUp(self):
        ours, self.server = socket.socketpair()
        self.addCleanup(ours.close)
        self.addCleanup(self.server.close)
        self.client = object.__new__(listeners.Client)
        self.client.socket, self.client.rest = ours, b""
        self.frame = listeners.text_frame(wrk.MESSAGE)

    def take(self, data):
        return self.client.take(data, self.frame)

    def test_the_message_is_hub_benchs(self):
        self.assertEqual(len(wrk.MESSAGE), 170)
        self.assertEqual(set(json.loads(wrk.MESSAGE)),
                         {"type", "payload", "timestamp"})

    def test_pieces_of_any_size_count_the_same(self):
        ping = b"\x89\x03abc"
        stream = 2 * self.frame + ping + self.frame + ping + ping
        for size in range(1, len(stream) + 1):
            pieces = [stream[at:at + size]
                      for at in range(0, len(stream), size)]
            self.assertEqual(sum(map(self.take, pieces)), 3)
            self.assertEqual(self.client.rest, b"")
            pong = listeners.answer(listeners.PONG, b"abc")
            self.assertEqual(self.server.recv(1 << 16), 3 * pong)

    def test_anything_else_ends_it(self):
        for data, why in ((b"\x88\x00", "closed"), (b"\x81\x01x", "else"),
                          (self.frame[:9] + b"!", "else"),
                          (self.frame + b"\x82", "else")):
            self.client.rest = b""
            with self.assertRaisesRegex(ConnectionError, why):
                self.take(data)

    def test_the_end_of_the_stream_is_noticed(self):
        self.client.socket.setblocking(False)
        self.server.sendall(self.frame + self.frame[:5])
        self.assertEqual(self.client.read(self.frame), 1)
        self.server.close()
        with self.assertRaisesRegex(ConnectionError, "closed it"):
            self.client.read(self.frame)


if __name__ == "__main__":
    unittest.main()
