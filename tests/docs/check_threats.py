"""Every test that docs/threats.md names exists: ctest knows its name, and its
file holds the case. A row without a test is an error too.

    check_threats.py docs/threats.md <file with the names ctest knows>

Tests of units and end-to-end tests are named with a case, others without.
"""

import ast
import pathlib
import re
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
DEV = TESTS.parent / "dev"
ENTRY = re.compile(r"`([^`]*)`")
NAMED = re.compile(r"([a-z0-9_.@-]+)(?:: ([A-Za-z0-9_.]+))?")
COMMAND = re.compile(r"\./dev ([a-z-]+)")
COLUMNS = 4
TEST_COLUMN = 2


def cases_of(name):
    """The cases in the file behind a ctest name; {None} where it has none."""
    kind, _, rest = name.partition(".")
    rest = rest.partition("@")[0]
    if kind == "e2e":
        tree = ast.parse((TESTS / f"e2e/test_{rest}.py").read_text("utf-8"))
        return {f"{group.name}.{case.name}"
                for group in tree.body if isinstance(group, ast.ClassDef)
                for case in group.body if isinstance(case, ast.FunctionDef)}
    if kind == "unit":
        text = (TESTS / f"unit/check_{rest}.c").read_text("utf-8")
        return set(re.findall(r"START_TEST\((\w+)\)", text))
    return {None}


def rows(text):
    """The line numbers and cells of all rows but headings."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("|") and not re.match(r"\|[-|: ]+\|\Z|\| threat ",
                                                 line):
            yield number, [cell.strip() for cell in line[1:-1].split("|")]


def problem_of(entry, names):
    """What is wrong with an entry, or None."""
    command = COMMAND.fullmatch(entry)
    if command:
        function = f"\ncmd_{command[1].replace('-', '_')}() {{"
        known = function in DEV.read_text("utf-8")
        return None if known else f"there is no {entry}"
    named = NAMED.fullmatch(entry)
    if not named:
        return f"not 'name: case': {entry}"
    name, case = named.groups()
    if name not in names:
        return f"ctest does not know {name}"
    return None if case in cases_of(name) else f"{name} has no case {case}"


def main(document, names_file):
    names = set(pathlib.Path(names_file).read_text("utf-8").split())
    problems, tests = [], 0
    for number, cells in rows(pathlib.Path(document).read_text("utf-8")):
        if len(cells) != COLUMNS:
            problems.append(f"{number}: {len(cells)} columns")
            continue
        entries = ENTRY.findall(cells[TEST_COLUMN])
        if not entries:
            problems.append(f"{number}: no test")
        for entry in entries:
            tests += 1
            problem = problem_of(entry, names)
            if problem:
                problems.append(f"{number}: {problem}")
    if tests == 0:
        problems.append("no test is named at all")
    print(*problems, f"{tests} tests named", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
