"""What a program that was built against an older libhub relies on: names,
versions, and the offsets of struct fields.

interface.txt has all of it as intended, for x86-64 and other LP64 machines.
Before 1.0 anything may change there, but nothing by accident; from then on
functions and fields are only added, to structs at their end. `HUB_ABI_ACCEPT=1
./dev test -R '^abi$'` writes it anew.
"""

import difflib
import os
import pathlib
import re
import struct
import subprocess
import unittest

import layout
from header import ROOT, header

LIBRARY = os.environ["HUB_LIBRARY"]
STATIC = os.environ["HUB_STATIC"]
EXPECTED = pathlib.Path(__file__).with_name("interface.txt")
LOADED = re.compile(r"libc\.so\.\d+|liburing\.so\.\d+|ld-linux.*\.so\.\d+")
# Of the compiler's start files; bound only where they exist.
START_FILES = {"__cxa_finalize", "__gmon_start__", "_ITM_registerTMCloneTable",
               "_ITM_deregisterTMCloneTable"}


def run(*command):
    return subprocess.run(command, check=True, text=True,
                          capture_output=True).stdout


def nm(*flags):
    """(type, name) of each symbol."""
    return [tuple(line.split()[-2:]) for line in run("nm", *flags).splitlines()
            if re.search(r" [A-Za-z] \S+$", line)]


def exported():
    """Kind, name and version of what other files can link to."""
    return [(kind, *name.partition("@@")[::2])
            for kind, name in nm("-D", "--defined-only", LIBRARY)]


def is_of_libc_or_liburing(name):
    base, _, version = name.partition("@")
    return (version.startswith("GLIBC_") or version.startswith("LIBURING_")
            or base.startswith("io_uring_") or base in START_FILES)


class Library(unittest.TestCase):

    def test_it_exports_the_functions_of_the_header_and_nothing_else(self):
        self.assertEqual(
            {name for kind, name, _ in exported() if kind == "T"},
            {function.name for function in header().exported})
        self.assertEqual([s for s in exported() if s[0] not in "TA"], [])

    def test_the_map_names_them_all(self):
        text = (ROOT / "libhub/libhub.map").read_text("utf-8")
        public, _, hidden = text.partition("local:")
        self.assertEqual(re.findall(r"^ +(\w+);$", public, re.M),
                         sorted(f.name for f in header().exported))
        self.assertEqual(re.findall(r"^ +(\S+);$", hidden, re.M), ["*"])

    def test_the_interface_is_what_was_agreed_on(self):
        if struct.calcsize("P") != 8:
            self.skipTest("not LP64")
        symbols = {name: f"{name}@@{version}"
                   for _, name, version in exported()}
        text = layout.describe(symbols)
        if os.environ.get("HUB_ABI_ACCEPT"):
            EXPECTED.write_text(text)
        before = EXPECTED.read_text()
        self.assertTrue(before == text, "\n" + "\n".join(difflib.unified_diff(
            before.splitlines(), text.splitlines(), "agreed on", "built",
            lineterm="")))

    def test_structs_that_grow_end_with_a_field(self):
        """One that is added in padding would not make its struct longer, and
        who was built before would seem to have set it."""
        structs = re.findall(
            r"^struct (\w+): (\d+) bytes\n.* struct_size\n((?:.+\n)+)",
            layout.layout(), re.M)
        self.assertGreater(len(structs), 5)
        for name, size, fields in structs:
            place, length = fields.splitlines()[-1].split()[:2]
            with self.subTest(name):
                self.assertEqual(int(place) + int(length), int(size))

    def test_it_is_loaded_by_the_name_of_its_major_version(self):
        dynamic = run("readelf", "-d", LIBRARY)
        self.assertEqual(re.findall(r"\(SONAME\).*\[(.*)\]", dynamic),
                         ["libhub.so.0"])

    def test_it_loads_libc_and_liburing_at_most(self):
        dynamic = run("readelf", "-d", LIBRARY)
        loaded = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        self.assertIn("libc.so.6", loaded)
        self.assertEqual([n for n in loaded if not LOADED.fullmatch(n)], [])
        needed = [name for _, name in nm("-D", "--undefined-only", LIBRARY)]
        self.assertGreater(len(needed), 20)
        self.assertEqual(
            [n for n in needed if not is_of_libc_or_liburing(n)], [])


class StaticLibrary(unittest.TestCase):

    def test_its_names_are_all_its_own(self):
        """Nothing in it can clash with a name of the program's."""
        names = {name for _, name in nm("-g", "--defined-only", STATIC)}
        self.assertLess({f.name for f in header().exported}, names)
        self.assertEqual([n for n in names if not n.startswith("hub_")], [])


if __name__ == "__main__":
    unittest.main()
