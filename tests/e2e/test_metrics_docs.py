"""docs/metrics.md and the dashboard only use existing metrics, and hubd's
output is read by Prometheus' own tools."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness.exposition import SUFFIXES, Exposition
from harness.http import request
from harness.rawws import RawWs
from harness.testcase import SharedHubd
from harness.wait import ROOT

MANUAL = ROOT / "docs" / "metrics.md"
DASHBOARD = ROOT / "packaging" / "grafana" / "hub.json"
ROW = re.compile(r"^\| ((?:`(?:hubd?|process)_[a-z_]+`(?:, )?)+) \| (\w+) "
                 r"\|([^|]*)\|", re.MULTILINE)
METRIC = re.compile(r"\b((?:hubd?|process)_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
ADDED_BY_PROMETHEUS = {"instance", "job"}
UNITS = {"short", "s", "bytes", "Bps", "cps", "reqps", "percentunit",
         "dateTimeFromNow"}
COLUMNS = 24


def family_of(name, families):
    """A sample's name, which may be a part of a histogram."""
    for suffix in SUFFIXES:
        family = families.get(name.removesuffix(suffix))
        if name.endswith(suffix) and family and family.type == "histogram":
            return family
    return families.get(name)


def labels_of(family):
    return {label for _, labels in family.samples for label, _ in labels}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", MANUAL.read_text(),
                      re.DOTALL)


