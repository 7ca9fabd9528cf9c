"""Prometheus' text exposition format, read strictly: every sample belongs to a
family that was declared, there are no duplicates, histograms add up.
"""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:\{{(.*)\}})? ([0-9.]+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
INTRODUCTION = re.compile(rf"# HELP ({NAME}) (.+)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
SUFFIXES = ("_bucket", "_sum", "_count")


class Family:

    def __init__(self, name, text):
        self.name, self.help = name, text
        self.type = None
        self.samples = {}  # by name and sorted pairs of labels

    def takes(self, name):
        if self.type == "histogram":
            return name in [self.name + suffix for suffix in SUFFIXES]
        return name == self.name


def read_labels(text):
    if not text:
        return ()
    pairs = []
    while True:
        match = LABEL.match(text)
        if not match:
            raise AssertionError(f"not a label: {text!r}")
        pairs.append((match[1], match[2]))
        text = text[match.end():]
        if not text:
            break
        if text[0] != ",":
            raise AssertionError(f"not between labels: {text!r}")
        text = text[1:]
    if len({name for name, _ in pairs}) != len(pairs):
        raise AssertionError(f"a label twice: {pairs}")
    return tuple(sorted(pairs))


def check_histogram(family):
    """Buckets grow, the last one is +Inf and the count."""
    rows = {}
    for (name, labels), value in family.samples.items():
        others = tuple(pair for pair in labels if pair[0] != "le")
        row = rows.setdefault(others, {"buckets": []})
        if name.endswith("_bucket"):
            row["buckets"].append((float(dict(labels)["le"]), value))
        else:
            row[name.removeprefix(family.name)] = value
    for others, row in rows.items():
        bounds = [bound for bound, _ in row["buckets"]]
        counts = [count for _, count in row["buckets"]]
        if bounds != sorted(set(bounds)) or bounds[-1] != float("inf"):
            raise AssertionError(f"{family.name}{others}: {bounds}")
        if counts != sorted(counts) or counts[-1] != row["_count"]:
            raise AssertionError(f"{family.name}{others}: {row}")
        if (row["_count"] == 0) != (row["_sum"] == 0) and row["_sum"] != 0:
            raise AssertionError(f"{family.name}{others}: {row}")


class Exposition:
    """What one scrape told."""

    def __init__(self, text):
        self.text = text
        self.families = {}
        if not text.endswith("\n"):
            raise AssertionError("the last line does not end")
        for line in text[:-1].split("\n"):
            self._take(line)
        for family in self.families.values():
            if not family.samples:
                raise AssertionError(f"nothing of {family.name}")
            if family.type == "histogram":
                check_histogram(family)

    def _take(self, line):
        introduction, kind = INTRODUCTION.fullmatch(line), TYPE.fullmatch(line)
        if introduction:
            name = introduction[1]
            if name in self.families:
                raise AssertionError(f"{name} twice")
            self.families[name] = self.last = Family(name, introduction[2])
        elif kind:
            if kind[1] != self.last.name or self.last.type:
                raise AssertionError(f"out of place: {line}")
            self.last.type = kind[2]
        else:
            self._take_sample(line)

    def _take_sample(self, line):
        sample = SAMPLE.fullmatch(line)
        if not sample:
            raise AssertionError(f"not a sample: {line!r}")
        key = (sample[1], read_labels(sample[2]))
        if not self.last.type or not self.last.takes(sample[1]):
            raise AssertionError(f"out of place: {line}")
        if key in self.last.samples:
            raise AssertionError(f"twice: {line}")
        value = float(sample[3])
        self.last.samples[key] = int(value) if value.is_integer() else value

    def samples(self):
        return {key: value for family in self.families.values()
                for key, value in family.samples.items()}

    def get(self, name, **labels):
        """One figure; labels whose names are words of Python have a _ behind
        them."""
        wanted = tuple(sorted((label.rstrip("_"), value)
                              for label, value in labels.items()))
        found = self.samples().get((name, wanted))
        if found is None:
            raise AssertionError(f"there is no {name} {wanted}")
        return found

    def grown_since(self, before):
        """Of the counters, those that have changed, and by how much; as text
        in the form name{labels}."""
        old = before.samples()
        grown = {}
        for family in self.families.values():
            if family.type == "gauge":
                continue
            for key, value in family.samples.items():
                change = value - old.get(key, 0)
                if change < 0:
                    raise AssertionError(f"{key} went from {old[key]} to"
                                         f" {value}")
                if change:
                    grown[spell(*key)] = change
        return grown


def spell(name, labels):
    inside = ",".join(f"{label}={value}" for label, value in labels)
    return f"{name}{{{inside}}}" if inside else name
