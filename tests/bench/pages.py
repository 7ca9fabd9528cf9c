#!/usr/bin/python3
"""Puts the values of results.json into the pages that show them, between a
comment that names the table and one that ends it:

    <!-- bench: glance -->
    …
    <!-- bench: end -->

pages.py [RESULTS.json]
"""

import json
import pathlib
import re
import sys

import report
import servers

PAGES = (servers.ROOT / "README.md", servers.ROOT / "docs/benchmarks.md")
RESULTS = servers.HERE / "results/results.json"
PARTS = {
    "machine": report.date_line,
    "glance": report.glance_table,
    "budgets": lambda results: report.budget_table(results["budgets"]),
}
BLOCK = re.compile(r"(<!-- bench: (\w+) -->\n).*?(<!-- bench: end -->)",
                   re.DOTALL)


def filled(text, results):
    """The text with each of its blocks made anew."""
    return BLOCK.sub(
        lambda block: f"{block[1]}\n{PARTS[block[2]](results)}\n\n{block[3]}",
        text)


def main(path=RESULTS):
    results = json.loads(pathlib.Path(path).read_text("utf-8"))
    for page in PAGES:
        page.write_text(filled(page.read_text("utf-8"), results), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