class Told(SharedHubd):
    """What a hubd tells that has had some traffic."""

    settings = {"HUB_METRICS": "on"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        client = RawWs(cls.hub.port, "ada", "s")
        client.sync()
        cls.hub.broadcast({"type": "t", "payload": 1})
        client.recv()
        client.leave()
        client.close()
        reply = request(cls.hub.port, "GET", "/metrics")
        cls.text = reply.body.decode()
        cls.families = Exposition(cls.text).families

    def promtool(self, *arguments, text=None):
        """Must find nothing wrong, and say nothing of what could be better."""
        program = shutil.which(
            "promtool", path=f"{os.environ['PATH']}:{ROOT / 'build/tools'}")
        if program is None:
            self.lacking("promtool is not installed")
        done = subprocess.run([program, *arguments], input=text, text=True,
                              capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        return done.stdout

    def check_rules(self, rules):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(rules)
            file.flush()
            return self.promtool("check", "rules", file.name)

    def assertExported(self, expression):
        """Every metric it names is told, with the labels it asks for."""
        for name, matchers in METRIC.findall(expression):
            family = family_of(name, self.families)
            self.assertIsNotNone(family, f"{name} in {expression}")
            asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            self.assertLessEqual(
                asked - ADDED_BY_PROMETHEUS, labels_of(family), expression)
        known = set().union(*map(labels_of, self.families.values()))
        for labels in GROUPED.findall(expression):
            self.assertLessEqual(
                set(labels.replace(" ", "").split(",")),
                known | ADDED_BY_PROMETHEUS, expression)


class Format(Told):

    def test_promtool_finds_nothing_wrong(self):
        self.promtool("check", "metrics", text=self.text)

    def test_the_client_library_reads_the_same(self):
        try:
            from prometheus_client.parser import (
                text_string_to_metric_families)
        except ImportError:
            self.lacking("python3-prometheus-client is not installed")
        theirs = {}
        for family in text_string_to_metric_families(self.text):
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                theirs[key] = sample.value
        self.assertEqual(theirs, Exposition(self.text).samples())


class Manual(Told):

    def test_the_table_has_every_metric_with_its_type_and_labels(self):
        told = {}
        for names, kind, labels in ROW.findall(MANUAL.read_text()):
            for name in re.findall(r"`([a-z_]+)`", names):
                self.assertNotIn(name, told)
                told[name] = (kind, set(re.findall(r"`(\w+)`", labels)))
        self.assertEqual(told, {
            name: (family.type, labels_of(family) - {"le"})
            for name, family in self.families.items()})

    def test_every_metric_it_names_elsewhere_exists(self):
        text = MANUAL.read_text()
        for name in re.findall(r"`((?:hubd?|process)_[a-z_]+)`", text):
            self.assertIn(name, self.families)

    def test_its_alerts_are_rules_about_what_there_is(self):
        rules, = [block for block in blocks("yaml") if "alert:" in block]
        self.assertIn(f"{rules.count('alert:')} rules found",
                      self.check_rules(rules))
        self.assertExported(rules)

    def test_its_scrape_configuration_is_one(self):
        config, = [block for block in blocks("yaml")
                   if "scrape_configs:" in block]
        with tempfile.TemporaryDirectory() as scratch:
            key, file = f"{scratch}/key", f"{scratch}/prometheus.yml"
            config, changed = re.subn(r"credentials_file: \S+",
                                      f"credentials_file: {key}", config)
            self.assertEqual(changed, 1)
            for path, text in ((key, "k"), (file, config)):
                with open(path, "w", encoding="utf-8") as out:
                    out.write(text)
            self.promtool("check", "config", file)


class Dashboard(Told):

    def setUp(self):
        super().setUp()
        self.dashboard = json.loads(DASHBOARD.read_text())
        self.panels = [panel for panel in self.dashboard["panels"]
                       if panel["type"] != "row"]
        self.queries = [query["expr"] for panel in self.panels
                        for query in panel["targets"]]

    def test_it_asks_for_what_is_told_and_for_all_of_it(self):
        for query in self.queries:
            self.assertExported(query)
        asked = {family_of(name, self.families).name
                 for query in self.queries
                 for name, _ in METRIC.findall(query)}
        self.assertEqual(set(self.families) - asked, set())

    def test_its_queries_are_promql(self):
        expressions = {
            query.replace("$__rate_interval", "5m").replace("$instance", ".*")
            for query in self.queries}
        self.assertFalse([e for e in expressions if "$" in e])
        rules = [f"      - record: check:number_{number}\n"
                 f"        expr: {json.dumps(expression)}\n"
                 for number, expression in enumerate(sorted(expressions))]
        self.assertIn(f"{len(rules)} rules found", self.check_rules(
            "groups:\n  - name: check\n    rules:\n" + "".join(rules)))

    def test_the_source_of_its_data_is_a_variable(self):
        variables = {variable["name"]: variable
                     for variable in self.dashboard["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        self.assertEqual(variables["datasource"]["query"], "prometheus")
        self.assertExported(variables["instance"]["definition"])
        wanted = {"type": "prometheus", "uid": "${datasource}"}
        sources = [variables["instance"]["datasource"]]
        for panel in self.panels:
            sources += [panel["datasource"],
                        *(query["datasource"] for query in panel["targets"])]
        for source in sources:
            self.assertEqual(source, wanted)
        for query in self.queries:
            self.assertIn('instance=~"$instance"', query)

    def test_panels_are_whole_and_none_covers_another(self):
        self.assertGreaterEqual(self.dashboard["schemaVersion"], 37)
        self.assertIsNone(self.dashboard["id"])
        ids, cells = set(), set()
        for panel in self.dashboard["panels"]:
            self.assertTrue(panel["title"])
            self.assertNotIn(panel["id"], ids)
            ids.add(panel["id"])
            at = panel["gridPos"]
            mine = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                    for y in range(at["y"], at["y"] + at["h"])}
            self.assertFalse(mine & cells, panel["title"])
            self.assertLessEqual(at["x"] + at["w"], COLUMNS)
            cells |= mine
        for panel in self.panels:
            self.assertTrue(panel["description"], panel["title"])
            unit = panel["fieldConfig"]["defaults"].get(
                "unit", panel["options"].get("yAxis", {}).get("unit"))
            self.assertIn(unit, UNITS, panel["title"])
            letters = [query["refId"] for query in panel["targets"]]
            self.assertEqual(len(letters), len(set(letters)))


if __name__ == "__main__":
    unittest.main()
