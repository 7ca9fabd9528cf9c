"""The manual page of libhub and hub.h describe the same functions, fields and
constants; and the comments of hub.h have the lines they promise.
"""

import re
import unittest

from header import ROOT, header, prototype_of, source

PAGE = (ROOT / "packaging/man/libhub.3").read_text("utf-8")
SYNOPSIS = PAGE.partition(".Sh SYNOPSIS")[2].partition(".Sh DESCRIPTION")[0]
SOURCE = source()


def words_of(line):
    """The arguments of a macro, without their quotes."""
    return [quoted or plain for quoted, plain in
            re.findall(r'"([^"]*)"|(\S+)', line)]


def prototypes():
    """What the page declares: .Ft, and .Fn or .Fo with .Fa."""
    found, returned, call = [], None, None
    for line in SYNOPSIS.splitlines():
        macro, _, rest = line.partition(" ")
        if macro == ".Ft":
            returned = " ".join(words_of(rest))
        elif macro in (".Fn", ".Fo"):
            call = words_of(rest)
        elif macro == ".Fa":
            call += words_of(rest)
        if macro in (".Fn", ".Fc"):
            name, *arguments = call
            found.append(prototype_of(
                f"{returned} {name}({', '.join(arguments)})"))
    return found


def callbacks():
    return [f.type for f in header().structs["hub_options"] if "(*" in f.type]


class Page(unittest.TestCase):

    def test_it_declares_every_function_as_the_header_does(self):
        wanted = [f.prototype for f in header().exported + header().inline]
        wanted += [f"typedef {f.prototype}" for f in header().types]
        self.assertEqual(sorted(prototypes()), sorted(wanted + callbacks()))

    def test_it_goes_by_the_name_of_every_function(self):
        names = re.findall(r"^\.Nm (hub_\w+)", PAGE, re.M)
        self.assertEqual(sorted(names), sorted(
            f.name for f in header().exported + header().inline))

    def test_it_knows_every_error_and_every_cause(self):
        self.assertEqual(re.findall(r"^\.It Bq Er (\w+)$", PAGE, re.M),
                         header().enums["hub_error"])
        self.assertEqual(re.findall(r"^\.It Dv (HUB_CLOSED_\w+)$", PAGE, re.M),
                         header().enums["hub_close_cause"])

    def test_it_knows_every_option(self):
        items = re.findall(r"^\.It Va (.*)$", PAGE, re.M)
        self.assertEqual(sorted(" , ".join(items).split(" , ")), sorted(
            f.name for f in header().structs["hub_options"]))

    def test_it_names_nothing_that_there_is_not(self):
        known = set(re.findall(r"\b(?:HUB|hub)_\w+", SOURCE))
        named = set(re.findall(r"\b(?:HUB|hub)_\w+", PAGE))
        self.assertGreater(len(named), 50)
        self.assertEqual(named - known, set())


class Comments(unittest.TestCase):
    """Of hub.h."""

    def comment_of(self, function):
        text = re.search(
            r"/\*((?:(?!\*/).)*)\*/\nHUB_API (?:(?!;).)*\b%s\(" % function.name,
            SOURCE, re.S)
        self.assertIsNotNone(text, function.name)
        return text[1]

    def test_every_function_has_its_fixed_lines(self):
        for function in header().exported:
            with self.subTest(function.name):
                text = self.comment_of(function)
                self.assertRegex(text, r"\bThreads(, Owns, Returns)?: ")
                if function.prototype.startswith("int"):
                    self.assertRegex(text, r"\bReturns: ")

    def test_threads_are_of_the_kinds_that_it_explains(self):
        kinds = re.findall(r"^ \*  (?: Threads:|         )  +(\w+) +- ",
                           SOURCE, re.M)
        self.assertEqual(kinds, ["any", "outer", "host", "quiet"])
        for function in header().exported:
            said = re.search(r"\bThreads: +(\w+)", self.comment_of(function))
            if said:
                self.assertIn(said[1], kinds, function.name)


if __name__ == "__main__":
    unittest.main()
