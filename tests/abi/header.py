"""What hub.h declares, as a compiler sees it: preprocessed, so that comments
are gone and macros are expanded. Understands no more of C than that header
uses.
"""

import collections
import functools
import os
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
HEADERS = [INCLUDE / "hub" / name
           for name in ("hub.h", "message.h", "stats.h")]
CC = os.environ.get("HUB_CC", "cc")

EXPORTED = '__attribute__((visibility("default")))'

Function = collections.namedtuple("Function", "name prototype")
Field = collections.namedtuple("Field", "name type")


def preprocessed():
    """The text that comes from include/hub/, on one line."""
    text = subprocess.run(
        [CC, "-E", "-std=c11", f"-I{INCLUDE}", str(INCLUDE / "hub/hub.h")],
        check=True, text=True, capture_output=True).stdout
    kept, ours = [], False
    for line in text.splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        if marker:
            ours = marker[1].startswith(str(INCLUDE))
        elif ours and not line.startswith("#"):
            kept.append(line)
    return " ".join(" ".join(kept).split())


def source():
    """What people read."""
    return "".join(path.read_text("utf-8") for path in HEADERS)


def prototype_of(declaration):
    """In one spelling, whatever the line breaks were."""
    text = re.sub(r"\s+", " ", declaration).strip()
    text = re.sub(r"\s*([(),])\s*", r"\1", text).replace(",", ", ")
    return re.sub(r"\* (?=\w)", "*", text).replace("(*", " (*")


def functions_of(pattern, text):
    found = []
    for declaration in re.findall(pattern, text):
        name = re.search(r"(\w+) ?\(", declaration)[1]
        found.append(Function(name, prototype_of(declaration)))
    return found


def fields_of(body):
    """Of `int a[2]; void *b, *c; void (*d)(int);`"""
    for declaration in filter(None, map(str.strip, body.split(";"))):
        pointer = re.search(r"\(\*(\w+)\)", declaration)
        if pointer:
            yield Field(pointer[1], prototype_of(declaration))
            continue
        first, *others = declaration.split(",")
        base, stars, name, array = re.fullmatch(
            r"(.*?)([ *]+)(\w+)((?:\[\d+\])*)", first).groups()
        yield Field(name, base + " " + stars.strip() + name + array)
        for other in map(str.strip, others):
            yield Field(other.strip("* "), f"{base} {other}")


class Header:

    def __init__(self):
        text = preprocessed()
        self.exported = functions_of(re.escape(EXPORTED) + r" ([^;{]+);", text)
        self.types = functions_of(r"typedef ([^;{]+\([^;{]+\));", text)
        self.inline = functions_of(r"static inline ([^;{]+)\{", text)
        self.structs = {name: list(fields_of(body)) for name, body in
                        re.findall(r"struct (\w+) \{(.*?)\}", text)}
        self.enums = {name: re.findall(r"\b(HUB_\w+)", body) for name, body in
                      re.findall(r"enum (\w+) \{(.*?)\}", text)}
        self.constants = re.findall(r"^#define (HUB_\w+) \d", source(), re.M)


@functools.lru_cache(maxsize=None)
def header():
    return Header()
